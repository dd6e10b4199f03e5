"""Rules of observations: the true value of each, and what its sensor makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import uniform
from ksim_schema.vocabulary import observation as v

Value = Float[Array, " size"]


@lower(v.JointPosition)
def joint_position(c: v.JointPosition, x: Context) -> Value:
    joints = x.robot.match_joints(c.joints)
    home = jnp.array([j.home[0] for j in joints]) if c.relative_to == "home" else 0.0
    return x.joint_positions(joints) - home


@lower(v.JointVelocity)
def joint_velocity(c: v.JointVelocity, x: Context) -> Value:
    return x.joint_velocities(x.robot.match_joints(c.joints))


@lower(v.ProjectedGravity)
def projected_gravity(c: v.ProjectedGravity, x: Context) -> Value:
    return -geometry.up(x.sensor(c.sensors(x.robot)[0]))


@lower(v.SensorValue)
def sensor(c: v.SensorValue, x: Context) -> Value:
    return x.sensor(c.sensor)


@lower(v.LastAction)
def last_action(c: v.LastAction, x: Context) -> Value:
    return x.action


@lower(v.BaseLinearVelocity)
def base_linear_velocity(c: v.BaseLinearVelocity, x: Context) -> Value:
    return _in_frame(c, x)


@lower(v.BaseAngularVelocity)
def base_angular_velocity(c: v.BaseAngularVelocity, x: Context) -> Value:
    return _in_frame(c, x)


def _in_frame(c: v.BaseLinearVelocity | v.BaseAngularVelocity, x: Context) -> Value:
    velocity, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    return geometry.unrotate(orientation, velocity) if c.frame == "robot" else velocity


@lower(v.BaseHeight)
def base_height(c: v.BaseHeight, x: Context) -> Value:
    return x.sensor(c.sensors(x.robot)[0])[2:3]


@lower(v.Contact)
def contact(c: v.Contact, x: Context) -> Value:
    found = jnp.concatenate([x.sensor(s) for s in c.sensors(x.robot)])
    return (found > 0).astype(jnp.float32)


@lower(v.PhaseClock)
def phase_clock(c: v.PhaseClock, x: Context) -> Value:
    angle = 2 * math.pi * x.time / c.period
    return jnp.stack([jnp.sin(angle), jnp.cos(angle)])


class Distortion(NamedTuple):
    """What a sensor does to the true value before noise: ``(c, x, value, memory)``."""

    apply: Callable[[Any, Context, Value, Any], tuple[Value, Any]]
    initial: Callable[[Any, Context, Value], Any]


def _misaligned(c: v.ProjectedGravity, quat: Any, value: Value) -> Value:
    return value if quat is None else geometry.unrotate(quat, value)


def _gravity_memory(c: v.ProjectedGravity, x: Context, value: Value) -> Any:
    turn_key, lag_key = jax.random.split(x.key)
    bias = c.bias
    quat = (
        None
        if bias is None
        else geometry.from_rotation_vector(uniform(turn_key, (-bias, bias), (3,)))
    )
    factor = None if c.lag is None else uniform(lag_key, c.lag)
    return quat, factor, _misaligned(c, quat, value)


def _gravity_sensor(
    c: v.ProjectedGravity, x: Context, value: Value, memory: Any
) -> tuple[Value, Any]:
    quat, factor, previous = memory
    value = _misaligned(c, quat, value)
    if factor is not None:
        value = factor * previous + (1 - factor) * value
    return value, (quat, factor, value)


DISTORTIONS: dict[type[v.Observation], Distortion] = {
    v.ProjectedGravity: Distortion(_gravity_sensor, _gravity_memory),
}
