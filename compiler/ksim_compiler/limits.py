"""What the motors of a model give at most."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from ksim_schema.facts import Joint


def effort(model: mujoco.MjModel, joint: int) -> float | None:
    """The motor limit of a joint: its own, or that of the actuators that drive it."""
    if model.jnt_actfrclimited[joint]:
        return float(np.abs(model.jnt_actfrcrange[joint]).max())
    for i in range(model.nu):
        if (
            model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT
            and model.actuator_trnid[i, 0] == joint
        ):
            gear = abs(float(model.actuator_gear[i, 0]))
            if model.actuator_forcelimited[i]:
                return gear * float(np.abs(model.actuator_forcerange[i]).max())
            if model.actuator_ctrllimited[i] and model.actuator_biastype[i] == 0:
                gain = float(model.actuator_gainprm[i, 0])
                return gear * gain * float(np.abs(model.actuator_ctrlrange[i]).max())
    return None


def torque_limits(model: mujoco.MjModel, joints: tuple[Joint, ...]) -> dict[str, float]:
    """Joint with an actuator -> the largest torque or force that it gives there."""
    limits: dict[str, float] = {}
    for i in range(model.nu):
        index = int(model.actuator_trnid[i, 0])
        joint = joints[index].name if index >= 0 else ""
        if model.actuator_trntype[i] != mujoco.mjtTrn.mjTRN_JOINT or not joint or joint in limits:
            continue
        limits[joint] = math.inf
        gear = abs(float(model.actuator_gear[i, 0]))
        if model.jnt_actfrclimited[index]:
            limits[joint] = float(np.abs(model.jnt_actfrcrange[index]).max())
        if model.actuator_forcelimited[i]:
            largest = gear * float(np.abs(model.actuator_forcerange[i]).max())
            limits[joint] = min(limits[joint], largest)
        elif model.actuator_ctrllimited[i] and model.actuator_biastype[i] == 0:
            gain = abs(float(model.actuator_gainprm[i, 0]))
            largest = gear * gain * float(np.abs(model.actuator_ctrlrange[i]).max())
            limits[joint] = min(limits[joint], largest)
    return limits
