"""What MJX leaves out of a model without a word.

MJX refuses much that it has not, and computes the rest as if it were not there. What is listed here
was found by comparing the accelerations and sensors of MJX 3.17 with those of MuJoCo 4.0, and by
reading Warp's kernels.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.robot.limits import arm
from ksim_compiler.robot.transmission import acts_on

_DISABLE: Any = mujoco.mjtDisableBit
_INTEGRATOR: Any = mujoco.mjtIntegrator


def gaps_of_warp(model: mujoco.MjModel) -> Iterator[str]:
    """The same of the implementation `warp`, where `narrowed` does not help.

    Its histories begin as zeros; see `clamped` for the rest.
    """
    kinds = mujoco.mjtObj
    for i in np.flatnonzero(model.actuator_history[:, 0]):
        yield f"the past of actuator {_named(model, kinds.mjOBJ_ACTUATOR, int(i))}, with a delay"
    for i in np.flatnonzero(model.sensor_history[:, 0]):
        yield f"the past of sensor {_named(model, kinds.mjOBJ_SENSOR, int(i))}, with a delay"
    for joint in clamped(model):
        name = _named(model, kinds.mjOBJ_JOINT, joint)
        yield f"the actuatorfrcrange of joint {name} in the damping by its actuators"


def clamped(model: mujoco.MjModel) -> dict[int, list[int]]:
    """Joint -> its actuators, where its actuatorfrcrange clamps a force that depends on velocity.

    The implicit integrators leave the velocity derivative of a force out while it is clamped. Warp
    does so for the actuator's forcerange only, which damps a servo at the joint's limit too much.
    """
    if model.opt.integrator not in (_INTEGRATOR.mjINT_IMPLICITFAST, _INTEGRATOR.mjINT_IMPLICIT):
        return {}
    linear = (model.actuator_gaintype == mujoco.mjtGain.mjGAIN_FIXED) & np.isin(
        model.actuator_biastype,
        [int(mujoco.mjtBias.mjBIAS_NONE), int(mujoco.mjtBias.mjBIAS_AFFINE)],
    )
    steady = linear & (model.actuator_biasprm[:, 2] == 0.0)
    found = {}
    for joint in np.flatnonzero(model.jnt_actfrclimited):
        on_it = [i for i in range(model.nu) if joint in acts_on(model, i)]
        if not all(steady[on_it]) and not _within(model, int(joint), on_it):
            found[int(joint)] = on_it
    return found


def _within(model: mujoco.MjModel, joint: int, actuators: list[int]) -> bool:
    """Whether actuators together cannot exceed what a joint takes, by their own forceranges."""
    low, high = 0.0, 0.0
    for i in actuators:
        lever = arm(model, i, joint)
        if not lever or not model.actuator_forcelimited[i]:
            return False
        ends = lever * model.actuator_forcerange[i]
        low, high = low + ends.min(), high + ends.max()
    least, most = model.jnt_actfrcrange[joint]
    return bool(least <= low and high <= most)


def narrowed(model: mujoco.MjModel) -> mujoco.MjModel:
    """A copy in which the only actuator of a joint has the joint's actuatorfrcrange as its own.

    It moves as the model does: one actuator's force may be clipped before its gear or after it.
    """
    copied: Any = copy.copy(model)
    joints = [int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_JOINTINPARENT)]
    for joint, actuators in clamped(model).items():
        i = actuators[0]
        lever = arm(model, i, joint)
        if len(actuators) > 1 or not lever or model.actuator_trntype[i] not in joints:
            continue
        least, most = sorted(model.jnt_actfrcrange[joint] / lever)
        if model.actuator_forcelimited[i]:
            least, most = np.clip((least, most), *model.actuator_forcerange[i])
        copied.actuator_forcelimited[i], copied.actuator_forcerange[i] = 1, (least, most)
    return copied


def gaps(model: mujoco.MjModel) -> Iterator[str]:
    """What a model has and the implementation `jax` of MJX passes over, in the author's terms."""

    def named(kind: mujoco.mjtObj, where: np.ndarray) -> str:
        return _named(model, kind, int(np.flatnonzero(where)[0]))

    obj = mujoco.mjtObj
    rows: list[tuple[str, mujoco.mjtObj, np.ndarray]] = [
        ("the delay of actuator", obj.mjOBJ_ACTUATOR, model.actuator_history[:, 0]),
        ("the delay or interval of sensor", obj.mjOBJ_SENSOR, model.sensor_history[:, 0]),
        ("the armature of actuator", obj.mjOBJ_ACTUATOR, model.actuator_armature),
        ("the damping of actuator", obj.mjOBJ_ACTUATOR, _actuator_damping(model)),
        ("actearly of actuator", obj.mjOBJ_ACTUATOR, model.actuator_actearly),
        ("the non-linear stiffness of joint", obj.mjOBJ_JOINT, model.jnt_stiffnesspoly),
        ("the non-linear stiffness of tendon", obj.mjOBJ_TENDON, model.tendon_stiffnesspoly),
        ("the non-linear damping of tendon", obj.mjOBJ_TENDON, model.tendon_dampingpoly),
        ("the fluid shape of geom", obj.mjOBJ_GEOM, _in_fluid(model)),
    ]
    for what, kind, values in rows:
        where = _any(values)
        if where.any():
            yield f"{what} {named(kind, where)}"
    dofs = _any(model.dof_dampingpoly)
    if dofs.any():
        joints = np.isin(np.arange(model.njnt), model.dof_jntid[dofs])
        yield f"the non-linear damping of joint {named(obj.mjOBJ_JOINT, joints)}"
    if model.opt.noslip_iterations:
        yield "noslip_iterations"
    for flag in ("SPRING", "DAMPER"):
        if model.opt.disableflags & getattr(_DISABLE, f"mjDSBL_{flag}"):
            yield f'the flag {flag.lower()}="disable"'


def _named(model: mujoco.MjModel, kind: mujoco.mjtObj, index: int) -> str:
    return repr(mujoco.mj_id2name(model, kind, index) or f"number {index}")


def _any(values: np.ndarray) -> np.ndarray:
    """(n,) where a row of values (n,) or (n, m) has one that is not 0."""
    return np.asarray(values.any(axis=tuple(range(1, values.ndim))))


def _actuator_damping(model: mujoco.MjModel) -> np.ndarray:
    return np.column_stack([model.actuator_damping, model.actuator_dampingpoly])


def _in_fluid(model: mujoco.MjModel) -> np.ndarray:
    """(ngeom, 12) the coefficients of a geom's own fluid forces, where there is a fluid."""
    return model.geom_fluid * bool(model.opt.density or model.opt.viscosity)
