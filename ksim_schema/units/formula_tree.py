"""A formula as a tree, what it is without quantities, and how a library folds it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ksim_schema.records import dataclass
from ksim_schema.units.quantity import Dimension
from ksim_schema.units.sigmoid import GAUSSIAN, VALUE_AT_MARGIN, fallen

VARYING = 0
"""Length that stands for a scalar."""
COMPARISONS = ("<", "<=", ">", ">=")
CONDITIONS = (*COMPARISONS, "and", "or", "not", "ever")
"""Operations whose value is a condition: 1 where it holds, 0 where it does not."""


REMEMBERING = ("previous", "ever")
"""Functions whose value depends on ticks before."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A node of a formula.

    Attributes:
        op: ``number``, ``quantity``, an operator (``+ - * / ** neg < <= > >= and or not``) or a
            function's name; ``list``.
        arguments: its operands.
        value: of a number, in SI units (a bound of a tolerance may be infinite); the exponent of
            ``**``; what a tolerance is at its margin.
        name: of a quantity; of a tolerance's sigmoid.
        length: elements of a vector, or 0 for a scalar.
    """

    op: str
    arguments: tuple[Expression, ...] = ()
    value: float = 0.0
    name: str = ""
    length: int = VARYING

    @property
    def condition(self) -> bool:
        """Whether it holds or does not, so that its value is 1 or 0."""
        match self.op:
            case "where":
                return all(argument.condition for argument in self.arguments[1:])
            case "previous":
                return self.arguments[0].condition
            case "reduce_min" | "reduce_max":
                return self.arguments[0].condition
            case "list":
                return all(argument.condition for argument in self.arguments)
            case op:
                return op in CONDITIONS

    def quantities(self) -> tuple[str, ...]:
        """The names of the quantities in it, each once."""
        own = (self.name,) if self.op == "quantity" else ()
        inner = (name for argument in self.arguments for name in argument.quantities())
        return tuple(dict.fromkeys((*own, *inner)))


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a name in a formula stands for.

    Attributes:
        dimension: its unit. Without one, it may be of any, as an element of a command that is a
            bare number may.
        length: its number of elements; 0 for a scalar.
        wrong: why it has no value, if it has none.
        help: what to write instead.
    """

    dimension: Dimension | None
    length: int = VARYING
    wrong: str = ""
    help: str = ""


def _quotient(value: float, by: float) -> float:
    return value / by


def _square(value: float) -> float:
    return value * value


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _where(condition: float, holds: float, otherwise: float) -> float:
    return holds if condition else otherwise


def tolerance(
    value: float,
    low: float,
    high: float,
    margin: float,
    sigmoid: str = GAUSSIAN,
    at_margin: float = VALUE_AT_MARGIN,
) -> float:
    """1 within bounds, and beyond them what a sigmoid is of the distance from them in margins.

    ``rewards.tolerance`` of dm_control (Tassa et al., DeepMind Control Suite, 2018); 0 beyond the
    bounds without a margin.
    """
    beyond = max(low - value, value - high, 0.0)
    if not beyond or not margin:
        return float(not beyond)
    return fallen(sigmoid, beyond / margin, at_margin)


_NUMBERS: dict[str, Any] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "neg": operator.neg,
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sqrt": math.sqrt,
    "square": _square,
    "abs": abs,
    "min": min,
    "max": max,
    "clip": _clip,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": min,
    "or": max,
    "not": operator.not_,
    "where": _where,
    "atan2": math.atan2,
    "tolerance": tolerance,
}


def terms(expression: Expression) -> Iterator[Expression]:
    """The terms of a formula, each before the one that it stands in."""
    for argument in expression.arguments:
        yield from terms(argument)
    yield expression


def constant(expression: Expression) -> float | None:
    """The value of an expression without quantities; NaN where it has none."""
    if expression.op == "number":
        return expression.value
    arguments = [constant(argument) for argument in expression.arguments]
    if None in arguments or expression.op not in (*_NUMBERS, "**"):
        return None
    try:
        if expression.op == "**":
            return math.pow(*arguments, expression.value)  # type: ignore[arg-type]
        settings = (expression.name, expression.value) if expression.op == "tolerance" else ()
        return float(_NUMBERS[expression.op](*arguments, *settings))
    except (ArithmeticError, ValueError):
        return math.nan


def evaluate(
    expression: Expression,
    value_of: Callable[[str], object],
    functions: Mapping[str, Callable[..., object]],
) -> object:
    """Fold a formula with an array library's functions.

    Args:
        expression: the formula.
        value_of: gives the value of a quantity.
        functions: op -> function, for every op that :func:`parse` makes but number and quantity;
            that of a tolerance takes its sigmoid's name and its value at the margin, too; that of
            ``previous`` and ``ever`` takes the term that it is of, unevaluated.
    """
    match expression.op:
        case "number":
            return expression.value
        case "quantity":
            return value_of(expression.name)
        case "previous" | "ever":
            return functions[expression.op](expression.arguments[0])
        case "element":
            whole: Any = evaluate(expression.arguments[0], value_of, functions)
            return whole[int(expression.value)]
        case "**":
            base = evaluate(expression.arguments[0], value_of, functions)
            return functions["**"](base, expression.value)
        case op:
            arguments = (evaluate(a, value_of, functions) for a in expression.arguments)
            settings = (expression.name, expression.value) if op == "tolerance" else ()
            return functions[op](*arguments, *settings)
