"""The units of a formula's terms, and the unit that a bare number takes.

A number times a unit is a quantity of that unit. A bare number takes a unit only beside a quantity:

* added to it or compared with it, the quantity's own;
* as its factor or divisor, none (``2 * x`` is a quantity like ``x``), or the one that leaves a
  plain number: a weight (``0.5 * base.forward``), or a scale (``base.height / 0.1``).

So a term has a few units that it may be of, the one without a weight first.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ksim_schema.records import dataclass
from ksim_schema.units.quantity import Dimension

MAX_OPTIONS = 64
"""Units that a term may be of; more than a formula that somebody can read ever has."""


@dataclass(frozen=True, slots=True)
class Form:
    """A dimension: exponents of m, kg, s, rad."""

    known: tuple[Fraction, ...] = (Fraction(0),) * 4

    def times(self, other: Form, power: int | Fraction = 1) -> Form:
        """The dimension of ``self * other ** power``."""
        return Form(tuple(a + power * b for a, b in zip(self.known, other.known, strict=True)))

    def __str__(self) -> str:
        if all(exponent.denominator == 1 for exponent in self.known):
            whole = Dimension(*(int(exponent) for exponent in self.known))
            return str(whole) or "1"
        names = zip(Dimension._fields, self.known, strict=True)
        return "*".join(f"{name}^({exponent})" for name, exponent in names if exponent)


PLAIN = Form()


def form_of(dimension: Dimension) -> Form:
    return Form(tuple(map(Fraction, dimension)))


@dataclass(frozen=True, slots=True)
class Units:
    """What a term may be a quantity of.

    Attributes:
        options: its dimensions, the most literal first; none for a bare number.
        literal: whether it is a number with its unit.
        weighted: whether a bare number in it may leave a plain number.
        anything: whether it may be of any dimension, as its quantity's is not known.
    """

    options: tuple[Form, ...] = ()
    literal: bool = False
    weighted: bool = False
    anything: bool = False

    @property
    def bare(self) -> bool:
        return not self.options

    def same(self, other: Units) -> Units | None:
        """Of what is added, compared or chosen from; None where no unit fits both."""
        if self.bare or other.bare:  # a bare number takes the unit of what is not known, too
            return other if self.bare and (other.options or not self.anything) else self
        both = tuple(form for form in self.options if form in other.options)
        literal = self.literal and other.literal
        return Units(both, literal, self.weighted or other.weighted) if both else None

    def times(self, other: Units, power: int) -> Units:
        """Of ``self * other ** power``, where the power is 1 or -1."""
        if self.anything or other.anything:
            return ANYTHING
        if self.bare and other.bare:
            return BARE
        firsts, seconds = self.options or (PLAIN,), other.options or (PLAIN,)
        literal = (self.bare or self.literal) and (other.bare or other.literal)
        coefficient = (self.bare or other.bare) and not literal
        literal_factor = self.literal or other.literal  # the number beside it belongs to its unit
        weighted = (self.weighted or other.weighted or coefficient) and not literal_factor
        forms = dict.fromkeys(a.times(b, power) for a in firsts for b in seconds)
        if weighted:
            forms.setdefault(PLAIN)
        return Units(tuple(forms)[:MAX_OPTIONS], literal, weighted)

    def to_the(self, power: Fraction) -> Units:
        """Of a term to a fixed power."""
        forms = dict.fromkeys(PLAIN.times(form, power) for form in self.options)
        return replace(self, options=tuple(forms))

    def fits(self, *wanted: Form) -> bool:
        """Whether a term can be of one of some dimensions."""
        return self.bare or any(form in self.options for form in wanted)

    def __str__(self) -> str:
        """Its most literal unit."""
        return str(self.options[0]) if self.options else "1"


BARE = Units()
ANYTHING = Units(anything=True)
TRUTH = Units((PLAIN,))
"""Of a condition, and of what is a plain number whatever it is made of."""
