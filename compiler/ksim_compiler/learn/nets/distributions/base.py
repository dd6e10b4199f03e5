"""What every kind of distribution is to the learner, the export and a warm start.

Samples are *latent*: what was drawn before the squashing, if there is any. Log-probabilities of
squashed actions are exact that way, also where tanh has saturated. What has no closed form is
integrated by Gauss-Hermite quadrature, so that entropy and KL divergence need no random numbers.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.image import imaged
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_schema.robot.mirror import Signed
from ksim_schema.vocabulary.distributions import Distribution

LOG_2PI = math.log(2.0 * math.pi)
_X, _W = np.polynomial.hermite.hermgauss(10)
NODES = (_X * math.sqrt(2.0)).astype(np.float32)
"""Where the standard normal density is evaluated ..."""
WEIGHTS = (_W / math.sqrt(math.pi)).astype(np.float32)
"""... and with which weights, so that ``E[f(z)] = sum(WEIGHTS * f(NODES))``."""


class ActionDistribution(eqx.Module):
    """A distribution of actions, for any leading axes; the last axis is the actions.

    Attributes:
        std: standard deviations of the normal distributions that it is made of.
    """

    if TYPE_CHECKING:  # a field of some, of which the order matters, and a property of others

        @property
        def std(self) -> Array: ...

    @abstractmethod
    def sample(self, key: Key[Array, ""]) -> Float[Array, "*batch actions"]:
        """A latent sample."""

    @abstractmethod
    def action(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch actions"]:
        """The action that a latent sample stands for."""

    @abstractmethod
    def mode(self) -> Float[Array, "*batch actions"]:
        """The most probable action."""

    @abstractmethod
    def log_prob(self, latent: Float[Array, "*batch actions"]) -> Float[Array, "*batch"]:
        """Log-density of the action that a latent sample stands for, in nats."""

    @abstractmethod
    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy of the action, in nats."""

    @abstractmethod
    def kl(self, other: Any) -> Float[Array, "*batch"]:
        """KL divergence to another one of the same kind, KL(self || other), in nats."""


def divergence(old: ActionDistribution, new: ActionDistribution) -> Float[Array, "*batch"]:
    """KL(old || new) in nats.

    Raises:
        TypeError: the two are of different kinds.
    """
    if type(old) is type(new):
        return old.kl(new)
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


S = TypeVar("S", bound=Distribution)


class Law(Generic[S]):
    """How a declared kind of distribution is computed of a network's output.

    Class attributes:
        gives: what the output gives of each normal distribution, in order, beside the standard
            deviations: ``mean``, and what else there is.
    """

    gives: tuple[str, ...] = ("mean",)

    def distribution(
        self, spec: S, actions: int, output: Float[Array, "*batch outputs"], std: Array
    ) -> ActionDistribution:
        """The distribution.

        Args:
            spec: the declared one.
            actions: how many.
            output: what the network gives beside the standard deviations: (..., normals) for each
                of ``gives``.
            std: (normals,) or (..., normals), those of an action side by side.
        """
        raise NotImplementedError

    def side(self, spec: S, component: int) -> float:
        """How far the mean of a normal distribution lies from the network's output."""
        return 0.0

    def emit_mode(self, g: OnnxGraph, spec: S, actions: int, output: str) -> str:
        """The mode, (1, actions), of a network's output, in nodes of a graph.

        Raises:
            NoGraph: it has none.
        """
        raise NotImplementedError


LAWS: dict[type[Distribution], Law[Any]] = {}
"""Declared kind of distribution -> its law. Filled as the modules of this folder are imported."""


def law_of(kind: type[Distribution]) -> Any:
    """Register the decorated class as the law of a declared kind.

    Raises:
        ValueError: the kind has one already.
    """

    def register(law: type[Law[Any]]) -> type[Law[Any]]:
        if kind in LAWS:
            raise ValueError(f"{kind.__name__} has two laws")
        LAWS[kind] = law()
        return law

    return register


class Head(eqx.Module):
    """The distribution whose parameters a network's outputs are.

    The standard deviation is a smooth and increasing function of an unbounded number, and lies
    between its bounds: ``min + softplus(raw)``, or ``min + (max - min) * sigmoid(raw)``.
    """

    raw_std: Float[Array, " stds"] | None
    spec: Distribution = eqx.field(static=True)
    actions: int = eqx.field(static=True)
    mirrored: Signed | None = eqx.field(static=True, default=None)
    """What actions turn into in a mirror, where the distribution of the one is that of the other:
    then both have one standard deviation."""

    @classmethod
    def build(cls, spec: Distribution, actions: int, mirrored: Signed | None = None) -> Head:
        """The head of a declared distribution of ``actions`` numbers, at its initial std."""
        count = actions * spec.normals
        raw = None if spec.state_dependent else jnp.full(count, _raw_of_init(spec), jnp.float32)
        return cls(raw, spec, actions, mirrored)

    @property
    def law(self) -> Law[Any]:
        """How it is computed."""
        return LAWS[type(self.spec)]

    def parameters(self) -> tuple[Parameter, ...]:
        """What each of the network's outputs is."""
        gives = (*self.law.gives, *(["std"] if self.spec.state_dependent else []))
        return tuple(p for what in gives for p in self._each(what))

    def stds(self) -> tuple[Parameter, ...]:
        """What each element of ``raw_std`` is."""
        return self._each("std")

    def _each(self, what: str) -> tuple[Parameter, ...]:
        components = range(self.spec.normals)
        return tuple(Parameter(what, a, c) for a in range(self.actions) for c in components)

    @property
    def image(self) -> Signed:
        """What the network's outputs turn into in the mirror."""
        return self._image(self.parameters())

    def _image(self, parameters: tuple[Parameter, ...]) -> Signed:
        """Of a mean the sign changes where the action's does, and components change places then."""
        assert self.mirrored is not None
        places = {parameter: place for place, parameter in enumerate(parameters)}
        image = []
        for what, action, component in parameters:
            other, sign = self.mirrored[action]
            turned = component if sign > 0.0 else self.spec.normals - 1 - component
            place = places[Parameter(what, other, turned)]
            image.append((place, sign if what == "mean" else 1.0))
        return tuple(image)

    @property
    def squashed(self) -> bool:
        """Whether actions are tanh of the latent samples."""
        return self.spec.squashed

    def side(self, component: int) -> float:
        """How far the mean of a component lies from the network's output."""
        return self.law.side(self.spec, component)

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
        return len(self.parameters())

    def __call__(self, output: Float[Array, "*batch outputs"]) -> ActionDistribution:
        count = self.actions * self.spec.normals
        given = count * len(self.law.gives)
        raw = self.raw_std
        if raw is None:
            raw = output[..., given:] + _raw_of_init(self.spec)
        elif self.mirrored is not None:
            raw = 0.5 * (raw + imaged(self._image(self.stds()), raw))
        std = _std_of(self.spec, raw)
        return self.law.distribution(self.spec, self.actions, output[..., :given], std)

    def emit_mode(self, g: OnnxGraph, output: str) -> str:
        """The mode, (1, actions), of a network's output, in nodes of a graph; see :class:`Law`."""
        return self.law.emit_mode(g, self.spec, self.actions, output)


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


def total(x: Float[Array, "*batch last"]) -> Float[Array, "*batch"]:
    """The sum over the last axis."""
    return jnp.sum(x, axis=-1)
