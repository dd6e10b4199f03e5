"""Laws of the home pose: where it has the joints."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import home_place
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.values import HOME_OUTSIDE_LIMITS
from ksim_schema.robot import Joint
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.action.servo import TargetMotion
from ksim_schema.vocabulary.reset import Reset, ResetJointLimits

SLACK = 1e-9


def home_within_limits(plan: Plan) -> Iterator[Diagnostic]:
    """Joints that the home pose has beyond their limits, but for those that a reset places."""
    beyond: list[Joint] = []
    facts, placed = plan.robot.facts, _placed(plan)
    for joint in facts.motion_joints:
        low, high = joint.limits or (-math.inf, math.inf)
        if joint.name not in placed and not low - SLACK <= joint.home[0] <= high + SLACK:
            beyond.append(joint)
    if not beyond:
        return
    joint, others = beyond[0], beyond[1:]
    assert joint.limits is not None
    low, high, unit = *joint.limits, joint.dimension
    message = f"the home pose has joint {joint.name!r} at {joint.home[0]:.4g} {unit}, outside of "
    message += f"its limits, {low:.4g} to {high:.4g} {unit}"
    if others:
        shown = ", ".join(repr(j.name) for j in others[:3]) + (", ..." if others[3:] else "")
        message += f"; so {'is' if len(others) == 1 else 'are'} {len(others)} more: {shown}"
    help = "mend the keyframe or the joint's range in the model"
    yield plan.task.report(HOME_OUTSIDE_LIMITS, message, *home_place(plan.task), help=help)


def _placed(plan: Plan) -> set[str]:
    """Joints that never are at the model's own home pose: each episode begins within their limits.

    A keyframe that the task names is meant to be a pose; that of all zeros is what MuJoCo has
    where a model says nothing. What a target is around has to be one in any case.
    """
    task, facts = plan.task, plan.robot.facts
    home = task.document.data["PhysicsState"][task.robot].get("home")
    resets = plan.parts(Reset).values()
    if home or any(part.whole for part in resets):
        return set()
    placed = {
        joint.name
        for part in resets
        if isinstance(part, ResetJointLimits) and part.episodes is None
        for joint in facts.match_joints(part.joints)
    }
    for action in plan.parts(Action).values():
        if isinstance(action, TargetMotion) and action.around == "home":
            placed -= {drive.joint for drive in action.drives(facts)}
    return placed
