"""What every kind of distribution declares."""

import math
from typing import Annotated, ClassVar, Self, get_args

from annotated_types import Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.units import Number
from ksim_schema.vocabulary.base import Model

PositiveNumber = Annotated[Number, Gt(0.0)]
_MIN_STD = "Lower bound of every standard deviation; keeps the log-probabilities finite."
_MAX_STD = "Upper bound of every standard deviation; no bound by default."


class Distribution(Model):
    """Of the actions, made of normal distributions. Its kinds are the modules beside this one.

    Class attributes:
        kind_name: what the author writes after ``kind:``.
        squashed: whether actions are tanh of what is drawn, so that they stay in (-1, 1).
    """

    kind_name: ClassVar[str] = ""
    squashed: ClassVar[bool] = False
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

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__annotations__:
            cls.kind_name = get_args(cls.model_fields["kind"].annotation)[0]
            DISTRIBUTIONS[cls.kind_name] = cls

    @property
    def normals(self) -> int:
        """How many normal distributions each action has."""
        return 1

    @property
    def bounds(self) -> tuple[float, float, float | None]:
        """Standard deviation at the start, at least and at most."""
        return self.init_std, self.min_std, self.max_std

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


DISTRIBUTIONS: dict[str, type[Distribution]] = {}
"""Every declared kind of distribution by its name. Filled as the vocabulary is imported."""
