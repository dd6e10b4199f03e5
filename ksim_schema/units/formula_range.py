"""What a formula can be when its quantities are known to lie in intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ksim_schema.units.formula import Expression
from ksim_schema.units.interval import EVERYTHING, Interval

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
    arguments = [range_of(argument, known) for argument in expression.arguments]
    if expression.op == "**":
        return arguments[0] ** expression.value
    if expression.op in _REDUCTIONS:
        return _REDUCTIONS[expression.op](arguments[0], expression.arguments[0].length)
    if expression.op in ("reduce_min", "reduce_max"):
        return arguments[0]
    operation: Callable[..., Any] = _OPERATIONS[expression.op]
    return operation(*arguments)


def value_of(expression: Expression, values: Mapping[str, float]) -> Interval:
    """A formula at one point, all elements of a vector being equal, up to rounding."""
    return range_of(expression, {name: Interval.exactly(v) for name, v in values.items()})


def within(expression: Expression) -> Iterator[Expression]:
    """The terms of a formula, each before the one that it stands in."""
    for argument in expression.arguments:
        yield from within(argument)
    yield expression


_TIGHT = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}


def written(expression: Expression, spelt: Callable[[str], str] = str) -> str:
    """A formula as its author would write it; numbers in SI units.

    Args:
        expression: the formula.
        spelt: how a quantity's name is written.
    """
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
            right = parts[1] if tight[1] > own or op == "+" else f"({parts[1]})"
            return (
                f"{left} {op} {right}" if own == 1 or len(left + right) > 12 else left + op + right
            )
        case op:
            return f"{op.removeprefix('reduce_')}({', '.join(parts)})"


__all__ = ["range_of", "value_of", "within", "written"]
