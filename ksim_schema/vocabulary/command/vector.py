"""Vectors of plain numbers."""

from typing import Annotated, Literal, Self

from annotated_types import Gt, MinLen
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.units import Number
from ksim_schema.units.interval import ZERO, Interval
from ksim_schema.vocabulary.base import Probability, Range
from ksim_schema.vocabulary.command.base import Drawn
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Vector(Drawn):
    """What vectors of numbers share."""

    names: tuple[str, ...] = Field(
        default=(), description="Names of the elements; numbered by default."
    )
    zero: Probability | None = Field(
        default=None, description="Probability that a draw is zero in all elements."
    )

    @model_validator(mode="after")
    def _named_each(self) -> Self:
        if self.names and len(self.names) != self.count:
            raise PydanticCustomError(
                "names",
                "{names} names are given for {ranges} ranges",
                {"names": len(self.names), "ranges": self.count, "fields": "names ranges"},
            )
        return self

    @property
    def draws_vary(self) -> bool:
        return bool(self.zero) or super().draws_vary

    def told_of(self, element: str, drawn: Interval) -> Interval:
        told = super().told_of(element, drawn)
        return told.hull(ZERO) if self.zero else told

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        return tuple(
            Effect("asks", f"command.{{name}}.{label}", "ranges", "range", entry=entry)
            for entry, label in enumerate(self.labels(robot))
        )

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return self.names or tuple(str(i) for i in range(self.count))

    @property
    def count(self) -> int:
        """Number of elements."""
        raise NotImplementedError


class FloatVector(Vector):
    """Real numbers, each drawn uniformly from its range."""

    kind: Literal["float_vector"] = "float_vector"
    ranges: Annotated[tuple[Range[Number], ...], MinLen(1)] = Field(
        description="Range of each element."
    )
    rate: Annotated[Number, Gt(0)] | None = Field(
        default=None, description="Largest change of an element in a second."
    )
    scale: ScaleValue = Field(
        default=constant_scale(1.0), description="Factor of the draw; may follow the level."
    )

    @property
    def count(self) -> int:
        return len(self.ranges)

    def told_of(self, element: str, drawn: Interval) -> Interval:
        return super().told_of(element, self.scale.times(drawn))

    def rates(self) -> tuple[float | None, ...]:
        return () if self.rate is None else (self.rate,) * self.count


class IntegerVector(Vector):
    """Whole numbers, each drawn uniformly from its range, both ends included."""

    kind: Literal["integer_vector"] = "integer_vector"
    ranges: Annotated[tuple[Range[int], ...], MinLen(1)] = Field(
        description="Range of each element."
    )

    @property
    def count(self) -> int:
        return len(self.ranges)
