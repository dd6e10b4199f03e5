"""Networks and action distributions: what a policy or a critic is made of.

Declared only; the learner of the compiler turns them into arrays.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from annotated_types import Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.units import Number
from ksim_schema.vocabulary.base import Model, PositiveInt

Activation = Literal["elu", "relu", "tanh", "swish", "gelu"]
PositiveNumber = Annotated[Number, Gt(0.0)]
Widths = tuple[PositiveInt, ...]

_ACTIVATION = "Activation after each hidden layer. elu is the common choice of legged locomotion."


class Mlp(Model):
    """Fully connected layers; it remembers nothing from tick to tick."""

    kind: Literal["mlp"] = "mlp"
    hidden: Widths = Field(
        default=(256, 256),
        description="Widths of the hidden layers, first to last; with none it is linear.",
    )
    activation: Activation = Field(default="elu", description=_ACTIVATION)


class _Recurrent(Model):
    hidden: PositiveInt = Field(default=256, description="Width of each recurrent layer.")
    depth: PositiveInt = Field(
        default=1, description="Number of recurrent layers, one on the other."
    )
    head: Widths = Field(
        default=(),
        description="Widths of the hidden layers after the recurrent ones; none by default.",
    )
    activation: Activation = Field(
        default="elu", description="Activation after each hidden layer of the head."
    )


class Gru(_Recurrent):
    """Gated recurrent units: a memory that is reset at the start of an episode."""

    kind: Literal["gru"] = "gru"


class Lstm(_Recurrent):
    """Long short-term memory: a memory that is reset at the start of an episode."""

    kind: Literal["lstm"] = "lstm"


Network = Annotated[Mlp | Gru | Lstm, Field(discriminator="kind")]
"""Any network."""

_MIN_STD = "Lower bound of every standard deviation; keeps the log-probabilities finite."
_MAX_STD = "Upper bound of every standard deviation; no bound by default."


class _Spread(Model):
    init_std: PositiveNumber = Field(
        default=0.5, description="Standard deviation at the start, in units of the action's scale."
    )
    min_std: PositiveNumber = Field(default=0.01, description=_MIN_STD)
    max_std: PositiveNumber | None = Field(default=None, description=_MAX_STD)
    state_dependent: bool = Field(
        default=False,
        description="The network gives the standard deviations too; otherwise they are"
        " parameters of their own, the same in every state.",
    )

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        upper = math.inf if self.max_std is None else self.max_std
        if not self.min_std < self.init_std < upper:
            raise PydanticCustomError(
                "std_bounds",
                "init_std is {init}, but it must lie between min_std, {min}, and max_std, {max}",
                {
                    "init": f"{self.init_std:g}",
                    "min": f"{self.min_std:g}",
                    "max": f"{upper:g}",
                    "help": "change 'init_std', or widen 'min_std' and 'max_std'",
                    "fields": "init_std min_std max_std",
                },
            )
        return self


class Gaussian(_Spread):
    """Independent normal distributions, one per action."""

    kind: Literal["gaussian"] = "gaussian"


class TanhGaussian(_Spread):
    """Independent normal distributions squashed by tanh, so that actions stay in (-1, 1)."""

    kind: Literal["tanh_gaussian"] = "tanh_gaussian"


class MixtureOfGaussians(_Spread):
    """Per action, a weighted sum of normal distributions. The network gives weights and means."""

    kind: Literal["mixture"] = "mixture"
    components: Annotated[int, Gt(1)] = Field(
        default=3, description="Number of normal distributions per action."
    )


Distribution = Annotated[Gaussian | TanhGaussian | MixtureOfGaussians, Field(discriminator="kind")]
"""Any distribution of the actions."""
