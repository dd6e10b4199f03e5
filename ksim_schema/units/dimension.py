"""Dimensions: what a quantity measures, by its exponents of the base units.

The angle is a dimension of its own (rad), so that a length given where an angle is meant is an
error, although SI counts the radian as the number one.
"""

from __future__ import annotations

from typing import NamedTuple


class Dimension(NamedTuple):
    """Exponents of the base units metre, kilogram, second and radian."""

    m: int = 0
    kg: int = 0
    s: int = 0
    rad: int = 0

    def __str__(self) -> str:
        """The SI unit of this dimension, as the parser reads it ("" for a plain number)."""
        return _SI_NAMES[self] if self in _SI_NAMES else _product(self)

    def times(self, other: Dimension, power: int = 1) -> Dimension:
        """This dimension multiplied by ``other ** power``."""
        return Dimension(*(a + power * b for a, b in zip(self, other, strict=True)))

    @property
    def title(self) -> str:
        """What a reader calls it: "length", "angle", "dimensionless number"."""
        return _TITLES.get(self, f"quantity in {self}")

    @property
    def phrase(self) -> str:
        """The title with its article: "a length", "an angle"."""
        return f"{'an' if self.title[0] in 'aeiou' else 'a'} {self.title}"


NUMBER = Dimension()
LENGTH = Dimension(m=1)
ANGLE = Dimension(rad=1)
TIME = Dimension(s=1)
FREQUENCY = Dimension(s=-1)
MASS = Dimension(kg=1)
SPEED = Dimension(m=1, s=-1)
ACCELERATION = Dimension(m=1, s=-2)
ANGULAR_SPEED = Dimension(rad=1, s=-1)
ANGULAR_ACCELERATION = Dimension(rad=1, s=-2)
FORCE = Dimension(m=1, kg=1, s=-2)
TORQUE = Dimension(m=2, kg=1, s=-2)
POWER = Dimension(m=2, kg=1, s=-3)
INERTIA = Dimension(m=2, kg=1)
STIFFNESS = Dimension(m=2, kg=1, s=-2, rad=-1)
LINEAR_STIFFNESS = Dimension(kg=1, s=-2)
DAMPING = Dimension(m=2, kg=1, s=-1, rad=-1)
LINEAR_DAMPING = Dimension(kg=1, s=-1)

_TITLES: dict[Dimension, str] = {
    NUMBER: "plain number",
    LENGTH: "length",
    ANGLE: "angle",
    TIME: "time",
    FREQUENCY: "frequency",
    MASS: "mass",
    SPEED: "speed",
    ACCELERATION: "acceleration",
    ANGULAR_SPEED: "angular velocity",
    ANGULAR_ACCELERATION: "angular acceleration",
    FORCE: "force",
    TORQUE: "torque",
    POWER: "power",
    INERTIA: "moment of inertia",
    STIFFNESS: "servo stiffness",
    LINEAR_STIFFNESS: "linear stiffness",
    DAMPING: "servo damping",
    LINEAR_DAMPING: "linear damping",
}
_SI_NAMES: dict[Dimension, str] = {
    NUMBER: "",
    FREQUENCY: "Hz",
    FORCE: "N",
    TORQUE: "N*m",
    POWER: "W",
    INERTIA: "kg*m^2",
    STIFFNESS: "N*m/rad",
    LINEAR_STIFFNESS: "N/m",
    DAMPING: "N*m*s/rad",
    LINEAR_DAMPING: "N*s/m",
}


def _product(dimension: Dimension) -> str:
    over = [_power(u, e) for u, e in zip(dimension._fields, dimension, strict=True) if e > 0]
    under = [_power(u, -e) for u, e in zip(dimension._fields, dimension, strict=True) if e < 0]
    return "/".join(["*".join(over) or "1", *under])


def _power(unit: str, exponent: int) -> str:
    return unit if exponent == 1 else f"{unit}^{exponent}"
