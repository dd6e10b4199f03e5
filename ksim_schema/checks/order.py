"""Laws of order: a reset that a later one overwrites.

Resets of the whole state come first, then the others, both in the order of their names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_schema.checks.proportions import beside, place
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import OVERWRITTEN_RESET
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary.base import OfJoints
from ksim_schema.vocabulary.each import each
from ksim_schema.vocabulary.reset import (
    Reset,
    ResetJointLimits,
    ResetJointPosition,
    ResetJointVelocity,
    ResetKeyframe,
    ResetMotion,
)


def order(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Resets of which nothing is left."""
    resets = sorted(task.of(Reset).items(), key=lambda row: (not row[1].whole, row[0]))
    for index, (name, part) in enumerate(resets):
        for other, later in resets[index + 1 :]:
            what = _overwritten(robot, part, later)
            if not what:
                continue
            message = f"{other!r} comes after {name!r} and {what}"
            help = "take one of them out, or let them be about different joints"
            if part.whole and not later.whole:
                help = "'around' is the home pose or zero: to spread about a keyframe, make it the "
                help += "home pose (home: {keyframe: ...})"
            report = task.report_key(OVERWRITTEN_RESET, message, "Reset", name, help=help)
            yield beside(report, task, "sets it again", *place(task, "Reset", other, "joints"))
            break


def _overwritten(robot: RobotFacts, part: Reset, later: Reset) -> str:
    """What the later of two resets does to the other; "" if it leaves something of it."""
    if later.episodes is not None and later.episodes != part.episodes:
        return ""
    if part.whole and later.whole:
        return "sets the whole state again"
    if not isinstance(later, OfJoints):
        return ""
    covered = robot.match_joints(later.joints)
    if type(part) is type(later):
        mine = robot.match_joints(part.joints)
        if not mine or not set(mine) <= set(covered):
            return ""
        what = "velocities" if isinstance(later, ResetJointVelocity) else "positions"
        return f"sets the {what} of all its joints again"
    if isinstance(later, ResetJointLimits) and isinstance(part, ResetJointPosition):
        mine = robot.match_joints(part.joints)
        return "sets the positions of all its joints again" if {*mine} <= {*covered} else ""
    if not isinstance(later, ResetJointPosition):
        return ""
    if isinstance(part, ResetMotion) and len(covered) == len(robot.motion_joints):
        around = f"around {later.around} and not around the motion"
        return f"sets the positions of all joints, {around}"
    if isinstance(part, ResetKeyframe):
        return _keyframe(robot, part, later, covered)
    return ""


def _keyframe(
    robot: RobotFacts, part: ResetKeyframe, later: ResetJointPosition, joints: tuple[Joint, ...]
) -> str:
    for key in part.keyframes:
        qpos, _ = robot.poses.get(key, ((), ()))
        for joint in joints if qpos else ():
            middle = later.middle(joint)
            at = qpos[joint.qpos]
            if math.isfinite(at) and abs(at - middle) > each(later.range, (joint.name,))[0] + 1e-3:
                return (
                    f"sets joint {joint.name!r} around {later.around}, {middle:.4g}, and not at "
                    f"the {at:.4g} of keyframe {key!r}"
                )
    return ""
