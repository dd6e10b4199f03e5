"""Servos that swing about their targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import at_field
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import UNDAMPED_SERVO
from ksim_schema.vocabulary.action import Action

_RINGS = 0.1
"""Damping ratio below which it is told; the servos of published models have 0.25 and more."""


def ringing(plan: Plan, inertia: Mapping[str, float]) -> Iterator[Diagnostic]:
    """Servos with next to no damping, each joint taken alone: ``(kd + d) / (2 sqrt(kp I))``.

    Args:
        plan: the plan.
        inertia: joint -> kg*m^2 (or kg) that is felt at it, the lightest that it can be: with more
            the ratio is smaller still.
    """
    joints = {joint.name: joint for joint in plan.robot.facts.motion_joints}
    for name, action in plan.parts(Action).items():
        ratios: list[tuple[float, str]] = []
        for drive in action.drives(plan.robot.facts):
            if not drive.kp:
                continue
            dof = joints[drive.joint].dof
            own = float(np.ravel(plan.robot.model.dof_damping[dof])[0])
            root = math.sqrt(drive.kp * inertia[drive.joint])
            ratios.append(((drive.kd + own) / (2.0 * root), drive.joint))
        if not ratios or min(ratios)[0] >= _RINGS:
            continue
        ratio, joint = min(ratios)
        unit = "kg*m^2" if joints[joint].type == "hinge" else "kg"
        message = (
            f"the servo of joint {joint!r} swings about its target: with {inertia[joint]:.3g} "
        )
        message += f"{unit} at the joint its damping ratio is {ratio:.2g}"
        help = "0.5 to 1 is usual: give more kd or less kp, and check their units"
        yield at_field(plan.task, UNDAMPED_SERVO, message, "Action", name, "gains", help=help)
