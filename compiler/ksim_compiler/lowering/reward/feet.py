"""Rules of the rewards of how feet move, touch and slide."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.ground import heights as heights_of
from ksim_compiler.lowering.reward.kernels import Components, Value, exp_kernel
from ksim_compiler.lowering.reward.velocity import (
    at_rest,
    commanded_motion,
    commanded_size,
    resting,
    speed_and_turning,
)
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.timing import ticks
from ksim_schema.vocabulary.reward import Touching, feet as v

OfFeet = Float[Array, " feet"]


def touching(c: Touching, x: Context) -> Bool[Array, " feet"]:
    """Which feet touch the ground."""
    if c.contact is not None:
        return x.observations[c.contact] > 0.5
    return jnp.concatenate([x.sensor(s) for s in c.contacts()]) > 0


def _no_air_time(c: v.FeetAirTime, x: Context) -> OfFeet:
    return jnp.zeros(touching(c, x).shape)


@lower(v.FeetAirTime, initial=_no_air_time)
def feet_air_time(c: v.FeetAirTime, x: Context, air_time: OfFeet) -> tuple[Value, OfFeet]:
    down = touching(c, x)
    landed = down & (air_time > 0.0)
    lasted = air_time + x.period
    counted = lasted if c.longest is None else jnp.minimum(lasted, c.longest)
    value = jnp.sum(jnp.where(landed, counted - c.target, 0.0))
    if c.command is not None:
        value = jnp.where(commanded_size(x, c.command) > 1e-3, value, 0.0)
    return value, jnp.where(down, 0.0, lasted)


def _moving(c: v.FeetGaitTime, x: Context) -> Bool[Array, ""]:
    """Whether the body moves or turns, by its velocity or as commanded."""
    assert x.done is not None
    speed, turning = speed_and_turning(c.velocity(x.robot), x)
    if c.linear_command is not None:
        speed = jnp.abs(commanded_motion(x, c.linear_command)[0])
    if c.angular_command is not None:
        turning = x.command(c.angular_command, "turn")[0]
    return ~resting(c.rest, speed, turning) & ~x.done


def _no_ticks(c: v.FeetGaitTime, x: Context) -> Any:
    zero = jnp.zeros(touching(c, x).shape, jnp.int32)
    return zero, zero, zero


@lower(v.FeetGaitTime, initial=_no_ticks)
def feet_gait_time(c: v.FeetGaitTime, x: Context, before: Any) -> tuple[Components, Any]:
    down, moving = touching(c, x), _moving(c, x)
    phases = (~down & moving, down & moving, down & ~moving)
    air, ground, still = (jnp.where(p, n + 1, 0) for p, n in zip(phases, before, strict=True))
    in_air = jnp.maximum(ticks(c.period * c.air, x.period), 1)
    on_ground = jnp.maximum(ticks(c.period * (1.0 - c.air), x.period), 1)
    swing = jnp.where(air < in_air, air / in_air + c.bias, 0.0)
    stance = jnp.where(ground < on_ground, ground / on_ground + c.bias, -c.ground_penalty)
    standing = jnp.clip(still / on_ground, 0.0, 1.0) + c.bias
    value = {"air": swing.max(), "gnd": stance.max(), "stationary_gnd": standing.max()}
    return value, (air, ground, still)


@lower(v.FeetSlip)
def feet_slip(c: v.FeetSlip, x: Context) -> Value:
    down = touching(c, x)
    if c.velocity is not None:
        velocities = x.observations[c.velocity].reshape(len(down), -1)
    else:
        velocities = jnp.stack([x.sensor(s) for s in c.places("framelinvel")])
    return jnp.sum(jnp.where(down, jnp.linalg.norm(velocities, axis=-1), 0.0))


@lower(v.FeetClock)
def feet_clock(c: v.FeetClock, x: Context) -> Value:
    places = jnp.stack([x.sensor(s) for s in c.sensors(x.robot)])
    heights = heights_of(x, places, c.above)
    if c.command is None:
        assert c.period is not None
        turns = x.time / c.period + jnp.asarray(c.phase())
    else:
        told = x.command(c.command, *c.takes(x.robot)["command"])
        turns = jnp.arctan2(told[: len(places)], told[len(places) :]) / (2 * math.pi)
    if c.curve == "sine":
        wanted = c.height * jnp.maximum(0.0, jnp.sin(2 * math.pi * turns))
    else:
        u = jnp.abs(2.0 * (turns - jnp.floor(turns)) - 1.0)
        wanted = c.height * u**2 * (3.0 - 2.0 * u)
    return exp_kernel(jnp.sum((heights - wanted) ** 2), c.error_scale)


@lower(v.SinusoidalGait)
def sinusoidal_gait(c: v.SinusoidalGait, x: Context) -> Value:
    places = jnp.stack([x.sensor(s) for s in c.sensors(x.robot)])
    heights = heights_of(x, places, c.above)
    wanted = x.command(c.command, *(f"foot {i}" for i in range(len(heights))))
    return 1.0 - jnp.sum(jnp.abs(heights - wanted)) / c.max_height


def _no_height(c: v.SparseTargetHeight | v.FeetSwingHeight, x: Context) -> OfFeet:
    return jnp.zeros(len(c.places("framepos")))


@lower(v.SparseTargetHeight, initial=_no_height)
def sparse_target_height(
    c: v.SparseTargetHeight, x: Context, highest: OfFeet
) -> tuple[Value, OfFeet]:
    down = touching(c, x)
    places = jnp.stack([x.sensor(s) for s in c.places("framepos")])
    heights = heights_of(x, places, c.above)
    rests = at_rest(c.rest, c.velocity(x.robot), x)
    value = jnp.max(jnp.minimum(jnp.where(down, highest, 0.0), c.height))
    return value, jnp.where(down | rests, 0.0, jnp.maximum(highest, heights))


@lower(v.FeetClearance)
def feet_clearance(c: v.FeetClearance, x: Context) -> Value:
    places = jnp.stack([x.sensor(s) for s in c.places("framepos")])
    velocities = jnp.stack([x.sensor(s) for s in c.places("framelinvel")])
    error = jnp.abs(heights_of(x, places, c.above) - c.height)
    speed = jnp.linalg.norm(velocities[:, :2], axis=-1)
    error = error**2 if c.norm == "l2" else error
    return jnp.sum(error * (jnp.sqrt(speed) if c.speed == "root" else speed))


def _on_the_ground(c: v.FeetSwingHeight, x: Context) -> tuple[OfFeet, Bool[Array, " feet"]]:
    return _no_height(c, x), jnp.zeros(len(c.places("framepos")), bool)


@lower(v.FeetSwingHeight, initial=_on_the_ground)
def feet_swing_height(
    c: v.FeetSwingHeight, x: Context, before: tuple[OfFeet, Bool[Array, " feet"]]
) -> tuple[Value, tuple[OfFeet, Bool[Array, " feet"]]]:
    highest, in_air = before
    down = touching(c, x)
    places = jnp.stack([x.sensor(s) for s in c.places("framepos")])
    highest = jnp.maximum(highest, heights_of(x, places, c.above))
    error = (highest / c.height - 1.0) ** 2
    value = jnp.sum(jnp.where(down & in_air, error, 0.0))
    return value, (jnp.where(down, 0.0, highest), ~down)
