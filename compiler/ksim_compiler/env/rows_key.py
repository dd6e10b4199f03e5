"""Random keys of which each shard of a batch draws the numbers of its own rows.

A number that is drawn with a key of JAX's usual kind depends on the key and on its place in the
array, and not on the size of the array (``jax_threefry_partitionable``). A key of the kind that is
made here also knows the place of its first row: an array of some rows that is drawn with it holds
what these rows of the array of all rows would. Nothing is drawn for the rows of other shards.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable

import jax
import jax.numpy as jnp
from jax.extend.random import define_prng_impl, threefry2x32_p
from jaxtyping import Array, Int, Key, UInt32


def rows_key(key: Key[Array, ""], first: Int[Array, ""]) -> Key[Array, ""]:
    """The key with which rows are drawn, ``first`` and those after it, as part of all rows.

    The leading axis of what is drawn is the rows; there are fewer than 2^32 numbers in all.

    Args:
        key: with which all rows would be drawn; of JAX's usual kind, threefry2x32.
        first: the place of the first row.
    """
    data = jnp.append(jax.random.key_data(key), first.astype(jnp.uint32))
    return jax.random.wrap_key_data(data, impl=_kind())


@functools.cache
def _kind() -> Hashable:
    return define_prng_impl(
        key_shape=(3,),
        seed=_seed,
        split=_split,
        random_bits=_bits,
        fold_in=_fold_in,
        name="threefry2x32_of_rows",
        tag="rows",
    )


def _usual(data: UInt32[Array, " 3"]) -> Key[Array, ""]:
    return jax.random.wrap_key_data(data[:2], impl="threefry2x32")


def _seed(seed: Array) -> UInt32[Array, " 3"]:
    key = jax.random.key(seed, impl="threefry2x32")
    return jnp.append(jax.random.key_data(key), jnp.uint32(0))


def _split(data: UInt32[Array, " 3"], shape: tuple[int, ...]) -> UInt32[Array, "*shape 3"]:
    keys = jax.random.key_data(jax.random.split(_usual(data), shape))
    return jnp.concatenate([keys, jnp.broadcast_to(data[2], (*shape, 1))], axis=-1)


def _fold_in(data: UInt32[Array, " 3"], number: Array | int) -> UInt32[Array, " 3"]:
    return jnp.append(jax.random.key_data(jax.random.fold_in(_usual(data), number)), data[2])


def _bits(data: UInt32[Array, " 3"], width: int, shape: tuple[int, ...]) -> Array:
    """As JAX draws them: a hash of the key and of the number's place."""
    assert width <= 32, "numbers of 64 bits are off"
    places = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    places += data[2] * jnp.uint32(math.prod(shape[1:]))
    one, other = threefry2x32_p.bind(data[0], data[1], jnp.zeros_like(places), places)
    return (one ^ other).astype(f"uint{width}")
