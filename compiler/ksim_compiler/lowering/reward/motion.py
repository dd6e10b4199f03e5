"""Rules of rewards of following a recorded motion."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.following import columns_of, pair, under_anchor
from ksim_compiler.lowering.reward.kernels import exp_kernel
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.reward import motion as v

Value = Float[Array, ""]


def _mean_of_squares(off: Float[Array, "n 3"]) -> Value:
    """The mean of the squared lengths of vectors."""
    return jnp.mean(jnp.sum(off**2, axis=-1))


@lower(v.MotionAnchorPosition)
def anchor_position(c: v.MotionAnchorPosition, x: Context) -> Value:
    both = pair(x, c.command)
    off = both.motion.place[:1] - both.robot.place[:1]
    return exp_kernel(_mean_of_squares(off), c.error_scale)


@lower(v.MotionAnchorOrientation)
def anchor_orientation(c: v.MotionAnchorOrientation, x: Context) -> Value:
    both = pair(x, c.command)
    angle = geometry.angle_between(both.motion.turn[0], both.robot.turn[0])
    return exp_kernel(angle**2, c.error_scale)


@lower(v.MotionBodyPosition)
def body_position(c: v.MotionBodyPosition, x: Context) -> Value:
    both = pair(x, c.command)
    told = both.motion.place if c.frame == "world" else under_anchor(both)[0]
    rows = both.rows(x, c.bodies)
    return exp_kernel(_mean_of_squares((told - both.robot.place)[rows]), c.error_scale)


@lower(v.MotionBodyOrientation)
def body_orientation(c: v.MotionBodyOrientation, x: Context) -> Value:
    both = pair(x, c.command)
    told = both.motion.turn if c.frame == "world" else under_anchor(both)[1]
    rows = both.rows(x, c.bodies)
    angles = jax.vmap(geometry.angle_between)(told[rows], both.robot.turn[rows])
    return exp_kernel(jnp.mean(angles**2), c.error_scale)


@lower(v.MotionBodyLinearVelocity)
def body_linear_velocity(c: v.MotionBodyLinearVelocity, x: Context) -> Value:
    both = pair(x, c.command)
    off = (both.motion.linear - both.robot.linear)[both.rows(x, c.bodies)]
    return exp_kernel(_mean_of_squares(off), c.error_scale)


@lower(v.MotionBodyAngularVelocity)
def body_angular_velocity(c: v.MotionBodyAngularVelocity, x: Context) -> Value:
    both = pair(x, c.command)
    off = (both.motion.angular - both.robot.angular)[both.rows(x, c.bodies)]
    return exp_kernel(_mean_of_squares(off), c.error_scale)


@lower(v.MotionJointPosition)
def joint_position(c: v.MotionJointPosition, x: Context) -> Value:
    both, columns = pair(x, c.command), _columns(x, c.joints)
    off = (both.motion.joints - both.robot.joints)[columns]
    return exp_kernel(jnp.mean(off**2), c.error_scale)


@lower(v.MotionJointVelocity)
def joint_velocity(c: v.MotionJointVelocity, x: Context) -> Value:
    both, columns = pair(x, c.command), _columns(x, c.joints)
    off = (both.motion.rates - both.robot.rates)[columns]
    return exp_kernel(jnp.mean(off**2), c.error_scale)


def _columns(x: Context, patterns: tuple[str, ...]) -> Any:
    return jnp.array(columns_of(x, patterns), jnp.int32)
