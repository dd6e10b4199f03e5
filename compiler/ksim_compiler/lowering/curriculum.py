"""Rules of curricula: the level of each environment after a tick."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary import curriculum as v

Level = Float[Array, ""]


def first_level(c: v.Curriculum | None) -> float:
    """The level at the start of training: 0, or the constant one."""
    return c.level if isinstance(c, v.ConstantLevel) else 0.0


@lower(v.ConstantLevel)
def constant(c: v.ConstantLevel, x: Context) -> Level:
    return jnp.zeros_like(x.level) + c.level


@lower(v.EpisodeLengthLevel)
def episode_length(c: v.EpisodeLengthLevel, x: Context) -> Level:
    assert x.done is not None
    rise = (x.time > c.raise_above).astype(jnp.float32)
    fall = (x.time < c.lower_below).astype(jnp.float32)
    level = jnp.clip(x.level + (rise - fall) / c.levels, 0.0, 1.0)
    return jnp.where(x.done, level, x.level)
