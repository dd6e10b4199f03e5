"""Rules of observations of the base, and the errors of an IMU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.ground import height
from ksim_compiler.lowering.noise import drawn
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import uniform
from ksim_schema.vocabulary.observation import Observation, trunk as v

Value = Float[Array, " size"]


@lower(v.BasePosition)
def base_position(c: v.BasePosition, x: Context) -> Value:
    return x.sensor(c.sensors(x.robot)[0])


@lower(v.BaseHeight)
def base_height(c: v.BaseHeight, x: Context) -> Value:
    return height(x, x.sensor(c.sensors(x.robot)[0]), c.above)[None]


@lower(v.BaseOrientation)
def base_orientation(c: v.BaseOrientation, x: Context) -> Value:
    return rotation(c.form, x.sensor(c.sensors(x.robot)[0]))


@lower(v.BaseLinearVelocity)
def base_linear_velocity(c: v.BaseLinearVelocity, x: Context) -> Value:
    return _in_frame(c, x)


@lower(v.BaseAngularVelocity)
def base_angular_velocity(c: v.BaseAngularVelocity, x: Context) -> Value:
    return _in_frame(c, x)


@lower(v.BaseAngularAcceleration)
def base_angular_acceleration(c: v.BaseAngularAcceleration, x: Context) -> Value:
    return _in_frame(c, x)


@lower(v.BaseLinearAcceleration)
def base_linear_acceleration(c: v.BaseLinearAcceleration, x: Context) -> Value:
    proper, orientation, *world = (x.sensor(s) for s in c.sensors(x.robot))
    acceleration = proper - world[0] if world else proper
    return geometry.unrotate(orientation, acceleration) if c.frame == "robot" else acceleration


@lower(v.ProjectedGravity)
def projected_gravity(c: v.ProjectedGravity, x: Context) -> Value:
    return -geometry.up(x.sensor(c.sensors(x.robot)[0]))


def _in_frame(c: v.FramedObservation, x: Context) -> Value:
    vector, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    return geometry.unrotate(orientation, vector) if c.frame == "robot" else vector


def rotation(form: str, quat: geometry.Quaternion) -> Value:
    """A rotation as ``quaternion`` or ``rotation_6d`` (the images of the x and the y axis)."""
    if form == "quaternion":
        return quat
    return jnp.concatenate([geometry.rotate(quat, axis) for axis in jnp.eye(3)[:2]])


class Distortion(NamedTuple):
    """What a sensor does to the true value before noise: ``(c, x, value, memory)``."""

    apply: Callable[[Any, Context, Value, Any], tuple[Value, Any]]
    initial: Callable[[Any, Context, Value], Any]


def _misaligned(quat: Any, value: Value) -> Value:
    return value if quat is None else geometry.unrotate(quat, value)


def _gravity_memory(c: v.ProjectedGravity, x: Context, value: Value) -> Any:
    quat = factor = None
    if c.bias:
        keys = [name_key(x.key, f"bias {index}") for index in range(len(c.bias))]
        turns = [drawn(b, k, x.level, (3,)) for b, k in zip(c.bias, keys, strict=True)]
        quat = geometry.from_rotation_vector(sum(turns[1:], start=turns[0]))
    if c.lag is not None:
        factor = uniform(name_key(x.key, "lag"), c.lag)
    return quat, factor, _misaligned(quat, value)


def _gravity_sensor(
    c: v.ProjectedGravity, x: Context, value: Value, memory: Any
) -> tuple[Value, Any]:
    quat, factor, previous = memory
    value = _misaligned(quat, value)
    if factor is not None:
        value = factor * previous + (1 - factor) * value
    return value, (quat, factor, value)


DISTORTIONS: dict[type[Observation], Distortion] = {
    v.ProjectedGravity: Distortion(_gravity_sensor, _gravity_memory),
}
