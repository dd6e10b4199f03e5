"""Arithmetic over named quantities: ``exp(-((base.height - 1.1) / 0.1)**2)``.

The text is parsed with Python's own grammar into a small tree of numbers, quantities, operators
and functions; nothing is evaluated. Units are inferred: a bare number takes the dimension that
makes the formula consistent, and where none does, the formula is wrong. A number may say its unit
by a product, as in ``1.1*m``. Vectors are reduced by ``sum``, ``mean``, ``norm``, ``max``, ``min``.
A name that is not made of letters, digits and ``_`` stands in quotes: ``joint['left/knee']``.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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

    Without a dimension, it takes the one that makes the formula consistent.
    """

    dimension: Dimension | None
    length: int = VARYING


_Vector = tuple[Fraction, Fraction, Fraction, Fraction]


@dataclass
class _Unknown:
    """A dimension as a sum of known exponents and multiples of unknown dimensions."""

    known: _Vector = (Fraction(0), Fraction(0), Fraction(0), Fraction(0))
    unknown: dict[int, Fraction] = field(default_factory=lambda: {})


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
    expression, dimension = checker.read(tree)
    checker.equate(dimension, _Unknown(), tree, "the formula's value is not a plain number")
    if expression.length != VARYING:
        message = f"the formula's value has {expression.length} elements, and one is needed"
        raise checker.error(message, tree, "reduce it by sum, mean or norm")
    return expression


class _Checker:
    def __init__(self, text: str, quantities: Mapping[str, Quantity]) -> None:
        self.text, self.quantities = text, quantities
        self.solved: dict[int, _Unknown] = {}
        self.count = 0

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

    def read(self, node: ast.expr) -> tuple[Expression, _Unknown]:
        expression, dimension = self._read(node)
        if expression.op not in ("number", "quantity"):
            value = _constant(expression)
            if value is not None and not abs(value) <= MAX_NUMBER:
                raise self.error("this is not a finite number", node)
        return expression, dimension

    def _read(self, node: ast.expr) -> tuple[Expression, _Unknown]:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                if not abs(value) <= MAX_NUMBER:
                    raise self.error("this number is too large", node)
                return Expression("number", value=float(value)), self._free()
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._name(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner, dimension = self.read(operand)
                return Expression("neg", (inner,), length=inner.length), dimension
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.BinOp():
                return self._operator(node)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self._call(name, node)
            case _:
                what = type(node).__name__
                raise self.error(f"{what} is not part of the language of formulas", node)

    def _name(self, node: ast.expr) -> tuple[Expression, _Unknown]:
        name = dotted(node)
        if name in self.quantities:
            found = self.quantities[name]
            expression = Expression("quantity", name=name, length=found.length)
            known = found.dimension
            return expression, self._free() if known is None else _known(known)
        if name in UNITS:
            factor, dimension = UNITS[name]
            return Expression("number", value=float(factor)), _known(dimension)
        if name == "pi":
            return Expression("number", value=3.141592653589793), self._free()
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

    def _operator(self, node: ast.BinOp) -> tuple[Expression, _Unknown]:
        left, left_dimension = self.read(node.left)
        if isinstance(node.op, ast.Pow):
            return self._power(node, left, left_dimension)
        right, right_dimension = self.read(node.right)
        length = self._broadcast(node, left, right)
        match node.op:
            case ast.Add() | ast.Sub():
                verb = "add" if isinstance(node.op, ast.Add) else "subtract"
                self.equate(left_dimension, right_dimension, node, f"cannot {verb}")
                symbol, dimension = "+" if verb == "add" else "-", left_dimension
            case ast.Mult():
                symbol, dimension = "*", _combine(left_dimension, right_dimension, 1)
            case ast.Div():
                symbol, dimension = "/", _combine(left_dimension, right_dimension, -1)
            case _:
                raise self.error("only + - * / and ** are operators of formulas", node)
        return Expression(symbol, (left, right), length=length), dimension

    def _power(
        self, node: ast.BinOp, base: Expression, dimension: _Unknown
    ) -> tuple[Expression, _Unknown]:
        exponent, _ = self.read(node.right)
        value = _constant(exponent)
        if value is None or abs(value) > 8:
            raise self.error("an exponent is a number from -8 to 8", node.right)
        if any(isinstance(part, ast.Name) and part.id in UNITS for part in ast.walk(node.right)):
            raise self.error("an exponent is a plain number, without a unit", node.right)
        power = Fraction(value).limit_denominator(100)
        raised = Expression("**", (base,), value=value, length=base.length)
        return raised, _combine(_Unknown(), dimension, power)

    def _call(self, name: str, node: ast.Call) -> tuple[Expression, _Unknown]:
        if name not in FUNCTIONS:
            help = did_you_mean(name, FUNCTIONS, of="functions", limit=20)
            raise self.error(f"unknown function {name!r}", node, help)
        read = [self.read(argument) for argument in node.args]
        wanted = {"clip": 3}.get(name, 1 if name not in ("min", "max") else 0)
        if (wanted and len(read) != wanted) or not read:
            raise self.error(f"{name} takes {wanted or 'one or more'} arguments", node)
        arguments = tuple(expression for expression, _ in read)
        dimension = read[0][1]
        if name in UNIFORM:
            expected = _known(ANGLE) if name in ("sin", "cos") else _Unknown()
            of = "an angle" if name in ("sin", "cos") else "a plain number"
            self.equate(dimension, expected, node.args[0], f"{name} takes {of}")
            return Expression(name, arguments, length=arguments[0].length), _Unknown()
        if name in ("sqrt", "square"):
            power = Fraction(1, 2) if name == "sqrt" else Fraction(2)
            raised = _combine(_Unknown(), dimension, power)
            return Expression(name, arguments, length=arguments[0].length), raised
        if name in REDUCING and len(arguments) == 1:
            if arguments[0].length == VARYING:
                raise self.error(f"{name} of one number", node, "give a vector")
            return Expression(f"reduce_{name}", arguments), dimension
        length = VARYING
        for position, (argument, other) in enumerate(read):
            self.equate(dimension, other, node.args[position], f"{name} of different units")
            length = self._broadcast(node, Expression("", length=length), argument)
        return Expression(name, arguments, length=length), dimension

    def _broadcast(self, node: ast.expr, left: Expression, right: Expression) -> int:
        if left.length and right.length and left.length != right.length:
            message = f"{left.length} elements and {right.length} elements do not go together"
            raise self.error(message, node)
        return left.length or right.length

    def _free(self) -> _Unknown:
        self.count += 1
        return _Unknown(unknown={self.count: Fraction(1)})

    def _substitute(self, dimension: _Unknown) -> _Unknown:
        for variable in list(dimension.unknown):
            if variable in self.solved and variable in dimension.unknown:
                factor = dimension.unknown[variable]
                rest = {v: f for v, f in dimension.unknown.items() if v != variable}
                replaced = _combine(_Unknown(dimension.known, rest), self.solved[variable], factor)
                return self._substitute(replaced)
        return dimension

    def equate(self, left: _Unknown, right: _Unknown, node: ast.expr, message: str) -> None:
        """Require two dimensions to be equal, solving for an unknown one."""
        left, right = self._substitute(left), self._substitute(right)
        difference = _combine(left, right, -1)
        if difference.unknown:
            variable, factor = next(iter(difference.unknown.items()))
            rest = {v: f for v, f in difference.unknown.items() if v != variable}
            solution = _combine(_Unknown(), _Unknown(difference.known, rest), -1 / factor)
            self.solved[variable] = solution
        elif any(difference.known):
            units = " and ".join(repr(_unit(d)) for d in (left, right))
            raise self.error(f"{message}: {units}", node)


def _known(dimension: Dimension) -> _Unknown:
    m, kg, s, rad = (Fraction(exponent) for exponent in dimension)
    return _Unknown((m, kg, s, rad))


def _combine(left: _Unknown, right: _Unknown, power: int | Fraction) -> _Unknown:
    """The dimension of ``left * right ** power``."""
    m, kg, s, rad = (a + power * b for a, b in zip(left.known, right.known, strict=True))
    unknown = dict(left.unknown)
    for variable, factor in right.unknown.items():
        unknown[variable] = unknown.get(variable, Fraction(0)) + power * factor
    return _Unknown((m, kg, s, rad), {v: f for v, f in unknown.items() if f})


def _unit(dimension: _Unknown) -> str:
    if all(exponent.denominator == 1 for exponent in dimension.known):
        whole = Dimension(*(int(exponent) for exponent in dimension.known))
        return str(whole) or "1"
    names = zip(Dimension._fields, dimension.known, strict=True)
    return "*".join(f"{name}^({exponent})" for name, exponent in names if exponent)


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


def _constant(expression: Expression) -> float | None:
    """The value of an expression without quantities; NaN where it has none."""
    if expression.op == "number":
        return expression.value
    arguments = [_constant(argument) for argument in expression.arguments]
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
    "evaluate",
    "names_in",
    "parse",
    "spelt",
]
