"""Recurrent layers one on the other, and what their cells share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from ksim_compiler.learn.nets.layers import INPUTS, OUTPUTS, Dense, declared, orthogonal
from ksim_compiler.learn.nets.networks.base import Net, NetCarry, forgotten
from ksim_compiler.learn.nets.networks.mlp import Feedforward
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary import networks as declarations


class Cell(eqx.Module):
    """A recurrent layer: gates that its input and its memory share in."""

    inputs: eqx.AbstractVar[Dense]

    @abstractmethod
    def axes(self, inputs: str | None = None) -> Any:
        """The same module with :class:`~ksim_compiler.learn.nets.layers.Axes` for its arrays."""

    @abstractmethod
    def initial_carry(self, *batch: int) -> NetCarry:
        """As :meth:`Net.initial_carry`."""

    @abstractmethod
    def step(self, gates: Float[Array, "*batch gates"], carry: NetCarry) -> NetCarry:
        """The next carry from the input's share of the gates."""

    @abstractmethod
    def emit(self, g: OnnxGraph, gates: str, carry: PyTree[str]) -> PyTree[str]:
        """As :meth:`step`, in nodes of a graph."""

    @staticmethod
    @abstractmethod
    def output(carry: Any) -> Any:
        """What the next layer reads of a carry, of arrays or of names."""


class Recurrent(Net):
    """Recurrent layers one on the other, then fully connected ones."""

    cells: tuple[Cell, ...]
    head: Feedforward

    @classmethod
    def build(
        cls,
        cell: Callable[[int, int, Key[Array, ""]], Cell],
        spec: declarations.Recurrent,
        ends: tuple[int, int],
        key: Key[Array, ""],
        gain: float,
    ) -> Recurrent:
        """Fresh layers.

        Args:
            cell: a fresh one from the lengths of its input and its output, and a key.
            spec: the declared network.
            ends: lengths of the network's input and output vectors.
            key: of the weights.
            gain: of the last layer.
        """
        keys = jax.random.split(key, spec.depth + 1)
        reads = (ends[0], *(spec.hidden,) * (spec.depth - 1))
        cells = tuple(cell(n, spec.hidden, k) for n, k in zip(reads, keys[:-1], strict=True))
        head = (spec.hidden, *spec.head, ends[1])
        return cls(cells, Feedforward.build(head, spec.activation, keys[-1], gain))

    def axes(self) -> Any:
        """As :meth:`Net.axes`."""
        cells = tuple(c.axes(None if n else INPUTS) for n, c in enumerate(self.cells))
        return declared(self, cells=cells, head=self.head.axes(None, OUTPUTS))

    def initial_carry(self, *batch: int) -> NetCarry:
        """As :meth:`Net.initial_carry`."""
        return tuple(cell.initial_carry(*batch) for cell in self.cells)

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry
    ) -> tuple[Float[Array, "*batch outputs"], NetCarry]:
        carries = []
        for cell, memory in zip(self.cells, carry, strict=True):
            carries.append(cell.step(cell.inputs(x), memory))
            x = cell.output(carries[-1])
        return self.head(x)[0], tuple(carries)

    def run(
        self,
        x: Float[Array, "ticks envs inputs"],
        carry: NetCarry,
        start: Float[Array, "ticks envs"],
    ) -> Float[Array, "ticks envs outputs"]:
        """As :meth:`Net.run`.

        The input's share of the gates is one matrix product over all ticks; only the memory's
        share goes tick by tick.
        """
        for cell, memory in zip(self.cells, carry, strict=True):

            def tick(memory: NetCarry, row: tuple[Array, Array], cell: Any = cell) -> tuple:
                gates, start = row
                memory = cell.step(gates, forgotten(memory, start))
                return memory, cell.output(memory)

            _, x = jax.lax.scan(tick, memory, (cell.inputs(x), start))
        return self.head(x)[0]

    def emit(self, g: OnnxGraph, x: str, carry: PyTree[str]) -> tuple[str, PyTree[str]]:
        """As :meth:`Net.emit`."""
        carries = []
        for cell, memory in zip(self.cells, carry, strict=True):
            carries.append(cell.emit(g, cell.inputs.emit(g, x), memory))
            x = cell.output(carries[-1])
        return self.head.emit(g, x)[0], tuple(carries)


def gate_weights(
    key: Key[Array, ""], inputs: int, hidden: int, gates: int
) -> Float[Array, "inputs _"]:
    """Each gate's weights are orthogonal on their own."""
    keys = jax.random.split(key, gates)
    return jnp.concatenate([orthogonal(k, (inputs, hidden), 1.0) for k in keys], axis=1)
