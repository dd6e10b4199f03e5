"""Keys of random numbers."""

from __future__ import annotations

import jax
from jaxtyping import Array, Int, Key


def iteration_key(
    key: Key[Array, ""], iteration: Int[Array, ""], rollbacks: Int[Array, ""]
) -> Key[Array, ""]:
    """The key of all random numbers of an iteration.

    Args:
        key: of the training.
        iteration: number of iterations done.
        rollbacks: number of iterations that were thrown away, so that the next attempt is another.
    """
    return jax.random.fold_in(jax.random.fold_in(key, iteration), rollbacks)
