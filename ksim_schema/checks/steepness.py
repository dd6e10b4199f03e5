"""Ground against the size of the robot that is to walk over it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ksim_schema.checks.ranges import shown
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import IMPASSABLE
from ksim_schema.robot import RobotFacts
from ksim_schema.source.plain import is_list
from ksim_schema.task import Task
from ksim_schema.units import LENGTH
from ksim_schema.vocabulary.state import Robot
from ksim_schema.vocabulary.terrain import Tiles

_STEP = 2.0
"""Times the height of the base at home: no leg reaches higher than its hip, and few as high."""
_GAP = 6.0
_LIMITS = {"step": _STEP, "gap": _GAP}
_ROUGH = {"rough": "amplitude"}
_TILES = {"rough": "height", "boxes": "height"}


def steep(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Warn of steps and gaps that no robot of this size gets over."""
    height = robot.measures.get(f"body.{robot.root}.height")
    part = task.of(Robot).get(task.robot)
    if part is None or not height or height <= 0.0 or robot.free_joint(None) is None:
        return
    terrain: Any = part.terrain
    at = ("PhysicsState", task.robot, "terrain")
    if terrain.kind == "grid":
        for kind in Tiles.model_fields:
            tile: Any = getattr(terrain.tiles, kind)
            if tile is not None:
                yield from _one(task, tile, kind, _TILES, height, (*at, "tiles", kind))
    else:
        yield from _one(task, terrain, terrain.kind, _ROUGH, height, at)


def _one(
    task: Task,
    ground: Any,
    kind: str,
    rises: dict[str, str],
    height: float,
    at: tuple[str, ...],
) -> Iterator[Diagnostic]:
    limits = {field: times * height for field, times in _LIMITS.items()}
    limits |= {rises[kind]: _STEP * height} if kind in rises else {}
    for field, most in limits.items():
        value: Any = getattr(ground, field, None)
        if value is None:
            continue
        largest = max(map(float, value)) if is_list(value) else float(value)
        if largest > most:
            message = f"a {field} of {shown(largest, LENGTH)} is {largest / height:.3g} times the "
            message += f"height of the base at home, {shown(height, LENGTH)}"
            help = "check the number and its unit: no robot of this size gets over that"
            yield task.report(IMPASSABLE, message, *at, field, help=help)
