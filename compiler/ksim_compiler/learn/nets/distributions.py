"""Distributions of actions, for any leading axes; the last axis is the actions.

Samples are *latent*: what was drawn before the squashing, if there is any. Log-probabilities of
squashed actions are exact that way, also where tanh has saturated. What has no closed form is
integrated by Gauss-Hermite quadrature, so that entropy and KL divergence need no random numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ksim_schema.vocabulary.networks import Distribution, Gaussian, MixtureOfGaussians, TanhGaussian

LOG_2PI = math.log(2.0 * math.pi)
_X, _W = np.polynomial.hermite.hermgauss(10)
NODES = (_X * math.sqrt(2.0)).astype(np.float32)
"""Where the standard normal density is evaluated ..."""
WEIGHTS = (_W / math.sqrt(math.pi)).astype(np.float32)
"""... and with which weights, so that ``E[f(z)] = sum(WEIGHTS * f(NODES))``."""


class Normal(eqx.Module):
    """Independent normal distributions; the latent sample is the action."""

    mean: Float[Array, "*batch actions"]
    std: Float[Array, "*#batch actions"]

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
        return -0.5 * _sum(z * z) - _sum(jnp.log(self.std) + 0.5 * LOG_2PI)

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy of the action, in nats."""
        entropy = _sum(jnp.log(self.std) + 0.5 * (LOG_2PI + 1.0))
        return jnp.broadcast_to(entropy, self.mean.shape[:-1])

    def kl(self, other: Normal) -> Float[Array, "*batch"]:
        """KL divergence from this distribution to another, KL(self || other), in nats."""
        ratio = self.std / other.std
        z = (self.mean - other.mean) / other.std
        return 0.5 * _sum(z * z) + _sum(0.5 * (ratio * ratio - 1.0) - jnp.log(ratio))


class TanhNormal(eqx.Module):
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
        return self.base.log_prob(latent) - _sum(_log_tanh_slope(latent))

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy of the action, in nats; by quadrature."""
        latent = self.base.mean[..., None] + self.base.std[..., None] * NODES
        return self.base.entropy() + _sum(_sum(jnp.asarray(WEIGHTS) * _log_tanh_slope(latent)))

    def kl(self, other: TanhNormal) -> Float[Array, "*batch"]:
        """KL(self || other) in nats: that of the latents, because tanh is a bijection."""
        return self.base.kl(other.base)


class Mixture(eqx.Module):
    """Per action a weighted sum of normal distributions, independent between actions."""

    logits: Float[Array, "*batch actions components"]
    mean: Float[Array, "*batch actions components"]
    std: Float[Array, "*#batch actions components"]

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
        return _sum(self._density(latent[..., None])[..., 0])

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy of the action, in nats; by quadrature."""
        return -_sum(self._expect(self._density(self._nodes())))

    def kl(self, other: Mixture) -> Float[Array, "*batch"]:
        """KL(self || other) in nats; by quadrature."""
        nodes = self._nodes()
        return _sum(self._expect(self._density(nodes) - other._density(nodes)))

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
        return _sum(jax.nn.softmax(self.logits) * _sum(jnp.asarray(WEIGHTS) * f))


AnyDistribution: TypeAlias = Normal | TanhNormal | Mixture


def divergence(old: AnyDistribution, new: AnyDistribution) -> Float[Array, "*batch"]:
    """KL(old || new) in nats.

    Raises:
        TypeError: the two are of different kinds.
    """
    match old, new:
        case (Normal(), Normal()) | (TanhNormal(), TanhNormal()) | (Mixture(), Mixture()):
            return old.kl(new)  # type: ignore[arg-type]
    raise TypeError(f"{type(old).__name__} and {type(new).__name__} are of different kinds")


class Parameter(NamedTuple):
    """What one number of a distribution's parameters is.

    Attributes:
        what: mean, logit (of a component's weight) or std.
        action: of which action.
        component: of which normal distribution of a mixture.
    """

    what: str
    action: int
    component: int


class Head(eqx.Module):
    """The distribution whose parameters a network's outputs are.

    The standard deviation is a smooth and increasing function of an unbounded number, and lies
    between its bounds: ``min + softplus(raw)``, or ``min + (max - min) * sigmoid(raw)``.
    """

    raw_std: Float[Array, " stds"] | None
    spec: Gaussian | TanhGaussian | MixtureOfGaussians = eqx.field(static=True)
    actions: int = eqx.field(static=True)

    @classmethod
    def build(cls, spec: Distribution, actions: int) -> Head:
        """The head of a declared distribution of ``actions`` numbers, at its initial std."""
        count = actions * _components(spec)
        raw = None if spec.state_dependent else jnp.full(count, _raw_of_init(spec), jnp.float32)
        return cls(raw, spec, actions)

    def parameters(self) -> tuple[Parameter, ...]:
        """What each of the network's outputs is."""
        of = ["mean", *(["logit"] if isinstance(self.spec, MixtureOfGaussians) else [])]
        of += ["std"] if self.spec.state_dependent else []
        return tuple(p for what in of for p in self._each(what))

    def stds(self) -> tuple[Parameter, ...]:
        """What each element of ``raw_std`` is."""
        return self._each("std")

    def _each(self, what: str) -> tuple[Parameter, ...]:
        components = range(_components(self.spec))
        return tuple(Parameter(what, a, c) for a in range(self.actions) for c in components)

    @property
    def squashed(self) -> bool:
        """Whether actions are tanh of the latent samples."""
        return isinstance(self.spec, TanhGaussian)

    def side(self, component: int) -> float:
        """How far the mean of a component lies from the network's output."""
        if not isinstance(self.spec, MixtureOfGaussians):
            return 0.0
        return self.spec.init_std * float(np.linspace(-1.0, 1.0, self.spec.components)[component])

    def std_of(self, raw: float) -> tuple[float, float]:
        """The standard deviation of a raw number, and its derivative."""
        return _std_and_slope(self.spec, raw)

    def raw_of(self, std: float) -> float:
        """The inverse of :meth:`std_of`; what is out of bounds is taken just inside of them."""
        low, high = self.spec.min_std, self.spec.max_std
        margin = 1e-3 * (1.0 if high is None else high - low)
        std = max(std, low + margin)
        return _raw_of(self.spec, std if high is None else min(std, high - margin))

    @property
    def first_raw(self) -> float:
        """The raw number of the initial standard deviation, which outputs are added to."""
        return _raw_of_init(self.spec)

    @property
    def output_size(self) -> int:
        """Length of the network's output vector."""
        count = self.actions * _components(self.spec)
        sets = 1 + isinstance(self.spec, MixtureOfGaussians) + self.spec.state_dependent
        return count * sets

    def __call__(self, output: Float[Array, "*batch outputs"]) -> AnyDistribution:
        count = self.actions * _components(self.spec)
        mean, rest = output[..., :count], output[..., count:]
        raw = rest[..., -count:] + _raw_of_init(self.spec) if self.raw_std is None else self.raw_std
        std = _std_of(self.spec, raw)
        match self.spec:
            case Gaussian():
                return Normal(mean, std)
            case TanhGaussian():
                return TanhNormal(Normal(mean, std))
        grid = (self.actions, self.spec.components)
        # Components that start equal would stay nearly so: they start side by side.
        offset = self.spec.init_std * np.linspace(-1.0, 1.0, self.spec.components, dtype=np.float32)
        mean = mean.reshape(*mean.shape[:-1], *grid) + offset
        logits = rest[..., :count].reshape(mean.shape)
        return Mixture(logits, mean, std.reshape(*std.shape[:-1], *grid))


def _components(spec: Distribution) -> int:
    return spec.components if isinstance(spec, MixtureOfGaussians) else 1


def _std_of(spec: Distribution, raw: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    if spec.max_std is None:
        return spec.min_std + jax.nn.softplus(raw)
    return spec.min_std + (spec.max_std - spec.min_std) * jax.nn.sigmoid(raw)


def _std_and_slope(spec: Distribution, raw: float) -> tuple[float, float]:
    sigmoid = 1.0 / (1.0 + math.exp(-raw))
    if spec.max_std is None:
        return spec.min_std + float(np.logaddexp(0.0, raw)), sigmoid
    span = spec.max_std - spec.min_std
    return spec.min_std + span * sigmoid, span * sigmoid * (1.0 - sigmoid)


def _raw_of_init(spec: Distribution) -> float:
    """The inverse of :func:`_std_of` at the initial standard deviation."""
    return _raw_of(spec, spec.init_std)


def _raw_of(spec: Distribution, std: float) -> float:
    """The inverse of :func:`_std_of`."""
    above = std - spec.min_std
    if spec.max_std is None:
        return above + math.log(-math.expm1(-above))
    return math.log(above / (spec.max_std - std))


def _log_tanh_slope(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """``log(1 - tanh(x)^2)``, without the cancellation at large x."""
    return 2.0 * (math.log(2.0) - x - jax.nn.softplus(-2.0 * x))


def _sum(x: Float[Array, "*batch last"]) -> Float[Array, "*batch"]:
    return jnp.sum(x, axis=-1)
