"""Metrics: what is logged of an episode, and by which a policy is judged; nothing learns from it.

A metric has a value at each tick, a number or a condition, and makes one number of those of an
episode. A metric of success says of each episode whether it was one.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.units import Dimension
from ksim_schema.units.formula import Wanted
from ksim_schema.vocabulary.base import Names, Part, Wire
from ksim_schema.vocabulary.formula import Surroundings
from ksim_schema.vocabulary.formula_unit import Valued

Over = Literal["mean", "last", "max", "min", "any", "all", "sum"]
OF_SUCCESS = ("last", "any", "all")
"""How a condition can say of an episode whether it was a success."""


class Metric(Part):
    """What all metrics share.

    ``over`` makes one number of the values at the ticks of an episode: ``mean`` (of a condition:
    the share of the ticks at which it holds), ``last``, ``max``, ``min`` or ``sum``; of a condition
    also ``any`` (1 where it ever holds) and ``all`` (1 where it always does). With ``success`` the
    metric is a condition, and the episode a success where it holds in the end (``last``, the
    default), ever or always.
    """

    object = "Metric"
    channels = ("state",)
    over: Over | None = Field(
        default=None,
        description="What is made of the ticks of an episode; the mean by default, of a success "
        "the last.",
    )
    success: bool = Field(
        default=False, description="Whether an episode is a success where the condition holds."
    )

    @model_validator(mode="after")
    def _one_verdict(self) -> Self:
        if self.success and self.over not in (None, *OF_SUCCESS):
            raise PydanticCustomError(
                "one_form",
                "an episode is a success or not, and 'over: {over}' says of how much of it",
                {
                    "over": str(self.over),
                    "help": f"write one of {', '.join(OF_SUCCESS)}",
                    "fields": "over",
                },
            )
        return self

    @property
    def taken(self) -> Over:
        """What is made of the ticks of an episode."""
        return self.over or ("last" if self.success else "mean")

    @property
    def holds(self) -> bool:
        """Whether its value must be a condition."""
        return self.success or self.over in ("any", "all")

    def dimension(self, robot: RobotFacts, around: Surroundings) -> Dimension:
        """The unit of its value.

        Raises:
            FormulaError: it has a formula, which has no meaning.
        """
        raise NotImplementedError


class Formula(Valued, Metric):
    """A number or a condition over named quantities: ``distance(body.cube, command.goal) < 3*cm``.

    The names and functions are those of the reward ``formula``.
    """

    kind: Literal["formula"] = "formula"
    channels = ("state", "action")
    expression: str = Field(
        description="The formula; 'ksim-compile --explain formula' lists what it can name.",
        examples=["distance(body.cube, command.goal) < 3*cm"],
    )
    commands: Annotated[Names, Wire("measure", of="Command")] = Field(
        default=(), description="Commands that the formula names; found in it by default."
    )

    @property
    def asked(self) -> Wanted:
        return "condition" if self.holds else "scalar"
