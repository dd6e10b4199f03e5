"""Normal distributions squashed by tanh."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.distributions.base import (
    NODES,
    WEIGHTS,
    ActionDistribution,
    Law,
    law_of,
    total,
)
from ksim_compiler.learn.nets.distributions.gaussian import Normal
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.vocabulary.distributions.tanh_gaussian import TanhGaussian


class TanhNormal(ActionDistribution):
    """Independent normal distributions squashed by tanh: actions lie in (-1, 1)."""

    base: Normal

    @property
    def std(self) -> Float[Array, "*batch actions"]:
        """Standard deviation of the latent sample."""
        return self.base.std

    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch actions"]:
        """A latent sample."""
        return self.base.sample(key)

    def action(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch actions"]:
        """The action that a latent sample stands for."""
        return jnp.tanh(latent)

    def mode(self) -> Float[Array, "*batch actions"]:
        """The median, which serves as the mode: tanh of the latent mean."""
        return jnp.tanh(self.base.mean)

    def log_prob(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch"]:
        """Log-density of the action that a latent sample stands for, in nats."""
        return self.base.log_prob(latent) - total(_log_tanh_slope(latent))

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy of the action, in nats; by quadrature."""
        latent = self.base.mean[..., None] + self.base.std[..., None] * NODES
        return self.base.entropy() + total(total(jnp.asarray(WEIGHTS) * _log_tanh_slope(latent)))

    def kl(self, other: TanhNormal) -> Float[Array, "*batch"]:
        """KL(self || other) in nats: that of the latents, because tanh is a bijection."""
        return self.base.kl(other.base)


@law_of(TanhGaussian)
class _Law(Law[TanhGaussian]):
    def distribution(
        self, spec: TanhGaussian, actions: int, output: Float[Array, "*batch actions"], std: Array
    ) -> TanhNormal:
        return TanhNormal(Normal(mean=output, std=std))

    def emit_mode(self, g: OnnxGraph, spec: TanhGaussian, actions: int, output: str) -> str:
        return g("Tanh", g.slice(output, 0, actions, axis=1))


def _log_tanh_slope(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``log(1 - tanh(x)^2)``, without the cancellation at large x."""
    return 2.0 * (math.log(2.0) - x - jax.nn.softplus(-2.0 * x))
