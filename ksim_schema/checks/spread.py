"""Laws of actions: their size against their clip, the joints' ranges and the motors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ksim_schema.checks.proportions import beside, place, seconds, time_limit
from ksim_schema.checks.ranges import shown
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import (
    IDLE_ACTION,
    ODD_LEARNING,
    SLOW_SERVO,
    ZERO_BEYOND_LIMITS,
)
from ksim_schema.robot import Actuator as Actuator_, RobotFacts
from ksim_schema.task import Task
from ksim_schema.units import FORCE, TORQUE
from ksim_schema.vocabulary.action import (
    Action,
    Actuator,
    IntegratedVelocity,
    PositionServo,
    PositionTarget,
    Torque,
)
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.apart import apart
from ksim_schema.vocabulary.each import all_of, one

_SATURATED = 3.0
"""Standard deviation before a tanh at which 3 of 4 actions are above 0.75 in size."""
_NEARLY_ALL = 3.0
"""Standard deviations within which nearly all draws are."""
_STIRS = 0.02
"""Share of a joint's range that first actions should at least explore."""
_CRAWLS = 0.1
"""Share of a joint's range that targets get through in an episode at the least."""
_LIMITED = 1e5
"""N*m or N: what is written for no limit at all is larger."""
_TURNS = 4.0 * math.pi
"""rad or m: wider limits are none."""
_CLIPPED = 4.0
"""Standard deviations in a half width of a clip: with 1/4, 4 of 5 actions are clipped."""


_WILD = 10.0
"""Standard deviation of actions above which it is the policy's that is odd, not their scale."""
_OVER = 5.0
"""Times a motor's limit that first torques may be: then nearly all are at the limit."""
_SLOW = 1.0
"""s: kd / kp, the time in which an overdamped servo gets near its target."""
_FELT = 0.01
"""Share of a motor's torque that an action of 1 must give to be of use."""


_PRESSED = 0.05
"""How far zero may be beyond a joint's limits, as a share of their range."""


def spread(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """A standard deviation at the start that leaves nothing between the extremes; idle actions."""
    for name, action in task.of(Action).items():
        yield from _pressed(task, robot, name, action)
        for piece in apart(action, robot):
            yield from _idle(task, robot, name, piece)
            if isinstance(piece, PositionServo):
                yield from _sluggish(task, name, piece)
            if isinstance(piece, IntegratedVelocity):
                yield from _crawling(task, robot, name, piece)
    for name, actor in task.of(Actor).items():
        distribution: Any = actor.distribution
        std = float(distribution.init_std)
        at = place(task, "Policy", name, "distribution", "init_std")
        if distribution.kind == "tanh_gaussian" and std > _SATURATED:
            message = f"a standard deviation of {std:g} before a tanh puts nearly all actions at "
            message += "-1 or 1"
            yield task.report(ODD_LEARNING, message, *at, help="0.5 to 1 is usual")
            continue
        if std > _WILD:
            message = f"actions begin with a standard deviation of {std:g}, before their 'scale'"
            yield task.report(ODD_LEARNING, message, *at, help="0.5 to 1 is usual")
            continue
        pieces = ((n, piece) for n, a in task.of(Action).items() for piece in apart(a, robot))
        for other, action in pieces:
            if action.clip is not None and not action.squash:
                low, high = one(action.clip)
                if std > _CLIPPED * (high - low) / 2.0:
                    message = f"actions are clipped to {low:g} to {high:g}, and "
                    message += f"begin with a standard deviation of {std:g}: nearly all are clipped"
                    help = "'clip' is of the policy's output, before 'scale'"
                    where = ("Action", other, "clip")
                    problem = task.report(ODD_LEARNING, message, *where, help=help)
                    yield beside(problem, task, "the standard deviation", *at)
                    continue
            yield from _targets(task, robot, other, action, std)
            if isinstance(action, Actuator) and action.scale is not None:
                yield from _controls(task, robot, other, action, std)
            if isinstance(action, Torque) and not action.squash and action.clip is None:
                yield from _over(task, robot, other, action, std)


def _over(
    task: Task, robot: RobotFacts, name: str, action: Torque, std: float
) -> Iterator[Diagnostic]:
    """Torques of which nearly all are beyond the motors' limits."""
    drives = action.drives(robot)
    most = max((drive.limit for drive in drives), default=math.inf)
    scale = one(action.scale)
    if scale * std > _OVER * most:
        unit = FORCE if robot.match_joints(action.joints)[0].type == "slide" else TORQUE
        message = f"the first actions ask for {std:g} x {shown(scale, unit)}, and the "
        message += f"strongest of these motors gives {shown(most, unit)}: nearly all are at the "
        message += "limit"
        help = "'scale' is what an action of 1 asks for: give about the limit"
        yield task.report(ODD_LEARNING, message, "Action", name, "scale", help=help)


def _pressed(task: Task, robot: RobotFacts, name: str, action: Action) -> Iterator[Diagnostic]:
    """Targets around zero, where a joint cannot be."""
    if not isinstance(action, PositionTarget) or action.around != "zero":
        return
    beyond = [
        joint
        for joint in robot.match_joints(action.joints)
        if joint.limits
        and max(joint.limits[0], -joint.limits[1]) > _PRESSED * (joint.limits[1] - joint.limits[0])
    ]
    if not beyond:
        return
    joint = beyond[0]
    assert joint.limits is not None
    low, high = (shown(end, joint.dimension) for end in joint.limits)
    message = f"an action of zero asks joint {joint.name!r} for 0, and its limits are {low} to "
    message += high
    if beyond[1:]:
        message += f"; so it is with {len(beyond) - 1} more: "
        message += ", ".join(repr(j.name) for j in beyond[1:4]) + (", ..." if beyond[4:] else "")
    help = "write 'around: home', or 'around: middle'"
    yield task.report(ZERO_BEYOND_LIMITS, message, "Action", name, "around", help=help)


def sluggish(action: Action) -> bool:
    """Whether an action's servos have so much damping that they hardly get to their targets."""
    if not isinstance(action, PositionServo):
        return False
    return any(gains.kd > _SLOW * gains.kp for gains in all_of(action.gains))


def _sluggish(task: Task, name: str, action: PositionServo) -> Iterator[Diagnostic]:
    """Servos with so much damping that they hardly get to their targets."""
    gains = one(action.gains)
    if sluggish(action):
        message = f"with kd / kp = {seconds(gains.kd / gains.kp)} a servo takes that long to get "
        message += "near its target"
        help = "are the two swapped? kd / kp is 0.02 s to 0.1 s in most servos"
        yield task.report(SLOW_SERVO, message, "Action", name, "gains", help=help)


def _idle(task: Task, robot: RobotFacts, name: str, action: Action) -> Iterator[Diagnostic]:
    """Actions of which one of 1 gives next to nothing of what the motors can."""
    if not isinstance(action, PositionTarget | Torque) or action.scale is None:
        return
    joints = robot.match_joints(action.joints)
    if not joints:
        return
    size = float(one(action.scale)) * (max(map(abs, one(action.clip))) if action.clip else 1.0)
    widths = [j.limits[1] - j.limits[0] for j in joints if j.limits]
    if isinstance(action, PositionTarget) and size < _STIRS * min((*widths, _TURNS)):
        return  # told of the targets
    stiff = float(one(action.gains).kp) if isinstance(action, PositionTarget) else 1.0
    drives = [drive.limit for drive in action.drives(robot)]
    limits = [limit for limit in drives if limit < _LIMITED]
    if limits and len(limits) == len(drives) and size * stiff < _FELT * min(limits):
        unit = FORCE if joints[0].type == "slide" else TORQUE
        message = f"an action of 1 gives {shown(size * stiff, unit)}"
        message += " (kp x scale)" if isinstance(action, PositionTarget) else ""
        message += f", and the weakest of these motors {shown(min(limits), unit)}"
        field = "gains" if isinstance(action, PositionTarget) else "scale"
        help = "check the number and its unit"
        yield task.report(IDLE_ACTION, message, "Action", name, field, help=help)


def _crawling(
    task: Task, robot: RobotFacts, name: str, action: IntegratedVelocity
) -> Iterator[Diagnostic]:
    """Speeds of targets that get next to nowhere in an episode."""
    limit = time_limit(task)
    widths = [j.limits[1] - j.limits[0] for j in robot.match_joints(action.joints) if j.limits]
    if limit is None or not widths:
        return
    most = max(map(abs, one(action.clip))) if action.clip else _NEARLY_ALL
    way = float(one(action.scale)) * (1.0 if action.squash else most) * limit[0]
    if way < _CRAWLS * min(*widths, _TURNS):
        unit = robot.match_joints(action.joints)[0].dimension
        message = f"in an episode of {seconds(limit[0])} a target gets no farther than "
        message += f"{shown(way, unit)}, and the narrowest range of these joints is "
        message += shown(min(widths), unit)
        yield task.report(IDLE_ACTION, message, "Action", name, "scale", help=_SPEED)


_SPEED = "check the number and its unit: 'scale' is the speed of a target for an action of 1"


def _targets(
    task: Task, robot: RobotFacts, name: str, action: Action, std: float
) -> Iterator[Diagnostic]:
    """Targets of servos that are spread over more than all of the joints' ranges."""
    if not isinstance(action, PositionTarget) or action.scale is None:
        return
    if action.squash or action.clip is not None:
        return
    joints = robot.match_joints(action.joints)
    widths = [j.limits[1] - j.limits[0] for j in joints if j.limits]
    scale = one(action.scale)
    wide = scale * std
    if not widths or len(widths) < len(joints):
        return
    unit = joints[0].dimension
    steps = action.around in ("now", "last")  # from there on, so that small ones add up
    if not steps and _NEARLY_ALL * wide < _STIRS * min(*widths, _TURNS):
        message = f"the first targets are within {shown(_NEARLY_ALL * wide, unit)} of the middle, "
        message += f"{_NEARLY_ALL:g} x {std:g} x {shown(scale, unit)}, and the narrowest "
        message += f"range of these joints is {shown(min(widths), unit)}"
        help = "check the unit of 'scale': it is the change of a target for an action of 1"
        yield task.report(ODD_LEARNING, message, "Action", name, "scale", help=help)
    if wide > max(widths):
        message = f"the first targets have a standard deviation of {std:g} x "
        message += f"{shown(scale, unit)} = {shown(wide, unit)}, and the widest range of these "
        message += f"joints is {shown(max(widths), unit)}"
        help = "give less in 'scale', or in the policy's init_std"
        yield task.report(ODD_LEARNING, message, "Action", name, "scale", help=help)


_UNIT_OF_SCALE = "check the number and its unit: it is the change of a control for an action of 1"


def _width(robot: RobotFacts, own: Actuator_) -> float:
    """The width of an actuator's controls, or where it has no limit that of its joint's range."""
    joint = next((j for j in robot.motion_joints if j.name == own.joint), None)
    if own.limits is None and joint and joint.limits and own.dimension == joint.dimension:
        return min(joint.limits[1] - joint.limits[0], _TURNS)
    return own.reach[1] - own.reach[0]


def _controls(
    task: Task, robot: RobotFacts, name: str, action: Actuator, std: float
) -> Iterator[Diagnostic]:
    """Controls of own actuators that are nearly all beyond their ranges, or all alike."""
    size = 1.0 if action.squash else std
    steps = action.around == "last"  # from the control before, so that small ones add up
    if action.clip is not None:
        size = min(size, max(map(abs, one(action.clip))))
    for own in (robot.own[n] for n in action.actuators_of(robot) if n in robot.own):
        width, scale = _width(robot, own), float(one(action.scale or 0.0))
        if not 0.0 < width < math.inf:
            continue
        asked, range_ = shown(size * scale, own.dimension), shown(width, own.dimension)
        its = "ctrlrange" if own.limits else "joint's range"
        if size * scale > width and own.limits:
            message = f"the first controls of actuator {own.name!r} differ by about {asked}, and "
            message += f"all of its ctrlrange is {range_}: most are at its ends"
        elif not steps and _NEARLY_ALL * size * scale < _STIRS * width:
            message = f"the first controls of actuator {own.name!r} are within about {asked} of "
            message += f"each other, and its {its} is {range_}"
        else:
            continue
        help = "half of the ctrlrange is the scale by default" if own.limits else _UNIT_OF_SCALE
        yield task.report(ODD_LEARNING, message, "Action", name, "scale", help=help)
        return
