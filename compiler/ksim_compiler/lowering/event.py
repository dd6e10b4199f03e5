"""Rules of events: the change of velocity that each causes. When it happens is the same for all."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import scaled, uniform
from ksim_schema.vocabulary import event as v

Push = Float[Array, " nv"]
"""Change of qvel before the first physics step of a tick."""


def first(c: v.Event, x: Context) -> Float[Array, ""]:
    """Seconds until the first event of an episode."""
    return uniform(name_key(x.key, "interval"), c.every)


def following(c: v.Event, x: Context, left: Float[Array, ""]) -> tuple[Push, Float[Array, ""]]:
    """The push of this tick (zero when nothing happens) and the seconds until the next event."""
    due = left <= 0.0
    push, _ = rules.apply(c, x, ())
    push = jnp.where(due, push * scaled(c.scale, x.level), 0.0)
    return push, jnp.where(due, first(c, x), left) - x.period


@lower(v.LinearPush)
def linear_push(c: v.LinearPush, x: Context) -> Push:
    base = x.robot.base
    assert base is not None
    angle = jax.random.uniform(x.key, minval=-math.pi, maxval=math.pi)
    velocity = c.speed * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
    return jnp.zeros(x.robot.nv).at[base.dof : base.dof + 2].set(velocity)
