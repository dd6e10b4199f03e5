"""Rules of terminations: whether a tick ends the episode."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.ground import height
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.timing import ticks
from ksim_schema.vocabulary import termination as v

Verdict = Bool[Array, ""]


@lower(v.MinHeight)
def min_height(c: v.MinHeight, x: Context) -> Verdict:
    return height(x, x.sensor(c.sensors(x.robot)[0]), c.above) < c.height


@lower(v.BadHeight)
def bad_height(c: v.BadHeight, x: Context) -> Verdict:
    at = height(x, x.sensor(c.sensors(x.robot)[0]), c.above)
    return (at < c.range[0]) | (at > c.range[1])


@lower(v.IllegalContact)
def illegal_contact(c: v.IllegalContact, x: Context) -> Verdict:
    return jnp.any(jnp.concatenate([x.sensor(s) for s in c.sensors(x.robot)]) > 0)


@lower(v.BadVelocity)
def bad_velocity(c: v.BadVelocity, x: Context) -> Verdict:
    base = x.robot.free_joint(c.body)
    if base is None:
        linear, angular = (x.sensor(s) for s in c.sensors(x.robot))
    else:
        linear, angular = (x.world["qvel"][base.dof + i : base.dof + i + 3] for i in (0, 3))
    speed, turn = jnp.sum(linear**2), jnp.sum(angular**2)
    bad = speed > c.max_speed**2
    return bad if c.max_turn is None else bad | (turn > c.max_turn**2)


@lower(v.FarFromOrigin)
def far_from_origin(c: v.FarFromOrigin, x: Context) -> Verdict:
    base = x.robot.free_joint(c.body)
    if base is None:
        place = x.sensor(c.sensors(x.robot)[0])[:2]
    else:
        place = x.world["qpos"][base.qpos : base.qpos + 2]
    return jnp.sum(place**2) > c.distance**2


@lower(v.NotUpright)
def not_upright(c: v.NotUpright, x: Context) -> Verdict:
    return geometry.up(x.sensor(c.sensors(x.robot)[0]))[2] < jnp.cos(c.max_tilt)


@lower(v.OffTerrain)
def off_terrain(c: v.OffTerrain, x: Context) -> Verdict:
    place = x.sensor(c.sensors(x.robot)[0])[:2]
    low, high = jnp.array(c.edges(x.robot)).T
    return jnp.any((place < low + c.margin) | (place > high - c.margin))


@lower(v.JointOutside)
def joint_outside(c: v.JointOutside, x: Context) -> Verdict:
    positions = x.joint_positions(x.robot.match_joints(c.joints))
    return jnp.any((positions < c.range[0]) | (positions > c.range[1]))


@lower(v.EpisodeLength)
def episode_length(c: v.EpisodeLength, x: Context) -> Verdict:
    return jnp.round(x.time / x.period) >= jnp.maximum(ticks(c.after, x.period), 1)
