"""A formula with what is known of its quantities, and the words for that."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from ksim_schema.diagnostics import Code
from ksim_schema.records import dataclass
from ksim_schema.units import ANGLE, Dimension
from ksim_schema.units.formula import Expression, spelt
from ksim_schema.units.formula_range import within, written
from ksim_schema.units.formula_text import whole_names_in
from ksim_schema.units.formula_tree import COMPARISONS
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.formula import Formulated, Source


@dataclass(frozen=True)
class Law:
    """What a law has to say of a formula."""

    code: Code
    message: str
    help: str


@dataclass(frozen=True)
class Known:
    """A formula, and what is known of its quantities.

    Attributes:
        tree: the formula.
        sources: what its names stand for.
        reach: all that they can be.
        leaning: the tilt of the base in rad above which episodes end.
        lasting: quantity -> where episodes go on, of joints that end them to both sides.
    """

    tree: Expression
    sources: Mapping[str, Source]
    reach: Mapping[str, Interval]
    leaning: float
    lasting: Mapping[str, Interval]


def dimension_of(name: str, known: Known) -> Dimension | str:
    """Its unit; nothing, where that is not known."""
    return known.sources[name].quantity.dimension or ""


def at_state(node: Expression, state: Mapping[str, float], known: Known) -> str:
    """The values of a term's quantities."""
    return ", ".join(
        f"{spelt(n)} = {state[n]:.3g} {dimension_of(n, known)}".rstrip() for n in node.quantities()
    )


def told_range(name: str, known: Known) -> str:
    """All that a quantity can be, in words."""
    can = known.reach[name]
    if not can.bounded:
        unit = f" {dimension_of(name, known)}".rstrip()
        if can.low > -math.inf:
            return f"at least {can.low:.3g}{unit}"
        return "anything" if can.high == math.inf else f"at most {can.high:.3g}{unit}"
    return f"{can.low:.3g} to {can.high:.3g} {dimension_of(name, known)}".rstrip()


def in_degrees(node: Expression, known: Known) -> str:
    """The help where a number of rad looks like one of degrees."""
    if all(known.sources[name].quantity.dimension != ANGLE for name in node.quantities()):
        return ""
    for inner in within(node):
        numbers = [a for a in inner.arguments if a.op == "number" and a.value > 2.0 * math.pi]
        if numbers and inner.op in ("+", "-", "min", "max", "clip", "tolerance", *COMPARISONS):
            number = f"{numbers[0].value:g}"
            return f"angles are in rad: {number} is many turns; for degrees write {number}*deg"
    return ""


def text_of(node: Expression) -> str:
    """A term in quotes."""
    text = written(node, spelt)
    return f"'{text}'" if len(text) <= 80 else f"'{text[:77]}...'"


Places = Callable[[Iterable[str], bool], Mapping[str, Interval]]
"""Where what formulas name can be: names, and whether only what is certain -> intervals."""


def anywhere(names: Iterable[str], certain: bool) -> Mapping[str, Interval]:
    """Nothing is known of places."""
    del names, certain
    return {}


def unused(part: Formulated) -> Iterator[str]:
    """The terms with names that neither the formula nor a later term uses."""
    texts = list(part.texts)
    for index, name in enumerate(part.let):
        later = (word.split(".")[0] for text in texts[index + 1 :] for word in whole_names_in(text))
        if name not in later:
            yield name
