"""Whether a simulation is one of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from ksim_compiler.engine.base import BOUND
from ksim_compiler.env.drawn import MODEL


def sane(world: Mapping[str, Array]) -> Array:
    """Whether all that is read of the physics is a number that MuJoCo would take for one.

    A simulation that has diverged has NaN everywhere; a sensor of it, a squared speed say, can be
    beyond the bound earlier.
    """
    sane: Any = jnp.bool_(True)
    for name, field in world.items():
        if not name.startswith(MODEL) and jnp.issubdtype(field.dtype, jnp.floating):
            sane = sane & jnp.all(jnp.abs(field) <= BOUND)
    return sane


def finite(values: Array) -> Array:
    """Whether all of them are numbers."""
    return jnp.all(jnp.isfinite(values))
