"""What MJX leaves out of a model without a word.

MJX refuses much that it has not, and computes the rest as if it were not there. What is listed here
was found by comparing the accelerations and sensors of MJX 3.17 with those of MuJoCo 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

_DISABLE: Any = mujoco.mjtDisableBit


def gaps(model: mujoco.MjModel) -> Iterator[str]:
    """What a model has and the implementation `jax` of MJX passes over, in the author's terms."""

    def named(kind: mujoco.mjtObj, where: np.ndarray) -> str:
        first = int(np.flatnonzero(where)[0])
        return repr(mujoco.mj_id2name(model, kind, first) or f"number {first}")

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


def _any(values: np.ndarray) -> np.ndarray:
    """(n,) where a row of values (n,) or (n, m) has one that is not 0."""
    return np.asarray(values.any(axis=tuple(range(1, values.ndim))))


def _actuator_damping(model: mujoco.MjModel) -> np.ndarray:
    return np.column_stack([model.actuator_damping, model.actuator_dampingpoly])


def _in_fluid(model: mujoco.MjModel) -> np.ndarray:
    """(ngeom, 12) the coefficients of a geom's own fluid forces, where there is a fluid."""
    return model.geom_fluid * bool(model.opt.density or model.opt.viscosity)
