"""Arithmetic over named quantities: ``exp(-((base.height - 1.1) / 0.1)**2)``.

The text is parsed with Python's own grammar into a small tree of numbers, quantities, operators
and functions; nothing is evaluated. Units are inferred (:mod:`ksim_schema.units.formula_units`):
a number may say its unit by a product, as in ``1.1*m``; a bare number takes that of the quantity
beside it, or is a weight or a scale that leaves a plain number. Vectors are reduced by ``sum``,
``mean``, ``norm``, ``max``, ``min``.
A name that is not made of letters, digits and ``_`` stands in quotes: ``joint['left/knee']``.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ksim_schema.diagnostics import did_you_mean
from ksim_schema.units.formula_text import (
    MAX_LENGTH,
    FormulaError,
    dotted,
    names_in,
    plain,
    spelt,
    tree_of,
)
from ksim_schema.units.formula_units import ANYTHING, BARE, PLAIN, Units, form_of
from ksim_schema.units.quantity import ANGLE, UNITS, Dimension

MAX_NODES = 300
MAX_NUMBER = 3.4e38
"""Largest number of single precision, in which formulas are computed."""
VARYING = 0
"""Length that stands for a scalar."""

UNIFORM = ("exp", "log", "sin", "cos", "tanh")
"""Functions of a plain number (sin and cos: of an angle)."""
REDUCING = ("sum", "mean", "norm", "max", "min")
FUNCTIONS = (*UNIFORM, "sqrt", "square", "abs", "min", "max", "clip", "sum", "mean", "norm")


@dataclass(frozen=True, slots=True)
class Expression:
    """A node of a formula.

    Attributes:
        op: ``number``, ``quantity``, an operator (``+ - * / ** neg``) or a function's name.
        arguments: its operands.
        value: of a number, in SI units; the exponent of ``**``.
        name: of a quantity.
        length: elements of a vector, or 0 for a scalar.
    """

    op: str
    arguments: tuple[Expression, ...] = ()
    value: float = 0.0
    name: str = ""
    length: int = VARYING

    def quantities(self) -> tuple[str, ...]:
        """The names of the quantities in it, each once."""
        own = (self.name,) if self.op == "quantity" else ()
        inner = (name for argument in self.arguments for name in argument.quantities())
        return tuple(dict.fromkeys((*own, *inner)))


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a name in a formula stands for: its unit, and its number of elements (0: scalar).

    Without a dimension, it may be of any, as an element of a command that is a bare number may.
    """

    dimension: Dimension | None
    length: int = VARYING


def parse(text: str, quantities: Mapping[str, Quantity]) -> Expression:
    """Parse and check a formula.

    Args:
        text: the formula.
        quantities: what the names in it may be.

    Returns:
        The formula as a tree. Its value is a scalar and a plain number.

    Raises:
        FormulaError: syntax, an unknown name or function, units or shapes that do not fit.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula has at most {MAX_LENGTH} characters", 0, len(text))
    tree = tree_of(text)
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise FormulaError(f"a formula has at most {MAX_NODES} terms", 0, len(text))
    checker = _Checker(text, quantities)
    expression, units = checker.read(tree)
    checker.plain(units, tree, "the formula's value is not a plain number")
    if expression.length != VARYING:
        message = f"the formula's value has {expression.length} elements, and one is needed"
        raise checker.error(message, tree, "reduce it by sum, mean or norm")
    return expression


class _Checker:
    def __init__(self, text: str, quantities: Mapping[str, Quantity]) -> None:
        self.text, self.quantities = text, quantities

    def error(self, message: str, node: ast.expr, help: str = "") -> FormulaError:
        start = self._offset(node.lineno, node.col_offset)
        stop = self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return FormulaError(message, start, max(stop, start + 1), help)

    def _offset(self, line: int, column: int) -> int:
        """The place in the text of a line and a column of Python's, which counts bytes."""
        body = self.text.lstrip()
        before = body.encode().split(b"\n")[: line - 1]
        place = sum(len(row) + 1 for row in before) + column
        lead = len(self.text) - len(body)
        return lead + len(body.encode()[:place].decode(errors="ignore"))

    def read(self, node: ast.expr) -> tuple[Expression, Units]:
        expression, units = self._read(node)
        if expression.op not in ("number", "quantity"):
            value = constant(expression)
            if value is not None and not abs(value) <= MAX_NUMBER:
                raise self.error("this is not a finite number", node)
        return expression, units

    def _read(self, node: ast.expr) -> tuple[Expression, Units]:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                if not abs(value) <= MAX_NUMBER:
                    raise self.error("this number is too large", node)
                return Expression("number", value=float(value)), BARE
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._name(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner, units = self.read(operand)
                return Expression("neg", (inner,), length=inner.length), units
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.BinOp():
                return self._operator(node)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self._call(name, node)
            case _:
                what = type(node).__name__
                raise self.error(f"{what} is not part of the language of formulas", node)

    def _name(self, node: ast.expr) -> tuple[Expression, Units]:
        name = dotted(node)
        if name in self.quantities:
            found = self.quantities[name]
            expression = Expression("quantity", name=name, length=found.length)
            if found.dimension is None:
                return expression, ANYTHING
            return expression, Units((form_of(found.dimension),))
        if name in UNITS:
            factor, dimension = UNITS[name]
            return Expression("number", value=float(factor)), Units((form_of(dimension),), True)
        if name == "pi":
            return Expression("number", value=3.141592653589793), BARE
        raise self.error(f"unknown quantity {self._shown(node)!r}", node, self._choices(name))

    def _shown(self, node: ast.expr) -> str:
        found = self.error("", node)
        return self.text[found.start : found.stop]

    def _choices(self, name: str) -> str:
        """The help for an unknown quantity."""
        longer = [q for q in self.quantities if name and q.startswith(name) and spelt(q) != q]
        odd = next((q for q in longer if not plain("a" + q[len(name) : len(name) + 1])), "")
        if odd:
            return f"a name with such signs stands in quotes: {spelt(odd)}"
        return did_you_mean(name, map(spelt, self.quantities), of="quantities", limit=12)

    def _operator(self, node: ast.BinOp) -> tuple[Expression, Units]:
        left, left_units = self.read(node.left)
        if isinstance(node.op, ast.Pow):
            return self._power(node, left, left_units)
        right, right_units = self.read(node.right)
        length = self._broadcast(node, left, right)
        match node.op:
            case ast.Add() | ast.Sub():
                verb = "add" if isinstance(node.op, ast.Add) else "subtract"
                units = self._same(left_units, right_units, node, f"cannot {verb}")
                symbol = "+" if verb == "add" else "-"
            case ast.Mult():
                symbol, units = "*", left_units.times(right_units, 1)
            case ast.Div():
                symbol, units = "/", left_units.times(right_units, -1)
            case _:
                raise self.error("only + - * / and ** are operators of formulas", node)
        return Expression(symbol, (left, right), length=length), units

    def _power(self, node: ast.BinOp, base: Expression, units: Units) -> tuple[Expression, Units]:
        exponent, _ = self.read(node.right)
        value = constant(exponent)
        if value is None or abs(value) > 8:
            raise self.error("an exponent is a number from -8 to 8", node.right)
        if any(isinstance(part, ast.Name) and part.id in UNITS for part in ast.walk(node.right)):
            raise self.error("an exponent is a plain number, without a unit", node.right)
        power = Fraction(value).limit_denominator(100)
        raised = Expression("**", (base,), value=value, length=base.length)
        return raised, units.to_the(power)

    def _call(self, name: str, node: ast.Call) -> tuple[Expression, Units]:
        if name not in FUNCTIONS:
            help = did_you_mean(name, FUNCTIONS, of="functions", limit=20)
            raise self.error(f"unknown function {name!r}", node, help)
        read = [self.read(argument) for argument in node.args]
        wanted = {"clip": 3}.get(name, 1 if name not in ("min", "max") else 0)
        if (wanted and len(read) != wanted) or not read:
            raise self.error(f"{name} takes {wanted or 'one or more'} arguments", node)
        arguments = tuple(expression for expression, _ in read)
        units = read[0][1]
        if name in UNIFORM:
            if name in ("sin", "cos"):
                self._angle(units, node.args[0], name)
            else:
                self.plain(units, node.args[0], f"{name} takes a plain number")
            result = BARE if units.bare else Units((PLAIN,))
            return Expression(name, arguments, length=arguments[0].length), result
        if name in ("sqrt", "square"):
            raised = units.to_the(Fraction(1, 2) if name == "sqrt" else Fraction(2))
            return Expression(name, arguments, length=arguments[0].length), raised
        if name in REDUCING and len(arguments) == 1:
            if arguments[0].length == VARYING:
                raise self.error(f"{name} of one number", node, "give a vector")
            return Expression(f"reduce_{name}", arguments), units
        length = VARYING
        for position, (argument, other) in enumerate(read):
            units = self._same(units, other, node.args[position], f"{name} of different units")
            length = self._broadcast(node, Expression("", length=length), argument)
        return Expression(name, arguments, length=length), units

    def _broadcast(self, node: ast.expr, left: Expression, right: Expression) -> int:
        if left.length and right.length and left.length != right.length:
            message = f"{left.length} elements and {right.length} elements do not go together"
            raise self.error(message, node)
        return left.length or right.length

    def _same(self, left: Units, right: Units, node: ast.expr, message: str) -> Units:
        """Of two terms that must be quantities of one unit."""
        units = left.same(right)
        if units is None:
            first, second = str(left), str(right)
            help = "what is added or compared has one unit; divide each by a scale of its own"
            if left.literal or right.literal:
                unit = first if right.literal else second
                help = f"give the number in {unit!r}, or without a unit: it then takes that one"
            raise self.error(f"{message}: {first!r} and {second!r}", node, help)
        return units

    def plain(self, units: Units, node: ast.expr, message: str) -> None:
        """Require that a term can be a plain number."""
        if not units.fits(PLAIN):
            unit = str(units)
            raise self.error(f"{message}: {unit!r} and '1'", node, self._scaled(node, unit))

    def _angle(self, units: Units, node: ast.expr, function: str) -> None:
        """Require that a term can be an angle; a plain number counts as rad."""
        if not units.fits(form_of(ANGLE), PLAIN):
            unit = str(units)
            message = f"{function} takes an angle: {unit!r} and 'rad'"
            raise self.error(message, node, self._scaled(node, unit))

    def _scaled(self, node: ast.expr, unit: str) -> str:
        """What to write so that a term is a plain number."""
        for inner in ast.walk(node):
            match inner:
                case ast.BinOp(
                    left=ast.BinOp(op=ast.Div(), right=ast.Constant() as number),
                    op=ast.Mult(),
                    right=ast.Name(id=name),
                ) if name in UNITS:
                    number = self._shown(number)
                    meant = f"'/ {number}*{name}' divides by {number} and multiplies by {name}"
                    return f"{meant}; write '/ ({number}*{name})'"
                case _:
                    pass
        shown = self._shown(node)
        term = shown if len(shown) <= 40 and "\n" not in shown else "..."
        term = term if isinstance(node, (ast.Name, ast.Attribute, ast.Call)) else f"({term})"
        return f"divide it by its scale, as in {term} / (1*{unit.replace('^', '**')})"


def _quotient(value: float, by: float) -> float:
    return value / by


def _square(value: float) -> float:
    return value * value


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


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
}


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
        return float(_NUMBERS[expression.op](*arguments))
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
        functions: op -> function, for every op that :func:`parse` makes but number and quantity.
    """
    match expression.op:
        case "number":
            return expression.value
        case "quantity":
            return value_of(expression.name)
        case "**":
            base = evaluate(expression.arguments[0], value_of, functions)
            return functions["**"](base, expression.value)
        case op:
            arguments = (evaluate(a, value_of, functions) for a in expression.arguments)
            return functions[op](*arguments)


__all__ = [
    "MAX_LENGTH",
    "MAX_NODES",
    "Expression",
    "FormulaError",
    "Quantity",
    "constant",
    "evaluate",
    "names_in",
    "parse",
    "spelt",
]
