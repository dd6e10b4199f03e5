"""The devices that one training runs on: how a state is cut for them, and put together again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ksim_compiler.env.across import AXIS, Across

Tree = TypeVar("Tree")

ALIKE, ROWS = PartitionSpec(), PartitionSpec(AXIS)
"""How an array lies on the devices that is the same on all, or whose rows are cut among them."""


@dataclass(frozen=True)
class Devices:
    """Devices that have equally large shards of the environments.

    Attributes:
        devices: those of all processes, in their order; one, and nothing is cut. The devices of a
            process are neighbours.
    """

    devices: tuple[Any, ...] = ()

    @classmethod
    def first(cls, count: int | None = None) -> Devices:
        """The first so many devices of each process; all of them by default."""
        of_each: dict[int, list[Any]] = {}
        for device in jax.devices():
            of_each.setdefault(device.process_index, []).append(device)
        return cls(tuple(device for _, own in sorted(of_each.items()) for device in own[:count]))

    @property
    def across(self) -> Across:
        """The shards."""
        of_cpus = self.processes > 1 and self.devices[0].platform == "cpu"
        return Across(max(1, len(self.devices)), in_pairs=of_cpus)

    @property
    def alone(self) -> bool:
        """Whether nothing is cut."""
        return self.across.alone

    @cached_property
    def here(self) -> int:
        """How many of the devices are of this process."""
        mine = jax.process_index()
        return max(1, sum(device.process_index == mine for device in self.devices))

    @cached_property
    def processes(self) -> int:
        """How many processes have the devices."""
        return max(1, len({device.process_index for device in self.devices}))

    @cached_property
    def writes(self) -> bool:
        """Whether this process is the one that writes and tells."""
        return self.processes == 1 or jax.process_index() == 0

    @cached_property
    def mesh(self) -> Mesh:
        """The devices side by side."""
        return Mesh(np.array(self.devices), (AXIS,))

    def shapes(self, function: Callable[..., Any], given: Any, *arguments: Any) -> Any:
        """What a function of a shard returns, as shapes: of its own rows alone.

        Args:
            function: of a shard.
            given: how its arguments lie on the devices.
            arguments: its arguments, or their shapes.
        """
        return jax.eval_shape(self._mapped(function, given, ALIKE), *arguments)

    def program(
        self, function: Callable[..., Any], given: tuple[Any, ...], gives: Any, **options: Any
    ) -> Any:
        """A function of a shard as one jitted function of the whole batch.

        Args:
            function: of a shard.
            given: how its arguments lie on the devices.
            gives: how its results do.
            options: of ``jax.jit``.
        """
        mapped = self._mapped(function, given, gives)
        return jax.jit(
            mapped, in_shardings=self._on(given), out_shardings=self._on(gives), **options
        )

    def whole(self, state: Tree) -> Tree:
        """A state as one device of this process has it; all processes are to ask for it."""
        if self.alone:
            return state
        gathered = jax.jit(_plain, out_shardings=NamedSharding(self.mesh, ALIKE))(state)
        local = jax.tree.map(lambda x: jnp.asarray(np.asarray(x.addressable_data(0))), gathered)
        return _as(state, local)

    def cut(self, state: Tree, lies: Tree) -> Tree:
        """The opposite of :meth:`whole`. The state is that of the process that writes.

        Args:
            state: of the whole batch; in the other processes one of the same shapes.
            lies: how it lies on the devices.
        """
        if self.alone:
            return state
        plain = jax.tree.map(np.asarray, _plain(state))
        if self.processes > 1:
            plain = multihost_utils.broadcast_one_to_all(plain)

        def placed(array: Any, lies: NamedSharding) -> jax.Array:
            array = np.asarray(array)
            return jax.make_array_from_callback(array.shape, lies, lambda rows: array[rows])

        return _as(state, jax.tree.map(placed, plain, self._on(lies)))

    def everywhere(self, tree: Tree) -> Tree:
        """A pytree of arrays, the same in all processes, on all devices."""
        if self.alone:
            return tree
        flat = jax.tree.map(np.asarray, tree)
        lies = NamedSharding(self.mesh, ALIKE)
        return jax.tree.map(
            lambda x: jax.make_array_from_callback(x.shape, lies, lambda rows: x[rows]), flat
        )

    def told(self, what: bool) -> tuple[jax.Array]:
        """A word of this process to all, a row a device."""
        rows = np.full(self.here, what)
        lies = NamedSharding(self.mesh, ROWS)
        return (jax.make_array_from_process_local_data(lies, rows, (self.across.shards,)),)

    def _mapped(self, function: Callable[..., Any], given: Any, gives: Any) -> Callable[..., Any]:
        # what varies from shard to shard is known of the layouts, and is not inferred
        return jax.shard_map(
            function, mesh=self.mesh, in_specs=given, out_specs=gives, check_vma=False
        )

    def _on(self, lies: Any) -> Any:
        return jax.tree.map(
            lambda spec: NamedSharding(self.mesh, spec),
            lies,
            is_leaf=lambda x: isinstance(x, PartitionSpec),
        )


ONE = Devices()
"""One device, whichever JAX takes."""


def is_key(leaf: Any) -> bool:
    """Whether an array, or its shape, is one of random keys."""
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(state: Any) -> Any:
    """The state with the bits of random keys in their place."""
    return jax.tree.map(lambda x: jax.random.key_data(x) if is_key(x) else x, state)


def _as(state: Any, plain: Any) -> Any:
    """Plain arrays as those of a state."""

    def one(like: Any, array: Any) -> Any:
        if is_key(like):
            return jax.random.wrap_key_data(array, impl=jax.random.key_impl(like))
        return array

    return jax.tree.map(one, state, plain)
