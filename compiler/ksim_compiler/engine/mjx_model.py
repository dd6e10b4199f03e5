"""A model as MJX takes it, and data of its size."""

from __future__ import annotations

import copy
from collections.abc import Collection
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import mujoco
import numpy as np

LEAST = 1e-30
"""Friction loss (N or N m) that stands for none, where one may come: a row that never acts."""
_CONE: Any = mujoco.mjtCone
_ENABLE: Any = mujoco.mjtEnableBit
_DISABLE: Any = mujoco.mjtDisableBit
_IDLE = int(_ENABLE.mjENBL_ENERGY | _ENABLE.mjENBL_FWDINV)
_FREE = mujoco.mjtJoint.mjJNT_FREE


def fitted(model: mujoco.MjModel, varied: Collection[str]) -> mujoco.MjModel:
    """A copy that moves as the model does, without what MJX refuses for no reason.

    * MJX never resets a diverged simulation by itself, has no middle phase of collisions that
      could be left out, and computes neither energies nor the comparison with the inverse dynamics.
    * It fixes the rows of its constraints when it is given the model, and has one for a friction
      loss where that is not 0: where friction losses vary, all joints but free ones get one.

    Args:
        model: the model.
        varied: the fields of MjModel that have one value for each environment.
    """
    result: Any = copy.copy(model)
    result.opt.disableflags &= ~int(_DISABLE.mjDSBL_AUTORESET | _DISABLE.mjDSBL_MIDPHASE)
    result.opt.enableflags &= ~_IDLE
    if "dof_frictionloss" in varied:
        bound = model.jnt_type[model.dof_jntid] != _FREE
        result.dof_frictionloss[bound] = np.maximum(model.dof_frictionloss[bound], LEAST)
    return result


def put(mjx: ModuleType, model: mujoco.MjModel) -> tuple[Any, Any]:
    """The model in MJX's implementation `jax`, and new data of it.

    MJX makes no data where cones are elliptic and some contacts have no friction (condim 1),
    though its solver knows both. There the rows of the constraints are laid out here, by its own
    functions; without a contact that has friction, the form of the cones means nothing.
    """
    from mujoco.mjx._src import collision_driver, constraint

    dims = collision_driver.make_condim(model)
    if model.opt.cone != _CONE.mjCONE_ELLIPTIC or ((dims > 1).all() and dims.size):
        return mjx.put_model(model, impl="jax"), mjx.make_data(model, impl="jax")
    other: Any = copy.copy(model)
    other.opt.cone = _CONE.mjCONE_PYRAMIDAL
    data = mjx.make_data(other, impl="jax")
    if not (dims > 1).any():
        return mjx.put_model(other, impl="jax"), data
    kinds = constraint.make_efc_type(model, dims)
    changed: dict[str, Any] = {
        "_impl.nefc": kinds.size,
        "_impl.efc_type": kinds,
        "_impl.contact.efc_address": constraint.make_efc_address(model, dims, kinds),
    }
    for name in ("J", "pos", "margin", "frictionloss", "D", "aref", "force"):
        rows = getattr(data._impl, f"efc_{name}")
        changed[f"_impl.efc_{name}"] = jnp.zeros((kinds.size, *rows.shape[1:]), rows.dtype)
    return mjx.put_model(model, impl="jax"), data.tree_replace(changed)
