"""MJX: MuJoCo in XLA (`jax`), or in Warp kernels on an NVIDIA GPU (`warp`), in float32.

`mjx.step` on unbatched data, vmapped over the environments. Only what the next step depends on is
carried (time, qpos, qvel, act, history, warm start); everything else is a function of it and is
rebuilt from a template inside the compiled step.

Per-environment model values replace leaves of the `mjx.Model`. MJX has no `mj_setConst`, so what
MuJoCo derives from a value does not follow, with one exception: `body_subtreemass` follows
`body_mass`. The fields below are exact. A changed mass, inertia or armature acts in the dynamics;
the constraint regularization (`body_invweight0`, `dof_invweight0`) keeps the value of the
unchanged model, which shifts contact and limit softness slightly.

    exact: geom_friction, geom_solref, geom_solimp, dof_damping, dof_frictionloss, jnt_stiffness,
           jnt_range, qpos_spring, actuator_gainprm, actuator_biasprm, actuator_forcerange,
           actuator_ctrlrange, opt.gravity, opt.wind, opt.timestep
    derived constants stay: body_mass, body_inertia, body_ipos, dof_armature, actuator_gear

With the integrator `implicitfast`, MuJoCo leaves an actuator's velocity derivative out while its
force is clamped by the actuator's `forcerange` or the joint's `actuatorfrcrange`. MJX leaves it in,
which damps a saturated servo too much; the `jax` implementation here follows MuJoCo. Warp's kernels
regard `forcerange` only: there the range of the joint becomes that of its actuator, and a joint
with several is refused.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Literal

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax.typing import ArrayLike

from ksim_compiler.engine.base import (
    BOUND,
    EngineSpec,
    EngineUnavailable,
    Leaf,
    World,
    checked_start,
    checked_step,
    default_row,
    full_precision,
    model_overrides,
    state_slices,
    where_masked,
)
from ksim_compiler.engine.mjx_model import LEAST, fitted, put
from ksim_compiler.engine.mjx_step import Physics, WarpPhysics
from ksim_compiler.robot.engines import said, shortfalls
from ksim_compiler.robot.gaps import for_warp

_COMPONENTS = {
    "time": mujoco.mjtState.mjSTATE_TIME,
    "qpos": mujoco.mjtState.mjSTATE_QPOS,
    "qvel": mujoco.mjtState.mjSTATE_QVEL,
    "act": mujoco.mjtState.mjSTATE_ACT,
    "history": mujoco.mjtState.mjSTATE_HISTORY,
    "qacc_warmstart": mujoco.mjtState.mjSTATE_WARMSTART,
    "ctrl": mujoco.mjtState.mjSTATE_CTRL,
}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MjxState:
    """What the next step depends on; every array has the leading axis n."""

    time: Leaf
    qpos: Leaf
    qvel: Leaf
    act: Leaf
    history: Leaf
    qacc_warmstart: Leaf
    ctrl: Leaf
    model: dict[str, Leaf]
    """model field -> (n, *shape) float32."""


class MjxEngine:
    """MJX with the implementation `jax` (any backend) or `warp` (NVIDIA).

    Raises:
        EngineUnavailable: when `mujoco-mjx`, or for `warp` its package or a GPU, is missing.
        NotImplementedError: for a model feature that MJX lacks, or passes over without a word.
        ValueError: for a data or model field that MJX does not have.
    """

    def __init__(self, spec: EngineSpec, implementation: Literal["jax", "warp"] = "jax") -> None:
        if implementation == "warp":
            _require_warp()
        self.name: Literal["mjx", "warp"] = "mjx" if implementation == "jax" else "warp"
        self.spec = spec
        mjx = import_mjx()
        model = fitted(spec.model, spec.model_fields)
        if short := shortfalls(model, self.name, spec.model_fields):
            raise NotImplementedError(f"{said(self.name, short)}; the engine native can")
        try:
            if implementation == "jax":
                self._model, self._template = put(mjx, model)
            else:
                model = for_warp(model, spec.model_fields)
                self._model = _quiet(mjx.put_model(model, impl="warp"))
                self._template = mjx.make_data(model, impl="warp", **_warp_capacity(spec))
        except NotImplementedError as error:
            message = f"{self.name} cannot simulate this model: {str(error).rstrip('.')}"
            raise NotImplementedError(f"{message}; the engine native can") from error
        self._physics = Physics(mjx, model) if implementation == "jax" else WarpPhysics(mjx)
        if spec.act is not None and spec.model.na:
            self._template = self._template.replace(act=jnp.asarray(spec.act, jnp.float32))
        self._shapes = spec.world_shapes()
        for name, shape in self._shapes.items():
            if np.size(_data_field(self._template, name)) != math.prod(shape.shape[1:]):
                raise ValueError(f"MJX keeps the MjData field {name!r} in another form")
        for name in spec.model_fields:
            _check_model_field(self._model, name)
        self._ancestors = jnp.asarray(_ancestors(spec.model))

    @full_precision
    def reset(
        self,
        qpos: ArrayLike,
        qvel: ArrayLike,
        model: Mapping[str, ArrayLike] | None = None,
        ctrl: ArrayLike | None = None,
    ) -> tuple[MjxState, World]:
        return self._fresh(*self._start(qpos, qvel, ctrl), model_overrides(self.spec, model))

    @full_precision
    def step(
        self,
        state: MjxState,
        ctrl: ArrayLike,
        push: ArrayLike | None = None,
        wrench: ArrayLike | None = None,
    ) -> tuple[MjxState, World]:
        ctrl, push, wrench = checked_step(self.spec, ctrl, push, wrench)
        if push is not None:
            state = replace(state, qvel=state.qvel + push)

        def tick(
            state: MjxState, ctrl: jax.Array, wrench: jax.Array | None
        ) -> tuple[MjxState, World]:
            model = self._with_values(state.model)
            data = self._data(state, wrench)
            data, sane = self._run(model, data, ctrl, self.spec.substeps)
            return _state(data, state.model), self._world(data, sane)

        return jax.vmap(tick)(state, ctrl, wrench)

    @full_precision
    def reset_where(
        self,
        mask: ArrayLike,
        state: MjxState,
        world: World,
        qpos: ArrayLike,
        qvel: ArrayLike,
        model: Mapping[str, ArrayLike] | None = None,
        ctrl: ArrayLike | None = None,
    ) -> tuple[MjxState, World]:
        mask = jnp.asarray(mask, bool)
        start = self._start(qpos, qvel, ctrl)
        values = model_overrides(self.spec, model, state.model)
        current = (state, {name: world[name] for name in self.spec.fields})

        def some() -> tuple[MjxState, World]:
            choose = functools.partial(where_masked, mask)
            return jax.tree.map(choose, self._fresh(*start, values), current)

        return jax.lax.cond(mask.any(), some, lambda: current)

    def rows(self, state: MjxState) -> np.ndarray:
        at = state_slices(self.spec.model)
        rows = np.tile(default_row(self.spec.model), (self.spec.envs, 1))
        for name, component in _COMPONENTS.items():
            rows[:, at(component)] = np.asarray(getattr(state, name)).reshape(len(rows), -1)
        return rows

    def _start(
        self, qpos: ArrayLike, qvel: ArrayLike, ctrl: ArrayLike | None
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        qpos, qvel, ctrl = checked_start(self.spec, qpos, qvel, ctrl)
        return qpos, qvel, jnp.zeros((self.spec.envs, self.spec.model.nu)) if ctrl is None else ctrl

    def _fresh(
        self, qpos: jax.Array, qvel: jax.Array, ctrl: jax.Array, values: dict[str, jax.Array]
    ) -> tuple[MjxState, World]:
        def start(
            qpos: jax.Array, qvel: jax.Array, ctrl: jax.Array, values: dict[str, jax.Array]
        ) -> tuple[MjxState, World]:
            data = self._template.replace(qpos=qpos, qvel=qvel, ctrl=ctrl)
            own = self._with_values(values)
            sane = None
            if self.spec.settle:
                data, sane = self._run(own, data, ctrl, self.spec.settle)
                # the time begins anew, and with it what delayed actuators were told before it
                before = {name: getattr(self._template, name) for name in ("time", "history")}
                data = data.replace(**before)
            data = self._physics.forward(own, data)
            return _state(data, values), self._world(data, sane)

        return jax.vmap(start)(qpos, qvel, ctrl, values)

    def _run(self, model: Any, data: Any, ctrl: jax.Array, steps: int) -> tuple[Any, jax.Array]:
        """Physics steps under controls (nu,) or (steps, nu), and whether none has diverged."""
        held = ctrl.ndim == 1

        def substep(k: jax.Array, loop: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
            data, sane = loop
            data = self._physics.step(model, data.replace(ctrl=ctrl if held else ctrl[k]))
            return data, sane & _sane(data)

        return jax.lax.fori_loop(0, steps, substep, (data, jnp.bool_(True)))

    def _with_values(self, values: dict[str, jax.Array]) -> Any:
        """The model with one environment's values."""
        if not values:
            return self._model
        updates: dict[str, Any] = {
            name: value.reshape(_model_field(self._model, name).shape)
            for name, value in values.items()
        }
        if "dof_frictionloss" in values:  # a row without friction loss would hold its joint
            updates["dof_frictionloss"] = jnp.maximum(updates["dof_frictionloss"], LEAST)
        if "body_mass" in values and "body_subtreemass" not in values:
            updates["body_subtreemass"] = self._ancestors @ values["body_mass"]
        return self._model.tree_replace(updates)

    def _data(self, state: MjxState, wrench: jax.Array | None) -> Any:
        """One environment's data; wrench is (nbody, 6)."""
        carried = {name: getattr(state, name) for name in _COMPONENTS}
        if wrench is not None:
            carried["xfrc_applied"] = wrench
        return self._template.replace(**carried)

    def _world(self, data: Any, sane: jax.Array | None) -> World:
        """What crosses the boundary; NaN of a simulation that is not sane."""
        world = {}
        for name, shape in self._shapes.items():
            value = _data_field(data, name)
            # MJX keeps rotations as (..., 3, 3) where MjData has (..., 9)
            value = jnp.asarray(value, shape.dtype).reshape(shape.shape[1:])
            world[name] = value if sane is None else _nan_unless(sane, value)
        return world


def import_mjx() -> ModuleType:
    """`mujoco.mjx`, imported without the lines that it prints when Warp is absent.

    Raises:
        EngineUnavailable: when mujoco-mjx is not installed.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            from mujoco import mjx
    except ImportError as error:
        raise EngineUnavailable(
            f"the engine mjx needs the package mujoco-mjx ({error}): pip install mujoco-mjx"
        ) from error
    return mjx


def _require_warp() -> None:
    if importlib.util.find_spec("warp") is None:
        raise EngineUnavailable(
            "the engine warp needs NVIDIA Warp: pip install 'mujoco-mjx[warp]', "
            "or choose the engine mjx"
        )
    try:
        jax.devices("cuda")
    except RuntimeError as error:
        raise EngineUnavailable(
            "the engine warp needs an NVIDIA GPU and JAX with CUDA (pip install 'jax[cuda13]'), "
            "or choose the engine mjx"
        ) from error


def _quiet(model: Any) -> Any:
    """The model without Warp's lines for a solver that has used all of the iterations it was given.

    MuJoCo says nothing of them either. What Warp says of contacts that it has no room for stays.
    """
    warp: Any = importlib.import_module("warp")
    from mujoco.mjx.third_party.mujoco_warp import OverflowType

    warp.config.log_level = max(warp.config.log_level, warp.LOG_WARNING)  # not each kernel's build
    usual = int(OverflowType.ITERATIONS | OverflowType.LS_ITERATIONS)
    name = "opt._impl.warn_overflow"
    return model.tree_replace({name: model.opt._impl.warn_overflow & ~usual})


def _warp_capacity(spec: EngineSpec) -> dict[str, int]:
    """Warp allocates contacts and constraints ahead; sized from the model's own possible pairs."""
    data = mujoco.MjData(spec.model)
    if spec.model.nkey:
        mujoco.mj_resetDataKeyframe(spec.model, data, 0)
    mujoco.mj_forward(spec.model, data)
    contacts = max(32, 4 * data.ncon)
    # 4 edges for each contact's friction pyramid, and one row for each limit and friction loss
    rows = 4 * contacts + data.nefc + 2 * spec.model.nv + 6 * spec.model.neq
    return {"naconmax": contacts * spec.envs, "njmax": rows}


def _sane(data: Any) -> jax.Array:
    """Whether a simulation has not diverged."""
    moving = (data.qpos, data.qvel, data.qacc, data.ctrl)
    return jnp.all(jnp.stack([jnp.all(jnp.abs(x) <= BOUND) for x in moving]))  # false for NaN


def _nan_unless(sane: jax.Array, value: jax.Array) -> jax.Array:
    return jnp.where(sane, value, jnp.nan) if jnp.issubdtype(value.dtype, jnp.floating) else value


def _state(data: Any, values: dict[str, jax.Array]) -> MjxState:
    return MjxState(**{name: getattr(data, name) for name in _COMPONENTS}, model=values)


def _data_field(data: Any, name: str) -> Any:
    for owner in (data, data._impl):
        if name in {field.name for field in owner.fields()}:
            return getattr(owner, name)
    raise ValueError(f"MJX does not have the MjData field {name!r}")


def _model_field(model: Any, name: str) -> Any:
    owner, field = (model.opt, name[4:]) if name.startswith("opt.") else (model, name)
    return getattr(owner, field, None) if field in {f.name for f in owner.fields()} else None


def _check_model_field(model: Any, name: str) -> None:
    if not isinstance(_model_field(model, name), jax.Array):
        raise ValueError(f"MJX has no MjModel field {name!r} that can vary between environments")


def _ancestors(model: mujoco.MjModel) -> np.ndarray:
    """(nbody, nbody), 1 where the column's body is in the subtree of the row's."""
    inside = np.eye(model.nbody, dtype=np.float32)
    for body in range(model.nbody - 1, 0, -1):
        inside[model.body_parentid[body]] += inside[body]
    return inside
