"""Arithmetic over named quantities: ``exp(-((base.height - 1.1) / 0.1)**2)``.

The text is parsed with Python's own grammar into a small tree of numbers, quantities, operators
and functions; nothing is evaluated. Units are inferred (:mod:`ksim_schema.units.formula_units`):
a number may say its unit by a product, as in ``1.1*m``; a bare number takes that of the quantity
beside it, or is a weight or a scale that leaves a plain number. Vectors are reduced by ``sum``,
``mean``, ``norm``, ``max``, ``min``. A comparison gives a condition, which ``and``, ``or``,
``not``, ``any``, ``all`` and ``where`` take, and which counts as 1 or 0 where a number stands.
A name that is not made of letters, digits and ``_`` stands in quotes: ``joint['left/knee']``.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Literal

from ksim_schema.diagnostics import did_you_mean
from ksim_schema.units.formula_blame import Blame
from ksim_schema.units.formula_text import (
    MAX_LENGTH,
    FormulaError,
    dotted,
    names_in,
    plain,
    spelt,
    tree_of,
)
from ksim_schema.units.formula_tree import (
    VARYING,
    Expression,
    Quantity,
    constant,
    evaluate,
    terms,
)
from ksim_schema.units.formula_units import ANYTHING, BARE, TRUTH, Units, form_of
from ksim_schema.units.quantity import ANGLE, UNITS
from ksim_schema.units.sigmoid import ENDING, GAUSSIAN, SIGMOIDS, VALUE_AT_MARGIN

MAX_NODES = 300
MAX_NUMBER = 3.4e38
"""Largest number of single precision, in which formulas are computed."""
UNIFORM = ("exp", "log", "sin", "cos", "tanh")
"""Functions of a plain number (sin and cos: of an angle)."""
REDUCING = ("sum", "mean", "norm", "max", "min")
FUNCTIONS = (
    *UNIFORM,
    *("sqrt", "square", "abs", "min", "max", "clip", "sum", "mean", "norm", "atan2"),
    *("distance", "angle", "tolerance", "where", "any", "all", "previous"),
)
_ARGUMENTS = {
    "clip": (3, "a value, its lowest and its highest"),
    "where": (3, "a condition, a value where it holds and one where it does not"),
    "atan2": (2, "a rise and a run, as in atan2(y, x)"),
    "distance": (2, "two vectors"),
    "angle": (2, "two orientations"),
    "previous": (1, "what is measured of the robot"),
}
"""Functions with several arguments -> how many, and what they are."""
_COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
Wanted = Literal["number", "condition", "value"]
"""What a formula stands for: a plain number; what holds or not; a value of any unit and length."""


def parse(text: str, quantities: Mapping[str, Quantity], wanted: Wanted = "number") -> Expression:
    """Parse and check a formula.

    Args:
        text: the formula.
        quantities: what the names in it may be.
        wanted: what it stands for.

    Returns:
        The formula as a tree. Its value is a scalar and a plain number, or as ``wanted`` says.

    Raises:
        FormulaError: syntax, an unknown name or function, units or shapes that do not fit.
    """
    return measure(text, quantities, wanted)[0]


def measure(
    text: str,
    quantities: Mapping[str, Quantity],
    wanted: Wanted = "value",
    *,
    remembers: bool = True,
) -> tuple[Expression, Units]:
    """As :func:`parse`, with the unit of the formula's value.

    Args:
        text, quantities, wanted: as there.
        remembers: whether it may name what was a tick before.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula has at most {MAX_LENGTH} characters", 0, len(text))
    tree = tree_of(text)
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise FormulaError(f"a formula has at most {MAX_NODES} terms", 0, len(text))
    checker = _Checker(text, quantities, remembers)
    expression, units = checker.read(tree)
    if wanted == "condition" and not expression.condition:
        help = "compare it with something, as in base.height < 0.3"
        raise checker.error("the formula is a number, and a condition is needed", tree, help)
    if wanted == "number":
        checker.plain(units, tree, "the formula's value is not a plain number")
    if expression.length != VARYING and wanted != "value":
        message = f"the formula's value has {expression.length} elements, and one is needed"
        help = (
            "reduce it by any or all" if expression.condition else "reduce it by sum, mean or norm"
        )
        raise checker.error(message, tree, help)
    return expression, units


class _Checker(Blame):
    def __init__(self, text: str, quantities: Mapping[str, Quantity], remembers: bool) -> None:
        super().__init__(text)
        self.remembers = remembers
        self.quantities = quantities

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
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self._condition(operand, "not")
                return Expression("not", (inner,), length=inner.length), TRUTH
            case ast.BinOp():
                return self._operator(node)
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                parts = [self._condition(value, word) for value in values]
                return self._joined(word, parts, node), TRUTH
            case ast.Compare():
                return self._comparison(node), TRUTH
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self._call(name, node)
            case ast.List(elts=[_, *_] as elements):
                return self._list(elements)
            case _:
                what = type(node).__name__
                help = "write where(condition, a, b)" if isinstance(node, ast.IfExp) else ""
                raise self.error(f"{what} is not part of the language of formulas", node, help)

    def _name(self, node: ast.expr) -> tuple[Expression, Units]:
        name = dotted(node)
        if name in self.quantities:
            found = self.quantities[name]
            if found.wrong:
                raise self.error(found.wrong, node, found.help)
            expression = Expression("quantity", name=name, length=found.length)
            if found.dimension is None:
                return expression, ANYTHING
            return expression, Units((form_of(found.dimension),))
        if name in UNITS:
            factor, dimension = UNITS[name]
            return Expression("number", value=float(factor)), Units((form_of(dimension),), True)
        if name == "pi":
            return Expression("number", value=3.141592653589793), BARE
        if name == "inf":
            help = "give a number, or leave the bound out"
            raise self.error("inf is a bound of tolerance only", node, help)
        raise self.error(f"unknown quantity {self.shown(node)!r}", node, self._choices(name))

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
        length = self.broadcast(node, left, right)
        match node.op:
            case ast.Add() | ast.Sub():
                verb = "add" if isinstance(node.op, ast.Add) else "subtract"
                units = self.same(left_units, right_units, node, f"cannot {verb}")
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

    def _condition(self, node: ast.expr, taker: str) -> Expression:
        """A term that holds or does not."""
        inner, _ = self.read(node)
        if not inner.condition:
            help = f"compare it with something, as in {self.shown(node)} > 0"
            raise self.error(f"{taker} takes conditions, and this is a number", node, help)
        return inner

    def _joined(self, word: str, parts: list[Expression], node: ast.expr) -> Expression:
        whole = parts[0]
        for part in parts[1:]:
            whole = Expression(word, (whole, part), length=self.broadcast(node, whole, part))
        return whole

    def _comparison(self, node: ast.Compare) -> Expression:
        """One comparison, or several in a chain: ``0 < x < 1``."""
        read = [self.read(term) for term in (node.left, *node.comparators)]
        parts: list[Expression] = []
        for op, (left, units), (right, other) in zip(node.ops, read, read[1:], strict=False):
            if type(op) not in _COMPARISONS:
                help = "equal numbers are hardly ever measured: write abs(a - b) < ..."
                raise self.error("only <, <=, > and >= compare", node, help)
            self.same(units, other, node, "cannot compare")
            length = self.broadcast(node, left, right)
            parts.append(Expression(_COMPARISONS[type(op)], (left, right), length=length))
        return self._joined("and", parts, node)

    def _call(self, name: str, node: ast.Call) -> tuple[Expression, Units]:
        if name not in FUNCTIONS:
            help = did_you_mean(name, FUNCTIONS, of="functions", limit=30)
            raise self.error(f"unknown function {name!r}", node, help)
        if name == "tolerance":
            return self._tolerance(node)
        read = [self.read(argument) for argument in node.args]
        many = name in ("min", "max")
        wanted, which = _ARGUMENTS.get(name, (0 if many else 1, ""))
        if (wanted and len(read) != wanted) or not read:
            many_or = f"{wanted or 'one or more'} argument{'' if wanted == 1 else 's'}"
            raise self.error(f"{name} takes {many_or}", node, which)
        first, units = read[0]
        if name in ("any", "all"):
            self._condition(node.args[0], name)
            if first.length == VARYING:
                raise self.error(f"{name} of one condition", node, "give a vector")
            return Expression("reduce_max" if name == "any" else "reduce_min", (first,)), TRUTH
        if name in UNIFORM:
            if name in ("sin", "cos"):
                self.angle(units, node.args[0], name)
            else:
                self.plain(units, node.args[0], f"{name} takes a plain number")
            return Expression(name, (first,), length=first.length), BARE if units.bare else TRUTH
        if name in ("sqrt", "square"):
            raised = units.to_the(Fraction(1, 2) if name == "sqrt" else Fraction(2))
            return Expression(name, (first,), length=first.length), raised
        if name in REDUCING and len(read) == 1:
            if first.length == VARYING:
                raise self.error(f"{name} of one number", node, "give a vector")
            return Expression(f"reduce_{name}", (first,)), units
        if name == "previous":
            return self._previous(first, node), units
        if name == "where":
            self._condition(node.args[0], name)
            return self._of_one_unit(name, read, node, free=1)
        whole, units = self._of_one_unit(name, read, node)
        if name == "distance":
            if not whole.length:
                raise self.error("distance of two numbers", node, "write abs(a - b)")
            apart = Expression("-", whole.arguments, length=whole.length)
            return Expression("reduce_norm", (apart,)), units
        if name == "angle":
            if whole.length != 4:
                help = "as in angle(body.cube.orientation, command.goal.orientation)"
                raise self.error("angle takes two orientations, of four numbers", node, help)
            self.plain(units, node, "angle takes orientations, which are plain numbers")
            return Expression("angle", whole.arguments), Units((form_of(ANGLE),))
        return whole, Units((form_of(ANGLE),)) if name == "atan2" else units

    def _of_one_unit(
        self, name: str, read: list[tuple[Expression, Units]], node: ast.Call, free: int = 0
    ) -> tuple[Expression, Units]:
        """A function of terms of one unit, but for so many in front; its own unit is theirs."""
        length, units = VARYING, read[free][1]
        for position, (argument, other) in enumerate(read):
            if position >= free:
                message = f"{name} of different units"
                units = self.same(units, other, (*node.args, node)[position], message)
            length = self.broadcast(node, Expression("", length=length), argument)
        return Expression(name, tuple(e for e, _ in read), length=length), units

    def _previous(self, inner: Expression, node: ast.Call) -> Expression:
        """What a term was at the end of the tick before."""
        if not self.remembers:
            help = "an observation tells several ticks by its history, as in history: 2"
            raise self.error("an observation has no previous values in its formula", node, help)
        names = inner.quantities()
        if not names or any(term.op == "previous" for term in terms(inner)):
            help = "name what is measured of the robot, as in previous(base.height)"
            raise self.error("this has no value of the tick before", node.args[0], help)
        for name in names:
            if name.split(".")[0] in ("action", "command", "time"):
                help = "action.previous is the last one" if name.startswith("action") else ""
                message = f"{spelt(name)!r} is not measured of the robot"
                raise self.error(message, node.args[0], help)
        return Expression("previous", (inner,), length=inner.length)

    def _list(self, elements: list[ast.expr]) -> tuple[Expression, Units]:
        """``[a, b]``: a vector of numbers and vectors, one after the other."""
        first, units = self.read(elements[0])
        parts = [first]
        for element in elements[1:]:
            part, other = self.read(element)
            units = self.same(units, other, element, "a list of different units")
            parts.append(part)
        length = sum(part.length or 1 for part in parts)
        return Expression("list", tuple(parts), length=length), units

    def _tolerance(self, node: ast.Call) -> tuple[Expression, Units]:
        """``tolerance(x, low, high, margin, 'sigmoid', value at the margin)``.

        A bound may be infinite; what follows the bounds may be left out.
        """
        if len(node.args) not in (3, 4, 5, 6):
            help = "a value, its lowest, its highest, and a margin in which it falls to 0.1"
            raise self.error("tolerance takes 3 to 6 arguments", node, help)
        read = [self.read(node.args[0]), *(self._bound(bound) for bound in node.args[1:3])]
        read.append(self.read(node.args[3]) if node.args[3:] else (Expression("number"), BARE))
        low, high, margin = (constant(expression) for expression, _ in read[1:])
        if low is not None and high is not None and low > high:
            help = "swap the second and the third argument"
            raise self.error("the lowest value is above the highest", node, help)
        if margin is not None and margin < 0.0:
            raise self.error("a margin is not negative", node.args[3])
        whole, _ = self._of_one_unit("tolerance", read, node)
        sigmoid = self._sigmoid(node.args[4]) if node.args[4:] else GAUSSIAN
        at_margin = self._at_margin(node.args[5], sigmoid) if node.args[5:] else VALUE_AT_MARGIN
        return replace(whole, name=sigmoid, value=at_margin), TRUTH

    def _sigmoid(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as name) if name in SIGMOIDS:
                return name
            case ast.Constant(value=str() as name):
                help = did_you_mean(name, SIGMOIDS, of="sigmoids", limit=len(SIGMOIDS))
                raise self.error(f"unknown sigmoid {name!r}", node, help)
            case _:
                help = "in quotes, one of " + ", ".join(map(repr, SIGMOIDS))
                raise self.error("the fifth argument is the name of a sigmoid", node, help)

    def _at_margin(self, node: ast.expr, sigmoid: str) -> float:
        expression, units = self.read(node)
        self.plain(units, node, "the value at the margin is not a plain number")
        value = constant(expression)
        if value is None or not 0.0 <= value < 1.0:
            raise self.error("the value at the margin is a number from 0 to below 1", node)
        if not value and sigmoid not in ENDING:
            help = f"0 is reached by {', '.join(ENDING[:-1])} and {ENDING[-1]} alone"
            raise self.error(f"{sigmoid} is never 0 at a margin", node, help)
        return value

    def _bound(self, node: ast.expr) -> tuple[Expression, Units]:
        match node:
            case ast.Name(id="inf"):
                return Expression("number", value=math.inf), BARE
            case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf")):
                return Expression("number", value=-math.inf), BARE
            case _:
                return self.read(node)


__all__ = [
    "MAX_LENGTH",
    "MAX_NODES",
    "Expression",
    "FormulaError",
    "Quantity",
    "Wanted",
    "constant",
    "evaluate",
    "measure",
    "names_in",
    "parse",
    "spelt",
]
