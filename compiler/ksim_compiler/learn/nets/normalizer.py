"""Running mean and variance of observations."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.env.across import ALONE, Across

LIMIT = 10.0
"""Normalized values are clipped to +-LIMIT standard deviations."""
MIN_STD = 1e-2
"""Lower bound of the divisor: an input that has not moved yet is not blown up when it does."""


class Normalizer(eqx.Module):
    """Statistics of all the rows seen; batches are merged as in Chan, Golub & LeVeque 1983.

    Attributes:
        count: number of rows.
        mean, variance: of each column; 0 and 1 before any row was seen.
    """

    count: Float[Array, ""]
    mean: Float[Array, " size"]
    variance: Float[Array, " size"]

    @classmethod
    def empty(cls, size: int) -> Normalizer:
        """Statistics of no rows."""
        return cls(jnp.zeros(()), jnp.zeros(size), jnp.ones(size))

    def __call__(self, x: Float[Array, "*batch size"]) -> Float[Array, "*batch size"]:
        """Values with mean 0 and variance 1, clipped: inputs of networks."""
        return jnp.clip(self.scaled(x), -LIMIT, LIMIT)

    def scaled(self, x: Float[Array, "*batch size"]) -> Float[Array, "*batch size"]:
        """Values with mean 0 and variance 1, however far they are: what a network is to learn."""
        scale = 1.0 / jnp.maximum(jnp.sqrt(self.variance), MIN_STD)
        return (x - self.mean) * scale

    def invert(self, x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """The value of a scaled number; for statistics of one column."""
        return x * jnp.maximum(jnp.sqrt(self.variance[0]), MIN_STD) + self.mean[0]

    def add(self, rows: Float[Array, "rows size"], across: Across = ALONE) -> Normalizer:
        """The statistics with further rows. A row that is not finite does not count.

        Args:
            rows: of this shard.
            across: the shards, whose rows are all added.
        """
        valid = jnp.all(jnp.isfinite(rows), axis=1)
        count = jnp.sum(valid, dtype=jnp.float32)
        rows = jnp.where(valid[:, None], rows, 0.0)
        count, sums = across.sum((count, jnp.sum(rows, axis=0)))
        mean = sums / jnp.maximum(count, 1.0)
        deviation = jnp.where(valid[:, None], rows - mean, 0.0)
        squares = across.sum(jnp.sum(deviation * deviation, axis=0))

        total = self.count + count
        share = count / jnp.maximum(total, 1.0)
        shift = mean - self.mean
        variance = (
            self.variance * (self.count / jnp.maximum(total, 1.0))
            + squares / jnp.maximum(total, 1.0)
            + shift * shift * share * (1.0 - share)
        )
        return Normalizer(
            total,
            self.mean + shift * share,
            jnp.where(total > 0, variance, self.variance),
        )


def normalize(
    normalizer: Normalizer | None, x: Float[Array, "*batch size"]
) -> Float[Array, "*batch size"]:
    """The normalized values, or the values where there is no normalizer."""
    return x if normalizer is None else normalizer(x)
