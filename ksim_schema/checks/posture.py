"""Laws of where joints are: what the policy can know of it, and where episodes begin."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_schema.checks.proportions import place
from ksim_schema.checks.ranges import shown
from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import RESET_BEYOND_LIMITS, UNKNOWN_POSE
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.body import (
    CenterOfMassInertia,
    PositionObservation,
)
from ksim_schema.vocabulary.observation.feet import FeetPosition
from ksim_schema.vocabulary.observation.joint import (
    CommandedJointPosition,
    JointObservation,
    JointPosition,
)
from ksim_schema.vocabulary.observation.signal import LastAction, SensorValue
from ksim_schema.vocabulary.reset import ResetJointPosition
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
_WIDE = 0.5
"""Share of the draws beyond a joint's limits, of at least half of the joints."""


def posture(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """What is odd about the places of joints."""
    yield from _unknown(task, robot)
    yield from _anywhere(task, robot)


def _unknown(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Policies without memory that read other things of their joints, and not where these are."""
    driven = {d.joint for action in task.of(Action).values() for d in action.drives(robot)}
    limited = [j for j in robot.motion_joints if j.name in driven and j.limits is not None]
    if not task.complete or 2 * len(limited) <= len(driven):
        return  # wheels
    for name, actor in task.of(Actor).items():
        parts = [task.of(Observation).get(read) for read in actor.read]
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


def _tells(part: Observation, robot: RobotFacts) -> bool:
    if isinstance(part, SensorValue):
        return robot.sensor(part.sensor).type in _TELLING
    return isinstance(part, _PLACES)


def _anywhere(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Joints that start anywhere within their limits, of a robot that is to stand."""
    upright = (MinHeight, BadHeight, NotUpright)
    stands = any(isinstance(part, upright) for part in task.of(Termination).values())
    if robot.base is None or not stands:
        return
    for name, part in task.of("Reset").items():
        if not isinstance(part, ResetJointPosition):
            continue
        joints = [j for j in robot.match_joints(part.joints) if j.limits is not None]
        beyond = [joint for joint in joints if _outside(joint, part) >= _WIDE]
        if not joints or 2 * len(beyond) < len(joints):
            continue
        unit = beyond[0].dimension
        message = f"joints are drawn within ±{shown(part.range, unit)}, and more than half of that "
        message += f"is beyond the limits of {len(beyond)} of {len(joints)} of them: they start "
        message += "anywhere, mostly at a limit, of a robot that is to stand"
        help = f"if degrees are meant, write '{part.range:.4g} deg'"
        yield task.report(RESET_BEYOND_LIMITS, message, "Reset", name, "range", help=help)


def _outside(joint: Joint, part: ResetJointPosition) -> float:
    """The share of the draws that a joint's limits cut."""
    assert joint.limits is not None
    middle = joint.home[0] if part.around == "home" and joint.home else 0.0
    low, high = middle - part.range, middle + part.range
    if high <= low:
        return 0.0
    inside = min(high, joint.limits[1]) - max(low, joint.limits[0])
    return 1.0 - max(inside, 0.0) / (high - low)
