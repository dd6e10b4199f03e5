"""One physics step of one environment in MJX, with what it does otherwise than MuJoCo put right."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

_INTEGRATOR: Any = mujoco.mjtIntegrator
_MEASURED = ("cacc", "cfrc_int", "cfrc_ext", "subtree_linvel", "subtree_angmom")
"""Fields that MuJoCo computes with the sensors, once in a step."""


class Physics:
    """`mj_forward` and `mj_step` of MJX's implementation `jax`.

    * A model without constraints has its sensors of forces and accelerations.
    * Under RK4, sensors read the state in which the step begins, not the last of its stages.
    * With `implicitfast`, the velocity derivative of a force is left out while it is clamped, and a
      control beyond its range counts as the end of that range.
    """

    def __init__(self, mjx: ModuleType, model: mujoco.MjModel) -> None:
        self._mjx = mjx
        self._integrator = model.opt.integrator
        self._eased = self._integrator == _INTEGRATOR.mjINT_IMPLICITFAST and model.nu > 0
        self._joint_limited, self._joint_dof, self._joint = _limited_joints(model)
        self._limited = np.asarray(model.actuator_forcelimited, bool)
        clips = not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CLAMPCTRL
        self._clipped = np.asarray(model.actuator_ctrllimited, bool) & clips

    def forward(self, model: Any, data: Any) -> Any:
        """`mj_forward`."""
        data = self._mjx.forward(model, data)
        if data._impl.efc_J.shape[0]:
            return data
        return self._mjx.sensor_acc(model, data)  # MJX ends before, where nothing is to be solved

    def step(self, model: Any, data: Any) -> Any:
        """`mj_step`."""
        data = self.forward(model, data)
        if self._eased:
            return self._implicit(model, data)
        if self._integrator == _INTEGRATOR.mjINT_RK4:
            after = self._mjx.rungekutta4(model, data)
            measured = {f"_impl.{name}": getattr(data._impl, name) for name in _MEASURED}
            return after.tree_replace({"sensordata": data.sensordata, **measured})
        if self._integrator == _INTEGRATOR.mjINT_EULER:
            return self._mjx.euler(model, data)
        return self._mjx.implicit(model, data)

    def _implicit(self, model: Any, data: Any) -> Any:
        # mjx.implicit takes the velocity derivative from column 2 of the gain and bias parameters
        free = 1.0 - self._saturated(model, data)
        eased = {
            name: getattr(model, name).at[:, 2].multiply(free)
            for name in ("actuator_gainprm", "actuator_biasprm")
        }
        given = data.ctrl
        if self._clipped.any():
            ends = model.actuator_ctrlrange
            clipped = jnp.clip(given, ends[:, 0], ends[:, 1])
            data = data.replace(ctrl=jnp.where(self._clipped, clipped, given))
        return self._mjx.implicit(model.tree_replace(eased), data).replace(ctrl=given)

    def _saturated(self, model: Any, data: Any) -> jax.Array:
        """(nu,) 1 where a force limit of the actuator or of its joint is reached, else 0."""

        def reached(force: jax.Array, bounds: jax.Array) -> jax.Array:
            return (force <= bounds[:, 0]) | (force >= bounds[:, 1])

        actuator = self._limited & reached(data.actuator_force, model.actuator_forcerange)
        bounds = model.jnt_actfrcrange[self._joint]
        joint = self._joint_limited & reached(data.qfrc_actuator[self._joint_dof], bounds)
        return jnp.asarray(actuator | joint, jnp.float32)


class WarpPhysics:
    """`mj_forward` and `mj_step` in Warp's kernels, as they are."""

    def __init__(self, mjx: ModuleType) -> None:
        self.forward, self.step = mjx.forward, mjx.step


def _limited_joints(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each actuator: whether its joint limits the torque; that joint's dof; the joint.

    Actuators that do not drive a hinge or a slide get False and zeros.
    """
    kinds = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)
    on_joint = np.isin(model.actuator_trntype, [int(kind) for kind in kinds])
    joint = np.where(on_joint, model.actuator_trnid[:, 0], 0)
    scalar = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))
    limited = on_joint & np.isin(model.jnt_type[joint], scalar)
    limited &= model.jnt_actfrclimited[joint].astype(bool)
    return limited, np.where(limited, model.jnt_dofadr[joint], 0), joint
