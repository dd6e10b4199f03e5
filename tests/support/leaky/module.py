"""How the network beside this file is computed, to be copied into a compiler."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.layers import HIDDEN_GAIN, INPUTS, OUTPUTS, Dense, declared
from ksim_compiler.learn.nets.networks.base import Net, builds
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary.networks.leaky import Leaky  # type: ignore[import-not-found]


class LeakyNet(Net):
    """``m' = keep * m + tanh(x)``, and a linear output of ``m'``."""

    reads: Dense
    gives: Dense
    keep: float = eqx.field(static=True)

    def axes(self) -> Any:
        """As :meth:`Net.axes`."""
        gives = self.gives.axes(None, OUTPUTS)
        return declared(self, reads=self.reads.axes(INPUTS, None), gives=gives)

    def initial_carry(self, *batch: int) -> Array:
        """As :meth:`Net.initial_carry`."""
        return jnp.zeros((*batch, self.reads.bias.shape[0]))

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: Array
    ) -> tuple[Float[Array, "*batch outputs"], Array]:
        """As :meth:`Net.__call__`."""
        carry = self.keep * carry + jnp.tanh(self.reads(x))
        return self.gives(carry), carry

    def emit(self, g: OnnxGraph, x: str, carry: str) -> tuple[str, str]:
        """As :meth:`Net.emit`."""
        kept = g("Mul", g.constant(self.keep), carry)
        carry = g("Add", kept, g("Tanh", self.reads.emit(g, x)))
        return self.gives.emit(g, carry), carry


@builds(Leaky)
def _build(spec: Leaky, inputs: int, outputs: int, key: Key[Array, ""], gain: float) -> LeakyNet:
    first, last = jax.random.split(key)
    reads = Dense.build(inputs, spec.width, HIDDEN_GAIN, first)
    return LeakyNet(reads, Dense.build(spec.width, outputs, gain, last), spec.keep)
