"""Physical quantities: ``"20 ms"``, ``"2 deg"``, ``"1.5 m/s"`` to SI floats with a dimension.

Conversion is done in decimal arithmetic, so ``"20 ms"`` and ``"0.02 s"`` are the same float.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from ksim_schema.records import dataclass
from ksim_schema.units.dimension import (
    ACCELERATION,
    ANGLE,
    ANGULAR_ACCELERATION,
    ANGULAR_SPEED,
    DAMPING,
    FORCE,
    FREQUENCY,
    INERTIA,
    LENGTH,
    LINEAR_DAMPING,
    LINEAR_STIFFNESS,
    MASS,
    NUMBER,
    POWER,
    SPEED,
    STIFFNESS,
    TIME,
    TORQUE,
    Dimension,
)

_USUAL: dict[Dimension, tuple[str, ...]] = {
    TIME: ("s", "ms"),
    ANGLE: ("rad", "deg"),
    ANGULAR_SPEED: ("rad/s", "deg/s"),
}
"""Units to propose where a number has none, of dimensions that have several in use."""

_DEGREE = Decimal(repr(math.pi)) / 180
UNITS: dict[str, tuple[Decimal, Dimension]] = {
    "m": (Decimal(1), LENGTH),
    "km": (Decimal(1000), LENGTH),
    "cm": (Decimal("0.01"), LENGTH),
    "mm": (Decimal("0.001"), LENGTH),
    "kg": (Decimal(1), MASS),
    "g": (Decimal("0.001"), MASS),
    "s": (Decimal(1), TIME),
    "ms": (Decimal("0.001"), TIME),
    "us": (Decimal("0.000001"), TIME),
    "min": (Decimal(60), TIME),
    "h": (Decimal(3600), TIME),
    "rad": (Decimal(1), ANGLE),
    "mrad": (Decimal("0.001"), ANGLE),
    "deg": (_DEGREE, ANGLE),
    "rev": (_DEGREE * 360, ANGLE),
    "rpm": (_DEGREE * 6, ANGULAR_SPEED),
    "Hz": (Decimal(1), FREQUENCY),
    "kHz": (Decimal(1000), FREQUENCY),
    "N": (Decimal(1), FORCE),
    "kN": (Decimal(1000), FORCE),
    "Nm": (Decimal(1), TORQUE),
    "J": (Decimal(1), TORQUE),
    "W": (Decimal(1), POWER),
    "%": (Decimal("0.01"), NUMBER),
}

_NUMBER = re.compile(
    r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*(.*?)\s*"
)
_FACTOR = re.compile(r"\s*([A-Za-z%]+|1)\s*(?:(?:\^|\*\*)\s*([+-]?[1-9][0-9]?))?\s*")
MAX_LENGTH = 80
"""Longest text read as a quantity."""


class QuantityError(ValueError):
    """A string that is not a quantity. ``help`` says what to write instead."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Measured(float):
    """A float in SI units that knows its dimension."""

    dimension: Dimension

    def __new__(cls, value: float, dimension: Dimension = NUMBER) -> Measured:
        self = super().__new__(cls, value)
        self.dimension = dimension
        return self

    def __reduce__(self) -> tuple[type[Measured], tuple[float, Dimension]]:
        return Measured, (float(self), self.dimension)

    def __str__(self) -> str:
        return text_of(float(self), self.dimension)


def parse_unit(text: str) -> tuple[Decimal, Dimension]:
    """Read a unit expression such as ``N*m*s/rad`` or ``m/s^2``.

    Returns:
        The factor to SI and the dimension.

    Raises:
        QuantityError: an unknown unit or a malformed expression.
    """
    factor, dimension, position, sign = Decimal(1), NUMBER, 0, 1
    while True:
        match = _FACTOR.match(text, position)
        if match is None:
            raise QuantityError(f"cannot read the unit {text!r}", "write for example 'N*m/rad'")
        name, exponent = match.group(1), int(match.group(2) or 1) * sign
        if name != "1":
            if name not in UNITS:
                raise QuantityError(f"unknown unit {name!r}", _suggest_unit(name))
            unit, unit_dimension = UNITS[name]
            factor *= unit**exponent
            dimension = dimension.times(unit_dimension, exponent)
        position = match.end()
        if position == len(text):
            return factor, dimension
        if text[position] not in "*/":
            raise QuantityError(f"cannot read the unit {text!r}", "write for example 'N*m/rad'")
        sign = 1 if text[position] == "*" else -1
        position += 1


def parse(value: object) -> Measured:
    """Read a number or a string such as ``"20 ms"``.

    Raises:
        QuantityError: not a finite number with an optional unit.
    """
    if isinstance(value, Measured):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise QuantityError(f"expected a quantity, not {describe(value)}")
    if not isinstance(value, str):
        return Measured(_finite(float(value), str(value)))
    if len(value) > MAX_LENGTH:
        raise QuantityError("this string is too long to be a quantity")
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise QuantityError(f"{value!r} is not a number with a unit", "write for example '20 ms'")
    try:
        number = Decimal(match.group(1))
        factor, dimension = parse_unit(match.group(2)) if match.group(2) else (Decimal(1), NUMBER)
        return Measured(_finite(float(number * factor), value), dimension)
    except (InvalidOperation, OverflowError) as error:
        raise QuantityError(f"{value!r} is out of range") from error


def text_of(value: float, dimension: Dimension) -> str:
    """The canonical text of a quantity, which :func:`parse` reads back exactly."""
    unit = str(dimension)
    return f"{value!r} {unit}" if unit else repr(value)


def describe(value: object) -> str:
    """What a value is, in the words of a YAML author."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return f"the truth value {str(value).lower()}"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str():
            return f"the string {value[:60]!r}"
        case _:
            return f"the number {value}"


@dataclass(frozen=True, slots=True)
class Unit:
    """Pydantic annotation: a float that must be given in one of these dimensions.

    With one dimension the value is a plain float in SI units. With several, or with none (any
    dimension goes), it is a :class:`Measured`, because a later stage decides which was meant; a
    default of several, which is each joint's own unit, is a plain float: ``20 rad/s or m/s``.
    A bare number is read only where a plain number is allowed, and zero everywhere: a number
    without a unit is the mistake that this project is there to find.
    """

    allowed: tuple[Dimension, ...]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.serialize),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A number or a string. ``units`` is for the JSON Schema, which words it."""
        return {"type": ["number", "string"], "units": [str(d) for d in self.allowed]}

    def validate(self, value: object) -> float:
        """The value in SI units.

        Raises:
            PydanticCustomError: of type ``quantity``, ``dimension`` or ``unit_missing``.
        """
        if len(self.allowed) > 1 and isinstance(value, str) and value.endswith(self._each):
            value = value.removesuffix(self._each)
            return float(Unit((NUMBER,)).validate(value))
        try:
            measured = parse(value)
        except QuantityError as error:
            raise self._unreadable(value, error) from error
        if self.allowed and measured.dimension not in self.allowed:
            if measured == 0 and measured.dimension == NUMBER:
                measured = Measured(0.0, self.allowed[0])
            else:
                self._refuse(value, measured)
        return measured if len(self.allowed) != 1 else float(measured)

    def text_of_each(self, value: float) -> str:
        """The text, which :meth:`validate` reads, of a number in the unit of each joint."""
        return f"{float(value)!r}{self._each}"

    def _unreadable(self, value: object, error: QuantityError) -> PydanticCustomError:
        """What is wrong with a text that is not a quantity, and what it was likely to be."""
        from ksim_schema.units.readings import first_reading  # most tasks have no need of it

        context: dict[str, object] = {"message": str(error), "help": self._help(value, error)}
        reading = None
        if isinstance(value, str):  # '0.5 M' is more likely 0.5 m than half a million of them
            reading = first_reading(value, self._fits) or first_reading(value, self._reads)
        if reading is not None:
            context |= {"message": reading.message, "help": reading.instead, "reading": reading}
        return PydanticCustomError("quantity", "{message}", context)

    def _fits(self, text: str) -> bool:
        """Whether a text is a quantity that is allowed here."""
        try:
            return not self.allowed or parse(text).dimension in self.allowed
        except QuantityError:
            return False

    def _reads(self, text: str) -> bool:
        """The same, also if its unit is missing."""
        try:
            return self._fits(text) or parse(text).dimension == NUMBER
        except QuantityError:
            return False

    def _help(self, value: object, error: QuantityError) -> str:
        """What to write instead of a string that is not a quantity."""
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            if error.help.startswith("did you mean") or not self.allowed:
                return error.help  # a number, and what follows it is nearly a unit
            return f"write {self.examples(_number_of(value))}"
        examples = self.examples("20")
        return f"write for example {examples}" if examples else error.help

    def examples(self, number: str) -> str:
        """A number in the units that are allowed, quoted as in a message."""
        units = dict.fromkeys(unit for d in self.allowed for unit in _USUAL.get(d, (str(d),)))
        return " or ".join(f"'{number} {unit}'" if unit else f"'{number}'" for unit in units)

    def _refuse(self, value: object, measured: Measured) -> None:
        wanted = " or ".join(dict.fromkeys(d.phrase for d in self.allowed))
        number = f"{float(measured):g}"
        if measured.dimension == NUMBER:
            raise PydanticCustomError(
                "unit_missing",
                "expected {wanted}, but {number} has no unit",
                {
                    "wanted": wanted,
                    "number": number,
                    "help": f"write {self.examples(number)}",
                    "unit": self._only,
                },
            )
        units = " or ".join(f"'{d}'" for d in self.allowed if str(d))
        raise PydanticCustomError(
            "dimension",
            "expected {wanted}, but {value} is {got}",
            {
                "wanted": wanted,
                "value": repr(value),
                "got": measured.dimension.phrase,
                "help": f"give it in {units}" if units else "give a number without a unit",
            },
        )

    @property
    def _only(self) -> str:
        """The unit that a number without one must be in, or "" where there are several."""
        usual = _USUAL.get(self.allowed[0], (str(self.allowed[0]),))
        return usual[0] if len(self.allowed) == len(usual) == 1 else ""

    @property
    def _each(self) -> str:
        """What follows a number that is in the unit of whatever it is applied to."""
        return " " + " or ".join(map(str, self.allowed))

    def serialize(self, value: float) -> object:
        """The canonical text (a plain number stays a number)."""
        several = bool(self.allowed[1:]) and NUMBER not in self.allowed
        if several and value and not isinstance(value, Measured):
            return self.text_of_each(value)
        dimension = value.dimension if isinstance(value, Measured) else self.allowed[0]
        return text_of(float(value), dimension) if dimension != NUMBER else float(value)


class Period(Unit):
    """A time that may also be given as a frequency: ``20 ms`` and ``50 Hz`` are the same."""

    def validate(self, value: object) -> float:
        try:
            measured = parse(value)
        except QuantityError:
            return Unit.validate(self, value)
        if measured.dimension != FREQUENCY:
            return Unit.validate(self, value)
        if measured <= 0 or not math.isfinite(1.0 / float(measured)):
            raise PydanticCustomError(
                "quantity",
                "a frequency is more than 0, and {value} is not",
                {"value": repr(value), "help": f"write for example {self.examples('50')}"},
            )
        return 1.0 / float(measured)

    def examples(self, number: str) -> str:
        return f"'{number} Hz' or '{number} ms'"

    def _reads(self, text: str) -> bool:
        return super()._reads(text) or Unit((FREQUENCY,))._reads(text)

    @property
    def _only(self) -> str:
        return ""


Number = Annotated[float, Unit((NUMBER,))]
Length = Annotated[float, Unit((LENGTH,))]
Angle = Annotated[float, Unit((ANGLE,))]
Time = Annotated[float, Unit((TIME,))]
ControlPeriod = Annotated[float, Period((TIME,))]
Frequency = Annotated[float, Unit((FREQUENCY,))]
Mass = Annotated[float, Unit((MASS,))]
Speed = Annotated[float, Unit((SPEED,))]
Acceleration = Annotated[float, Unit((ACCELERATION,))]
AngularSpeed = Annotated[float, Unit((ANGULAR_SPEED,))]
AngularAcceleration = Annotated[float, Unit((ANGULAR_ACCELERATION,))]
Force = Annotated[float, Unit((FORCE,))]
Torque = Annotated[float, Unit((TORQUE,))]
Effort = Annotated[float, Unit((TORQUE, FORCE))]
"""What a joint's motor gives: a torque on a hinge, a force on a slide."""
JointValue = Annotated[float, Unit((ANGLE, LENGTH))]
"""A joint's coordinate: an angle of a hinge, a length of a slide."""
JointSpeed = Annotated[float, Unit((ANGULAR_SPEED, SPEED))]
JointAcceleration = Annotated[float, Unit((ANGULAR_ACCELERATION, ACCELERATION))]
ServoStiffness = Annotated[float, Unit((STIFFNESS, LINEAR_STIFFNESS))]
ServoDamping = Annotated[float, Unit((DAMPING, LINEAR_DAMPING))]
JointInertia = Annotated[float, Unit((INERTIA, MASS))]
"""What a motor's rotor adds to what a hinge or a slide moves."""
AnyQuantity = Annotated[float, Unit(())]
"""A quantity whose dimension is fixed by what it is applied to (a noise, for example)."""


def _number_of(text: str) -> str:
    """The number with which a text begins."""
    found = _NUMBER.fullmatch(text)
    return found[1] if found else "20"


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise QuantityError(f"{text} is not a finite number")
    return value + 0.0  # -0 is 0


def _suggest_unit(name: str) -> str:
    same = next((unit for unit in UNITS if unit.lower() == name.lower()), None)
    words = {"degrees": "deg", "degree": "deg", "radians": "rad", "sec": "s", "seconds": "s"}
    hint = same or words.get(name.lower())
    return f"did you mean {hint!r}?" if hint else "known units: " + ", ".join(UNITS)
