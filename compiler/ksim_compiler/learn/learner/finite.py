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
    # of one array of all numbers: a program that asks each leaf by itself takes longer to compile
    leaves = jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array))
    flat = [jnp.ravel(leaf) for leaf in leaves]
    return jnp.all(holds(jnp.concatenate([jnp.zeros(0), *flat])))
