"""Fully connected layers that answer to a mirror image with the mirror image of their answer.

The hidden units of a layer are of two sides, ``h`` and ``h'``, which change places when the input
is mirrored. That holds of the first layer where ``h = f(x A + b)`` and ``h' = f(x' A + b)`` with
the input's mirror image ``x'``, and of the next ones where what the two sides have in common,
``(h + h') / sqrt(2)``, and what they differ in, ``(h - h') / sqrt(2)``, do not mix: the regular
representation of the group of two elements, Cohen & Welling 2016,
https://arxiv.org/abs/1602.07576. The output is ``((h A + b) + (h' A + b)') / 2``.

Half the weights between two layers are zero that way, and are neither stored nor multiplied with.
The first layer's product is of the input's even and odd parts, each with its share of A, which
halves it too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key, PyTree

from ksim_compiler.learn.nets.image import HALF, Images, Parts, imaged
from ksim_compiler.learn.nets.layers import (
    ACTIVATIONS,
    HIDDEN_GAIN,
    INPUTS,
    OUTPUTS,
    Axes,
    Dense,
    declared,
    emit_activation,
    orthogonal,
)
from ksim_compiler.learn.nets.networks.base import Net, NetCarry
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph


class TwoSided(eqx.Module):
    """A hidden layer: what the two sides have in common, and what they differ in.

    Attributes:
        common: of the sum.
        differing: of the difference; it has no bias, which would be no difference any more when the
            sides change places.
    """

    common: Dense
    differing: Float[Array, "inputs outputs"]

    @classmethod
    def build(cls, inputs: int, outputs: int, gain: float, key: Key[Array, ""]) -> TwoSided:
        """A fresh layer, from the numbers of units of one side."""
        one, other = jax.random.split(key)
        common = Dense.build(inputs, outputs, gain, one)
        return cls(common, orthogonal(other, (inputs, outputs), gain))

    def axes(self) -> Any:
        """The same module with :class:`Axes` for its arrays."""
        return declared(self, common=self.common.axes(), differing=Axes((None, None)))

    def __call__(self, left: Array, right: Array) -> tuple[Array, Array]:
        common = self.common((left + right) * HALF)
        differing = ((left - right) * HALF) @ self.differing
        return (common + differing) * HALF, (common - differing) * HALF

    def emit(self, g: OnnxGraph, left: str, right: str) -> tuple[str, str]:
        """The same as nodes of a graph."""
        half = g.constant(HALF)
        common = self.common.emit(g, g("Mul", g("Add", left, right), half))
        differing = g("Mul", g("Sub", left, right), half)
        differing = g("MatMul", differing, g.constant(self.differing))
        sides = (g(op, common, differing) for op in ("Add", "Sub"))
        left, right = (g("Mul", side, half) for side in sides)
        return left, right


class Symmetric(Net):
    """Fully connected layers that commute with the mirror, the last one linear."""

    first: Dense
    hidden: tuple[TwoSided, ...]
    last: Dense
    activation: str = eqx.field(static=True)
    images: Images = eqx.field(static=True)

    @classmethod
    def build(
        cls,
        widths: Sequence[int],
        activation: str,
        images: Images,
        key: Key[Array, ""],
        gain: float,
    ) -> Symmetric:
        """Fresh layers.

        Args:
            widths: lengths of the vectors between them, input and output included. Those of hidden
                ones are of both sides together, and even; there is at least one.
            activation: of the hidden layers.
            images: what its input and its output turn into.
            key: of the weights.
            gain: of the last layer.
        """
        inputs, *hidden, outputs = widths
        sides = [width // 2 for width in hidden]
        first, last, *keys = jax.random.split(key, len(hidden) + 1)
        return cls(
            # the two sides together are as long as those of one layer of the whole width
            Dense.build(inputs, sides[0], HIDDEN_GAIN * HALF, first),
            tuple(
                TwoSided.build(*pair, HIDDEN_GAIN, k)
                for pair, k in zip(itertools.pairwise(sides), keys, strict=True)
            ),
            Dense.build(sides[-1], outputs, gain / HALF, last),
            activation,
            images,
        )

    def axes(self) -> Any:
        """As :meth:`Net.axes`."""
        return declared(
            self,
            first=self.first.axes(inputs=INPUTS),
            hidden=tuple(layer.axes() for layer in self.hidden),
            last=self.last.axes(outputs=OUTPUTS),
        )

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry = ()
    ) -> tuple[Float[Array, "*batch outputs"], NetCarry]:
        active = ACTIVATIONS[self.activation]
        parts = Parts(self.images.inputs)
        even, odd = parts(x)
        weight, bias = self.first.weight, self.first.bias
        common, differing = even @ (parts.even.T @ weight) + bias, odd @ (parts.odd.T @ weight)
        left, right = active(common + differing), active(common - differing)
        for layer in self.hidden:
            left, right = map(active, layer(left, right))
        one, other, bias = self._answer()
        return left @ one + right @ other + bias, carry

    def _answer(self) -> tuple[Array, Array, Float[Array, " outputs"]]:
        """The last layer's weights of either side, and its bias."""
        weight, bias, image = self.last.weight, self.last.bias, self.images.outputs
        return 0.5 * weight, 0.5 * imaged(image, weight), 0.5 * (bias + imaged(image, bias))

    def emit(self, g: OnnxGraph, x: str, carry: PyTree[str] = ()) -> tuple[str, PyTree[str]]:
        """As :meth:`Net.emit`."""
        parts, (weight, bias) = Parts(self.images.inputs), (self.first.weight, self.first.bias)

        def times(x: str, matrix: Any) -> str:
            return g("MatMul", x, g.constant(matrix))

        common = g("Add", times(x, parts.even @ (parts.even.T @ weight)), g.constant(bias))
        differing = times(x, parts.odd @ (parts.odd.T @ weight))
        sides = (g(op, common, differing) for op in ("Add", "Sub"))
        left, right = (emit_activation(g, self.activation, side) for side in sides)
        for layer in self.hidden:
            sides = layer.emit(g, left, right)
            left, right = (emit_activation(g, self.activation, side) for side in sides)
        one, other, bias = self._answer()
        answer = g("Add", times(left, one), times(right, other))
        return g("Add", answer, g.constant(bias)), carry
