"""What the motors of a model give at most: the one place that works it out."""

from __future__ import annotations

import math
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.transmission import tendon_joints
from ksim_schema.facts import Joint

_TRN: Any = mujoco.mjtTrn


def joint_cap(model: mujoco.MjModel, joint: int) -> float:
    """The largest force (N) or torque (N*m) that a joint takes from motors (actuatorfrcrange)."""
    if not model.jnt_actfrclimited[joint]:
        return math.inf
    return float(np.abs(model.jnt_actfrcrange[joint]).max())


def effort(model: mujoco.MjModel, joint: int) -> float | None:
    """The motor limit of a joint: its own, or what the actuators on it give together; None without.

    A hinge's in N*m, a slide's in N.
    """
    largest = min(joint_cap(model, joint), _together(model, joint))
    return None if math.isinf(largest) or not largest else largest


def torque_limits(model: mujoco.MjModel, joints: tuple[Joint, ...]) -> dict[str, float]:
    """Joint with an actuator -> the largest torque or force that it gets there."""
    return {
        joint.name: min(joint_cap(model, index), _together(model, index))
        for index, joint in enumerate(joints)
        if joint.name and any(_arm(model, i, index) for i in range(model.nu))
    }


def _together(model: mujoco.MjModel, joint: int) -> float:
    """What all actuators on a joint give together at most; infinite without any or any limit."""
    arms = ((_arm(model, i, joint), _force(model, i)) for i in range(model.nu))
    parts = [arm * force for arm, force in arms if arm]
    return sum(parts) if parts else math.inf


def _arm(model: mujoco.MjModel, actuator: int, joint: int) -> float:
    """The share of an actuator's force that a joint gets: gear, times a tendon's coefficient."""
    kind = _TRN(model.actuator_trntype[actuator])
    target = int(model.actuator_trnid[actuator, 0])
    gear = abs(float(model.actuator_gear[actuator, 0]))
    if kind in (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT):
        return gear if target == joint else 0.0
    if kind == _TRN.mjTRN_TENDON:
        return sum(gear * abs(c or 0.0) for j, c in tendon_joints(model, target) if j == joint)
    return 0.0


def _force(model: mujoco.MjModel, actuator: int) -> float:
    """The largest force of an actuator before its gear."""
    force = math.inf
    if model.actuator_forcelimited[actuator]:
        force = float(np.abs(model.actuator_forcerange[actuator]).max())
    fixed = model.actuator_gaintype[actuator] == mujoco.mjtGain.mjGAIN_FIXED
    plain = fixed and model.actuator_biastype[actuator] == mujoco.mjtBias.mjBIAS_NONE
    if plain and model.actuator_ctrllimited[actuator]:
        gain = abs(float(model.actuator_gainprm[actuator, 0]))
        force = min(force, gain * float(np.abs(model.actuator_ctrlrange[actuator]).max()))
    return force
