"""How bodies move: where nothing can, wheels that tilt, and what a robot stands on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.stance import support
from ksim_compiler.checks.world import lifted
from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import at_field
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import ASKED_BEYOND_LIMITS, TILTING_WHEEL
from ksim_schema.diagnostics.codes.typed import CONSTANT_REWARD
from ksim_schema.diagnostics.codes.values import ENDED_AT_HOME
from ksim_schema.vocabulary.command.velocity import PlanarVelocity
from ksim_schema.vocabulary.reset import Reset, ResetBodyPose
from ksim_schema.vocabulary.reward.posture import FlatBody, FlatOrientation
from ksim_schema.vocabulary.reward.velocity import VelocityAlong
from ksim_schema.vocabulary.termination import IllegalContact, NotUpright

_POSES = 4
_STILL = 1e-9
"""m for a joint's rad or m: no motion at all."""
_NEAR = 0.25
"""m: a robot that begins closer to the ground lands on what is lowest."""
_LEVEL = 0.01
"""m: what is no higher above the lowest of a robot is stood on as well."""


def ways(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """What the task says of motions against those that the joints allow.

    Args:
        plan: the plan.
        data: the robot in its home pose, after mj_forward.
    """
    yield from _along(plan)
    yield from _planar(plan)
    yield from _wheels(plan, data)
    yield from _landed(plan, data)


def _directions(plan: Plan, body: int) -> tuple[np.ndarray, np.ndarray]:
    """How fast a body's origin and the body itself can move along and about each world axis.

    Returns:
        The largest part of any joint in the Jacobians, (3,) in m and (3,) in rad, over some poses.
    """
    model, draw = plan.robot.model, np.random.default_rng(0)
    data: Any = mujoco.MjData(model)
    moves, turns = np.zeros(3), np.zeros(3)
    for pose in range(_POSES):
        data.qpos[:] = plan.robot.facts.home
        if pose:
            velocity = draw.normal(0.0, 0.5, model.nv)
            mujoco.mj_integratePos(model, data.qpos, velocity, 1.0)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        place, turn = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        mujoco.mj_jacBody(model, data, place, turn, body)
        moves = np.maximum(moves, np.abs(place).max(axis=1, initial=0.0))
        turns = np.maximum(turns, np.abs(turn).max(axis=1, initial=0.0))
    return moves, turns


def _along(plan: Plan) -> Iterator[Diagnostic]:
    """Velocities along a direction of the world in which no joint moves the body."""
    facts = plan.robot.facts
    for name, part in plan.parts("Reward").items():
        if not isinstance(part, VelocityAlong) or part.of != "origin":
            continue
        body = facts.body_id(part.body or facts.root)
        if plan.robot.model.body_weldid[body] == 0:
            continue  # told of a body that is fixed
        moves, _ = _directions(plan, body)
        asked = np.abs(np.array([float(x) for x in part.direction]))
        if float((moves * asked).max()) < _STILL:
            able = [axis for axis, most in zip("xyz", moves, strict=True) if most > _STILL]
            message = f"no joint moves body {facts.bodies[body]!r} along this direction, so this "
            message += "is always 0"
            help = f"it moves along {' and '.join(able)} of the world" if able else ""
            yield at_field(
                plan.task, CONSTANT_REWARD, message, "Reward", name, "direction", help=help
            )


def _planar(plan: Plan) -> Iterator[Diagnostic]:
    """Sideways speeds and turning rates that are asked of a base that its joints keep from them."""
    model, facts = plan.robot.model, plan.robot.facts
    parts = {n: p for n, p in plan.parts("Command").items() if isinstance(p, PlanarVelocity)}
    root = facts.body_id(facts.root)
    if not parts or facts.free_joint(None) is not None or model.body_weldid[root] == 0:
        return
    moves, turns = _directions(plan, root)
    for name, part in parts.items():
        for field, still, what in (
            ("sideways", min(moves[0], moves[1]) < _STILL and turns[2] < _STILL, "sideways"),
            ("turn", turns[2] < _STILL, "about the vertical"),
        ):
            if still and any(getattr(part, field)):
                message = f"{name!r} asks for motions {what}, and no joint of the base, "
                message += f"{facts.root!r}, allows them"
                help = "take the range out"
                at = ("Command", name, field)
                yield at_field(plan.task, ASKED_BEYOND_LIMITS, message, *at, help=help)


def _wheels(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Tilts of bodies that turn about a level axis without an end."""
    facts = plan.robot.facts
    watched: list[tuple[str, str, str, str]] = []
    for name, part in plan.parts("Termination").items():
        if isinstance(part, NotUpright) and part.body:
            watched.append(("Termination", name, "body", part.body))
    for name, part in plan.parts("Reward").items():
        if isinstance(part, FlatOrientation) and part.body:
            watched.append(("Reward", name, "body", part.body))
        if isinstance(part, FlatBody):
            bodies = facts.match("body", part.bodies) if part.bodies else ()
            watched += [("Reward", name, "bodies", body) for body in bodies]
    for object, name, field, body in watched:
        joint = _spinning(plan, data, body)
        if joint:
            message = f"body {body!r} turns over with joint {joint!r}, which has no limits and a "
            message += "level axis: it is tilted whenever that wheel or crank has turned"
            help = f"name the body that is to stay upright, such as {facts.root!r}"
            yield at_field(plan.task, TILTING_WHEEL, message, object, name, field, help=help)


def _spinning(plan: Plan, data: Any, name: str) -> str:
    """The driven hinge without limits about a level axis by which a body hangs from the base."""
    model, facts = plan.robot.model, plan.robot.facts
    if facts.root not in facts.bodies or facts.free_joint(None) is None:
        return ""
    body, root = facts.body_id(name), facts.body_id(facts.root)
    while body not in (0, root):
        first = int(model.body_jntadr[body])
        for row in range(first, first + int(model.body_jntnum[body])):
            hinge = model.jnt_type[row] == mujoco.mjtJoint.mjJNT_HINGE
            if hinge and not model.jnt_limited[row] and abs(float(data.xaxis[row][2])) < 0.5:
                return str(model.joint(row).name)
        body = int(model.body_parentid[body])
    return ""


def _landed(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Contacts that end an episode, of what a robot stands on as soon as it has landed."""
    model, facts = plan.robot.model, plan.robot.facts
    parts = {n: p for n, p in plan.parts("Termination").items() if isinstance(p, IllegalContact)}
    root = facts.body_id(facts.root)
    placed = any(p.whole or isinstance(p, ResetBodyPose) for p in plan.parts(Reset).values())
    if not parts or placed or facts.free_joint(None) is None or lifted(model, root):
        return
    own = model.body_rootid[model.geom_bodyid] == model.body_rootid[root]
    gaps: dict[str, float] = {}
    for row in np.flatnonzero(own & ((model.geom_contype | model.geom_conaffinity) != 0)):
        down = np.array([[0.0, 0.0, -1.0]]) @ np.array(data.geom_xmat[row]).reshape(3, 3)
        reach = float(support(model, int(row), down)[0])
        if np.isfinite(reach):
            gaps[facts.geoms[int(row)]] = float(data.geom_xpos[row][2]) - reach
    if not gaps:
        return
    lowest = min(gaps.values())
    for name, part in parts.items():
        floor = next((s for s in facts.surfaces if s.name == part.partner), None)
        if floor is None or not 0.0 < lowest - floor.position[2] < _NEAR:
            continue  # of what touches it in the home pose already another law tells
        stood = [g for g in part.geoms if gaps.get(g, np.inf) <= lowest + _LEVEL]
        if stood:
            message = f"geom {stood[0]!r} is the lowest of the robot, which stands on it as soon "
            message += "as it has landed: this ends every episode"
            help = "name the geoms that are not to touch the ground, such as those of the trunk"
            yield plan.task.report(ENDED_AT_HOME, message, "Termination", name, "geoms", help=help)
