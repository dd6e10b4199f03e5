"""Rules of the rewards of a body's velocity."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.reward.kernels import (
    Components,
    Value,
    exp_kernel,
    exp_kernel_with_penalty,
)
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import SensorRequest
from ksim_schema.vocabulary.reward import Rest, velocity as v


def commanded_motion(x: Context, name: str) -> tuple[Any, Any, Any, Any]:
    """Speed, direction, forward and sideways velocity of a velocity command."""
    forward, left = x.command(name, "forward", "sideways")
    if "speed" in x.labels[name]:
        speed, direction = x.command(name, "speed", "direction")
        return speed, direction, forward, left
    return jnp.hypot(forward, left), jnp.arctan2(left, forward), forward, left


def commanded_size(x: Context, name: str) -> Value:
    """Length of a command: of its velocities, if it has some, and otherwise of all elements."""
    moving = tuple(n for n in ("forward", "sideways", "turn") if n in x.labels[name])
    return jnp.linalg.norm(x.command(name, *moving) if moving else x.commands[name])


@lower(v.LinearVelocity)
def linear_velocity(c: v.LinearVelocity, x: Context) -> Components:
    velocity, _, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    forward, left = geometry.unrotate(orientation, velocity)[:2]
    speed_told, direction_told, forward_told, left_told = commanded_motion(x, c.command)
    turn = jnp.arctan2(left, forward) - direction_told
    if c.wrap:
        turn = jnp.remainder(turn + math.pi, 2 * math.pi) - math.pi

    def follow(error: Value, scale: Any) -> Value:
        return exp_kernel_with_penalty(error, scale, c.sq_scale, c.abs_scale)

    told = jnp.abs(speed_told) >= c.zero_threshold
    return {
        "vel": follow(jnp.hypot(forward, left) - speed_told, c.error_scale),
        "yaw": jnp.where(told, follow(turn, c.direction_scale), 0.0),
        "x": jnp.where(told, follow(forward - forward_told, c.error_scale), 0.0),
        "y": jnp.where(told, follow(left - left_told, c.error_scale), 0.0),
    }


@lower(v.AngularVelocity)
def angular_velocity(c: v.AngularVelocity, x: Context) -> Components:
    _, velocity, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    turning = geometry.unrotate(orientation, velocity)[2]
    told = x.command(c.command, "turn")[0]

    def side(rate: Value) -> Value:
        return jnp.where(jnp.abs(rate) < c.zero_threshold, 0.0, jnp.sign(rate))

    error = turning - told
    return {
        "mag": exp_kernel_with_penalty(error, c.error_scale, c.sq_scale, c.abs_scale),
        "dir": jnp.where(side(turning) == side(told), 1.0, -1.0),
    }


def averaged(c: Any, x: Context, error: Array, mean: Any) -> tuple[Array, Any]:
    """The error that counts, and the running mean of it to remember (``()`` without one)."""
    if c.average is None:
        return error, ()
    mean = mean + (error - mean) * (1.0 - jnp.exp(-x.period / c.average))
    return mean, mean


def _no_linear_error(c: v.TrackLinearVelocity, x: Context) -> Any:
    return () if c.average is None else jnp.zeros(2)


@lower(v.TrackLinearVelocity, initial=_no_linear_error)
def track_linear_velocity(c: v.TrackLinearVelocity, x: Context, mean: Any) -> tuple[Value, Any]:
    velocity, _, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    if c.frame == "robot":
        planar = geometry.unrotate(orientation, velocity)[:2]
    elif c.frame == "world":
        planar = velocity[:2]
    else:
        planar = geometry.turn_about_vertical(velocity[:2], -geometry.heading(orientation))
    told = x.command(c.command, "forward", "sideways")
    error, mean = averaged(c, x, planar - told, mean)
    return exp_kernel(jnp.sum(error**2), c.error_scale), mean


def _no_turning_error(c: v.TrackAngularVelocity, x: Context) -> Any:
    return () if c.average is None else jnp.zeros(())


@lower(v.TrackAngularVelocity, initial=_no_turning_error)
def track_angular_velocity(c: v.TrackAngularVelocity, x: Context, mean: Any) -> tuple[Value, Any]:
    _, velocity, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    if c.frame == "robot":
        velocity = geometry.unrotate(orientation, velocity)
    told = x.command(c.command, "turn")[0]
    error, mean = averaged(c, x, velocity[2] - told, mean)
    return exp_kernel(error**2, c.error_scale), mean


@lower(v.OffAxisVelocity)
def off_axis_velocity(c: v.OffAxisVelocity, x: Context) -> Components:
    linear, angular, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    turning = geometry.unrotate(orientation, angular)
    return {
        "linz": exp_kernel(linear[2] ** 2, c.linear_scale),
        "angx": exp_kernel(turning[0] ** 2, c.angular_scale),
        "angy": exp_kernel(turning[1] ** 2, c.angular_scale),
    }


@lower(v.VerticalVelocity)
def vertical_velocity(c: v.VerticalVelocity, x: Context) -> Value:
    return x.sensor(c.sensors(x.robot)[0])[2] ** 2


@lower(v.VelocityAlong)
def velocity_along(c: v.VelocityAlong, x: Context) -> Value:
    return jnp.dot(x.sensor(c.sensors(x.robot)[0]), jnp.stack(c.direction))


def resting(rest: Rest, speed: Value, turning: Value) -> Bool[Array, ""]:
    """Whether a speed over the ground and a turning rate are those of rest."""
    low, high = rest.turn
    return (speed < rest.speed) & (turning > low) & (turning < high)


def at_rest(rest: Rest, velocity: tuple[SensorRequest, ...], x: Context) -> Bool[Array, ""]:
    """Whether a body rests, by the sensors of its velocity."""
    return resting(rest, *speed_and_turning(velocity, x))


def speed_and_turning(velocity: tuple[SensorRequest, ...], x: Context) -> tuple[Value, Value]:
    """A body's speed over the ground and its turning rate about its own z axis."""
    linear, angular, orientation = (x.sensor(s) for s in velocity)
    turning = geometry.unrotate(orientation, angular)[2]
    return jnp.hypot(linear[0], linear[1]), turning
