"""What resets and levels need to be there: a terrain, its tiles, a recorded motion."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_compiler.robot.motion import MotionError, read_motion
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.values import BAD_MOTION, NO_TERRAIN, UNUSED_TILES
from ksim_schema.robot import RobotFacts, file_key
from ksim_schema.task import Task
from ksim_schema.vocabulary.curriculum import Curriculum, TerrainLevel
from ksim_schema.vocabulary.heights import OfHeight
from ksim_schema.vocabulary.reset import (
    Reset,
    ResetHeightFieldPosition,
    ResetMotion,
    ResetTerrainTile,
)
from ksim_schema.vocabulary.state import Robot
from ksim_schema.vocabulary.termination import OffTerrain, Termination

_STAY = frozenset(
    (
        *("joint_position", "joint_velocity", "joint_limits", "jitter"),
        *("base_velocity", "heading", "height", "pitch_and_roll"),
    )
)
"""Kinds of resets that leave the robot where it stands."""


def states(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    """Resets find their terrain or their recorded motion, levels of tiles their tiles."""
    for name, part in task.of(Curriculum).items():
        if facts.grid is not None or not isinstance(part, TerrainLevel):
            continue
        message = "there are no tiles whose level it could be"
        help = "give the PhysicsState a terrain: {kind: grid, ...}"
        yield task.report_key(NO_TERRAIN, message, "Curriculum", name, help=help)
    fields = [surface for surface in facts.surfaces if surface.type == "hfield"]
    for name, part in () if fields else task.of(Termination).items():
        if isinstance(part, OffTerrain):
            message = "there is no terrain that has an edge"
            help = "give the PhysicsState a terrain, or end episodes with far_from_origin"
            yield task.report_key(NO_TERRAIN, message, "Termination", name, help=help)
    kinds = {part.kind_name for part in task.of(Reset).values()}
    if facts.grid is not None and kinds <= _STAY:
        message = "no reset puts the robot on the tiles: it begins on the flat ground before them"
        help = "add a Reset, such as tile: {kind: terrain_tile}"
        for name in task.of(Robot):
            at = ("PhysicsState", name, "terrain")
            yield task.report_key(UNUSED_TILES, message, *at, help=help)
    grounded = any(surface.name in facts.ground for surface in facts.surfaces)
    for object, name, part in () if grounded else task:
        if isinstance(part, OfHeight) and part.above == "ground":
            message = "the model has no ground that a height could be above: no plane, box or "
            message += "height field that stands still and collides"
            yield task.report(NO_TERRAIN, message, object, name, "above")
    for name, part in task.of(Reset).items():
        if isinstance(part, ResetHeightFieldPosition | ResetTerrainTile):
            tiles = isinstance(part, ResetTerrainTile)
            if not fields or (tiles and facts.grid is None):
                message = f"there {'are no tiles' if tiles else 'is no terrain'} to be put on"
                kind = "terrain: {kind: grid, ...}" if tiles else "terrain"
                help = f"give the PhysicsState a {kind}, or use plane_position"
                yield task.report_key(NO_TERRAIN, message, "Reset", name, help=help)
        elif isinstance(part, ResetMotion):
            place = ("Reset", name, "file")
            try:
                qpos, _ = read_motion(facts.files.get(file_key(part.file), b""), facts.nq, facts.nv)
            except MotionError as error:
                yield task.report(BAD_MOTION, f"{part.file} is not a motion: {error}", *place)
                continue
            if part.first + (part.count or 1) > len(qpos):
                message = f"{part.file} has {len(qpos)} frames, fewer than are asked for"
                yield task.report(BAD_MOTION, message, *place)
