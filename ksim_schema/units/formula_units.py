"""The units of a formula's terms, and the unit that a bare number takes.

A number times a unit is a quantity of that unit. A bare number takes a unit only beside a quantity:

* added to it or compared with it, the quantity's own;
* as its factor or divisor, none (``2 * x`` is a quantity like ``x``), or the one that leaves a
  plain number: a weight (``0.5 * base.forward``), or a scale (``base.height / 0.1``).

So a term has a few units that it may be of, the one without a weight first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from ksim_schema.units.quantity import Dimension

MAX_OPTIONS = 64
"""Units that a term may be of; more than a formula that somebody can read ever has."""


@dataclass(frozen=True, slots=True)
class Form:
    """A dimension: exponents of m, kg, s, rad, and those of dimensions that are not known yet."""

    known: tuple[Fraction, ...] = (Fraction(0),) * 4
    unknown: tuple[tuple[int, Fraction], ...] = ()

    def times(self, other: Form, power: int | Fraction = 1) -> Form:
        """The dimension of ``self * other ** power``."""
        known = tuple(a + power * b for a, b in zip(self.known, other.known, strict=True))
        exponents = dict(self.unknown)
        for variable, exponent in other.unknown:
            exponents[variable] = exponents.get(variable, Fraction(0)) + power * exponent
        return Form(known, tuple(sorted((v, e) for v, e in exponents.items() if e)))

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
    """

    options: tuple[Form, ...] = ()
    literal: bool = False
    weighted: bool = False

    @property
    def bare(self) -> bool:
        return not self.options


BARE = Units()


class Solver:
    """Finds the dimensions that a formula leaves open."""

    def __init__(self) -> None:
        self._solved: dict[int, Form] = {}
        self._named: dict[str, int] = {}

    def open(self, name: str) -> Units:
        """Of a quantity whose dimension follows from the formula: one and the same throughout."""
        variable = self._named.setdefault(name, len(self._named))
        return Units((self._known(Form(unknown=((variable, Fraction(1)),))),))

    def same(self, left: Units, right: Units) -> Units | None:
        """Of what is added, compared or chosen from; None where no unit fits both."""
        if left.bare or right.bare:
            return right if left.bare else left
        weighted = left.weighted or right.weighted
        literal = left.literal and right.literal
        firsts, seconds = (tuple(map(self._known, u.options)) for u in (left, right))
        both = tuple(form for form in firsts if form in seconds)
        if both:
            return Units(both, literal, weighted)
        for first in firsts:
            for second in seconds:
                if self._equate(first, second):
                    return Units((self._known(first),), literal, weighted)
        return None

    def product(self, left: Units, right: Units, power: int) -> Units:
        """Of ``left * right ** power``, where the power is 1 or -1."""
        if left.bare and right.bare:
            return BARE
        firsts, seconds = left.options or (PLAIN,), right.options or (PLAIN,)
        literal = (left.bare or left.literal) and (right.bare or right.literal)
        coefficient = (left.bare or right.bare) and not literal
        literal_factor = left.literal or right.literal  # the number beside it belongs to its unit
        weighted = (left.weighted or right.weighted or coefficient) and not literal_factor
        forms = [self._known(a.times(b, power)) for a in firsts for b in seconds]
        return _units(forms, literal, weighted)

    def power(self, base: Units, exponent: Fraction) -> Units:
        """Of a term to a fixed power."""
        forms = [self._known(PLAIN.times(form, exponent)) for form in base.options]
        return replace(base, options=tuple(dict.fromkeys(forms)))

    def fits(self, units: Units, *wanted: Form) -> bool:
        """Whether a term can be of one of some dimensions."""
        return units.bare or any(self.same(units, Units((form,))) is not None for form in wanted)

    def shown(self, units: Units) -> str:
        """Its most literal unit."""
        return str(self._known(units.options[0])) if units.options else "1"

    def _known(self, form: Form) -> Form:
        while found := next((item for item in form.unknown if item[0] in self._solved), None):
            variable, exponent = found
            rest = tuple(item for item in form.unknown if item[0] != variable)
            form = Form(form.known, rest).times(self._solved[variable], exponent)
        return form

    def _equate(self, left: Form, right: Form) -> bool:
        """Make two dimensions equal, if an unknown one allows it."""
        difference = left.times(right, -1)
        if not difference.unknown:
            return not any(difference.known)
        variable, exponent = difference.unknown[0]
        rest = Form(difference.known, difference.unknown[1:])
        self._solved[variable] = PLAIN.times(rest, -1 / exponent)
        return True


def _units(forms: Iterable[Form], literal: bool, weighted: bool) -> Units:
    options = dict.fromkeys(forms)
    if weighted:
        options.setdefault(PLAIN)
    return Units(tuple(options)[:MAX_OPTIONS], literal, weighted)
