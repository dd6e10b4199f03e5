"""Gated recurrent units."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.layers import Axes, Dense, declared
from ksim_compiler.learn.nets.networks.base import builds
from ksim_compiler.learn.nets.networks.recurrent import Cell, Recurrent, gate_weights
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary.networks.gru import Gru


class GruCell(Cell):
    """Gated recurrent unit, Cho et al. 2014, https://arxiv.org/abs/1406.1078.

    With the reset gate after the matrix product, as in cuDNN. The carry is (..., hidden).
    """

    inputs: Dense
    weight: Float[Array, "hidden gates"]
    bias: Float[Array, " hidden"]

    @classmethod
    def build(cls, inputs: int, hidden: int, key: Key[Array, ""]) -> GruCell:
        """A fresh cell from the lengths of its input and its output."""
        x, h = jax.random.split(key)
        gates = Dense(gate_weights(x, inputs, hidden, Gru.gates), jnp.zeros(Gru.gates * hidden))
        return cls(gates, gate_weights(h, hidden, hidden, Gru.gates), jnp.zeros(hidden))

    def axes(self, inputs: str | None = None) -> Any:
        """As :meth:`Cell.axes`."""
        own = {"weight": Axes((None, None)), "bias": Axes((None,))}
        return declared(self, inputs=self.inputs.axes(inputs), **own)

    def initial_carry(self, *batch: int) -> Float[Array, "*batch hidden"]:
        """As :meth:`Cell.initial_carry`."""
        return jnp.zeros((*batch, self.bias.shape[0]))

    def step(
        self, gates: Float[Array, "*batch gates"], carry: Float[Array, "*batch hidden"]
    ) -> Float[Array, "*batch hidden"]:
        """As :meth:`Cell.step`."""
        reset_x, update_x, new_x = jnp.split(gates, 3, axis=-1)
        reset_h, update_h, new_h = jnp.split(carry @ self.weight, 3, axis=-1)
        reset = jax.nn.sigmoid(reset_x + reset_h)
        update = jax.nn.sigmoid(update_x + update_h)
        new = jnp.tanh(new_x + reset * (new_h + self.bias))
        return new + update * (carry - new)

    def emit(self, g: OnnxGraph, gates: str, carry: str) -> str:
        """As :meth:`Cell.emit`."""
        reset_x, update_x, new_x = g.split(gates, 3)
        reset_h, update_h, new_h = g.split(g("MatMul", carry, g.constant(self.weight)), 3)
        reset = g("Sigmoid", g("Add", reset_x, reset_h))
        update = g("Sigmoid", g("Add", update_x, update_h))
        inner = g("Mul", reset, g("Add", new_h, g.constant(self.bias)))
        new = g("Tanh", g("Add", new_x, inner))
        return g("Add", new, g("Mul", update, g("Sub", carry, new)))

    @staticmethod
    def output(carry: Any) -> Any:
        """As :meth:`Cell.output`."""
        return carry


@builds(Gru)
def _build(spec: Gru, inputs: int, outputs: int, key: Key[Array, ""], gain: float) -> Recurrent:
    return Recurrent.build(GruCell.build, spec, (inputs, outputs), key, gain)
