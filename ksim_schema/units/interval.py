"""Intervals of real numbers: all that a quantity can be.

Every operation is sound: what it gives holds the result for each choice of numbers in its
operands at which that result is defined, whatever floating point does (bounds are rounded
outward: Moore, Kearfott and Cloud, Introduction to Interval Analysis, 2009). No bound is ever NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from ksim_schema.records import dataclass

_LARGEST = math.nextafter(math.inf, 0.0)
_TURN = 2.0 * math.pi
_HALF_TURN = math.nextafter(math.pi, 4.0)
_FAR = 1.0e6
"""Angles beyond this are not told from a whole turn: their rounding would decide."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The real numbers from ``low`` to ``high``, both included; either may be infinite.

    Raises:
        ValueError: of a bound that is NaN, or of bounds that no real number lies between.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high or self.low == math.inf or self.high == -math.inf:
            raise ValueError(f"no real number lies between {self.low} and {self.high}")

    @staticmethod
    def exactly(value: float) -> Interval:
        """The interval of one finite number."""
        return Interval(value, value)

    @property
    def width(self) -> float:
        return self.high - self.low

    @property
    def middle(self) -> float:
        """A finite number inside: the middle, or where there is none, the one nearest to 0."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return self.low / 2.0 + self.high / 2.0
        return min(max(0.0, self.low), self.high)

    @property
    def bounded(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    def contains(self, other: float | Interval) -> bool:
        """Whether a number, or each number of an interval, lies in this one."""
        if isinstance(other, Interval):
            return self.low <= other.low and other.high <= self.high
        return self.low <= other <= self.high

    def intersect(self, other: Interval) -> Interval | None:
        """What both have in common, or None."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else None

    def hull(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __add__(self, other: float | Interval) -> Interval:
        by = _interval(other)
        return Interval(_sum(self.low, by.low, _floor), _sum(self.high, by.high, _ceiling))

    def __radd__(self, other: float) -> Interval:
        return self + other

    def __sub__(self, other: float | Interval) -> Interval:
        return self + -_interval(other)

    def __rsub__(self, other: float) -> Interval:
        return -self + other

    def __mul__(self, other: float | Interval) -> Interval:
        by = _interval(other)
        pairs = [(a, b) for a in (self.low, self.high) for b in (by.low, by.high)]
        low = min(_product(a, b, _floor) for a, b in pairs)
        return Interval(low, max(_product(a, b, _ceiling) for a, b in pairs))

    def __rmul__(self, other: float) -> Interval:
        return self * other

    def __truediv__(self, other: float | Interval) -> Interval:
        """The quotients by each number of ``other`` but 0."""
        by = _interval(other)
        if by.low < 0.0 < by.high or by.low == by.high == 0.0:
            return EVERYTHING if (self.low, self.high) != (0.0, 0.0) or not by.width else self
        if by.high <= 0.0:
            return -self / -by
        ends = [(a, b) for a in (self.low, self.high) for b in (by.low, by.high)]
        low = min(_quotient(a, b, _floor) for a, b in ends)
        return Interval(low, max(_quotient(a, b, _ceiling) for a, b in ends))

    def __rtruediv__(self, other: float) -> Interval:
        return Interval.exactly(other) / self

    def __pow__(self, exponent: float) -> Interval:
        """Each number to a fixed power; a broken power of its part from 0 on alone."""
        if exponent == 0.0:
            return Interval(1.0, 1.0)
        if exponent < 0.0:
            return 1.0 / self**-exponent
        if exponent % 2.0 == 0.0:
            positive = abs(self)
            return Interval(
                _power(positive.low, exponent, _floor), _power(positive.high, exponent, _ceiling)
            )
        if exponent % 1.0 == 0.0:
            return Interval(
                _power(self.low, exponent, _floor), _power(self.high, exponent, _ceiling)
            )
        defined = self.intersect(_POSITIVE)
        if defined is None:
            return EVERYTHING
        low, high = (_raised(x, exponent) for x in (defined.low, defined.high))
        return Interval(_under(low, 0.0), _over(high) if high else 0.0)

    def __abs__(self) -> Interval:
        high = max(-self.low, self.high)
        return Interval(max(0.0, self.low, -self.high), high)

    def square(self) -> Interval:
        return self**2.0

    def sqrt(self) -> Interval:
        """The roots of its part from 0 on; everything, where it has none."""
        return self**0.5

    def exp(self) -> Interval:
        low = _under(_exp(self.low), 0.0) if self.low else 1.0
        return Interval(low, _over(_exp(self.high)) if self.high else 1.0)

    def log(self) -> Interval:
        """The logarithms of its positive part; everything, where it has none."""
        if self.high <= 0.0:
            return EVERYTHING
        low = -math.inf if self.low <= 0.0 else math.log(self.low)
        high = math.log(self.high) if self.high < math.inf else math.inf
        return Interval(_under(low) if low else 0.0, _over(high) if high else 0.0)

    def tanh(self) -> Interval:
        low, high = math.tanh(self.low), math.tanh(self.high)
        return Interval(_under(low, -1.0) if low else 0.0, _over(high, 1.0) if high else 0.0)

    def sin(self) -> Interval:
        """Of angles in rad."""
        return self._wave(math.sin, 0.25)

    def cos(self) -> Interval:
        """Of angles in rad."""
        return self._wave(math.cos, 0.0)

    def atan2(self, run: float | Interval) -> Interval:
        """The angles in rad, from -pi to pi, of a rise from here over a run."""
        by = _interval(run)
        if by.low <= 0.0 and self.low <= 0.0 <= self.high:
            return Interval(-_HALF_TURN, _HALF_TURN)  # it may jump by a turn
        corners = [math.atan2(y, x) for y in (self.low, self.high) for x in (by.low, by.high)]
        low, high = _under(min(corners), -_HALF_TURN), _over(max(corners), _HALF_TURN)
        return Interval(low, high)

    def _wave(self, function: Callable[[float], float], peak: float) -> Interval:
        """Bounds of a wave of height 1 whose tops are at ``peak`` turns and each turn on."""
        if not self.bounded or max(-self.low, self.high) > _FAR or self.width >= _TURN:
            return Interval(-1.0, 1.0)
        ends = function(self.low), function(self.high)
        low = -1.0 if self._passes(peak + 0.5) else _under(min(ends), -1.0)
        high = 1.0 if self._passes(peak) else _over(max(ends), 1.0)
        return Interval(*ends) if self.low == self.high == 0.0 else Interval(low, high)

    def _passes(self, turns: float) -> bool:
        """Whether it holds, or nearly, an angle of so many turns or of any whole turn beside."""
        first, last = self.low / _TURN - turns, self.high / _TURN - turns
        return math.ceil(first - 1e-9) <= last + 1e-9

    def min(self, *others: float | Interval) -> Interval:
        """What the smallest can be of a number of this and one of each of the others."""
        each = [self, *map(_interval, others)]
        return Interval(min(x.low for x in each), min(x.high for x in each))

    def max(self, *others: float | Interval) -> Interval:
        """What the largest can be of a number of this and one of each of the others."""
        each = [self, *map(_interval, others)]
        return Interval(max(x.low for x in each), max(x.high for x in each))

    def clip(self, low: float | Interval, high: float | Interval) -> Interval:
        """Clipped to ``low``, then to ``high``."""
        return self.max(low).min(high)

    def sum(self, elements: int) -> Interval:
        """The sum of a vector whose elements lie here."""
        return self * float(elements)

    def mean(self, elements: int) -> Interval:
        """The mean of a vector whose elements lie here."""
        return self

    def norm(self, elements: int) -> Interval:
        """The Euclidean norm of a vector whose elements lie here."""
        return (self.square() * float(elements)).sqrt() if elements > 1 else abs(self)

    def __str__(self) -> str:
        return f"[{self.low:.6g}, {self.high:.6g}]"


EVERYTHING = Interval(-math.inf, math.inf)
"""The whole line: what is not known."""
ZERO = Interval(0.0, 0.0)
_POSITIVE = Interval(0.0, math.inf)


def _interval(value: float | Interval) -> Interval:
    return value if isinstance(value, Interval) else Interval.exactly(float(value))


def _floor(exact: Fraction) -> float:
    """The largest float that is not above a number."""
    try:
        value = float(exact)
    except OverflowError:
        return _LARGEST if exact > 0 else -math.inf
    return value if value <= exact else math.nextafter(value, -math.inf)


def _ceiling(exact: Fraction) -> float:
    """The smallest float that is not below a number."""
    return -_floor(-exact)


def _sum(left: float, right: float, rounded: Callable[[Fraction], float]) -> float:
    """Of two lower, or two upper, bounds: at most one kind of infinity comes."""
    if not math.isfinite(left) or not math.isfinite(right):
        return left + right
    return rounded(Fraction(left) + Fraction(right))


def _product(left: float, right: float, rounded: Callable[[Fraction], float]) -> float:
    """Of two bounds. An infinite bound is not a number, so 0 times it is 0."""
    if not left or not right:
        return 0.0
    if not math.isfinite(left) or not math.isfinite(right):
        return left * right
    return rounded(Fraction(left) * Fraction(right))


def _quotient(left: float, right: float, rounded: Callable[[Fraction], float]) -> float:
    """Of two bounds, the second from 0 on."""
    if not left or right == math.inf:
        return 0.0
    if not right or not math.isfinite(left):
        return math.copysign(math.inf, left)
    return rounded(Fraction(left) / Fraction(right))


def _power(value: float, exponent: float, rounded: Callable[[Fraction], float]) -> float:
    """A whole, positive power of a bound."""
    if not math.isfinite(value) or not value:
        return math.pow(value, exponent)
    if exponent <= 64.0:
        return rounded(Fraction(value) ** int(exponent))
    power = _raised(value, exponent)
    return _under(power) if rounded is _floor else _over(power)


def _raised(value: float, exponent: float) -> float:
    try:
        return math.pow(value, exponent)
    except OverflowError:
        return math.copysign(math.inf, value)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _under(value: float, least: float = -math.inf) -> float:
    """Below what the C library may have rounded up, by 4 units of the last place."""
    if value == math.inf:
        return _LARGEST
    return max(value - 4.0 * math.ulp(value), least) if math.isfinite(value) else value


def _over(value: float, most: float = math.inf) -> float:
    """Above what the C library may have rounded down, by 4 units of the last place."""
    return -_under(-value, -most)


__all__ = ["EVERYTHING", "Interval"]
