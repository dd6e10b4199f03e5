"""Rules of rewards that are about the sum of all others."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.reward import total as v


@lower(v.Clip)
def clip(c: v.Clip, x: Context) -> dict[str, Float[Array, ""]]:
    assert x.total is not None
    return {"clip": jnp.clip(x.total, c.min, c.max) - x.total}
