"""Rules of terminations and metrics of following a recorded motion."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.following import body_error, joint_error, pair
from ksim_compiler.lowering.motion import over
from ksim_compiler.lowering.rules import lower
from ksim_compiler.plan.clock import ticks
from ksim_schema.vocabulary.metric_motion import MotionCompleted, MotionError, OfClip
from ksim_schema.vocabulary.termination_motion import MotionLost, MotionOver

Verdict = Bool[Array, ""]
Value = Float[Array, ""]
NONE = np.float32(-1.0)
"""Stands for an error of a tick before the episode's first: a memory holds numbers alone."""


@lower(MotionLost)
def motion_lost(c: MotionLost, x: Context) -> Verdict:
    both = pair(x, c.command)
    own, told = both.robot, both.motion
    lost = jnp.bool_(False)
    if c.anchor_height is not None:
        lost = lost | (jnp.abs(own.place[0, 2] - told.place[0, 2]) > c.anchor_height)
    if c.anchor_distance is not None:
        lost = lost | (jnp.linalg.norm(own.place[0] - told.place[0]) > c.anchor_distance)
    if c.anchor_tilt is not None:
        ups = jnp.dot(geometry.up(own.turn[0]), geometry.up(told.turn[0]))
        lost = lost | (ups < jnp.cos(c.anchor_tilt))
    if c.ends is not None:
        rows = both.rows(x, c.ends.bodies)
        lost = lost | jnp.any(jnp.abs(own.place - told.place)[rows, 2] > c.ends.height)
    return lost


@lower(MotionOver)
def motion_over(c: MotionOver, x: Context) -> Verdict:
    return over(x.motions[c.command])


def _of_clip(c: OfClip, x: Context, value: Any) -> Value:
    """A value where the clip is the metric's, and no number elsewhere, which does not count."""
    value = jnp.asarray(value, jnp.float32)
    if c.clip is None:
        return value
    library, place = x.motions[c.command]
    return jnp.where(place.clip == library.clips.index(c.clip), value, jnp.nan)


def _no_errors(c: MotionError, x: Context) -> Float[Array, " ticks"]:
    return jnp.full(max(ticks(c.average, x.period), 1), NONE)


@lower(MotionError, initial=_no_errors)
def motion_error(
    c: MotionError, x: Context, latest: Float[Array, " ticks"]
) -> tuple[Value, Float[Array, " ticks"]]:
    both = pair(x, c.command)
    if c.of == "joints":
        off: Any = joint_error(both)
    elif c.of == "anchor":
        off = jnp.linalg.norm(both.motion.place[0] - both.robot.place[0])
    else:
        off = body_error(both, both.rows(x, c.bodies), c.frame)
    latest = jnp.append(latest[1:], off)
    there = latest >= 0.0
    mean = jnp.sum(jnp.where(there, latest, 0.0)) / jnp.maximum(jnp.sum(there), 1)
    return _of_clip(c, x, mean), latest


@lower(MotionCompleted)
def motion_completed(c: MotionCompleted, x: Context) -> Value:
    assert x.failure is not None
    return _of_clip(c, x, over(x.motions[c.command]) & ~x.failure)
