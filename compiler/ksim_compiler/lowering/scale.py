"""Scales and draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_schema.vocabulary.scale import Scale

_SHAPES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda level: level,
    "quadratic": lambda level: level**2,
    "square_root": jnp.sqrt,
}


def scaled(scale: Scale, level: Float[Array, ""]) -> Any:
    """The value of a scale at a level of the curriculum."""
    if scale.constant is not None:
        return scale.constant
    if scale.non_zero is not None:
        return jnp.where(level > 0, scale.non_zero, 0.0)
    if scale.ramp is None:
        raise ValueError("a scale without a form")
    form, ramp = scale.ramp
    return ramp.start + (ramp.to - ramp.start) * _SHAPES[form](level)


def uniform(key: Key[Array, ""], limits: tuple[Any, Any], shape: tuple[int, ...] = ()) -> Any:
    """A draw from ``[low, high]``; exactly ``low`` when the two are equal."""
    low, high = limits
    return low + (high - low) * jax.random.uniform(key, shape)
