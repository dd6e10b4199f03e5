"""Scales and draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


Levels = Float[Array, "..."] | Mapping[str, Float[Array, "..."]]
"""The level of a task's only curriculum (0 without one), or that of each of several, by name."""


def joined(levels: Mapping[str, Any]) -> Any:
    """The levels of curricula, as :data:`Levels` has them; None without any."""
    return dict(levels) if len(levels) > 1 else next(iter(levels.values()), None)


def level_of(levels: Levels, curriculum: str | None) -> Any:
    """The level of a curriculum; that of the only one has no need of a name."""
    if not isinstance(levels, Mapping):
        return levels
    assert curriculum is not None  # the checker asks for the name
    return levels[curriculum]


def scaled(scale: Scale, levels: Levels) -> Any:
    """The value of a scale at a level of the curriculum that it follows."""
    if scale.constant is not None:
        return scale.constant
    level = level_of(levels, scale.curriculum)
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
