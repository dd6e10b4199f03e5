"""Rules of the rewards of where bodies are, how they move and what they touch."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.pose import told_pose
from ksim_compiler.lowering.reward.kernels import (
    Past,
    Value,
    constant_past,
    difference,
    exp_kernel,
    norm,
    normed,
)
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import SensorRequest
from ksim_schema.vocabulary.reward import bodies as v


@lower(v.PositionTracking)
def position_tracking(c: v.PositionTracking, x: Context) -> Value:
    position, *base = (x.sensor(s) for s in c.sensors(x.robot))
    if base:
        position = position - base[0]
    if c.frame == "base":
        position = geometry.unrotate(base[1], position)
    if x.frames.get(c.command):
        return _of_error(c, _in_world_error(c, x))
    return _of_error(c, position - x.command(c.command, "x", "y", "z"))


def _of_error(c: v.PositionTracking, error: Float[Array, "3"]) -> Value:
    return exp_kernel(jnp.sum(norm(error, c.norm)) ** 2, c.error_scale)


def _in_world_error(c: v.PositionTracking, x: Context) -> Float[Array, "3"]:
    """From a goal that is told in the frame of a body, in the axes that the reward names."""
    goal = told_pose(x, c.command).position
    assert goal is not None
    position, *base = (x.sensor(s) for s in c.sensors(x.robot))
    return geometry.unrotate(base[1], position - goal) if c.frame == "base" else position - goal


@lower(v.OrientationTracking)
def orientation_tracking(c: v.OrientationTracking, x: Context) -> Value:
    goal = told_pose(x, c.command).orientation
    assert goal is not None
    error = geometry.angle_between(goal, x.sensor(c.sensors(x.robot)[0]))
    return exp_kernel(error**2, c.error_scale)


class Motion(NamedTuple):
    """Where bodies were, and their latest speeds."""

    positions: Float[Array, "bodies 3"]
    speeds: Past


def _positions(c: v.LinkAcceleration | v.LinkJerk, x: Context) -> Float[Array, "bodies 3"]:
    names = (n for n in x.robot.match("body", c.bodies) if n != "world")
    return x.world["xpos"][jnp.array([x.robot.body_id(n) for n in names])]


def _at_rest(order: int) -> Any:
    def initial(c: v.LinkAcceleration | v.LinkJerk, x: Context) -> Motion:
        positions = _positions(c, x)
        return Motion(positions, constant_past(jnp.zeros(len(positions)), order))

    return initial


def _speed_change(
    c: v.LinkAcceleration | v.LinkJerk, x: Context, memory: Motion
) -> tuple[Value, Motion]:
    """The derivative of the speeds of the order of the memory."""
    positions = _positions(c, x)
    moved = jnp.linalg.norm(positions - memory.positions, axis=-1)
    change, speeds = difference(moved, memory.speeds)
    rate = change / x.period ** (len(speeds) + 1)
    return normed(c, rate), Motion(positions, speeds)


@lower(v.LinkAcceleration, initial=_at_rest(1))
def link_acceleration(c: v.LinkAcceleration, x: Context, memory: Motion) -> tuple[Value, Motion]:
    return _speed_change(c, x, memory)


@lower(v.LinkJerk, initial=_at_rest(2))
def link_jerk(c: v.LinkJerk, x: Context, memory: Motion) -> tuple[Value, Motion]:
    return _speed_change(c, x, memory)


@lower(v.Force)
def force(c: v.Force, x: Context) -> Value:
    if c.force is not None:
        forces = x.observations[c.force].reshape(-1, 3)
    else:
        forces = jnp.stack([x.sensor(s) for s in c.sensors(x.robot)])
    excess = jnp.maximum(jnp.linalg.norm(forces, axis=-1) - c.bias, 0.0)
    return jnp.max((excess / c.expected_weight) ** 2)


@lower(v.UndesiredContacts)
def undesired_contacts(c: v.UndesiredContacts, x: Context) -> Value:
    def pressed(group: tuple[SensorRequest, ...]) -> Array:
        forces = jnp.stack([x.sensor(s) for s in group])
        return jnp.any(jnp.linalg.norm(forces, axis=-1) > c.threshold)

    found = jnp.stack([pressed(group) for group in c.counted(x.robot)])
    return jnp.sum(found.astype(jnp.float32))


@lower(v.Intersection)
def intersection(c: v.Intersection, x: Context) -> Value:
    positions = jnp.stack([x.sensor(s) for s in c.sensors(x.robot)])
    first, second = jnp.triu_indices(len(positions), k=1)
    distances = jnp.linalg.norm(positions[first] - positions[second], axis=-1)
    return jnp.any(distances < c.min_distance).astype(jnp.float32)
