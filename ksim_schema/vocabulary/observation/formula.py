"""An observation given as an arithmetic expression."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.units import NUMBER, Dimension, QuantityError, parse_unit
from ksim_schema.units.formula import Expression, FormulaError, Wanted
from ksim_schema.units.formula_units import Units, form_of
from ksim_schema.vocabulary.formula import Formulated, Source, Surroundings
from ksim_schema.vocabulary.observation.base import Observation

_ALONE = Surroundings({})


def _si(text: str) -> str:
    """A unit without a factor; "" for none that is said."""
    if not text:
        return text
    try:
        factor, dimension = parse_unit(text)
    except QuantityError as error:
        about = {"why": str(error), "help": error.help}
        raise PydanticCustomError("unit", "{why}", about) from None
    if factor != 1:
        help = f"write '{dimension}'"
        message = "observations are in SI units, without a factor"
        raise PydanticCustomError("unit", message, {"help": help})
    return text


class Formula(Formulated, Observation):
    """An arithmetic expression over named quantities: a vector, or a number, of any unit.

    The names and functions are those of the reward ``formula``, without actions and commands,
    which ``last_action`` and ``obey`` tell. A vector stays one: ``body.cube - site.gripper`` has
    three elements, ``joints['hip_.*'] > 0`` one, 1 or 0, for each joint.
    """

    kind: Literal["formula"] = "formula"
    stands_for: ClassVar[Wanted] = "value"
    remembers: ClassVar[bool] = False
    unit: Annotated[str, AfterValidator(_si)] = Field(
        default="",
        description="Unit of the value, which it must have; that of the formula by default.",
    )

    def sources(self, robot: RobotFacts, around: Surroundings) -> dict[str, Source]:
        return super().sources(robot, _ALONE)

    def measured(self, robot: RobotFacts, around: Surroundings) -> tuple[Expression, Units]:
        tree, units = super().measured(robot, _ALONE)
        if self.unit and not units.fits(form_of(parse_unit(self.unit)[1])) and not units.anything:
            message = f"the formula's value is in {str(units)!r}, and its unit is said to be "
            raise FormulaError(message + repr(self.unit), 0, len(self.expression))
        return tree, units

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (max(self.read(robot, _ALONE).length, 1),)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        if self.unit:
            return (parse_unit(self.unit)[1],)
        options = self.measured(robot, _ALONE)[1].options
        whole = options and all(n.denominator == 1 for n in options[0].known)
        return (Dimension(*(int(n) for n in options[0].known)) if whole else NUMBER,)

    def measurable(self, robot: RobotFacts) -> bool:
        return self.sensed_on(robot)
