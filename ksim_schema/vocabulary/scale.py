"""Scales: how a weight, a noise or a push grows with the curriculum's level in [0, 1]."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.source.plain import is_mapping
from ksim_schema.units import Number
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.base import Model


class Ramp(Model):
    """From one value at level 0 to another at level 1."""

    start: Number = Field(alias="from", description="Value at level 0.")
    to: Number = Field(description="Value at level 1.")


class Scale(Model):
    """A number that may depend on the curriculum's level; exactly one form is given.

    A number alone is a constant scale. Where a task has several curricula, ``curriculum`` names the
    one that is followed: ``{linear: {from: 0, to: 1}, curriculum: pushes}``.
    """

    written = "number or scale"
    constant: Number | None = Field(default=None, description="The same at each level.")
    linear: Ramp | None = Field(default=None, description="from + (to - from) * level")
    quadratic: Ramp | None = Field(default=None, description="from + (to - from) * level^2")
    square_root: Ramp | None = Field(default=None, description="from + (to - from) * sqrt(level)")
    non_zero: Number | None = Field(
        default=None, description="This value at each level above 0, else 0."
    )
    curriculum: str | None = Field(
        default=None, description="The curriculum whose level it follows; the only one by default."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [n for n in type(self).model_fields if n != "curriculum"]
        given = [n for n in forms if getattr(self, n) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "one_form",
                "a scale has exactly one form, but {count} are given",
                {"count": len(given), "help": "give one of: " + ", ".join(forms)},
            )
        if self.curriculum is not None and not self.graded:
            raise PydanticCustomError(
                "idle_curriculum",
                "a constant follows no curriculum",
                {"help": "leave 'curriculum' out, or give a ramp, such as linear"},
            )
        return self

    @property
    def graded(self) -> bool:
        """Whether the level matters."""
        return self.constant is None

    @property
    def ramp(self) -> tuple[str, Ramp] | None:
        """The form of a scale that goes from one value to another, and these values."""
        ramps = {"linear": self.linear, "quadratic": self.quadratic}
        ramps["square_root"] = self.square_root
        return next(((form, ramp) for form, ramp in ramps.items() if ramp is not None), None)

    @property
    def extremes(self) -> tuple[float, float]:
        """Its smallest and its largest value over all levels."""
        if self.ramp is not None:
            start, to = self.ramp[1].start, self.ramp[1].to
            return min(start, to), max(start, to)
        if self.non_zero is not None:
            return min(0.0, self.non_zero), max(0.0, self.non_zero)
        assert self.constant is not None  # validated
        return self.constant, self.constant

    def times(self, values: Interval) -> Interval:
        """All that numbers of an interval are, times this at some level."""
        return values if self.constant == 1.0 else values * Interval(*self.extremes)

    @property
    def is_zero(self) -> bool:
        """Whether it is 0 at each level."""
        if self.ramp is not None:
            return self.ramp[1].start == self.ramp[1].to == 0
        return (self.non_zero if self.constant is None else self.constant) == 0

    @property
    def text(self) -> str:
        """As people write it: ``0.5``, or ``0 to 1 (linear)``."""
        if self.constant is not None:
            return f"{self.constant:g}"
        if self.ramp is not None:
            form, ramp = self.ramp
            return f"{ramp.start:g} to {ramp.to:g} ({form.replace('_', ' ')})"
        return f"{self.non_zero:g} above level 0"


def constant_scale(value: float) -> Scale:
    """The scale that is this number at each level."""
    return Scale(constant=value)


def _number_is_constant(value: Any) -> Any:
    return value if is_mapping(value) or isinstance(value, Scale) else {"constant": value}


ScaleValue = Annotated[Scale, BeforeValidator(_number_is_constant)]
