"""Rules of terminations: whether a tick ends the episode."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary import termination as v

Verdict = Bool[Array, ""]


@lower(v.MinHeight)
def min_height(c: v.MinHeight, x: Context) -> Verdict:
    return x.sensor(c.sensors(x.robot)[0])[2] < c.height


@lower(v.NotUpright)
def not_upright(c: v.NotUpright, x: Context) -> Verdict:
    return geometry.up(x.sensor(c.sensors(x.robot)[0]))[2] < jnp.cos(c.max_tilt)


@lower(v.JointOutside)
def joint_outside(c: v.JointOutside, x: Context) -> Verdict:
    positions = x.joint_positions(x.robot.match_joints(c.joints))
    return jnp.any((positions < c.range[0]) | (positions > c.range[1]))


@lower(v.EpisodeLength)
def episode_length(c: v.EpisodeLength, x: Context) -> Verdict:
    return x.time >= c.after - x.period / 2  # the tick that comes nearest to it
