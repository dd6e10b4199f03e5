"""The actuators of a model's own: what their controls mean, and what they act on."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from ksim_compiler.robot.transmission import acts_on, tendon_joints
from ksim_schema.robot import Actuator, Joint
from ksim_schema.units import ANGLE, FORCE, LENGTH, NUMBER, TIME, TORQUE, Dimension

_TRN: Any = mujoco.mjtTrn
_DYN: Any = mujoco.mjtDyn
_SAME = (_DYN.mjDYN_NONE, _DYN.mjDYN_FILTER, _DYN.mjDYN_FILTEREXACT)
"""Dynamics whose activation goes after the control, in its unit."""


def own_actuators(
    model: mujoco.MjModel, home: np.ndarray, joints: tuple[Joint, ...]
) -> dict[str, Actuator]:
    """The actuators of a model, by name.

    Args:
        model: the model as it is; each of its actuators has a name.
        home: (nu,) the controls that keep it at home.
        joints: its joints.
    """
    return {model.actuator(i).name: _own(model, i, home[i], joints) for i in range(model.nu)}


def _own(model: mujoco.MjModel, i: int, home: float, joints: tuple[Joint, ...]) -> Actuator:
    limits = model.actuator_ctrlrange[i] if model.actuator_ctrllimited[i] else None
    kind = _TRN(model.actuator_trntype[i])
    on_joint = kind in (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT)
    group = int(model.actuator_group[i])
    return Actuator(
        name=model.actuator(i).name,
        home=float(home),
        limits=None if limits is None else (float(limits[0]), float(limits[1])),
        dimension=_control(model, i),
        joints=tuple(joints[j].name for j in sorted(acts_on(model, i))),
        joint=joints[int(model.actuator_trnid[i, 0])].name if on_joint else "",
        gear=float(model.actuator_gear[i, 0]),
        off=0 <= group <= 30 and bool(int(model.opt.disableactuator) >> group & 1),
    )


def _control(model: mujoco.MjModel, i: int) -> Dimension:
    """The dimension of a control where it is plain; else that of a number.

    A position servo's is that of what it moves, a velocity servo's that by time, and a motor's that
    of its force where neither gain nor gear stand between.
    """
    length = _length(model, i)
    if length is None or int(model.actuator_gaintype[i]) != int(mujoco.mjtGain.mjGAIN_FIXED):
        return NUMBER
    gain, (_, stiffness, damping) = model.actuator_gainprm[i, 0], model.actuator_biasprm[i, :3]
    if int(model.actuator_biastype[i]) == int(mujoco.mjtBias.mjBIAS_NONE):
        stiffness = damping = 0.0
    dynamics = _DYN(model.actuator_dyntype[i])
    rate = length.times(TIME, -1)
    if stiffness and np.isclose(gain, -stiffness):
        known = {**dict.fromkeys(_SAME, length), _DYN.mjDYN_INTEGRATOR: rate}
        return known.get(dynamics, NUMBER)
    if dynamics not in _SAME:
        return NUMBER
    if not stiffness and damping and np.isclose(gain, -damping):
        return rate
    plain = not stiffness and not damping and gain == 1.0 and _is_one(model.actuator_gear[i])
    return (TORQUE if length == ANGLE else FORCE) if plain else NUMBER


def _is_one(gear: np.ndarray) -> bool:
    """Whether a gear hands on a force as it is: of what it pushes, turning comes with it or not."""
    pushes, turns = np.linalg.norm(gear[:3]), np.linalg.norm(gear[3:])
    return bool(np.isclose(pushes, 1.0) or (pushes == 0.0 and np.isclose(turns, 1.0)))


def _length(model: mujoco.MjModel, i: int) -> Dimension | None:
    """What the length of an actuator's transmission is measured in; None where it is mixed."""
    kind, target = _TRN(model.actuator_trntype[i]), int(model.actuator_trnid[i, 0])
    hinge = int(mujoco.mjtJoint.mjJNT_HINGE)
    slide = int(mujoco.mjtJoint.mjJNT_SLIDE)
    if kind in (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT):
        return {hinge: ANGLE, slide: LENGTH}.get(int(model.jnt_type[target]))
    if kind == _TRN.mjTRN_TENDON:
        runs = list(tendon_joints(model, target))
        if any(share is None for _, share in runs):
            return LENGTH  # a spatial one
        kinds = {int(model.jnt_type[joint]) for joint, _ in runs}
        return {hinge: ANGLE, slide: LENGTH}.get(next(iter(kinds))) if len(kinds) == 1 else None
    if kind == _TRN.mjTRN_SITE:
        turns = not model.actuator_gear[i, :3].any()
        return ANGLE if turns else LENGTH
    return LENGTH if kind == _TRN.mjTRN_SLIDERCRANK else None
