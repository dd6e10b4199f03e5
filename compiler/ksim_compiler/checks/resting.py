"""What actuators are told while the policy's output is zero, without JAX."""

from __future__ import annotations

import numpy as np

from ksim_compiler.plan import Plan
from ksim_schema.robot import Joint
from ksim_schema.vocabulary import action as v
from ksim_schema.vocabulary.each import each


def zero_controls(plan: Plan, qpos: np.ndarray) -> np.ndarray:
    """The controls of a zero action, (nu,); those of the home pose where no action drives.

    Args:
        plan: the plan.
        qpos: where the robot is, from which targets around ``now`` are measured.
    """
    facts = plan.robot.facts
    joints = {joint.name: joint for joint in facts.motion_joints}
    servos = {drive.joint: drive.name for drive in plan.drives if drive.kp is not None}
    told = dict(plan.robot.held)
    told |= {name: joints[joint].home[0] for joint, name in servos.items()}
    for part in plan.parts(v.Action).values():
        if isinstance(part, v.Actuator):
            named = part.things("", facts) or ()
            told |= {n: base for n, (base, _) in zip(named, part.bases(facts), strict=True)}
        elif isinstance(part, v.Binary):
            named = part.things("", facts) or ()
            opened = zip(named, each(part.open, named), strict=True)
            told |= {servos.get(name, name): float(target) for name, target in opened}
        elif isinstance(part, v.PositionServo):
            for joint in facts.match_joints(part.joints):
                told[servos[joint.name]] = _target(part, joint, qpos)
    ctrl = np.zeros(len(facts.actuators))
    for name, control in told.items():
        ctrl[facts.actuators.index(name)] = control
    return ctrl


def _target(part: v.PositionServo, joint: Joint, qpos: np.ndarray) -> float:
    """Where a zero action sends a joint."""
    around = part.around if isinstance(part, v.TargetMotion) else "now"
    match around:
        case "now" | "last":
            return float(qpos[joint.qpos])
        case "middle":
            low, high = joint.limits or (0.0, 0.0)
            return (low + high) / 2
        case "zero":
            return 0.0
        case _:
            return joint.home[0]
