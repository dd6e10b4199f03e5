"""Actions against what the robot has: joints, their limits, and actuators of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.names import ONE_WAY_JOINT
from ksim_schema.diagnostics.codes.values import (
    ACTUATOR_TOLD_TWICE,
    IDLE_JOINT_OF_A_SITE,
    JOINT_DRIVEN_TWICE,
    JOINT_WITHOUT_LIMITS,
    LIMIT_ABOVE_JOINTS,
    NO_TORQUE_LIMIT,
    SILENT_ACTUATOR,
    UNEVEN_LIMITS,
    WRONG_CONTROL_UNIT,
)
from ksim_schema.robot import Actuator as Own, Joint, RobotFacts
from ksim_schema.source import Path_
from ksim_schema.task import Task
from ksim_schema.units import NUMBER, Dimension, Measured
from ksim_schema.vocabulary.action import Action, Actuator, Binary, InverseKinematics, JointAction
from ksim_schema.vocabulary.each import ByPattern, each


def motors(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    """What is wrong with the motors and servos of actions, and with actuators that they tell."""
    driven: dict[str, str] = {}
    for name, action in task.of(Action).items():
        for drive in action.drives(facts):
            if drive.joint in driven:
                other = driven[drive.joint]
                message = f"joint {drive.joint!r} is driven by Action.{other} already"
                yield task.report(JOINT_DRIVEN_TWICE, message, "Action", name, "joints")
                break
            driven[drive.joint] = name
        weak = [d.joint for d in action.drives(facts) if d.limit == float("inf")]
        if weak:
            message = f"nothing limits the motor of joint {weak[0]!r}"
            help = "give 'torque_limit' here, or actuatorfrcrange to the joint in the model"
            yield task.report_key(NO_TORQUE_LIMIT, message, "Action", name, help=help)
        if isinstance(action, JointAction):
            yield from _torque_limits(task, facts, name, action)
        if isinstance(action, InverseKinematics):
            yield from _carrying(task, facts, name, action)
    yield from _told(task, facts)


def _carrying(
    task: Task, facts: RobotFacts, name: str, action: InverseKinematics
) -> Iterator[Diagnostic]:
    """The joints of an inverse kinematics carry its site, by hinges and slides alone."""
    links = action.path(facts)
    between = {joint.name: joint.type for link in links for joint in link.joints}
    joints = [joint.name for joint in facts.match_joints(action.joints)]
    idle = [joint for joint in joints if joint not in between]
    if idle:
        message = f"joint {idle[0]!r} does not carry site {action.site!r}"
        help = "select the joints between the base and the site: " + ", ".join(between)
        yield task.report(IDLE_JOINT_OF_A_SITE, message, "Action", name, "joints", help=help)
    others = [joint for joint, kind in between.items() if kind not in ("hinge", "slide")]
    if others:
        message = f"between the base and site {action.site!r} is a {between[others[0]]} joint, and "
        message += "an inverse kinematics is of hinges and slides"
        yield task.report(IDLE_JOINT_OF_A_SITE, message, "Action", name, "site")


def _torque_limits(
    task: Task, facts: RobotFacts, name: str, action: JointAction
) -> Iterator[Diagnostic]:
    """Where the limit that acts is another than the task's, or than one side of the model's."""
    joints = facts.match_joints(action.joints)
    asked_of = {joint.name: action.asked_limit(joint) for joint in joints}
    for joint in joints:
        if not joint.cap:
            message = f"joint {joint.name!r} takes {_reach(joint)} from motors (actuatorfrcrange), "
            message += "in one direction only, and an action's motor acts in both"
            help = "give the joint an actuatorfrcrange around 0 in the model"
            yield task.report(ONE_WAY_JOINT, message, "Action", name, "joints", help=help)
            return
    capped = [joint for joint in joints if (asked_of[joint.name] or 0.0) > joint.cap]
    if capped:
        asked = asked_of[capped[0].name]
        unit = "N" if capped[0].type == "slide" else "N*m"
        message = f"{asked:g} {unit} is more than the {capped[0].cap:g} {unit} that joint "
        message += f"{capped[0].name!r} takes (its actuatorfrcrange), so the smaller one acts"
        help = "give what the joint takes, or change actuatorfrcrange in the model"
        yield task.report(LIMIT_ABOVE_JOINTS, message, "Action", name, "torque_limit", help=help)
    uneven = [j for j in joints if not asked_of[j.name] and abs(j.reach[0] + j.reach[1]) > 1e-9]
    if uneven:
        joint, more = uneven[0], f", as of {len(uneven) - 1} more" if len(uneven) > 1 else ""
        message = f"the model lets motors give joint {joint.name!r} {_reach(joint)}; the task's "
        message += f"gives {action.limit(joint):g} at most in both directions{more}"
        help = "give 'torque_limit' to say another limit"
        yield task.report(UNEVEN_LIMITS, message, "Action", name, "joints", help=help)


def _reach(joint: Joint) -> str:
    unit = "N" if joint.type == "slide" else "N*m"
    return f"{joint.reach[0]:g} to {joint.reach[1]:g} {unit}"


def _told(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    """Actuators of the model that actions tell what to do."""
    taken: dict[str, str] = {}
    for name, action in task.of(Action).items():
        if not isinstance(action, Actuator | Binary):
            continue
        at = ("Action", name)
        owns = [facts.own[n] for n in action.actuators_of(facts) if n in facts.own]
        twice = [own.name for own in owns if own.name in taken]
        if twice:
            message = f"actuator {twice[0]!r} is told by Action.{taken[twice[0]]} already"
            yield task.report(ACTUATOR_TOLD_TWICE, message, *at, "actuators")
        taken |= {own.name: name for own in owns if own.name not in taken}
        silent = [own.name for own in owns if own.off]
        if silent:
            message = f"the options of the model disable actuator {silent[0]!r} (actuatorgroup"
            message += "disable), so that it gives no force"
            help = "let the pattern leave it out, or enable its group in the model"
            yield task.report(SILENT_ACTUATOR, message, *at, "actuators", help=help)
        endless = [own.name for own in owns if own.limits is None and action.needs_limits]
        if endless:
            message = f"actuator {endless[0]!r} has no ctrlrange, from which its "
            message += "scale or middle would follow"
            help = "give 'scale', and 'around: home' or 'around: zero'"
            yield task.report_key(JOINT_WITHOUT_LIMITS, message, *at, help=help)
        if isinstance(action, Actuator):
            yield from _units(task, at, "scale", action.scale, owns)
        else:
            moved: list[Own | Joint] = [*owns, *facts.match_joints(action.joints)]
            yield from _units(task, at, "open", action.open, moved)
            yield from _units(task, at, "closed", action.closed, moved)
            if owns:
                yield from _beyond(task, at, action, owns)


def _units(
    task: Task, at: Path_, field: str, value: Any, owns: list[Own] | list[Own | Joint]
) -> Iterator[Diagnostic]:
    """A value is in the unit of what it is a control or a position of."""
    if value is None:
        return
    for own, number in zip(owns, each(value, (own.name for own in owns)), strict=True):
        given: Dimension = number.dimension if isinstance(number, Measured) else NUMBER
        if given == own.dimension or not number:
            continue
        what = "joint" if isinstance(own, Joint) else "actuator"
        wanted = own.dimension.phrase if own.dimension != NUMBER else "a number without a unit"
        message = f"{what} {own.name!r} takes {wanted}, not {given.phrase}"
        help = f"give it in '{own.dimension}'" if own.dimension != NUMBER else ""
        if own.dimension == NUMBER:
            help = "what its control stands for is between gains and gears of the model"
        pattern = (value.entries[value.index(own.name)][0],) if isinstance(value, ByPattern) else ()
        yield task.report(WRONG_CONTROL_UNIT, message, *at, field, *pattern, help=help)
        return


def _beyond(task: Task, at: Path_, action: Binary, owns: list[Own]) -> Iterator[Diagnostic]:
    """Controls that the actuator's range cuts."""
    for field, value in (("open", action.open), ("closed", action.closed)):
        for own, number in zip(owns, each(value, (own.name for own in owns)), strict=True):
            low, high = own.reach
            if not low - 1e-9 <= number <= high + 1e-9:
                message = f"{float(number):g} is beyond the ctrlrange of actuator {own.name!r}, "
                message += f"{low:g} to {high:g}"
                yield task.report(SILENT_ACTUATOR, message, *at, field, help="give what is within")
                return
