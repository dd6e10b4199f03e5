"""Rules of commands: how a new value is drawn. When it is drawn is the same for all."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import uniform
from ksim_schema.vocabulary import command as v


class Memory(NamedTuple):
    """A command's value and the seconds until it is drawn anew."""

    value: Float[Array, " size"]
    left: Float[Array, ""]


def draw(c: v.Command, x: Context) -> Memory:
    """A new value and the time that it holds."""
    value, _ = rules.apply(c, x, ())
    left = jnp.float32(jnp.inf)
    if c.resample is not None:
        left = uniform(name_key(x.key, "resample"), c.resample)
    return Memory(value, left)


def following(c: v.Command, x: Context, memory: Memory) -> Memory:
    """The command of the next tick."""
    if c.resample is None:
        return memory
    left = memory.left - x.period
    due = left <= 0.0
    new = draw(c, x)
    return Memory(jnp.where(due, new.value, memory.value), jnp.where(due, new.left, left))


@lower(v.PlanarVelocity)
def planar_velocity(c: v.PlanarVelocity, x: Context) -> Any:
    keys = jax.random.split(x.key, 4)
    ranges = (c.forward, c.sideways, c.turn)
    value = jnp.stack([uniform(k, r) for k, r in zip(keys[:3], ranges, strict=True)])
    still = jax.random.uniform(keys[3]) < c.stand_still
    return jnp.where(still, 0.0, value)
