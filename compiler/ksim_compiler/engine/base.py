"""What an engine is: batched, pure physics with one meaning of a tick for every implementation.

An engine steps `envs` copies of one MuJoCo model. Its functions are pure and may stand inside
`jax.jit` and `jax.lax.scan`; the batch axis leads every array. A `World` holds the MjData fields
that cross the boundary, with the meaning they have after `mujoco.mj_step`:

* qpos, qvel, act and time are those at the end of the tick;
* derived fields and sensordata are those computed inside the last substep, so they describe the
  state one substep earlier;
* after a reset they are those of `mujoco.mj_forward` at the new state.

A simulation that diverges is not silently reset by MuJoCo (`mjDSBL_AUTORESET`). MuJoCo's own
measure decides: a position, velocity, acceleration or control that is not a number or beyond
`mjMAXVAL`, 1e10, at any physics step of the tick (`mj_checkPos` and its like). The float fields of
the World of such a simulation are NaN, for a termination to see; its state is what MuJoCo makes of
it.
"""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax.typing import ArrayLike

from ksim_compiler.robot import quiet as quiet  # MuJoCo's own log is off wherever an engine runs

BOUND = float(mujoco.mjMAXVAL)
"""What is beyond this has diverged, in rad, m and their derivatives."""
P = ParamSpec("P")
T = TypeVar("T")

World = dict[str, jax.Array]
"""MjData field -> (envs, *field_shape); float32, and int32 for integer fields."""

Leaf = Any
"""A field of a state: an array, or whatever stands in its place while JAX maps over the pytree."""

_ALWAYS = ("qpos", "qvel")
_SENSOR = mujoco.mjtSensor
# mj_step computes these fields only when a sensor needs them (mj_sensorVel and mj_sensorAcc in
# engine_sensor.c); otherwise they hold nothing of use.
_RNE_SENSORS = (
    _SENSOR.mjSENS_ACCELEROMETER,
    _SENSOR.mjSENS_FORCE,
    _SENSOR.mjSENS_TORQUE,
    _SENSOR.mjSENS_FRAMELINACC,
    _SENSOR.mjSENS_FRAMEANGACC,
)
_SUBTREE_SENSORS = (_SENSOR.mjSENS_SUBTREELINVEL, _SENSOR.mjSENS_SUBTREEANGMOM)
_ON_DEMAND: dict[str, tuple[mujoco.mjtSensor, ...]] = {
    "cacc": _RNE_SENSORS,
    "cfrc_int": _RNE_SENSORS,
    "cfrc_ext": _RNE_SENSORS,
    "subtree_linvel": _SUBTREE_SENSORS,
    "subtree_angmom": _SUBTREE_SENSORS,
    "qfrc_inverse": (),
}


class EngineUnavailable(RuntimeError):
    """The engine cannot run here; the message says what to install or to choose instead."""


@dataclass(frozen=True, eq=False)
class EngineSpec:
    """What an engine is built from.

    Raises:
        ValueError: for a size below 1, or a field that the model has not or that `mj_step` leaves
            uncomputed.
    """

    model: mujoco.MjModel
    """The complete model: sensors, actuators and options are already in it. It is not modified."""
    envs: int
    """Batch size, the leading axis of every array."""
    substeps: int
    """Physics steps per control tick."""
    fields: tuple[str, ...]
    """MjData fields that cross the boundary; qpos and qvel are added when absent."""
    model_fields: tuple[str, ...] = ()
    """MjModel fields (`body_mass`, `opt.gravity`) that have one value per environment."""
    threads: int = 0
    """Threads of a CPU engine, 0 for all cores. It never changes a result."""
    beside: int = 1
    """How many batches like this one are stepped at the same time, by the same calls, and share
    the threads."""
    act: np.ndarray | None = None
    """(na,) activations of the actuators at a reset; 0 when absent."""
    told: np.ndarray | None = None
    """(nu,) controls that actuators with a delay were given before a reset; 0 when absent."""

    settle: int = 0
    """Physics steps of a reset, under its controls, before the time is set to 0."""

    def __post_init__(self) -> None:
        for name in ("envs", "substeps", "beside"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.settle < 0:
            raise ValueError(f"settle must be 0 or more, got {self.settle}")
        if self.threads < 0:
            raise ValueError(f"threads must be 0 (all cores) or more, got {self.threads}")
        object.__setattr__(self, "fields", tuple(dict.fromkeys((*_ALWAYS, *self.fields))))
        object.__setattr__(self, "model_fields", tuple(dict.fromkeys(self.model_fields)))
        self._check_on_demand()
        data = mujoco.MjData(self.model)
        for name in self.fields:
            _template(data, name)
        for name in self.model_fields:
            model_value(self.model, name)

    def _check_on_demand(self) -> None:
        present = set(self.model.sensor_type.tolist())
        for name in self.fields:
            needs = _ON_DEMAND.get(name)
            if needs is not None and not present & {int(sensor) for sensor in needs}:
                names = ", ".join(sensor.name for sensor in needs)
                hint = f"; it needs a sensor of one of the types {names}" if needs else ""
                raise ValueError(f"mj_step does not compute {name!r} for this model{hint}")

    def world_shapes(self) -> dict[str, jax.ShapeDtypeStruct]:
        """The shapes and types of a `World`, in the order of `fields`."""
        data = mujoco.MjData(self.model)
        shapes = {}
        for name in self.fields:
            field = _template(data, name)
            dtype = jnp.float32 if field.dtype.kind == "f" else jnp.int32
            shapes[name] = jax.ShapeDtypeStruct((self.envs, *field.shape), dtype)
        return shapes

    def identity(self) -> int:
        """A number below 2^63 that two specs share exactly where an engine computes the same."""
        size = mujoco.mj_sizeModel(self.model)
        model = np.empty(size, np.uint8)
        mujoco.mj_saveModel(self.model, None, model)
        digest = hashlib.sha256(model.tobytes())
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "model":
                told = value.tolist() if isinstance(value, np.ndarray) else value
                digest.update(f"{field.name}={told!r};".encode())
        return int.from_bytes(digest.digest()[:8], "little") >> 1

    def model_defaults(self) -> dict[str, np.ndarray]:
        """The model's own value of every one of `model_fields`, in the model's precision."""
        return {name: model_value(self.model, name).copy() for name in self.model_fields}


@runtime_checkable
class State(Protocol):
    """An engine's own pytree of arrays: everything that the next step depends on.

    Attributes:
        model: field of `spec.model_fields` -> (n, *shape) the values of each environment, float32.
    """

    @property
    def model(self) -> dict[str, Leaf]: ...


S = TypeVar("S", bound=State)
"""The state of a certain engine: it is given back no state but its own."""


@runtime_checkable
class Engine(Protocol[S]):
    """Batched physics. n is `spec.envs`; every function is pure."""

    name: str
    spec: EngineSpec

    def reset(
        self,
        qpos: ArrayLike,
        qvel: ArrayLike,
        model: Mapping[str, ArrayLike] | None = None,
        ctrl: ArrayLike | None = None,
    ) -> tuple[S, World]:
        """Start every environment afresh, at time 0 with a cold solver.

        With `spec.settle` the physics goes on for so many steps from there, and the time is set
        to 0 again; what diverges meanwhile is treated as after a step.

        Args:
            qpos: (n, nq). qvel: (n, nv).
            model: (n, *shape) values for some or all of `spec.model_fields`; the others take the
                values of `spec.model`.
            ctrl: (n, nu) controls of the forward pass, which actuator forces and acceleration
                sensors show; 0 when absent.
        """
        ...

    def step(
        self,
        state: S,
        ctrl: ArrayLike,
        push: ArrayLike | None = None,
        wrench: ArrayLike | None = None,
    ) -> tuple[S, World]:
        """Advance every environment by one control tick.

        Args:
            state: from `reset`, `step` or `reset_where`.
            ctrl: (n, nu), held for all substeps, or (n, substeps, nu), one row for each.
            push: (n, nv) added to qvel before the first substep, in the units of qvel.
            wrench: (n, nbody, 6) forces (N) and torques (N m) in the world frame at the centres of
                mass, MjData.xfrc_applied, for this tick only.
        """
        ...

    def reset_where(
        self,
        mask: ArrayLike,
        state: S,
        world: World,
        qpos: ArrayLike,
        qvel: ArrayLike,
        model: Mapping[str, ArrayLike] | None = None,
        ctrl: ArrayLike | None = None,
    ) -> tuple[S, World]:
        """`reset` for the environments where mask (n,) is true; the others keep every bit.

        `model` fields that are absent keep the values that each environment has.
        """
        ...

    def rows(self, state: S) -> np.ndarray:
        """The states as (n, nstate) float64 rows of MuJoCo's `mjSTATE_INTEGRATION`, on the host."""
        ...


def full_precision(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with all products of matrices in it computed in full float32.

    An accelerator would by itself round their factors to 10 or 7 bits of mantissa (TF32, bfloat16):
    good enough for a network, not for physics, where it costs two digits of a trajectory.
    """

    @functools.wraps(function)
    def exact(*args: P.args, **kwargs: P.kwargs) -> T:
        with jax.default_matmul_precision("highest"):
            return function(*args, **kwargs)

    return exact


def physics_model(model: mujoco.MjModel) -> mujoco.MjModel:
    """A copy of the model in which divergence shows as non-finite values, not as a reset."""
    model = copy.copy(model)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
    return model


def model_value(model: mujoco.MjModel, name: str) -> np.ndarray:
    """An MjModel or `opt.` field as an array.

    Raises:
        ValueError: for a name that is not a numeric field.
    """
    owner, field = (model.opt, name[4:]) if name.startswith("opt.") else (model, name)
    value = getattr(owner, field, None)
    if value is None or callable(value):
        raise ValueError(f"unknown MjModel field {name!r}")
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise ValueError(f"{name!r} cannot vary between environments: it is not a real number")
    return array


def model_overrides(
    spec: EngineSpec,
    model: Mapping[str, ArrayLike] | None,
    current: Mapping[str, jax.Array] | None = None,
) -> dict[str, jax.Array]:
    """Values for all of `spec.model_fields`: those given, else current ones, else the model's.

    Raises:
        ValueError: for a name outside `spec.model_fields` or a wrong shape.
    """
    given = model or {}
    if unknown := sorted(set(given) - set(spec.model_fields)):
        raise ValueError(f"{unknown} are not among the model fields {list(spec.model_fields)}")
    values = {}
    for name in spec.model_fields:
        default = model_value(spec.model, name)
        shape = (spec.envs, *default.shape)
        if name in given:
            values[name] = checked(f"model[{name!r}]", given[name], shape)
        elif current is not None:
            values[name] = current[name]
        else:
            values[name] = jnp.broadcast_to(jnp.asarray(default, jnp.float32), shape)
    return values


def checked(what: str, value: ArrayLike, *shapes: tuple[int, ...]) -> jax.Array:
    """The value as float32.

    Raises:
        ValueError: when its shape is none of `shapes`.
    """
    value = jnp.asarray(value, jnp.float32)
    if value.shape not in shapes:
        wanted = " or ".join(str(shape) for shape in shapes)
        raise ValueError(f"{what} must have the shape {wanted}, got {value.shape}")
    return value


def checked_start(
    spec: EngineSpec, qpos: ArrayLike, qvel: ArrayLike, ctrl: ArrayLike | None
) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    """What `Engine.reset` is given, as float32.

    Raises:
        ValueError: for a wrong shape.
    """
    n, model = spec.envs, spec.model
    return (
        checked("qpos", qpos, (n, model.nq)),
        checked("qvel", qvel, (n, model.nv)),
        None if ctrl is None else checked("ctrl", ctrl, (n, model.nu)),
    )


def checked_step(
    spec: EngineSpec, ctrl: ArrayLike, push: ArrayLike | None, wrench: ArrayLike | None
) -> tuple[jax.Array, jax.Array | None, jax.Array | None]:
    """What `Engine.step` is given, as float32.

    Raises:
        ValueError: for a wrong shape.
    """
    n, model = spec.envs, spec.model
    return (
        checked("ctrl", ctrl, (n, model.nu), (n, spec.substeps, model.nu)),
        None if push is None else checked("push", push, (n, model.nv)),
        None if wrench is None else checked("wrench", wrench, (n, model.nbody, 6)),
    )


def where_masked(mask: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    """`new` in the environments where mask (n,) is true, `old` in the others."""
    return jnp.where(mask.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def state_slices(model: mujoco.MjModel) -> Callable[[mujoco.mjtState], slice]:
    """Where a component (one bit of mjtState) stands in an `mjSTATE_INTEGRATION` row."""
    whole = int(mujoco.mjtState.mjSTATE_INTEGRATION)

    def find(component: mujoco.mjtState) -> slice:
        # components are stored in the order of their bits
        start = mujoco.mj_stateSize(model, whole & (int(component) - 1))
        return slice(start, start + mujoco.mj_stateSize(model, int(component)))

    return find


def default_row(
    model: mujoco.MjModel, act: np.ndarray | None = None, ctrl: np.ndarray | None = None
) -> np.ndarray:
    """The float64 `mjSTATE_INTEGRATION` row of a new MjData.

    Args:
        model: the model.
        act: (na,) activations.
        ctrl: (nu,) what actuators with a delay were told before, 0 by default.
    """
    whole = int(mujoco.mjtState.mjSTATE_INTEGRATION)
    row = np.empty(mujoco.mj_stateSize(model, whole), np.float64)
    data: Any = mujoco.MjData(model)
    if act is not None:
        data.act[:] = act
    if ctrl is not None:
        for i in np.flatnonzero(model.actuator_history[:, 0]):
            told = np.full(model.actuator_history[i, 0], ctrl[i], np.float64)
            mujoco.mj_initCtrlHistory(model, data, int(i), None, told)
    mujoco.mj_getState(model, data, row, whole)
    return row


def _template(data: mujoco.MjData, name: str) -> np.ndarray:
    value = getattr(data, name, None)
    if not isinstance(value, np.ndarray | float | int) or name.startswith("efc_"):
        raise ValueError(f"unknown MjData field {name!r}")
    return np.asarray(value)
