"""What every kind of network is to the learner, the export and a warm start."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key, PyTree

from ksim_compiler.learn.nets.image import Images
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary.networks import Network

NetCarry: TypeAlias = PyTree[Float[Array, "..."]]
"""What a network remembers from tick to tick, (..., size) each; without leaves for no memory."""


class Net(eqx.Module):
    """A network: ``(x, carry)`` to ``(output, carry)`` for any leading axes of ``x``.

    A single observation, or a batch, where each layer is one matrix product. What reads the columns
    of its input and what gives those of its output is a
    :class:`~ksim_compiler.learn.nets.layers.Dense`, so that a warm start can move them; just one
    gives the output.
    """

    @abstractmethod
    def axes(self) -> Any:
        """The same module with :class:`~ksim_compiler.learn.nets.layers.Axes` for its arrays."""

    @abstractmethod
    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry
    ) -> tuple[Float[Array, "*batch outputs"], NetCarry]:
        """The outputs of one tick, and the memory after it."""

    @abstractmethod
    def emit(self, g: OnnxGraph, x: str, carry: PyTree[str]) -> tuple[str, PyTree[str]]:
        """As a call of it, in nodes of a graph.

        Args:
            g: the graph.
            x: the name of the input, (1, inputs).
            carry: as :meth:`initial_carry`, with names of (1, size) for arrays.

        Raises:
            NoGraph: it has none.
        """

    def initial_carry(self, *batch: int) -> NetCarry:
        """The memory at the start of an episode, zeros, with these leading axes; none here."""
        return ()

    def run(
        self,
        x: Float[Array, "*batch inputs"],
        carry: NetCarry,
        start: Float[Array, "*batch"],
    ) -> Float[Array, "*batch outputs"]:
        """Outputs over a sequence, as calling tick by tick gives them.

        Without a memory there is no sequence, and the leading axes are any.

        Args:
            x: inputs.
            carry: memories before the first tick.
            start: 1.0 where an episode begins, so that the memory is reset before the tick.
        """
        if not self.recurrent:
            return self(x, carry)[0]

        def tick(memory: NetCarry, row: tuple[Array, Array]) -> tuple[NetCarry, Array]:
            x, start = row
            output, memory = self(x, forgotten(memory, start))
            return memory, output

        return jax.lax.scan(tick, carry, (x, start))[1]

    @property
    def memory(self) -> tuple[int, ...]:
        """The sizes of what it remembers, in the order of the leaves of its carry."""
        carry = jax.eval_shape(lambda: self.initial_carry(1))
        return tuple(leaf.shape[-1] for leaf in jax.tree.leaves(carry))

    @property
    def recurrent(self) -> bool:
        """Whether it remembers something from tick to tick."""
        return bool(self.memory)


def forgotten(memory: NetCarry, start: Float[Array, " envs"]) -> NetCarry:
    """Memories (envs, size), zero where an episode begins: where ``start`` is 1.0."""
    return jax.tree.map(lambda m: m * (1.0 - start)[:, None], memory)


Build: TypeAlias = Callable[..., Net]
BUILDERS: dict[type[Network], Build] = {}
"""Declared kind of network -> what builds it. Filled as the modules of this folder are imported."""


def builds(kind: type[Network]) -> Callable[[Build], Build]:
    """Register the decorated function as what builds a declared kind of network.

    It has the arguments of :func:`build_network`; ``images`` only where networks of its kind can
    be symmetric.

    Raises:
        ValueError: the kind has one already.
    """

    def register(function: Build) -> Build:
        if kind in BUILDERS:
            raise ValueError(f"{kind.__name__} is built twice")
        BUILDERS[kind] = function
        return function

    return register


def build_network(
    spec: Network,
    inputs: int,
    outputs: int,
    key: Key[Array, ""],
    gain: float,
    images: Images | None = None,
) -> Net:
    """A fresh network with orthogonal weights and zero biases.

    Args:
        spec: the declared network.
        inputs, outputs: lengths of its input and output vectors.
        key: of the weights.
        gain: of the last layer.
        images: what its input and output turn into in a mirror. It must be known of a symmetric
            network, and does not matter to others.
    """
    build = BUILDERS[type(spec)]
    if not spec.mirrored:
        return build(spec, inputs, outputs, key, gain)
    assert images is not None, "a symmetric network needs to know the mirror"
    return build(spec, inputs, outputs, key, gain, images)
