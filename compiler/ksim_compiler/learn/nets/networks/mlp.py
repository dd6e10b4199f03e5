"""Fully connected layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key, PyTree

from ksim_compiler.learn.nets.image import Images
from ksim_compiler.learn.nets.layers import (
    ACTIVATIONS,
    HIDDEN_GAIN,
    INPUTS,
    OUTPUTS,
    Dense,
    declared,
    emit_activation,
)
from ksim_compiler.learn.nets.networks.base import Net, NetCarry, builds
from ksim_compiler.learn.nets.networks.symmetric import Symmetric
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary.networks.mlp import Mlp


class Feedforward(Net):
    """Fully connected layers, the last one linear."""

    layers: tuple[Dense, ...]
    activation: str = eqx.field(static=True)

    @classmethod
    def build(
        cls, widths: Sequence[int], activation: str, key: Key[Array, ""], gain: float
    ) -> Feedforward:
        """Fresh layers.

        Args:
            widths: lengths of the vectors between them, input and output included.
            activation: of the hidden layers.
            key: of the weights.
            gain: of the last layer.
        """
        pairs = list(itertools.pairwise(widths))
        gains = [*[HIDDEN_GAIN] * (len(pairs) - 1), gain]
        keys = jax.random.split(key, len(pairs))
        layers = (Dense.build(*p, g, k) for p, g, k in zip(pairs, gains, keys, strict=True))
        return cls(tuple(layers), activation)

    def axes(self, inputs: str | None = INPUTS, outputs: str | None = OUTPUTS) -> Any:
        """As :meth:`Net.axes`; a head's input is hidden."""
        last = len(self.layers) - 1
        layers = tuple(
            layer.axes(inputs if n == 0 else None, outputs if n == last else None)
            for n, layer in enumerate(self.layers)
        )
        return declared(self, layers=layers)

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry = ()
    ) -> tuple[Float[Array, "*batch outputs"], NetCarry]:
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x), carry

    def emit(self, g: OnnxGraph, x: str, carry: PyTree[str] = ()) -> tuple[str, PyTree[str]]:
        """As :meth:`Net.emit`."""
        for layer in self.layers[:-1]:
            x = emit_activation(g, self.activation, layer.emit(g, x))
        return self.layers[-1].emit(g, x), carry


@builds(Mlp)
def _build(
    spec: Mlp,
    inputs: int,
    outputs: int,
    key: Key[Array, ""],
    gain: float,
    images: Images | None = None,
) -> Net:
    widths = (inputs, *spec.hidden, outputs)
    if images is None:
        return Feedforward.build(widths, spec.activation, key, gain)
    return Symmetric.build(widths, spec.activation, images, key, gain)
