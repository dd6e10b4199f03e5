"""Whether the numbers of a state are numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool


def finite(tree: Any) -> Bool[Array, ""]:
    """Whether every number of a pytree of arrays is finite."""
    return _all(jnp.isfinite, tree)


def no_nan(tree: Any) -> Bool[Array, ""]:
    """Whether every number of a pytree of arrays is one, infinities included."""
    return _all(lambda leaf: ~jnp.isnan(leaf), tree)


def _all(holds: Callable[[Array], Array], tree: Any) -> Bool[Array, ""]:
    good = jnp.bool_(True)
    for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array)):
        good = good & jnp.all(holds(leaf))
    return good
