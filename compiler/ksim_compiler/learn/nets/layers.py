"""What networks are built from: fully connected layers, activations and fresh weights.

Weights are (in, out).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.onnx_graph import OnnxGraph

HIDDEN_GAIN = math.sqrt(2.0)
"""Gain of the weights of hidden layers."""


@jax.custom_jvp
def elu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Exponential linear unit; exact to the float32 resolution of 1.

    ``exp(x) - 1`` vectorizes where ``expm1`` does not on XLA's CPU backend, and the derivative
    is taken from the result instead of from a second exponential.
    """
    return jnp.where(x > 0, x, jnp.exp(jnp.minimum(x, 0.0)) - 1.0)


@elu.defjvp
def _elu_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    y = elu(primals[0])
    return y, tangents[0] * jnp.where(y > 0, 1.0, y + 1.0)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": elu,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "swish": jax.nn.swish,
    "gelu": jax.nn.gelu,
}


def emit_activation(g: OnnxGraph, name: str, x: str) -> str:
    """One of :data:`ACTIVATIONS` as nodes of a graph."""
    match name:
        case "swish":
            return g("Mul", x, g("Sigmoid", x))
        case "gelu":
            return g("Gelu", x, approximate="tanh")
        case _:
            return g({"elu": "Elu", "relu": "Relu", "tanh": "Tanh"}[name], x)


INPUTS, OUTPUTS = "inputs", "outputs"


@dataclass(frozen=True)
class Axes:
    """What the axes of an array run over.

    Attributes:
        names: for each axis INPUTS (the columns of the network's input), OUTPUTS (those of its
            output) or None, its own hidden units.
    """

    names: tuple[str | None, ...]


def declared(module: eqx.Module, **fields: Any) -> Any:
    """A module whose fields are others: declarations in the places of its arrays."""
    names = tuple(fields)
    return eqx.tree_at(
        lambda m: [getattr(m, name) for name in names], module, [fields[name] for name in names]
    )


class Dense(eqx.Module):
    """``x @ weight + bias``"""

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]

    @classmethod
    def build(cls, inputs: int, outputs: int, gain: float, key: Key[Array, ""]) -> Dense:
        """A fresh layer with orthogonal weights and zero biases."""
        return cls(orthogonal(key, (inputs, outputs), gain), jnp.zeros(outputs))

    def axes(self, inputs: str | None = None, outputs: str | None = None) -> Any:
        """The same module with :class:`Axes` for its arrays."""
        return declared(self, weight=Axes((inputs, outputs)), bias=Axes((outputs,)))

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        return x @ self.weight + self.bias

    def emit(self, g: OnnxGraph, x: str) -> str:
        """The same as a node of a graph; x is (1, inputs)."""
        return g("Gemm", x, g.constant(self.weight), g.constant(self.bias))


def orthogonal(
    key: Key[Array, ""], shape: tuple[int, int], gain: float
) -> Float[Array, "inputs outputs"]:
    """Fresh weights, Saxe et al. 2014, https://arxiv.org/abs/1312.6120."""
    return jax.nn.initializers.orthogonal(gain)(key, shape, jnp.float32)
