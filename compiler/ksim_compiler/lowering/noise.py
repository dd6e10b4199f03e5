"""Errors of sensors: how a noise or a bias is drawn, and what it does to a value."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float, Key

from ksim_compiler.lowering.scale import Levels, scaled
from ksim_schema.vocabulary.each import one
from ksim_schema.vocabulary.noise import Noise

Value = Float[Array, " size"]


def drawn(noise: Noise, key: Key[Array, ""], level: Levels, shape: tuple[int, ...]) -> Value:
    """One draw for each element."""
    unit = (
        jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)
        if noise.form == "uniform"
        else jax.random.normal(key, shape)
    )
    return one(noise.mean) + unit * one(noise.size) * scaled(noise.scale, level)


def disturbed(noise: Noise, value: Value, draw: Value) -> Value:
    """The value with the error."""
    return value + draw if noise.mode == "additive" else value * (1.0 + draw)
