"""What a robot's links can reach, and contacts that a timestep softens."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import mujoco
import numpy as np

from ksim_compiler.plan import Plan
from ksim_schema.checks.laws import with_robot
from ksim_schema.checks.proportions import beside, place
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import (
    ASKED_BEYOND_LIMITS,
    NARROW_KERNEL,
    SOFTENED_CONTACTS,
    STUCK_LEVEL,
    WANTED_NEVER,
)
from ksim_schema.source import Path_
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.motion import CartesianCoordinate
from ksim_schema.vocabulary.command.pose import Pose
from ksim_schema.vocabulary.curriculum import DistanceFromOriginLevel
from ksim_schema.vocabulary.pose import PLACES
from ksim_schema.vocabulary.reward.base import Following
from ksim_schema.vocabulary.reward.bodies import PositionTracking
from ksim_schema.vocabulary.reward.posture import BaseHeight
from ksim_schema.vocabulary.state import Robot

_SHARE = 0.1
"""A box of targets of which no more than this cannot be reached is not worth a word."""
_GRID = 9
_JUMP = 1.5
"""A base above so many times what its limbs reach is wanted in the air."""
_SOFTER = 1.5
_STIFFEST = 2e-3
"""s: smaller time constants stand for the stiffest that the timestep allows."""


class Ball(NamedTuple):
    """A ball that holds all places where a point of a robot can be.

    Attributes:
        centre: in the world, m.
        radius: m.
    """

    centre: np.ndarray
    radius: float


def ball(model: mujoco.MjModel, data: Any, body: int, point: np.ndarray) -> Ball | None:
    """Where a point that is fixed to a body can be; None for one that floats.

    The distance of the axes of two joints that follow each other is that of two points of a rigid
    link, so the sum of these distances bounds the whole; slides add how far they go. The first
    joint's axis stands still if it is a hinge, so that the nearest point of it may be the centre.

    Args:
        model, data: the robot in any pose, after mj_forward.
        body: index of the body.
        point: the point in the world in this pose.
    """
    joints: list[int] = []
    while body > 0:
        first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        joints[:0] = range(first, first + count)
        body = int(model.body_parentid[body])
    kinds = mujoco.mjtJoint
    types = [int(model.jnt_type[j]) for j in joints]
    if int(kinds.mjJNT_FREE) in types or not joints:
        return None
    radius, anchors = 0.0, []
    for joint, kind in zip(joints, types, strict=True):
        if kind == kinds.mjJNT_SLIDE:
            if not model.jnt_limited[joint]:
                return None
            at = float(data.qpos[model.jnt_qposadr[joint]])
            radius += max(abs(float(end) - at) for end in model.jnt_range[joint])
        else:
            anchors.append(np.array(data.xanchor[joint]))
    path = [*anchors, np.array(point)]
    if types[0] == kinds.mjJNT_HINGE and len(path) > 1:
        axis = np.array(data.xaxis[joints[0]])
        path[0] = path[0] + axis * float(axis @ (path[1] - path[0]))
    radius += sum(float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(path))
    return Ball(path[0], radius)


def laws(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """What the task says against its robot. Of what is out of reach no width is reported too."""
    far = list(reach(plan, data))
    beyond = {d.path.split(".")[1] for d in far if d.path.startswith("Command.")}
    yield from far
    yield from stuck(plan, data)
    yield from softened(plan)
    for problem in with_robot(plan.task, plan.robot.facts):
        part = plan.parts("Reward").get(problem.path.removeprefix("Reward.").split(".")[0])
        led = isinstance(part, Following) and part.command in beyond
        if problem.code != NARROW_KERNEL or not led:
            yield problem


def reach(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Commanded points that no pose reaches, and heights of the base that its limbs do not."""
    model, facts = plan.robot.model, plan.robot.facts
    reported: set[str] = set()
    for name, part in plan.parts("Reward").items():
        if isinstance(part, PositionTracking) and part.command in reported:
            continue
        if isinstance(part, PositionTracking) and part.frame == "world" and part.base is None:
            row = facts.sites.index(part.site) if part.site else facts.body_id(part.body or "")
            body = int(model.site_bodyid[row]) if part.site else row
            at = data.site_xpos[row] if part.site else data.xpos[row]
            around = ball(model, data, body, at)
            problem = None if around is None else _points(plan, name, part, around)
            if problem is not None:
                reported.add(part.command)
                yield problem
        if isinstance(part, BaseHeight) and part.height is not None:
            yield from _standing(plan, data, name, part)


def stuck(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Levels that rise with a distance that the body's joints do not let it have."""
    facts = plan.robot.facts
    for name, part in plan.parts("Curriculum").items():
        if not isinstance(part, DistanceFromOriginLevel):
            continue
        body = facts.body_id(part.body or facts.root)
        around = ball(plan.robot.model, data, body, data.xpos[body])
        if plan.robot.model.body_weldid[body] == 0:
            around = Ball(data.xpos[body], 0.0)
        if around is None:
            continue
        farthest = float(np.linalg.norm(around.centre[:2])) + around.radius
        if part.raise_above > farthest:
            message = f"only who gets farther than {part.raise_above:.4g} m raises the level, and "
            message += f"body {facts.bodies[body]!r} gets no farther than {farthest:.3g} m from "
            message += "the origin: it never rises"
            at = ("Curriculum", name, "raise_above")
            help = f"give less than {farthest:.3g} m, or name a body that gets there"
            yield plan.task.report(STUCK_LEVEL, message, *at, help=help)


def _points(plan: Plan, name: str, part: PositionTracking, around: Ball) -> Diagnostic | None:
    """Commanded points below the ground or out of reach."""
    ranges = box(plan.task.of(Command).get(part.command))
    if not ranges:
        return None
    if (sunk := _underground(plan, part, ranges[2])) is not None:
        return sunk
    grid = np.stack(np.meshgrid(*(np.linspace(*ends, _GRID) for ends in ranges)), -1)
    far = np.linalg.norm(grid.reshape(-1, 3) - around.centre, axis=1)
    share = float(np.mean(far > around.radius + 1e-6))
    if share <= _SHARE:
        return None
    worst = grid.reshape(-1, 3)[int(np.argmax(far))]
    what = part.site or part.body
    shown = ", ".join(f"{x + 0.0:.3g}" for x in worst)
    centre = ", ".join(f"{x + 0.0:.3g}" for x in around.centre)
    message = f"{part.command!r} asks {what!r} to be at ({shown}) m, {float(far.max()):.3g} m from "
    message += f"({centre}), and its links reach {around.radius:.3g} m: "
    message += "no point of the box" if share == 1.0 else f"{share:.0%} of the box"
    message += " can be reached" if share == 1.0 else " cannot be reached"
    axis = int(np.argmax(np.abs(worst - around.centre)))
    at = _at(plan, part.command, PLACES[axis])
    help = "bring the box nearer; it is given in the world's frame"
    problem = plan.task.report(ASKED_BEYOND_LIMITS, message, *at, help=help)
    return beside(problem, plan.task, "follows it", "Reward", name, "command")


def box(command: Command | None) -> list[tuple[float, float]]:
    """The box in the world, m, out of which a command draws a point; empty for none."""
    match command:
        case CartesianCoordinate(relative_to="world"):
            return [(float(a), float(b)) for a, b in (command.x, command.y, command.z)]
        case Pose(relative_to="world") if command.box.positioned:
            box = (command.box.place(axis) for axis in PLACES)
            return [(within.low, within.high) for within in box]
        case _:
            return []


def _at(plan: Plan, command: str, axis: str) -> Path_:
    """The place of a command's range of a coordinate."""
    inside = ("in",) if isinstance(plan.task.of(Command)[command], Pose) else ()
    return place(plan.task, "Command", command, *inside, axis)


def _underground(
    plan: Plan, part: PositionTracking, heights: tuple[float, float]
) -> Diagnostic | None:
    """Targets below a level ground."""
    facts = plan.robot.facts
    solid = [s for s in facts.surfaces if s.name in facts.ground]
    if not solid or any(s.type != "plane" or abs(s.axes[2][2] - 1.0) > 1e-6 for s in solid):
        return None
    floor, (low, high) = max(s.position[2] for s in solid), heights
    if low < floor - _SHARE * max(high - low, floor - low):
        message = f"{part.command!r} asks {part.site or part.body!r} to be at a height of "
        message += f"{low:.4g} m, and the ground is at {floor:.4g} m"
        at = _at(plan, part.command, "z")
        help = "the box is given in the world's frame"
        return plan.task.report(ASKED_BEYOND_LIMITS, message, *at, help=help)
    return None


def _standing(plan: Plan, data: Any, name: str, part: BaseHeight) -> Iterator[Diagnostic]:
    """A height of a floating base above all that its limbs reach down."""
    model, facts = plan.robot.model, plan.robot.facts
    base = facts.body_id(part.body or facts.root)
    if facts.free_joint(part.body) is None or part.height is None:
        return
    longest = 0.0
    for geom in range(model.ngeom):
        body = int(model.geom_bodyid[geom])
        chain = _distance(model, data, base, body, data.geom_xpos[geom])
        if chain is not None:
            longest = max(longest, chain + float(model.geom_rbound[geom]))
    if 0.0 < longest * _JUMP < part.height:
        message = f"{name!r} wants the base at {part.height:.4g} m, and its limbs reach "
        message += f"{longest:.3g} m: it would have to fly"
        help = f"in the home pose it is at {float(data.xpos[base][2]):.3g} m"
        yield plan.task.report(WANTED_NEVER, message, "Reward", name, "height", help=help)


def _distance(
    model: mujoco.MjModel, data: Any, base: int, body: int, point: np.ndarray
) -> float | None:
    """The farthest that a point of a limb gets from the base's origin; None for another tree."""
    path, travel = [np.array(point)], 0.0
    while body != base:
        if body == 0:
            return None
        first = int(model.body_jntadr[body])
        for joint in reversed(range(first, first + int(model.body_jntnum[body]))):
            if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE:
                if not model.jnt_limited[joint]:
                    return math.inf
                at = float(data.qpos[model.jnt_qposadr[joint]])
                travel += max(abs(float(end) - at) for end in model.jnt_range[joint])
            else:
                path.append(np.array(data.xanchor[joint]))
        body = int(model.body_parentid[body])
    path.append(np.array(data.xpos[base]))
    return travel + sum(float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(path))


def softened(plan: Plan) -> Iterator[Diagnostic]:
    """Contacts whose time constant MuJoCo raises to twice the timestep (refsafe)."""
    model = plan.robot.model
    if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_REFSAFE:
        return
    welds = model.body_weldid[model.geom_bodyid]
    sees = (model.geom_contype[:, None] & model.geom_conaffinity) != 0
    meets = (sees | sees.T) & (welds[:, None] != welds)
    constants = np.append(
        model.geom_solref[(welds > 0) & meets.any(axis=1), 0], model.pair_solref[:, 0]
    )
    constants = constants[constants > 0.0]  # the other format has no time constant
    least, step = 2.0 * plan.robot.facts.timestep, plan.robot.facts.timestep
    state = plan.task.robot
    part = plan.task.of(Robot)[state]
    if part.timestep is None or not len(constants):
        return  # the timestep is the model's own, and so are its contacts
    if least <= _SOFTER * float(constants.max()) or constants.max() < _STIFFEST:
        return
    given = float(constants.max())
    message = f"contacts of this model have a time constant of {given * 1e3:.4g} ms, and with a "
    message += f"timestep of {step * 1e3:.4g} ms MuJoCo makes it {least * 1e3:.4g} ms: they are "
    message += "that much softer"
    help = f"give a timestep of at most {given / 2.0 * 1e3:.4g} ms"
    at = ("PhysicsState", state, "timestep")
    yield plan.task.report(SOFTENED_CONTACTS, message, *at, help=help)
