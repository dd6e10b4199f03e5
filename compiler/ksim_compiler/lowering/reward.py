"""Rules of rewards: the unscaled value of each."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary import reward as v

Value = Float[Array, ""]


def exp_kernel(squared_error: Value, error_scale: Any) -> Value:
    """``exp(-e^2 / error_scale^2)``: 1 without error, 1/e at an error of ``error_scale``."""
    return jnp.exp(-squared_error / error_scale**2)


@lower(v.StayAlive)
def stay_alive(c: v.StayAlive, x: Context) -> Value:
    assert x.failure is not None
    return 1.0 - x.failure.astype(jnp.float32)


@lower(v.TerminationPenalty)
def termination(c: v.TerminationPenalty, x: Context) -> Value:
    assert x.failure is not None
    return x.failure.astype(jnp.float32)


@lower(v.LinearVelocity)
def linear_velocity(c: v.LinearVelocity, x: Context) -> Value:
    velocity, _, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    planar = geometry.turn_about_vertical(velocity[:2], -geometry.heading(orientation))
    return exp_kernel(jnp.sum((planar - x.commands[c.command][:2]) ** 2), c.error_scale)


@lower(v.AngularVelocity)
def angular_velocity(c: v.AngularVelocity, x: Context) -> Value:
    turning = x.sensor(c.sensors(x.robot)[1])[2]
    return exp_kernel((turning - x.commands[c.command][2]) ** 2, c.error_scale)


@lower(v.Upright)
def upright(c: v.Upright, x: Context) -> Value:
    return geometry.up(x.sensor(c.sensors(x.robot)[0]))[2]


@lower(v.JointDeviation)
def joint_deviation(c: v.JointDeviation, x: Context) -> Value:
    joints = x.robot.match_joints(c.joints)
    home = jnp.array([j.home[0] for j in joints])
    return jnp.mean((x.joint_positions(joints) - home) ** 2)


@lower(v.JointTracking)
def joint_tracking(c: v.JointTracking, x: Context) -> Value:
    error = x.joint_positions(x.robot.match_joints(c.joints)) - c.target
    return exp_kernel(jnp.sum(error**2), c.error_scale)


def _no_air_time(c: v.FeetAirTime, x: Context) -> Any:
    return jnp.zeros_like(x.observations[c.contact])


@lower(v.FeetAirTime, initial=_no_air_time)
def feet_air_time(c: v.FeetAirTime, x: Context, air_time: Any) -> tuple[Value, Any]:
    touching = x.observations[c.contact] > 0.5
    landed = touching & (air_time > 0.0)
    value = jnp.sum(jnp.where(landed, air_time + x.period - c.target, 0.0))
    if c.command is not None:
        value = jnp.where(jnp.any(jnp.abs(x.commands[c.command]) > 1e-3), value, 0.0)
    return value, jnp.where(touching, 0.0, air_time + x.period)


@lower(v.FeetClock)
def feet_clock(c: v.FeetClock, x: Context) -> Value:
    heights = jnp.stack([x.sensor(s)[2] for s in c.sensors(x.robot)])
    turns = x.time / c.period + jnp.arange(len(c.sites)) / len(c.sites)
    wanted = c.height * jnp.maximum(0.0, jnp.sin(2 * math.pi * turns))
    return exp_kernel(jnp.sum((heights - wanted) ** 2), c.error_scale)


@lower(v.TorquePenalty)
def torque_penalty(c: v.TorquePenalty, x: Context) -> Value:
    return jnp.sum(x.world["actuator_force"] ** 2)


@lower(v.ActionVelocity)
def action_velocity(c: v.ActionVelocity, x: Context) -> Value:
    assert x.previous_action is not None
    return jnp.sum((x.action - x.previous_action) ** 2)


@lower(v.VerticalVelocity)
def vertical_velocity(c: v.VerticalVelocity, x: Context) -> Value:
    return x.sensor(c.sensors(x.robot)[0])[2] ** 2
