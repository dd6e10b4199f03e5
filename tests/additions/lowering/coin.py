"""How the command is drawn: lines that would stand in ``lowering/command.py``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.command.coin import Coin


@lower(Coin)
def coin(c: Coin, x: Context) -> Float[Array, "1"]:
    return jnp.where(jax.random.bernoulli(x.key), c.angle, -c.angle)[None]
