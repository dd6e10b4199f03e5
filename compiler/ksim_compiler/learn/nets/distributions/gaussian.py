"""Normal distributions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.distributions.base import (
    LOG_2PI,
    ActionDistribution,
    Law,
    law_of,
    total,
)
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary.distributions.gaussian import Gaussian


class Normal(ActionDistribution):
    """Independent normal distributions; the latent sample is the action."""

    mean: Float[Array, "*batch actions"]
    std: Float[Array, "*#batch actions"]  # pyright: ignore[reportIncompatibleMethodOverride]

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch actions"]:
        """A latent sample."""
        return self.mean + self.std * jax.random.normal(key, self.mean.shape)

    def action(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch actions"]:
        """The action that a latent sample stands for."""
        return latent

    def mode(self) -> Float[Array, "*batch actions"]:
        """The most probable action."""
        return self.mean

    def log_prob(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch"]:
        """Log-density of the action that a latent sample stands for, in nats."""
        z = (latent - self.mean) / self.std
        return -0.5 * total(z * z) - total(jnp.log(self.std) + 0.5 * LOG_2PI)

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy of the action, in nats."""
        entropy = total(jnp.log(self.std) + 0.5 * (LOG_2PI + 1.0))
        return jnp.broadcast_to(entropy, self.mean.shape[:-1])

    def kl(self, other: Normal) -> Float[Array, "*batch"]:
        """KL divergence from this distribution to another, KL(self || other), in nats."""
        ratio = self.std / other.std
        z = (self.mean - other.mean) / other.std
        return 0.5 * total(z * z) + total(0.5 * (ratio * ratio - 1.0) - jnp.log(ratio))


@law_of(Gaussian)
class _Law(Law[Gaussian]):
    def distribution(
        self, spec: Gaussian, actions: int, output: Float[Array, "*batch actions"], std: Array
    ) -> Normal:
        return Normal(mean=output, std=std)

    def emit_mode(self, g: OnnxGraph, spec: Gaussian, actions: int, output: str) -> str:
        return g.slice(output, 0, actions, axis=1)
