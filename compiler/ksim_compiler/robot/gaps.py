"""What MJX leaves out of a model without a word.

MJX refuses much that it has not (see `lacks`), and computes the rest as if it were not there. What
is listed here was found by comparing accelerations and sensors of MJX 4.0 with those of MuJoCo 4.0,
and by reading its sources and Warp's kernels.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.robot.limits import arm
from ksim_compiler.robot.transmission import acts_on

_DISABLE: Any = mujoco.mjtDisableBit
_GEOM: Any = mujoco.mjtGeom
_SENSOR: Any = mujoco.mjtSensor
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


def for_warp(model: mujoco.MjModel, varied: Collection[str]) -> mujoco.MjModel:
    """The model as Warp is given it: narrowed, unless the limits vary between environments."""
    limits = {"jnt_actfrcrange", "actuator_forcerange"}
    return model if limits & set(varied) else narrowed(model)


def gaps(model: mujoco.MjModel) -> Iterator[str]:
    """What a model has and the implementation `jax` of MJX passes over, in the author's terms."""
    obj = mujoco.mjtObj
    rows: list[tuple[str, mujoco.mjtObj, np.ndarray]] = [
        ("the delay of actuator", obj.mjOBJ_ACTUATOR, model.actuator_history[:, 0]),
        ("the delay or interval of sensor", obj.mjOBJ_SENSOR, model.sensor_history[:, 0]),
        ("the armature of actuator", obj.mjOBJ_ACTUATOR, model.actuator_armature),
        ("the damping of actuator", obj.mjOBJ_ACTUATOR, _actuator_damping(model)),
        ("actearly of actuator", obj.mjOBJ_ACTUATOR, model.actuator_actearly),
        ("the disabled group of actuator", obj.mjOBJ_ACTUATOR, _switched_off(model)),
        ("the damping by muscle", obj.mjOBJ_ACTUATOR, _damping_muscles(model)),
        ("the non-linear stiffness of joint", obj.mjOBJ_JOINT, model.jnt_stiffnesspoly),
        ("the non-linear stiffness of tendon", obj.mjOBJ_TENDON, model.tendon_stiffnesspoly),
        ("the non-linear damping of tendon", obj.mjOBJ_TENDON, model.tendon_dampingpoly),
        ("the fluid shape of geom", obj.mjOBJ_GEOM, _in_fluid(model)),
        ("the cutoff of sensor", obj.mjOBJ_SENSOR, _cut_off(model)),
        ("what a ray meets first for sensor", obj.mjOBJ_SENSOR, _blind(model)),
        ("which contacts are meant by sensor", obj.mjOBJ_SENSOR, _unsorted(model)),
    ]
    for what, kind, values in rows:
        where = _any(values)
        if where.any():
            yield f"{what} {_first(model, kind, where)}"
    for tendon in _clamped_tendons(model):
        name = _named(model, obj.mjOBJ_TENDON, tendon)
        yield f"the actuatorfrcrange of tendon {name} in the damping by its actuators"
    dofs = _any(model.dof_dampingpoly)
    if dofs.any():
        joints = np.isin(np.arange(model.njnt), model.dof_jntid[dofs])
        yield f"the non-linear damping of joint {_first(model, obj.mjOBJ_JOINT, joints)}"
    if model.nplugin:
        yield f"the plugin {_named(model, obj.mjOBJ_PLUGIN, 0)}"
    if model.opt.noslip_iterations:
        yield "noslip_iterations"
    for flag in ("SPRING", "DAMPER"):
        if model.opt.disableflags & getattr(_DISABLE, f"mjDSBL_{flag}"):
            yield f'the flag {flag.lower()}="disable"'
    for flag in ("SLEEP", "IPC"):
        if model.opt.enableflags & getattr(mujoco.mjtEnableBit, f"mjENBL_{flag}"):
            yield f'the flag {flag.lower()}="enable"'


def _named(model: mujoco.MjModel, kind: mujoco.mjtObj, index: int) -> str:
    return repr(mujoco.mj_id2name(model, kind, index) or f"number {index}")


def _first(model: mujoco.MjModel, kind: mujoco.mjtObj, where: np.ndarray) -> str:
    return _named(model, kind, int(np.flatnonzero(where)[0]))


def _any(values: np.ndarray) -> np.ndarray:
    """(n,) where a row of values (n,) or (n, m) has one that is not 0."""
    return np.asarray(values.any(axis=tuple(range(1, values.ndim))))


def _actuator_damping(model: mujoco.MjModel) -> np.ndarray:
    return np.column_stack([model.actuator_damping, model.actuator_dampingpoly])


def _in_fluid(model: mujoco.MjModel) -> np.ndarray:
    """(ngeom, 12) the coefficients of a geom's own fluid forces, where there is a fluid."""
    return model.geom_fluid * bool(model.opt.density or model.opt.viscosity)


def _switched_off(model: mujoco.MjModel) -> np.ndarray:
    """(nu,) whether the options disable an actuator's group; groups above 30 always act."""
    group = model.actuator_group
    known = (group >= 0) & (group <= 30)
    return known & ((int(model.opt.disableactuator) >> np.where(known, group, 0)) & 1).astype(bool)


def _damping_muscles(model: mujoco.MjModel) -> np.ndarray:
    """(nu,) muscles, whose force falls with velocity, under an integrator that looks at that."""
    fast = model.opt.integrator == _INTEGRATOR.mjINT_IMPLICITFAST
    return fast & (model.actuator_gaintype == mujoco.mjtGain.mjGAIN_MUSCLE)


def _clamped_tendons(model: mujoco.MjModel) -> Iterator[int]:
    """Tendons that limit a force which falls with velocity, where the integrator looks at that."""
    if model.opt.integrator != _INTEGRATOR.mjINT_IMPLICITFAST:
        return
    on_tendon = model.actuator_trntype == mujoco.mjtTrn.mjTRN_TENDON
    damping = (model.actuator_gainprm[:, 2] != 0) | (model.actuator_biasprm[:, 2] != 0)
    for tendon in np.flatnonzero(model.tendon_actfrclimited):
        if (on_tendon & damping & (model.actuator_trnid[:, 0] == tendon)).any():
            yield int(tendon)


def _cut_off(model: mujoco.MjModel) -> np.ndarray:
    """(nsensor,) accelerations of frames that the model clips."""
    kinds = [int(_SENSOR.mjSENS_FRAMELINACC), int(_SENSOR.mjSENS_FRAMEANGACC)]
    return np.isin(model.sensor_type, kinds) & (model.sensor_cutoff > 0)


def _blind(model: mujoco.MjModel) -> np.ndarray:
    """(nsensor,) rangefinders that may look at what no ray of MJX meets."""
    found = np.zeros(model.nsensor, bool)
    unseen = [int(kind) for kind in (_GEOM.mjGEOM_CYLINDER, _GEOM.mjGEOM_HFIELD, _GEOM.mjGEOM_SDF)]
    bodies = set(model.geom_bodyid[np.isin(model.geom_type, unseen)].tolist())
    for i in np.flatnonzero(model.sensor_type == _SENSOR.mjSENS_RANGEFINDER):
        on_site = model.sensor_objtype[i] == mujoco.mjtObj.mjOBJ_SITE
        own = {int(model.site_bodyid[model.sensor_objid[i]])} if on_site else set[int]()
        found[i] = bool(bodies - own)
    return found


def _unsorted(model: mujoco.MjModel) -> np.ndarray:
    """(nsensor,) contact sensors that read more than a number of contacts and name no order.

    MJX then reads the first contacts of the model, whoever touches there.
    """
    contact = model.sensor_type == _SENSOR.mjSENS_CONTACT
    data, order = model.sensor_intprm[:, 0], model.sensor_intprm[:, 1]
    return contact & (order == 0) & ((data & ~1) != 0)
