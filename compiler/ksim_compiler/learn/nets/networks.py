"""Equinox networks built from the declared ones.

A network maps ``(x, carry)`` to ``(output, carry)`` for any leading axes of ``x``: a single
observation, or a batch, where each layer is one matrix product. Weights are (in, out).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from ksim_compiler.learn.nets.distributions import AnyDistribution, Head
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_schema.vocabulary.networks import Distribution, Gru, Lstm, Mlp, Network

POLICY_GAIN = 0.01
"""Gain of the policy's last layer: the first actions are those of the distribution's centre."""
VALUE_GAIN = 1.0
HIDDEN_GAIN = math.sqrt(2.0)

NetCarry: TypeAlias = PyTree[Float[Array, "..."]]


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


INPUTS, OUTPUTS = "inputs", "outputs"


@dataclass(frozen=True)
class Axes:
    """What the axes of an array run over.

    Attributes:
        names: for each axis INPUTS (the columns of the network's input), OUTPUTS (those of its
            output) or None, its own hidden units.
    """

    names: tuple[str | None, ...]


class Dense(eqx.Module):
    """``x @ weight + bias``"""

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]

    def axes(self, inputs: str | None = None, outputs: str | None = None) -> Any:
        """The same module with :class:`Axes` for its arrays."""
        return _declared(self, weight=Axes((inputs, outputs)), bias=Axes((outputs,)))

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        return x @ self.weight + self.bias


def _declared(module: eqx.Module, **fields: Any) -> Any:
    """A module whose fields are others: declarations in the places of its arrays."""
    names = tuple(fields)
    return eqx.tree_at(
        lambda m: [getattr(m, name) for name in names], module, [fields[name] for name in names]
    )


class Feedforward(eqx.Module):
    """Fully connected layers, the last one linear."""

    recurrent: ClassVar[bool] = False
    layers: tuple[Dense, ...]
    activation: str = eqx.field(static=True)

    def axes(self, inputs: str | None = INPUTS, outputs: str | None = OUTPUTS) -> Any:
        """The same module with :class:`Axes` for its arrays."""
        last = len(self.layers) - 1
        layers = tuple(
            layer.axes(inputs if n == 0 else None, outputs if n == last else None)
            for n, layer in enumerate(self.layers)
        )
        return _declared(self, layers=layers)

    def initial_carry(self, *batch: int) -> NetCarry:
        """No memory."""
        return ()

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry = ()
    ) -> tuple[Float[Array, "*batch outputs"], NetCarry]:
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x), carry

    def run(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry, start: Float[Array, "*batch"]
    ) -> Float[Array, "*batch outputs"]:
        """Outputs over a sequence; see :meth:`Recurrent.run`."""
        return self(x)[0]


class GruCell(eqx.Module):
    """Gated recurrent unit, Cho et al. 2014, https://arxiv.org/abs/1406.1078.

    With the reset gate after the matrix product, as in cuDNN. The carry is (..., hidden).
    """

    inputs: Dense
    weight: Float[Array, "hidden gates"]
    bias: Float[Array, " hidden"]

    def axes(self, inputs: str | None = None) -> Any:
        """The same module with :class:`Axes` for its arrays."""
        own = {"weight": Axes((None, None)), "bias": Axes((None,))}
        return _declared(self, inputs=self.inputs.axes(inputs), **own)

    def initial_carry(self, *batch: int) -> Float[Array, "*batch hidden"]:
        return jnp.zeros((*batch, self.bias.shape[0]))

    def step(
        self, gates: Float[Array, "*batch gates"], carry: Float[Array, "*batch hidden"]
    ) -> Float[Array, "*batch hidden"]:
        """The next carry from the input's share of the gates."""
        reset_x, update_x, new_x = jnp.split(gates, 3, axis=-1)
        reset_h, update_h, new_h = jnp.split(carry @ self.weight, 3, axis=-1)
        reset = jax.nn.sigmoid(reset_x + reset_h)
        update = jax.nn.sigmoid(update_x + update_h)
        new = jnp.tanh(new_x + reset * (new_h + self.bias))
        return new + update * (carry - new)

    @staticmethod
    def output(carry: Float[Array, "*batch hidden"]) -> Float[Array, "*batch hidden"]:
        """What the next layer reads."""
        return carry


class LstmCell(eqx.Module):
    """Long short-term memory, Hochreiter & Schmidhuber 1997, with a forget gate.

    The carry is the hidden state and the cell state, both (..., hidden). The forget gate's bias
    starts at 1, Jozefowicz et al. 2015.
    """

    inputs: Dense
    weight: Float[Array, "hidden gates"]

    def axes(self, inputs: str | None = None) -> Any:
        """The same module with :class:`Axes` for its arrays."""
        return _declared(self, inputs=self.inputs.axes(inputs), weight=Axes((None, None)))

    def initial_carry(self, *batch: int) -> tuple[Array, Array]:
        zeros = jnp.zeros((*batch, self.weight.shape[0]))
        return zeros, zeros

    def step(
        self, gates: Float[Array, "*batch gates"], carry: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """The next carry from the input's share of the gates."""
        hidden, cell = carry
        write, forget, new, read = jnp.split(gates + hidden @ self.weight, 4, axis=-1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(write) * jnp.tanh(new)
        return jax.nn.sigmoid(read) * jnp.tanh(cell), cell

    @staticmethod
    def output(carry: tuple[Array, Array]) -> Array:
        """What the next layer reads."""
        return carry[0]


class Recurrent(eqx.Module):
    """Recurrent layers one on the other, then fully connected ones."""

    recurrent: ClassVar[bool] = True
    cells: tuple[GruCell | LstmCell, ...]
    head: Feedforward

    def axes(self) -> Any:
        """The same module with :class:`Axes` for its arrays."""
        cells = tuple(c.axes(None if n else INPUTS) for n, c in enumerate(self.cells))
        return _declared(self, cells=cells, head=self.head.axes(None, OUTPUTS))

    def initial_carry(self, *batch: int) -> NetCarry:
        """Zeros: the memory at the start of an episode, with these leading axes."""
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
        """Outputs over a sequence, as calling tick by tick gives them.

        The input's share of the gates is one matrix product over all ticks; only the memory's
        share goes tick by tick.

        Args:
            x: inputs.
            carry: memories before the first tick.
            start: 1.0 where an episode begins, so that the memory is reset before the tick.
        """
        for cell, memory in zip(self.cells, carry, strict=True):

            def tick(memory: NetCarry, row: tuple[Array, Array], cell=cell) -> tuple:
                gates, start = row
                memory = jax.tree.map(lambda m: m * (1.0 - start)[:, None], memory)
                memory = cell.step(gates, memory)
                return memory, cell.output(memory)

            _, x = jax.lax.scan(tick, memory, (cell.inputs(x), start))
        return self.head(x)[0]


Net: TypeAlias = Feedforward | Recurrent


class Actor(eqx.Module):
    """A policy: the network's outputs are the parameters of the distribution."""

    network: Net
    head: Head

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry
    ) -> tuple[AnyDistribution, NetCarry]:
        output, carry = self.network(x, carry)
        return self.head(output), carry

    def mode(
        self,
        normalizer: Normalizer | None,
        policy_input: Float[Array, "envs inputs"],
        carry: NetCarry,
        start: Float[Array, " envs"],
    ) -> tuple[Float[Array, "envs actions"], NetCarry]:
        """What it does when it does not explore, and its memory after.

        Args:
            normalizer: of its input.
            policy_input: as the environments give it.
            carry: its memory.
            start: 1.0 where an episode begins with this tick, so that the memory is forgotten.
        """
        carry = jax.tree.map(lambda m: m * (1.0 - start)[:, None], carry)
        seen = policy_input if normalizer is None else normalizer(policy_input)
        distribution, carry = self(seen, carry)
        return distribution.mode(), carry


class Critic(eqx.Module):
    """A value function."""

    network: Net

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry
    ) -> tuple[Float[Array, "*batch"], NetCarry]:
        value, carry = self.network(x, carry)
        return value[..., 0], carry

    def run(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry, start: Float[Array, "*batch"]
    ) -> Float[Array, "*batch"]:
        """Values over a sequence."""
        return self.network.run(x, carry, start)[..., 0]


def build_actor(
    network: Network,
    distribution: Distribution,
    inputs: int,
    actions: int,
    key: Key[Array, ""],
) -> Actor:
    """A fresh policy that reads ``inputs`` numbers and sets ``actions`` of them."""
    head = Head.build(distribution, actions)
    return Actor(build_network(network, inputs, head.output_size, key, POLICY_GAIN), head)


def build_critic(network: Network, inputs: int, key: Key[Array, ""]) -> Critic:
    """A fresh value function that reads ``inputs`` numbers."""
    return Critic(build_network(network, inputs, 1, key, VALUE_GAIN))


def build_network(
    spec: Network, inputs: int, outputs: int, key: Key[Array, ""], gain: float
) -> Net:
    """A fresh network with orthogonal weights and zero biases.

    Args:
        spec: the declared network.
        inputs, outputs: lengths of its input and output vectors.
        key: of the weights.
        gain: of the last layer; that of the hidden ones is sqrt(2).
    """
    match spec:
        case Mlp():
            return _feedforward((inputs, *spec.hidden, outputs), spec.activation, key, gain)
        case Gru() | Lstm():
            build = _gru_cell if isinstance(spec, Gru) else _lstm_cell
            widths = (inputs, *(spec.hidden,) * spec.depth)
            keys = jax.random.split(key, spec.depth + 1)
            pairs = zip(widths, widths[1:], keys[:-1], strict=False)
            cells = tuple(build(wide, high, k) for wide, high, k in pairs)
            head = (spec.hidden, *spec.head, outputs)
            return Recurrent(cells, _feedforward(head, spec.activation, keys[-1], gain))
    raise TypeError(f"{spec!r} is not a network")


def _feedforward(
    widths: Sequence[int], activation: str, key: Key[Array, ""], gain: float
) -> Feedforward:
    pairs = list(itertools.pairwise(widths))
    gains = [*[HIDDEN_GAIN] * (len(pairs) - 1), gain]
    keys = jax.random.split(key, len(pairs))
    layers = [
        Dense(_orthogonal(k, shape, g), jnp.zeros(shape[1]))
        for k, shape, g in zip(keys, pairs, gains, strict=True)
    ]
    return Feedforward(tuple(layers), activation)


def _gru_cell(inputs: int, hidden: int, key: Key[Array, ""]) -> GruCell:
    x, h = jax.random.split(key)
    gates = Dense(_gate_weights(x, inputs, hidden, 3), jnp.zeros(3 * hidden))
    return GruCell(gates, _gate_weights(h, hidden, hidden, 3), jnp.zeros(hidden))


def _lstm_cell(inputs: int, hidden: int, key: Key[Array, ""]) -> LstmCell:
    x, h = jax.random.split(key)
    bias = jnp.zeros(4 * hidden).at[hidden : 2 * hidden].set(1.0)
    gates = Dense(_gate_weights(x, inputs, hidden, 4), bias)
    return LstmCell(gates, _gate_weights(h, hidden, hidden, 4))


def _gate_weights(
    key: Key[Array, ""], inputs: int, hidden: int, gates: int
) -> Float[Array, "inputs _"]:
    """Each gate's weights are orthogonal on their own."""
    keys = jax.random.split(key, gates)
    return jnp.concatenate([_orthogonal(k, (inputs, hidden), 1.0) for k in keys], axis=1)


def _orthogonal(
    key: Key[Array, ""], shape: tuple[int, int], gain: float
) -> Float[Array, "inputs outputs"]:
    return jax.nn.initializers.orthogonal(gain)(key, shape, jnp.float32)
