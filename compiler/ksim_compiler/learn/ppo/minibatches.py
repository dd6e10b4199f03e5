"""Which samples make a minibatch, drawn so that no sample has to travel.

The environments lie in strata, neighbours together: as many as there can be. The samples of each
stratum are shuffled by themselves, and each minibatch takes equally many of every stratum. Devices
that have whole strata draw their share of the same minibatches that one device would draw of all,
and a minibatch stands for all environments more evenly than one that is drawn at large.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Key

from ksim_compiler.env.across import ALONE, Across

_NO_STRATUM = 2**32 - 1
"""Takes the place of a stratum's number in a key that is none of theirs."""


def order(
    key: Key[Array, ""], shape: tuple[int, int], minibatches: int, across: Across = ALONE
) -> Int[Array, "minibatches samples"]:
    """The samples of each minibatch, by their places in this shard's samples.

    Args:
        key: of the shuffling, the same in all shards.
        shape: (ticks, envs) of this shard's samples, which lie tick by tick; ticks is 1 where whole
            sequences are drawn.
        minibatches: how many; each gets equally many of this shard's samples.
        across: the shards.
    """
    ticks, envs = shape
    own, width = _own_strata(shape, minibatches, across)

    def shuffled(stratum: Int[Array, ""], first: Int[Array, ""]) -> Int[Array, "minibatches _"]:
        places = jax.random.permutation(jax.random.fold_in(key, stratum), ticks * width)
        tick, env = jnp.divmod(places, width)
        return (tick * envs + first + env).reshape(minibatches, -1)

    drawn = jax.vmap(shuffled)(own, width * jnp.arange(len(own)))
    return jnp.moveaxis(drawn, 0, 1).reshape(minibatches, -1)


def images_taken(
    key: Key[Array, ""],
    shape: tuple[int, int],
    minibatches: int,
    share: float,
    across: Across = ALONE,
) -> Bool[Array, " samples"]:
    """Whether each sample of this shard is learned from as its mirror image.

    Args:
        key, shape, minibatches, across: as for :func:`order`.
        share: the probability of it.
    """
    ticks, envs = shape
    own, width = _own_strata(shape, minibatches, across)
    key = jax.random.fold_in(key, _NO_STRATUM)
    draw = jax.vmap(lambda s: jax.random.uniform(jax.random.fold_in(key, s), (ticks, width)))(own)
    return jnp.moveaxis(draw, 0, 1).reshape(ticks * envs) < share


def _own_strata(
    shape: tuple[int, int], minibatches: int, across: Across
) -> tuple[Int[Array, " strata"], int]:
    """The strata of this shard, and how many environments each has."""
    ticks, envs = shape[0], shape[1] * across.shards
    count = math.gcd(envs, ticks * envs // minibatches)
    assert count % across.shards == 0, "a shard has whole strata"
    return across.indices(count // across.shards), envs // count
