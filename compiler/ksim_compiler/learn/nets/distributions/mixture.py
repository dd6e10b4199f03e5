"""Mixtures of normal distributions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.distributions.base import (
    LOG_2PI,
    NODES,
    WEIGHTS,
    ActionDistribution,
    Law,
    law_of,
    total,
)
from ksim_compiler.learn.nets.onnx_graph import NoGraph, OnnxGraph
from ksim_schema.vocabulary.distributions.mixture import MixtureOfGaussians


class Mixture(ActionDistribution):
    """Per action a weighted sum of normal distributions, independent between actions."""

    logits: Float[Array, "*batch actions components"]
    mean: Float[Array, "*batch actions components"]
    std: Float[Array, "*#batch actions components"]  # pyright: ignore[reportIncompatibleMethodOverride]

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch actions"]:
        """A latent sample."""
        which, where = jax.random.split(key)
        component = jax.random.categorical(which, self.logits)[..., None]
        mean = jnp.take_along_axis(self.mean, component, -1)[..., 0]
        std = jnp.broadcast_to(self.std, self.mean.shape)
        std = jnp.take_along_axis(std, component, -1)[..., 0]
        return mean + std * jax.random.normal(where, mean.shape)

    def action(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch actions"]:
        """The action that a latent sample stands for."""
        return latent

    def mode(self) -> Float[Array, "*batch actions"]:
        """The mean of the component whose peak is the highest."""
        peak = jnp.argmax(self.logits - jnp.log(self.std), axis=-1)[..., None]
        return jnp.take_along_axis(self.mean, peak, -1)[..., 0]

    def log_prob(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch"]:
        """Log-density of the action that a latent sample stands for, in nats."""
        return total(self._density(latent[..., None])[..., 0])

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy of the action, in nats; by quadrature."""
        return -total(self._expect(self._density(self._nodes())))

    def kl(self, other: Mixture) -> Float[Array, "*batch"]:
        """KL(self || other) in nats; by quadrature."""
        nodes = self._nodes()
        return total(self._expect(self._density(nodes) - other._density(nodes)))

    def _density(self, x: Float[Array, "*batch actions nodes"]) -> Array:
        """Log-density of each action's mixture at each of some points."""
        z = (x[..., None] - self.mean[..., None, :]) / self.std[..., None, :]
        weight = jax.nn.log_softmax(self.logits) - jnp.log(self.std) - 0.5 * LOG_2PI
        return jax.nn.logsumexp(weight[..., None, :] - 0.5 * z * z, axis=-1)

    def _nodes(self) -> Float[Array, "*batch actions nodes"]:
        """The quadrature's points, component by component."""
        nodes = self.mean[..., None] + self.std[..., None] * NODES
        return nodes.reshape(*nodes.shape[:-2], -1)

    def _expect(self, f: Float[Array, "*batch actions nodes"]) -> Float[Array, "*batch actions"]:
        """Expectation over the mixture of a function's values at the quadrature's points."""
        f = f.reshape(*self.mean.shape, NODES.size)
        return total(jax.nn.softmax(self.logits) * total(jnp.asarray(WEIGHTS) * f))


@law_of(MixtureOfGaussians)
class _Law(Law[MixtureOfGaussians]):
    gives = ("mean", "logit")

    def distribution(
        self,
        spec: MixtureOfGaussians,
        actions: int,
        output: Float[Array, "*batch outputs"],
        std: Array,
    ) -> Mixture:
        grid, count = (actions, spec.components), actions * spec.components
        # Components that start equal would stay nearly so: they start side by side.
        offset = spec.init_std * np.linspace(-1.0, 1.0, spec.components, dtype=np.float32)
        mean, logits = output[..., :count], output[..., count:]
        mean = mean.reshape(*mean.shape[:-1], *grid) + offset
        std = std.reshape(*std.shape[:-1], *grid)
        return Mixture(logits=logits.reshape(mean.shape), mean=mean, std=std)

    def side(self, spec: MixtureOfGaussians, component: int) -> float:
        return spec.init_std * float(np.linspace(-1.0, 1.0, spec.components)[component])

    def emit_mode(self, g: OnnxGraph, spec: MixtureOfGaussians, actions: int, output: str) -> str:
        raise NoGraph("a mixture's mode jumps between its components; it is not exported")
