"""The PPO section: how a task is trained.

Proximal policy optimization, Schulman et al. 2017, https://arxiv.org/abs/1707.06347. Defaults are
those common in legged locomotion on massively parallel simulation (Rudin et al. 2022,
https://arxiv.org/abs/2109.11978) where no other reason is given.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.diagnostics.codes.laws import ODD_DISCOUNT, ODD_LEARNING
from ksim_schema.diagnostics.codes.typed import SHARE_WITHOUT_LENGTH
from ksim_schema.diagnostics.codes.values import UNEVEN_MINIBATCHES
from ksim_schema.source.plain import is_mapping
from ksim_schema.units import Number
from ksim_schema.vocabulary.base import Model, PositiveInt, Range
from ksim_schema.vocabulary.learner.base import SHORT_SIGHTED, Learner, Remark

PositiveNumber = Annotated[Number, Gt(0.0)]
NonNegativeNumber = Annotated[Number, Ge(0.0)]
Fraction = Annotated[Number, Ge(0.0), Le(1.0)]


class LearningRate(Model):
    """Step size of the optimizer. A number alone is a constant learning rate."""

    start: PositiveNumber = Field(
        default=3.0e-4, description="The learning rate of the first update."
    )
    adaptive_kl: PositiveNumber | None = Field(
        default=None,
        description="Target of the KL divergence between the policies before and after an update,"
        " in nats. After each step, measured on the next minibatch (after the last step, on its"
        " own), the learning rate is divided by 1.5 when the divergence is above twice the target"
        " and multiplied by 1.5 when it is below half of it. Constant learning rate by default.",
    )
    min: PositiveNumber = Field(
        default=1.0e-5, description="Lower bound of an adaptive learning rate."
    )
    max: PositiveNumber = Field(
        default=1.0e-2, description="Upper bound of an adaptive learning rate."
    )

    anneal: Fraction = Field(
        default=0.0,
        description="Share of the run, its end, in which the learning rate falls to 5% of what it"
        " was, and the target of the KL divergence with its square: the policy that is left is one"
        " that settled. Needs 'steps'. Not annealed by default.",
    )

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        if self.adaptive_kl is not None and not self.min <= self.start <= self.max:
            raise PydanticCustomError(
                "learning_rate_bounds",
                "an adaptive learning rate starts between its bounds, {min} and {max},"
                " but start is {start}",
                {
                    "min": f"{self.min:g}",
                    "max": f"{self.max:g}",
                    "start": f"{self.start:g}",
                    "help": "change 'start', or widen 'min' and 'max'",
                    "fields": "start min max",
                },
            )
        return self


class Discount(Model):
    """What a reward one control tick later counts. A number alone is a constant discount."""

    start: Fraction = Field(
        default=0.97,
        description="The discount per control tick of the first update. 0.97 looks ahead 33 ticks,"
        " 0.7 s at 50 Hz.",
    )
    end: Fraction | None = Field(
        default=None,
        description="The discount of the last update. Short-sighted at first, a policy learns"
        " sooner; far-sighted in the end, it minds what follows late from what it does. As at the"
        " start by default.",
    )
    between: Range[Fraction] = Field(
        default=(0.6, 0.8),
        description="Shares of the run between which the discount goes from the one to the other,"
        " evenly. Needs 'steps'; without, the discount stays as at the start.",
    )


def _number_is_constant(value: Any) -> Any:
    return value if is_mapping(value) or isinstance(value, Model) else {"start": value}


LearningRateValue = Annotated[
    LearningRate, BeforeValidator(_number_is_constant, json_schema_input_type=Number | LearningRate)
]
DiscountValue = Annotated[
    Discount, BeforeValidator(_number_is_constant, json_schema_input_type=Number | Discount)
]


class PPO(Learner):
    """Proximal policy optimization: an actor and a critic, a gradient of sampled rollouts."""

    section = "PPO"
    usual = True
    spreads = True
    returns = Learner.returns | {"gamma"}
    plausible: ClassVar[Mapping[str, float]] = {
        **Learner.plausible,
        **{"epochs": 1e3, "minibatches": 2**20, "clip": 10.0, "entropy": 10.0},
        **{"learning_rate": 1.0, "start": 1.0, "min": 1.0, "max": 1.0, "adaptive_kl": 10.0},
    }

    epochs: PositiveInt = Field(default=5, description="Passes over each rollout's samples.")
    minibatches: PositiveInt = Field(
        default=4,
        description="Gradient steps per epoch. It divides envs * rollout; with a recurrent network"
        " it divides envs, because whole sequences stay together.",
    )
    gamma: DiscountValue = Field(
        default=Discount(),
        description="Discount per control tick: a number, or one that changes during the run.",
    )
    lam: Fraction = Field(
        default=0.95,
        description="Lambda of generalized advantage estimation: 0 is the one-step temporal"
        " difference, 1 the Monte-Carlo return.",
    )
    learning_rate: LearningRateValue = Field(
        default=LearningRate(adaptive_kl=0.01),
        description="Step size of Adam: a number, or a start that adapts to the KL divergence.",
    )
    clip: PositiveNumber = Field(
        default=0.2, description="The probability ratio counts within [1 - clip, 1 + clip]."
    )
    value_clip: PositiveNumber | None = Field(
        default=None,
        description="The value may move by this much from the rollout's value before its loss is"
        " clipped: in standard deviations of the return with normalize_values, else in its unit."
        " Not clipped by default.",
    )
    value_coefficient: NonNegativeNumber = Field(
        default=0.5, description="Weight of the value loss, the mean squared error of the returns."
    )
    entropy: NonNegativeNumber = Field(
        default=0.005,
        description="Weight of the entropy bonus, in reward per nat; keeps exploration up.",
    )
    gradient_clip: PositiveNumber | None = Field(
        default=1.0,
        description="Largest norm of the gradient of all parameters together; null for none.",
    )
    normalize_values: bool = Field(
        default=True,
        description="The critic learns returns with running mean 0 and variance 1, so that its"
        " loss does not depend on the size of the rewards.",
    )
    normalize_advantages: bool = Field(
        default=True,
        description="Advantages have mean 0 and standard deviation 1 over each rollout.",
    )
    mirror: Fraction = Field(
        default=0.0,
        description="Probability with which each epoch learns from a sample's mirror image instead:"
        " with 0.5 what is learned on the left is learned on the right (Mittal et al. 2024,"
        " https://arxiv.org/abs/2403.04359). Needs the PhysicsState's mirror.",
    )

    @property
    def mirrored(self) -> bool:
        """Whether it learns from mirror images."""
        return self.mirror > 0.0

    @property
    def samples_at_once(self) -> int:
        """Samples of a minibatch."""
        return self.envs * self.rollout // self.minibatches

    @property
    def divided_into(self) -> int:
        """As :attr:`Learner.divided_into`."""
        return self.minibatches

    def finest(self, recurrent: bool) -> int:
        """As :meth:`Learner.finest`: each shard has as many environments, and gives as many samples
        to each minibatch, as every other."""
        samples = self.envs if recurrent else self.envs * self.rollout
        return math.gcd(self.envs, samples // self.minibatches)

    @property
    def copies(self) -> int:
        """A parameter and its two moments of Adam."""
        return 3

    @property
    def discounts(self) -> Mapping[tuple[str, ...], float]:
        """As :attr:`Learner.discounts`."""
        given = {("gamma", "start"): self.gamma.start, ("gamma", "end"): self.gamma.end}
        return {path: value for path, value in given.items() if value is not None}

    def remarks(self, recurrent: bool) -> Iterator[Remark]:
        """Uneven minibatches, odd sizes, and shares of a run without an end."""
        samples = self.envs if recurrent else self.envs * self.rollout
        if samples % self.minibatches:
            what = f"{self.envs} environments" if recurrent else f"{samples} samples of a rollout"
            message = f"{what} do not divide into {self.minibatches} minibatches"
            divisors = [n for n in range(1, 65) if samples % n == 0]
            best = min(divisors, key=lambda n: abs(n - self.minibatches))
            help = f"{best} minibatches would do"
            yield Remark(UNEVEN_MINIBATCHES, message, ("minibatches",), help)
        yield from self._odd()
        if self.steps is not None:
            return
        help = "give PPO.steps, or say --steps with each run"
        if self.learning_rate.anneal:
            message = "without 'steps' a run has no end, so its learning rate does not fall"
            yield Remark(SHARE_WITHOUT_LENGTH, message, ("learning_rate", "anneal"), help)
        if self.gamma.end not in (None, self.gamma.start):
            message = "without 'steps' a run has no end, so the discount stays as at the start"
            yield Remark(SHARE_WITHOUT_LENGTH, message, ("gamma", "end"), help)

    def _odd(self) -> Iterator[Remark]:
        """Values that are far from all with which such training is known to work."""
        for path, gamma in self.discounts.items():
            if gamma == 1.0:
                message = "with a discount of 1 the return has no bound: a time-out is no end, and "
                message += "what would have followed counts"
                help = "give less than 1, such as 0.99"
                yield Remark(ODD_DISCOUNT, message, path, help)
            elif gamma < SHORT_SIGHTED:
                message = f"a discount of {gamma:g} looks {1.0 / (1.0 - gamma):.3g} control ticks "
                help = "give for example 0.97, which looks ahead 33 ticks"
                yield Remark(ODD_DISCOUNT, message + "ahead", path, help)
        for path, low, high, usual in USUAL:
            value: Any = self
            for step in path:
                value = getattr(value, step)
            if value is not None and not low <= value <= high:
                size = "small" if value < low else "large"
                message = f"{value:g} is implausibly {size} for {'.'.join(path)}"
                message += WHY.get((path[-1], size), "")
                yield Remark(ODD_LEARNING, message, path, f"{usual} is usual")


USUAL: tuple[tuple[tuple[str, ...], float, float, str], ...] = (
    (("learning_rate", "start"), 1e-7, 0.05, "3.0e-4"),
    (("learning_rate", "adaptive_kl"), 1e-5, 0.5, "0.01"),
    (("clip",), 0.01, 0.999, "0.2"),
    (("entropy",), 0.0, 0.2, "0.005"),
    (("epochs",), 1, 50, "5"),
    (("value_coefficient",), 1e-4, 1e3, "0.5"),
    (("gradient_clip",), 1e-4, math.inf, "1.0"),
)
"""Hyperparameters, the smallest and the largest that is known to work, and what is usual."""
WHY = {
    (
        "clip",
        "large",
    ): ": a ratio of probabilities is never below 0, so it is clipped upwards alone",
    ("value_coefficient", "small"): ": the critic hardly learns",
    ("entropy", "large"): ": acting at random is paid more than what the rewards ask for",
    ("start", "large"): ": Adam changes each weight by about this much at each step",
}
"""What comes of a hyperparameter of such a size."""
