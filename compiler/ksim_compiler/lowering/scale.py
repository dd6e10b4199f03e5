"""Scales and draws."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_schema.vocabulary.scale import Scale


def scaled(scale: Scale, level: Float[Array, ""]) -> Any:
    """The value of a scale at a level of the curriculum."""
    if scale.constant is not None:
        return scale.constant
    if scale.non_zero is not None:
        return jnp.where(level > 0, scale.non_zero, 0.0)
    for ramp, shape in (
        (scale.linear, level),
        (scale.quadratic, level**2),
        (scale.square_root, jnp.sqrt(level)),
    ):
        if ramp is not None:
            return ramp.start + (ramp.to - ramp.start) * shape
    raise ValueError("a scale without a form")


def uniform(key: Key[Array, ""], limits: tuple[Any, Any], shape: tuple[int, ...] = ()) -> Any:
    """A draw from ``[low, high]``; exactly ``low`` when the two are equal."""
    low, high = limits
    return low + (high - low) * jax.random.uniform(key, shape)
