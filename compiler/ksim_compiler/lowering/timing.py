"""Times in whole ticks within a compiled program: :mod:`ksim_compiler.plan.clock` for arrays."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from ksim_compiler.lowering.scale import uniform
from ksim_compiler.plan.clock import NEAR


def ticks(seconds: Any, period: float) -> Int[Array, ""]:
    """How many periods a time is, to the nearest whole number, halfway cases up."""
    return jnp.floor(jnp.asarray(seconds) / period + (0.5 + NEAR)).astype(jnp.int32)


def drawn_ticks(
    key: Key[Array, ""], limits: tuple[Any, Any], period: float, least: int = 1
) -> Int[Array, ""]:
    """A time drawn uniformly, in periods.

    It ends with the first tick that is not before the drawn time, within the two ends, which are
    rounded as :func:`ticks` says. A range whose ends are equal is a time that is not random.
    """
    low, high = (ticks(limit, period) for limit in limits)
    drawn = jnp.ceil(uniform(key, limits) / period - NEAR).astype(jnp.int32)
    return jnp.maximum(jnp.clip(drawn, low, high), least)
