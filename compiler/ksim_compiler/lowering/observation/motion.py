"""Rules of observations of a recorded motion."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.following import columns_of, from_anchor, pair
from ksim_compiler.lowering.motion import joints_ahead
from ksim_compiler.lowering.observation.trunk import rotation
from ksim_compiler.lowering.rules import lower
from ksim_compiler.plan.clock import ticks
from ksim_schema.vocabulary.observation import motion as v

Value = Float[Array, " size"]


@lower(v.MotionJoints)
def motion_joints(c: v.MotionJoints, x: Context) -> Value:
    seen = x.motions[c.command]
    ahead = tuple(ticks(time, x.period) for time in c.ahead)
    return jnp.ravel(joints_ahead(seen, ahead, c.what, columns_of(x, c.joints)))


@lower(v.MotionAnchorError)
def motion_anchor_error(c: v.MotionAnchorError, x: Context) -> Value:
    both = pair(x, c.command)
    own, told = both.robot, both.motion
    left = geometry.unrotate(own.turn[0], told.place[0] - own.place[0])
    turn = geometry.multiply(geometry.conjugate(own.turn[0]), told.turn[0])
    parts: dict[str, Any] = {"position": left, "orientation": rotation("rotation_6d", turn)}
    return jnp.concatenate([*parts.values()]) if c.of == "both" else parts[c.of]


@lower(v.MotionBodies)
def motion_bodies(c: v.MotionBodies, x: Context) -> Value:
    both = pair(x, c.command)
    rows = both.rows(x, c.bodies)
    own, told = (from_anchor(frame)[rows] for frame in (both.robot, both.motion))
    return jnp.ravel({"robot": own, "motion": told, "left": told - own}[c.of])


@lower(v.MotionPhase)
def motion_phase(c: v.MotionPhase, x: Context) -> Value:
    library, place = x.motions[c.command]
    last = jnp.asarray(library.length)[place.clip] - 1
    return jnp.clip(place.frame / last, 0.0, 1.0)[None]
