"""Long short-term memory."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.layers import Axes, Dense, declared
from ksim_compiler.learn.nets.networks.base import builds
from ksim_compiler.learn.nets.networks.recurrent import Cell, Recurrent, gate_weights
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary.networks.lstm import Lstm


class LstmCell(Cell):
    """Long short-term memory, Hochreiter & Schmidhuber 1997, with a forget gate.

    The carry is the hidden state and the cell state, both (..., hidden). The forget gate's bias
    starts at 1, Jozefowicz et al. 2015.
    """

    inputs: Dense
    weight: Float[Array, "hidden gates"]

    @classmethod
    def build(cls, inputs: int, hidden: int, key: Key[Array, ""]) -> LstmCell:
        """A fresh cell from the lengths of its input and its output."""
        x, h = jax.random.split(key)
        bias = jnp.zeros(Lstm.gates * hidden).at[hidden : 2 * hidden].set(1.0)
        gates = Dense(gate_weights(x, inputs, hidden, Lstm.gates), bias)
        return cls(gates, gate_weights(h, hidden, hidden, Lstm.gates))

    def axes(self, inputs: str | None = None) -> Any:
        """As :meth:`Cell.axes`."""
        return declared(self, inputs=self.inputs.axes(inputs), weight=Axes((None, None)))

    def initial_carry(self, *batch: int) -> tuple[Array, Array]:
        """As :meth:`Cell.initial_carry`."""
        zeros = jnp.zeros((*batch, self.weight.shape[0]))
        return zeros, zeros

    def step(
        self, gates: Float[Array, "*batch gates"], carry: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """As :meth:`Cell.step`."""
        hidden, cell = carry
        write, forget, new, read = jnp.split(gates + hidden @ self.weight, 4, axis=-1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(write) * jnp.tanh(new)
        return jax.nn.sigmoid(read) * jnp.tanh(cell), cell

    def emit(self, g: OnnxGraph, gates: str, carry: tuple[str, str]) -> tuple[str, str]:
        """As :meth:`Cell.emit`."""
        hidden, cell = carry
        gates = g("Add", gates, g("MatMul", hidden, g.constant(self.weight)))
        write, forget, new, read = g.split(gates, 4)
        written = g("Mul", g("Sigmoid", write), g("Tanh", new))
        cell = g("Add", g("Mul", g("Sigmoid", forget), cell), written)
        return g("Mul", g("Sigmoid", read), g("Tanh", cell)), cell

    @staticmethod
    def output(carry: Any) -> Any:
        """As :meth:`Cell.output`."""
        return carry[0]


@builds(Lstm)
def _build(spec: Lstm, inputs: int, outputs: int, key: Key[Array, ""], gain: float) -> Recurrent:
    return Recurrent.build(LstmCell.build, spec, (inputs, outputs), key, gain)
