"""What reaches across the environments where a batch of them is cut into shards.

Each device steps its own shard of the batch, and the shards are equally large. The program of a
shard is mapped over the devices by ``jax.shard_map``, so that whatever is reduced over all
environments goes through here. Where there is one shard, nothing here computes anything: the
program is that of a batch that was never cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxtyping import Array, Bool, Float, Int, Key

from ksim_compiler.env.rows_key import rows_key

AXIS = "shards"
"""The name of the mesh axis that shards lie along."""

PRODUCT = 64
"""Rows from which on a row of a product of matrices is, on a CPU, the same however many there are.
With fewer, XLA may choose another kernel."""

FEW = 16_384
"""Most numbers that pairs of shards tell each other at once: of more, the exchange takes longer
than it waits."""

Tree = TypeVar("Tree")


@dataclass(frozen=True)
class Across:
    """The shards of a batch, seen from within one of them.

    Attributes:
        shards: how many there are.
        in_pairs: whether few numbers are summed by exchanges between pairs of shards. Between the
            processes of CPUs one message takes 0.03 ms and an all-reduce of gloo 0.3 ms; on GPUs
            NCCL knows better.
    """

    shards: int = 1
    in_pairs: bool = False

    @property
    def alone(self) -> bool:
        """Whether there is nothing to reach across."""
        return self.shards == 1

    def first(self, own: int) -> Int[Array, ""] | int:
        """The index in the whole batch of this shard's first row, of ``own``."""
        return 0 if self.alone else jax.lax.axis_index(AXIS) * own

    def indices(self, own: int) -> Int[Array, " own"]:
        """The indices in the whole batch of the rows of this shard."""
        return self.first(own) + jnp.arange(own)

    def own(self, whole: Array, axis: int = 0) -> Array:
        """Of an array of the whole batch, this shard's rows."""
        if self.alone:
            return whole
        own = whole.shape[axis] // self.shards
        return jax.lax.dynamic_slice_in_dim(whole, self.first(own), own, axis)

    def key(self, key: Key[Array, ""], own: int) -> Key[Array, ""]:
        """The key with which this shard draws its ``own`` rows of what is drawn with a key for the
        whole batch. The leading axis of what is drawn is the rows."""
        return key if self.alone else rows_key(key, jnp.asarray(self.first(own)))

    def filled(self, own: Array) -> Array:
        """This shard's rows, with rows of zeros after them where they are too few for a product of
        matrices to round as that of the whole batch does; to be left out of the result again."""
        missing = min(PRODUCT, self.shards * len(own)) - len(own)
        if self.alone or missing <= 0:
            return own
        return jnp.concatenate([own, jnp.zeros((missing, *own.shape[1:]), own.dtype)])

    def sum(self, tree: Tree) -> Tree:
        """The sums over the shards, of each number of a pytree of arrays."""
        return tree if self.alone else _at_once(self._summed, tree)

    def mean(self, tree: Tree) -> Tree:
        """The means over the shards, of each number of a pytree of float arrays.

        A mean over equally large shards is the mean over them of their means.
        """
        if self.alone:
            return tree
        return _at_once(lambda x: self._summed(x) / self.shards, tree)

    def all(self, holds: Bool[Array, ""]) -> Bool[Array, ""]:
        """Whether it holds in every shard."""
        return holds if self.alone else ~self.any(~holds)

    def any(self, holds: Bool[Array, ""]) -> Bool[Array, ""]:
        """Whether it holds in some shard."""
        return holds if self.alone else self._summed(holds.astype(jnp.int32)) > 0

    def variance(self, x: Float[Array, "*batch"]) -> Float[Array, ""]:
        """The variance of all numbers of an array of the whole batch."""
        if self.alone:
            return jnp.var(x)
        off = x - self.mean(jnp.mean(x))
        return self.mean(jnp.mean(off * off))

    def standardized(self, x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Numbers with mean 0 and standard deviation 1 over the whole batch."""
        if self.alone:
            return (x - jnp.mean(x)) / (jnp.std(x) + 1e-8)
        off = x - self.mean(jnp.mean(x))
        return off / (jnp.sqrt(self.mean(jnp.mean(off * off))) + 1e-8)

    def _summed(self, x: Array) -> Array:
        """The sums over the shards, of each number of an array.

        In pairs it is recursive doubling: shards whose numbers differ in one bit tell each other
        what they have, a bit after the other. As a + b is b + a, all come to the same to the bit.
        """
        halves = self.shards & (self.shards - 1) == 0
        if not (self.in_pairs and halves and x.size <= FEW):
            return jax.lax.psum(x, AXIS)
        bit = 1
        while bit < self.shards:
            other = [(shard, shard ^ bit) for shard in range(self.shards)]
            x, bit = x + jax.lax.ppermute(x, AXIS, other), 2 * bit
        return x


ALONE = Across()
"""A batch that is not cut."""


def by_rows(tree: Tree, axis: int = 0) -> Tree:
    """How arrays lie on the devices that have environments along an axis; scalars are the same on
    all of them."""
    cut = PartitionSpec(*(None,) * axis, AXIS)
    return jax.tree.map(lambda x: cut if x.ndim > axis else PartitionSpec(), tree)


def alike(tree: Tree) -> Tree:
    """How arrays lie on the devices that are the same on all of them."""
    return jax.tree.map(lambda _: PartitionSpec(), tree)


def _at_once(reduce: Callable[[Array], Array], tree: Tree) -> Tree:
    """Reduce the numbers of a pytree together: one exchange costs less than one for each array."""
    leaves, structure = jax.tree.flatten(tree)
    after: list[Any] = list(leaves)
    for dtype in dict.fromkeys(leaf.dtype for leaf in leaves):
        places = [i for i, leaf in enumerate(leaves) if leaf.dtype == dtype]
        flat = jnp.concatenate([jnp.ravel(leaves[i]) for i in places])
        flat, start = reduce(flat), 0
        for i in places:
            size = math.prod(leaves[i].shape)
            after[i] = flat[start : start + size].reshape(leaves[i].shape)
            start += size
    return jax.tree.unflatten(structure, after)
