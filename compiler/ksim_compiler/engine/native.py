"""MuJoCo on the CPU's cores: `mujoco.batch.Batch` behind one call of the host per tick.

The call is pure. A state travels through JAX as whole `mjSTATE_INTEGRATION` rows whose float64
numbers are carried as uint32 pairs, because JAX's x64 mode stays off; the rows go into the Batch,
the physics runs, and the rows come out, so the Batch is only a scratch resource and two calls with
the same arguments give the same bits, at any number of threads.

The call (:mod:`~ksim_compiler.engine.host_call`) is handed XLA's own memory: nothing is copied on
the way in, the results are written in place, and no JAX array is made inside. The last point
matters for more than speed: `pure_callback` wraps its operands in JAX arrays, whose conversion to
NumPy can wait for the very thread pool that waits for the callback (jax-ml/jax#24255, #25861).

An error that MuJoCo raises in some simulations does not end the run: they keep the state they had
before the tick, and are treated as those that have diverged otherwise.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax.typing import ArrayLike
from mujoco.batch import Batch, SimulationError

from ksim_compiler.engine import host_call
from ksim_compiler.engine.base import (
    BOUND,
    EngineSpec,
    EngineUnavailable,
    Leaf,
    World,
    checked_start,
    checked_step,
    default_row,
    model_overrides,
    physics_model,
    state_slices,
    where_masked,
)
from ksim_compiler.engine.late import LateSensors, has_late_sensors


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NativeState:
    """`mjSTATE_INTEGRATION` rows, and the model values that differ between environments."""

    bits: Leaf
    """(n, 2 * nstate) uint32, the float64 rows."""
    model: dict[str, Leaf]
    """model field -> (n, *shape) float32."""


class NativeEngine:
    """MuJoCo's C engine on all cores.

    A per-environment model value travels as float32; an element that equals the float32 rounding of
    the model's own value stands for that value in full precision, so an environment that keeps the
    defaults runs exactly the model. Constants derived from changed values follow (`mj_setConst`).

    Raises:
        EngineUnavailable: when JAX's default backend is not the CPU.
        ValueError: for a data or model field that a Batch cannot bind or expand.
    """

    name = "native"

    def __init__(self, spec: EngineSpec) -> None:
        if jax.default_backend() != "cpu":
            raise EngineUnavailable(
                f"the native engine shares memory with JAX on the CPU, and JAX runs on "
                f"{jax.default_backend()}: set JAX_PLATFORMS=cpu, or choose the engine mjx"
            )
        self.spec = spec
        self._identity = spec.identity()
        self._host = host_call.shared(self._identity, lambda: _hosts(spec))
        nstate = mujoco.mj_stateSize(spec.model, int(_STATE.mjSTATE_INTEGRATION))
        self._bits = jax.ShapeDtypeStruct((spec.envs, 2 * nstate), jnp.uint32)
        self._shapes = tuple(spec.world_shapes().values())

    def _call(
        self, function: int, *operands: jax.Array | None, aliases: Mapping[int, int] | None = None
    ) -> tuple[jax.Array, World]:
        results = (self._bits, *self._shapes)
        bits, *world = host_call.call(self._identity, function, results, operands, aliases)
        return bits, dict(zip(self.spec.fields, world, strict=True))

    def reset(
        self,
        qpos: ArrayLike,
        qvel: ArrayLike,
        model: Mapping[str, ArrayLike] | None = None,
        ctrl: ArrayLike | None = None,
    ) -> tuple[NativeState, World]:
        values = model_overrides(self.spec, model)
        start = checked_start(self.spec, qpos, qvel, ctrl)
        bits, world = self._call(_RESET, *start, *values.values())
        return NativeState(bits, values), world

    def step(
        self,
        state: NativeState,
        ctrl: ArrayLike,
        push: ArrayLike | None = None,
        wrench: ArrayLike | None = None,
    ) -> tuple[NativeState, World]:
        ctrl, push, wrench = checked_step(self.spec, ctrl, push, wrench)
        model = (state.model[name] for name in self.spec.model_fields)
        bits, world = self._call(_STEP, state.bits, ctrl, push, wrench, *model)
        return NativeState(bits, state.model), world

    def reset_where(
        self,
        mask: ArrayLike,
        state: NativeState,
        world: World,
        qpos: ArrayLike,
        qvel: ArrayLike,
        model: Mapping[str, ArrayLike] | None = None,
        ctrl: ArrayLike | None = None,
    ) -> tuple[NativeState, World]:
        mask = jnp.asarray(mask, bool)
        merged = {
            name: where_masked(mask, value, state.model[name])
            for name, value in model_overrides(self.spec, model, state.model).items()
        }
        kept = (state.bits, *(world[name] for name in self.spec.fields))
        start = checked_start(self.spec, qpos, qvel, ctrl)
        # the results share the memory of the first operands, so only masked rows are written
        bits, after = self._call(
            _RESET_WHERE,
            *(*kept, mask, *start, *merged.values()),
            aliases={i: i for i in range(len(kept))},
        )
        return NativeState(bits, merged), after

    def rows(self, state: NativeState) -> np.ndarray:
        return _rows(state.bits).copy()


_STEP, _RESET, _RESET_WHERE = range(3)
"""The places of what compiled programs call, in `_Host.called`."""


def _hosts(spec: EngineSpec) -> _Host | host_call.Several:
    one = _Host(spec)
    if spec.beside == 1:
        return one
    # what a host computes depends on its arguments alone
    return host_call.Several([one, *(_Host(spec) for _ in range(spec.beside - 1))])


class _Host:
    """The host's side: NumPy and MuJoCo only."""

    def __init__(self, spec: EngineSpec) -> None:
        model = physics_model(spec.model)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
        threads = min(max(1, (spec.threads or cores) // spec.beside), spec.envs)
        self._batch = Batch(model, spec.envs, threads)
        # XLA may run independent callbacks at once; the Batch serves one at a time
        self._lock = threading.Lock()
        self._substeps, self._settle = spec.substeps, spec.settle
        self._default_row = default_row(model, spec.act, spec.told)
        at = state_slices(model)
        rows = self._batch.state
        self._time, self._history = at(_STATE.mjSTATE_TIME), at(_STATE.mjSTATE_HISTORY)
        self._qpos = rows[:, at(mujoco.mjtState.mjSTATE_QPOS)]
        self._qvel = rows[:, at(mujoco.mjtState.mjSTATE_QVEL)]
        self._ctrl = rows[:, at(mujoco.mjtState.mjSTATE_CTRL)]
        self._wrench = rows[:, at(mujoco.mjtState.mjSTATE_XFRC_APPLIED)]
        self._fields = [self._batch.bind(name) for name in spec.fields]
        self._warnings = self._batch.warning[:, :, 1]  # (n, mjNWARNING) counts
        self._moving = np.r_[at(_STATE.mjSTATE_QPOS), at(_STATE.mjSTATE_QVEL)]
        self._models = [_ModelValues(self._batch, spec)]
        self._late = LateSensors(model, spec.envs, threads) if has_late_sensors(model) else None
        if self._late is not None:
            self._models.append(_ModelValues(self._late.batch, spec))

    @property
    def called(self) -> Sequence[Callable[..., None]]:
        """What compiled programs call, with the memory of results and operands."""
        return self.step, self.reset, self.reset_where

    def step(
        self,
        out: Sequence[np.ndarray],
        bits: np.ndarray,
        ctrl: np.ndarray,
        push: np.ndarray | None,
        wrench: np.ndarray | None,
        *model: np.ndarray,
    ) -> None:
        rows = _rows(bits)
        with self._lock:
            self._models[0].set(model)
            self._batch.state[...] = rows
            if push is not None:
                self._qvel += push
            if wrench is not None:
                self._wrench[...] = wrench.reshape(len(rows), -1)
            warned = self._warnings[:, _DIVERGED].copy()
            failed = self._advance(ctrl)
            broken = np.union1d(failed, self._diverged(warned))
            if wrench is not None:
                self._wrench[...] = 0.0
            if failed.size:
                self._batch.state[failed] = rows[failed]
            bits_out, *fields_out = out
            _rows(bits_out)[...] = self._batch.state
            for array, field in zip(fields_out, self._fields, strict=True):
                with np.errstate(over="ignore", invalid="ignore"):  # of one that has diverged
                    np.copyto(array, field, casting="unsafe")
                _flag(array, broken)

    def reset(self, out: Sequence[np.ndarray], *start: np.ndarray | None) -> None:
        """`start` is qpos, qvel, ctrl, and the model values."""
        ids = np.arange(len(self._batch.state), dtype=np.int32)
        self._restart(ids, out, *start)

    def reset_where(self, out: Sequence[np.ndarray], *operands: Any) -> None:
        """`operands` are those that `out` aliases, then the mask and the operands of `reset`."""
        mask, *start = operands[len(out) :]
        ids = np.flatnonzero(mask).astype(np.int32)
        if ids.size:
            self._restart(ids, out, *start)

    def _restart(
        self,
        ids: np.ndarray,
        out: Sequence[np.ndarray],
        qpos: Any,
        qvel: Any,
        ctrl: Any,
        *model: Any,
    ) -> None:
        with self._lock:
            for values in self._models:
                values.set(model)
            self._batch.state[ids] = self._default_row
            self._qpos[ids] = qpos[ids]
            self._qvel[ids] = qvel[ids]
            if ctrl is not None:
                self._ctrl[ids] = ctrl[ids]
            failed = self._settled(ids)
            if self._late is not None:
                self._late.fill(self._batch.state, ids)
            try:
                self._batch.forward(ids)
            except SimulationError as error:
                failed = np.union1d(failed, error.ids)
            bits_out, *fields_out = out
            _rows(bits_out)[ids] = self._batch.state[ids]
            for array, field in zip(fields_out, self._fields, strict=True):
                array[ids] = field[ids]
                _flag(array, failed)

    def _settled(self, ids: np.ndarray) -> np.ndarray:
        """Let simulations settle, if they are to; the ids that failed or diverged in it."""
        if not self._settle:
            return _NONE
        warned, failed = self._warnings[:, _DIVERGED].copy(), _NONE
        try:
            self._batch.step(ids, nstep=self._settle)
        except SimulationError as error:
            failed = error.ids
        # the time begins anew, and with it what delayed actuators were told before it
        for part in (self._time, self._history):
            self._batch.state[ids, part] = self._default_row[part]
        return np.intersect1d(np.union1d(failed, self._diverged(warned)), ids)

    def _advance(self, ctrl: np.ndarray) -> np.ndarray:
        """Run the substeps under ctrl (n, nu) or (n, substeps, nu); the ids that failed."""
        try:
            if ctrl.ndim == 2:
                self._ctrl[...] = ctrl
                self._batch.step(nstep=self._substeps)
            else:
                return self._advance_each(ctrl)
        except SimulationError as error:
            return error.ids
        return _NONE

    def _diverged(self, warned: np.ndarray) -> np.ndarray:
        """The ids of simulations of which MuJoCo has warned, or would at the next step."""
        risen = (self._warnings[:, _DIVERGED] != warned).any(axis=1)
        sane = np.abs(self._batch.state[:, self._moving]) <= BOUND  # false for NaN
        return np.flatnonzero(risen | ~sane.all(axis=1))

    def _advance_each(self, ctrl: np.ndarray) -> np.ndarray:
        """One ctrl row per substep.

        `Batch.rollout` is one parallel call for all substeps, but a simulation that warns stops
        there. Those, normally none, are run again with `step`, which goes on as mj_step does.
        """
        start, warnings = self._batch.state.copy(), self._warnings.copy()
        failed = _NONE
        try:
            self._batch.rollout(self._substeps, ctrl, record=())
        except SimulationError as error:
            failed = error.ids
        stopped = (self._warnings != warnings).any(axis=1)
        stopped[failed] = False
        ids = np.flatnonzero(stopped).astype(np.int32)
        self._batch.state[ids] = start[ids]
        for k in range(self._substeps):
            if not ids.size:
                break
            self._ctrl[ids] = ctrl[ids, k]
            try:
                self._batch.step(ids)
            except SimulationError as error:
                failed = np.union1d(failed, error.ids)
                ids = np.setdiff1d(ids, error.ids).astype(np.int32)
        return failed


class _ModelValues:
    """Per-environment model values in the Batch, written only where they changed.

    The Batch's model is a function of the values last set, whatever was set before, so keeping it
    between calls leaves the callbacks pure.
    """

    def __init__(self, batch: Batch, spec: EngineSpec) -> None:
        self._batch = batch
        self._default = spec.model_defaults()
        self._expanded = {name: batch.expand(name) for name in spec.model_fields}
        inputs = mujoco.MjModel._setconst_inputs
        self._derives = any(n in inputs or n.startswith("opt.") for n in spec.model_fields)
        self._last = {
            name: np.broadcast_to(value.astype(np.float32), (spec.envs, *value.shape)).copy()
            for name, value in self._default.items()
        }
        if self._derives:
            batch.set_const()

    def set(self, model: Sequence[np.ndarray]) -> None:
        """Take over values (n, *shape) of the fields, in their order."""
        if not self._last:
            return
        values = dict(zip(self._last, model, strict=True))
        changed = np.zeros(len(self._batch.state), bool)
        for name, last in self._last.items():
            changed |= (values[name] != last).reshape(len(changed), -1).any(axis=1)
        ids = np.flatnonzero(changed).astype(np.int32)
        if not ids.size:
            return
        for name, last in self._last.items():
            last[ids] = values[name][ids]
            default = self._default[name]
            same = last[ids] == default.astype(np.float32)
            self._expanded[name][ids] = np.where(same, default, last[ids])
        if self._derives:
            self._batch.set_const(ids)


_NONE = np.zeros(0, np.int64)
_STATE: Any = mujoco.mjtState
_DIVERGED = [
    int(kind)
    for kind in (
        mujoco.mjtWarning.mjWARN_BADQPOS,
        mujoco.mjtWarning.mjWARN_BADQVEL,
        mujoco.mjtWarning.mjWARN_BADQACC,
        mujoco.mjtWarning.mjWARN_BADCTRL,
    )
]
"""MuJoCo's warnings that a simulation has diverged."""


def _rows(bits: np.ndarray | jax.Array) -> np.ndarray:
    """The (n, nstate) float64 rows in an array of uint32 pairs; a view."""
    return np.asarray(bits).view(np.float64)


def _flag(array: np.ndarray, failed: np.ndarray) -> None:
    if failed.size and array.dtype.kind == "f":
        array[failed] = np.nan
