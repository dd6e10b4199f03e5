"""What a formula can be when its quantities are known to lie in intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any

from ksim_schema.units.formula import Expression
from ksim_schema.units.formula_text import AXES
from ksim_schema.units.formula_tree import COMPARISONS, constant, terms as within
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.units.sigmoid import GAUSSIAN, VALUE_AT_MARGIN, fallen

TRUE, FALSE = Interval.exactly(1.0), Interval.exactly(0.0)
EITHER = Interval(0.0, 1.0)
ROUNDING = 1e-12
"""Of a sigmoid, which is from 0 to 1."""


def _less(left: Interval, right: Interval) -> Interval:
    if left.high < right.low:
        return TRUE
    return FALSE if left.low >= right.high else EITHER


def _at_most(left: Interval, right: Interval) -> Interval:
    return _not(_less(right, left))


def _more(left: Interval, right: Interval) -> Interval:
    return _less(right, left)


def _at_least(left: Interval, right: Interval) -> Interval:
    return _at_most(right, left)


def _not(condition: Interval) -> Interval:
    return 1.0 - condition


def _angle(one: Interval, other: Interval) -> Interval:
    del one, other
    return Interval(0.0, math.pi)


def _where(condition: Interval, holds: Interval, otherwise: Interval) -> Interval:
    if condition == TRUE:
        return holds
    return otherwise if condition == FALSE else holds.hull(otherwise)


_OPERATIONS: dict[str, Callable[..., Interval]] = {
    "+": Interval.__add__,
    "-": Interval.__sub__,
    "*": Interval.__mul__,
    "/": Interval.__truediv__,
    "neg": Interval.__neg__,
    "exp": Interval.exp,
    "log": Interval.log,
    "sin": Interval.sin,
    "cos": Interval.cos,
    "tanh": Interval.tanh,
    "sqrt": Interval.sqrt,
    "square": Interval.square,
    "abs": Interval.__abs__,
    "clip": Interval.clip,
    "min": Interval.min,
    "max": Interval.max,
    "<": _less,
    "<=": _at_most,
    ">": _more,
    ">=": _at_least,
    "and": Interval.min,
    "or": Interval.max,
    "not": _not,
    "where": _where,
    "atan2": Interval.atan2,
    "angle": _angle,
}
_REDUCTIONS: dict[str, Callable[[Interval, int], Interval]] = {
    "reduce_sum": Interval.sum,
    "reduce_mean": Interval.mean,
    "reduce_norm": Interval.norm,
}


def range_of(expression: Expression, known: Mapping[str, Interval]) -> Interval:
    """All that a formula can be; of a vector, all that an element can be.

    Args:
        expression: the formula.
        known: quantity -> all that it can be, in SI units; one that is left out can be anything.
    """
    match expression.op:
        case "number":
            return Interval.exactly(expression.value)
        case "quantity":
            return known.get(expression.name, EVERYTHING)
        case "*" | "-" | "/" as op if expression.arguments[0] == expression.arguments[1]:
            if op != "*":
                return Interval.exactly(0.0 if op == "-" else 1.0)
            return range_of(expression.arguments[0], known).square()
        case _:
            pass
    if expression.op == "tolerance":
        return _tolerance(expression, known)
    arguments = [range_of(argument, known) for argument in expression.arguments]
    if expression.op == "**":
        return arguments[0] ** expression.value
    if expression.op in _REDUCTIONS:
        return _REDUCTIONS[expression.op](arguments[0], expression.arguments[0].length)
    if expression.op in ("reduce_min", "reduce_max", "previous", "element"):
        return arguments[0]
    if expression.op == "ever":  # it may come to hold, and then it does
        return FALSE if arguments[0] == FALSE else TRUE if arguments[0] == TRUE else EITHER
    if expression.op == "list":
        return reduce(Interval.hull, arguments)
    operation: Callable[..., Any] = _OPERATIONS[expression.op]
    return operation(*arguments)


def _tolerance(expression: Expression, known: Mapping[str, Interval]) -> Interval:
    """Of the distance from bounds that may be infinite."""
    value, low, high, margin = expression.arguments
    beyond, within = FALSE, range_of(value, known)
    if not math.isinf(low.value):
        beyond = beyond.max(range_of(low, known) - within)
    if not math.isinf(high.value):
        beyond = beyond.max(within - range_of(high, known))
    if beyond == FALSE:
        return TRUE
    share = (beyond / range_of(margin, known)).max(0.0)
    if range_of(margin, known) == FALSE:
        return FALSE if beyond.low > 0.0 else EITHER
    sigmoid, at_margin = expression.name, expression.value
    most, least = (fallen(sigmoid, end, at_margin) for end in (share.low, share.high))
    return Interval(max(0.0, least - ROUNDING), min(1.0, most + ROUNDING) if share.low else 1.0)


def value_of(expression: Expression, values: Mapping[str, float]) -> Interval:
    """A formula at one point, all elements of a vector being equal, up to rounding."""
    return range_of(expression, {name: Interval.exactly(v) for name, v in values.items()})


def guarded(expression: Expression) -> Iterator[tuple[Expression, tuple[Expression, ...]]]:
    """As :func:`within`, with the conditions under which a term counts, those of ``where``."""
    for place, argument in enumerate(expression.arguments):
        condition: tuple[Expression, ...] = ()
        if expression.op == "where" and place:
            told = expression.arguments[0]
            condition = (told if place == 1 else Expression("not", (told,), length=told.length),)
        for node, conditions in guarded(argument):
            yield node, (*condition, *conditions)
    yield expression, ()


_TIGHT = dict.fromkeys(COMPARISONS, 0) | {
    "or": -3,
    "and": -2,
    "not": -1,
    "+": 1,
    "-": 1,
    "*": 2,
    "/": 2,
    "neg": 3,
    "**": 4,
}


def written(expression: Expression, spelt: Callable[[str], str] = str) -> str:
    """A formula as its author would write it; numbers in SI units.

    Args:
        expression: the formula.
        spelt: how a quantity's name is written.
    """
    number = constant(expression)
    if number is not None and math.isfinite(number):
        return f"{number:.6g}"
    parts = [written(argument, spelt) for argument in expression.arguments]
    own = _TIGHT.get(expression.op, 9)
    tight = [_TIGHT.get(argument.op, 9) for argument in expression.arguments]
    match expression.op:
        case "number":
            return f"{expression.value:.6g}"
        case "quantity":
            return spelt(expression.name)
        case "neg":
            return f"-{parts[0]}" if tight[0] > 1 else f"-({parts[0]})"
        case "**":
            base = parts[0] if tight[0] > own else f"({parts[0]})"
            return f"{base}**{expression.value:g}"
        case "+" | "-" | "*" | "/" as op:
            left = parts[0] if tight[0] >= own else f"({parts[0]})"
            loose = op == "+" and tight[1] == own
            right = parts[1] if tight[1] > own or loose else f"({parts[1]})"
            return (
                f"{left} {op} {right}" if own == 1 or len(left + right) > 12 else left + op + right
            )
        case "not":
            return f"not {parts[0]}" if tight[0] >= own else f"not ({parts[0]})"
        case op if op in _TIGHT:  # a comparison, "and" or "or"
            left = parts[0] if tight[0] > own or (own < 0 and tight[0] == own) else f"({parts[0]})"
            right = parts[1] if tight[1] > own else f"({parts[1]})"
            return f"{left} {op} {right}"
        case "list":
            return f"[{', '.join(parts)}]"
        case "element":
            return f"({parts[0]}).{AXES[int(expression.value)]}"
        case "tolerance" if (expression.name, expression.value) != (GAUSSIAN, VALUE_AT_MARGIN):
            settings = (repr(expression.name), f"{expression.value:.6g}")
            return f"tolerance({', '.join((*parts, *settings))})"
        case op:
            return f"{op.removeprefix('reduce_')}({', '.join(parts)})"


__all__ = ["range_of", "value_of", "within", "written"]
