"""Laws of where joints are: what the policy can know of it, and where episodes begin."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_schema.checks.proportions import period, place, seconds
from ksim_schema.checks.ranges import shown
from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import RESET_BEYOND_LIMITS, SLOW_CONTROL, UNKNOWN_POSE
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.apart import apart
from ksim_schema.vocabulary.each import one
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.body import (
    CenterOfMassInertia,
    PositionObservation,
)
from ksim_schema.vocabulary.observation.feet import FeetPosition
from ksim_schema.vocabulary.observation.formula import Formula
from ksim_schema.vocabulary.observation.joint import (
    CommandedJointPosition,
    JointObservation,
    JointPosition,
)
from ksim_schema.vocabulary.observation.signal import LastAction, SensorValue
from ksim_schema.vocabulary.reset import Reset, ResetJointPosition
from ksim_schema.vocabulary.termination import BadHeight, MinHeight, NotUpright, Termination

_PLACES = (
    JointPosition,
    CommandedJointPosition,
    PositionObservation,
    FeetPosition,
    CenterOfMassInertia,
    Custom,
)
"""Kinds that tell something of where joints are."""
_TELLING = ("jointpos", "framepos", "framequat", "tendonpos", "actuatorpos", "rangefinder")
_AXES = ("framexaxis", "frameyaxis", "framezaxis")
_UPRIGHT = (MinHeight, BadHeight, NotUpright)
_GRAVITY = 9.81
_FALLS = 3.0
"""Times sqrt(h / g), the time constant of a fall from a height h, between two actions."""
_MISSING = 0.25
"""Share of the driven joints that a policy may not see."""
_WIDE = 0.5
"""Share of the draws beyond a joint's limits, of at least half of the joints."""


def posture(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """What is odd about the places of joints."""
    yield from _unknown(task, robot)
    yield from _anywhere(task, robot)
    yield from _slow(task, robot)


def _unknown(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Policies without memory that read other things of their joints, and not where these are."""
    driven = {joint for action in task.of(Action).values() for joint in action.moves(robot)}
    limited = [j for j in robot.motion_joints if j.name in driven and j.limits is not None]
    if not task.complete or 2 * len(limited) <= len(driven):
        return  # wheels
    for name, actor in task.of(Actor).items():
        parts = [task.of(Observation).get(read) for read in actor.read]
        if not actor.network.recurrent:
            yield from _partly(task, robot, name, parts, [j.name for j in limited])
        known = any(part is None or _tells(part, robot) for part in parts)
        moving = any(isinstance(part, JointObservation | LastAction) for part in parts)
        if known or not moving or actor.network.recurrent:
            continue
        if any(part is not None and part.history > 1 for part in parts):
            continue
        message = f"the policy {name!r} drives {len(driven)} joints and reads nothing of where "
        message += "they are"
        help = "read an observation {kind: joint_position}, or give the policy a memory"
        at = place(task, "Policy", name, "read")
        yield task.report(UNKNOWN_POSE, message, *at, help=help)


def _partly(
    task: Task,
    robot: RobotFacts,
    name: str,
    parts: list[Observation | None],
    driven: list[str],
) -> Iterator[Diagnostic]:
    """Positions of some of the driven joints alone."""
    places = [part for part in parts if part is None or _tells(part, robot)]
    joints = [part for part in places if isinstance(part, JointPosition)]
    if not joints or len(joints) < len(places):
        return
    seen = {j.name for part in joints for j in robot.match_joints(part.joints)}
    missing = [joint for joint in driven if joint not in seen]
    if len(missing) <= _MISSING * len(driven):
        return
    shown_ = ", ".join(map(repr, missing[:3])) + (", ..." if missing[3:] else "")
    message = f"the policy {name!r} drives {len(driven)} joints and does not see where "
    message += f"{len(missing)} of them {'are' if missing[1:] else 'is'}: {shown_}"
    help = "let 'joints' of the observation match all of them"
    own = next(n for n, part in task.of(Observation).items() if part is joints[0])
    yield task.report(UNKNOWN_POSE, message, "Observation", own, "joints", help=help)


def _tells(part: Observation, robot: RobotFacts) -> bool:
    if isinstance(part, SensorValue):
        return robot.sensor(part.sensor).type in _TELLING
    if isinstance(part, Formula):
        named = part.named(robot).values()
        sensors = (sensor for source in named for sensor in source.sensors)
        types = {robot.sensor(s).type if isinstance(s, str) else s.type for s in sensors}
        places = any(source.kind == "position" for source in named)
        return places or bool(types & {*_TELLING, *_AXES})
    return isinstance(part, _PLACES)


def _anywhere(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Joints that start anywhere within their limits, of a robot that is to stand."""
    if robot.base is None or not _stands(task, robot):
        return
    resets = task.of(Reset).items()
    for name, part in ((name, piece) for name, whole in resets for piece in apart(whole, robot)):
        if not isinstance(part, ResetJointPosition):
            continue
        joints = [j for j in robot.match_joints(part.joints) if _begun_within(j, part)]
        beyond = [joint for joint in joints if _outside(joint, part) >= _WIDE]
        if not joints or 2 * len(beyond) < len(joints):
            continue
        unit = beyond[0].dimension
        message = (
            f"joints are drawn within ±{shown(one(part.range), unit)}, and more than half of that "
        )
        message += f"is beyond the limits of {len(beyond)} of {len(joints)} of them: they start "
        message += "anywhere, mostly at a limit, of a robot that is to stand"
        help = f"if degrees are meant, write '{one(part.range):.4g} deg'"
        yield task.report(RESET_BEYOND_LIMITS, message, "Reset", name, "range", help=help)


def _stands(task: Task, robot: RobotFacts) -> bool:
    """Whether an episode ends where the robot's base is too low or tilted too far."""
    about = (f"body.{robot.root}.height", f"body.{robot.root}.tilt")
    effects = (e for part in task.of(Termination).values() for e in part.effects_on(robot))
    ended = (e.quantity.replace("{body}", robot.root) for e in effects if e.verb == "ends")
    return any(isinstance(part, _UPRIGHT) for part in task.of(Termination).values()) or any(
        quantity in about for quantity in ended
    )


def _slow(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """A robot that falls faster than its policy acts."""
    tick, height = period(task), robot.measures.get(f"body.{robot.root}.height", 0.0)
    if tick is None or robot.base is None or height <= 0.0 or not _stands(task, robot):
        return
    fall = math.sqrt(height / _GRAVITY)
    if tick > _FALLS * fall:
        message = f"the policy acts every {seconds(tick)}, and a robot whose base is at "
        message += f"{height:.3g} m falls over in about {seconds(2.0 * fall)}"
        state = task.robot
        help = "20 ms (50 Hz) is usual"
        yield task.report(SLOW_CONTROL, message, "PhysicsState", state, "control", help=help)


def _begun_within(joint: Joint, part: ResetJointPosition) -> bool:
    """Whether a joint has limits that hold the middle of its draws; else that is the mistake."""
    if joint.limits is None:
        return False
    middle = part.middle(joint)
    return joint.limits[0] <= middle <= joint.limits[1]


def _outside(joint: Joint, part: ResetJointPosition) -> float:
    """The share of the draws that a joint's limits cut."""
    assert joint.limits is not None
    middle = part.middle(joint)
    low, high = middle - one(part.range), middle + one(part.range)
    if high <= low or part.draw == "gaussian":
        return 0.0
    inside = min(high, joint.limits[1]) - max(low, joint.limits[0])
    return 1.0 - max(inside, 0.0) / (high - low)
