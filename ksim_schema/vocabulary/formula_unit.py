"""Formulas whose value may have a unit, which their author can say."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.units import NUMBER, Dimension, QuantityError, parse_unit
from ksim_schema.units.formula import Expression, FormulaError
from ksim_schema.units.formula_units import Units, form_of
from ksim_schema.vocabulary.formula import Formulated, Surroundings


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
        message = "values are in SI units, without a factor"
        raise PydanticCustomError("unit", message, {"help": help})
    return text


class Valued(Formulated):
    """A component with a formula of any unit."""

    unit: Annotated[str, AfterValidator(_si)] = Field(
        default="",
        description="Unit of the value, which it must have; that of the formula by default.",
    )

    def measured(self, robot: RobotFacts, around: Surroundings) -> tuple[Expression, Units]:
        tree, units = super().measured(robot, around)
        if self.unit and not units.fits(form_of(parse_unit(self.unit)[1])) and not units.anything:
            message = f"the formula's value is in {str(units)!r}, and its unit is said to be "
            raise FormulaError(message + repr(self.unit), 0, len(self.expression))
        return tree, units

    def dimension(self, robot: RobotFacts, around: Surroundings) -> Dimension:
        """The unit of the value; that of a number where no unit is known.

        Raises:
            FormulaError: the formula has no meaning.
        """
        if self.unit:
            return parse_unit(self.unit)[1]
        options = self.measured(robot, around)[1].options
        whole = options and all(n.denominator == 1 for n in options[0].known)
        return Dimension(*(int(n) for n in options[0].known)) if whole else NUMBER
