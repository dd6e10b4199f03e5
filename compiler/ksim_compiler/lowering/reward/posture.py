"""Rules of the rewards of a body's height and tilt."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.ground import height
from ksim_compiler.lowering.reward.kernels import Components, Value, exp_kernel, kernel
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.reward import posture as v


@lower(v.BaseHeight)
def base_height(c: v.BaseHeight, x: Context) -> Value:
    wanted: Any = c.height if c.command is None else x.command(c.command, "height")[0]
    at = height(x, x.sensor(c.sensors(x.robot)[0]), c.above)
    return exp_kernel((at - wanted) ** 2, c.error_scale)


@lower(v.BaseHeightRange)
def base_height_range(c: v.BaseHeightRange, x: Context) -> Value:
    at = height(x, x.sensor(c.sensors(x.robot)[0]), c.above)
    outside = jnp.maximum(c.range[0] - at, at - c.range[1])
    return jnp.maximum(1.0 - jnp.maximum(outside, 0.0) * c.dropoff, 0.0)


@lower(v.Upright)
def upright(c: v.Upright, x: Context) -> Components:
    linear, angular, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    up = geometry.up(orientation)
    return {
        "angvel": kernel(c.angvel, geometry.unrotate(orientation, angular)[1]),
        "linvel": kernel(c.linvel, linear[2]),
        "pose": kernel(c.pose, jnp.arctan2(up[0], up[2])),
    }


@lower(v.NoRoll)
def no_roll(c: v.NoRoll, x: Context) -> Components:
    angular, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    up = geometry.up(orientation)
    return {
        "angvel": kernel(c.angvel, geometry.unrotate(orientation, angular)[0]),
        "pose": kernel(c.pose, -jnp.arctan2(up[1], up[2])),
    }


@lower(v.FlatBody)
def flat_body(c: v.FlatBody, x: Context) -> Value:
    normal = jnp.stack([jnp.float32(n) for n in c.plane])
    turned = [geometry.unrotate(x.sensor(s), normal) for s in c.sensors(x.robot)]
    return jnp.mean(jnp.stack(turned) @ normal)


@lower(v.FlatOrientation)
def flat_orientation(c: v.FlatOrientation, x: Context) -> Value:
    return jnp.sum(geometry.up(x.sensor(c.sensors(x.robot)[0]))[:2] ** 2)
