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
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from ksim_schema.diagnostics import did_you_mean
from ksim_schema.diagnostics.suggest import surely
from ksim_schema.units.formula_calls import Calls
from ksim_schema.units.formula_text import (
    AXES,
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
)
from ksim_schema.units.formula_units import ANYTHING, BARE, TRUTH, Units, form_of
from ksim_schema.units.quantity import UNITS
from ksim_schema.units.readings import unit_meant

MAX_NODES = 300
MAX_NUMBER = 3.4e38
"""Largest number of single precision, in which formulas are computed."""
_COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
Wanted = Literal["number", "condition", "scalar", "value"]
"""What a formula stands for: a plain number; what holds or not; one number of any unit, or what
holds or not; a value of any unit and length."""


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
    terms: Mapping[str, tuple[Expression, Units]] | None = None,
) -> tuple[Expression, Units]:
    """As :func:`parse`, with the unit of the formula's value.

    Args:
        text, quantities, wanted: as there.
        remembers: whether it may name what was a tick before.
        terms: terms that have names of their own, and their units.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula has at most {MAX_LENGTH} characters", 0, len(text))
    tree = tree_of(text)
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise FormulaError(f"a formula has at most {MAX_NODES} terms", 0, len(text))
    checker = _Checker(text, quantities, remembers, terms or {})
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


class _Checker(Calls):
    def __init__(
        self,
        text: str,
        quantities: Mapping[str, Quantity],
        remembers: bool,
        terms: Mapping[str, tuple[Expression, Units]],
    ) -> None:
        super().__init__(text, remembers)
        self.quantities, self.terms = quantities, terms

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
                inner = self.condition(operand, "not")
                return Expression("not", (inner,), length=inner.length), TRUTH
            case ast.BinOp():
                return self._operator(node)
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                parts = [self.condition(value, word) for value in values]
                return self._joined(word, parts, node), TRUTH
            case ast.Compare():
                return self._comparison(node), TRUTH
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self.call(name, node)
            case ast.List(elts=[_, *_] as elements):
                return self._list(elements)
            case _:
                what = type(node).__name__
                help = "write where(condition, a, b)" if isinstance(node, ast.IfExp) else ""
                raise self.error(f"{what} is not part of the language of formulas", node, help)

    def _name(self, node: ast.expr) -> tuple[Expression, Units]:
        name = dotted(node)
        if name in self.terms:
            return self.terms[name]
        owner, _, axis = name.rpartition(".")
        if owner in self.terms and axis in AXES:
            return self._element(owner, AXES.index(axis), node)
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
        meant = self._meant(name) if name else ""
        help = f"write {meant}" if meant in UNITS else self._choices(name)
        raise self.error(f"unknown quantity {self.shown(node)!r}", node, help, meant)

    def _element(self, term: str, index: int, node: ast.expr) -> tuple[Expression, Units]:
        """``.x``, ``.y`` or ``.z`` of a term that has a name."""
        whole, units = self.terms[term]
        if whole.length != len(AXES):
            message = f"{term!r} has no x, y and z: it is not a vector of three"
            raise self.error(message, node)
        return Expression("element", (whole,), value=float(index)), units

    def _meant(self, name: str) -> str:
        """What an unknown name surely stands for: a unit by another name, or a slip in a step."""
        unit = unit_meant(name)
        if unit in UNITS:
            return unit
        found: list[str] = []
        steps = name.split(".")
        known = [q.split(".") for q in self.quantities if q == spelt(q)]
        for depth, step in enumerate(steps):
            alike = [q for q in known if q[:depth] == found and len(q) > depth]
            here = {q[depth] for q in alike}
            sure = step if step in here else surely(step, here)
            if sure is None:
                return ""
            found.append(sure)
        meant = ".".join(found)
        return meant if meant in self.quantities else ""

    def _choices(self, name: str) -> str:
        """The help for an unknown quantity."""
        longer = [q for q in self.quantities if name and q.startswith(name) and spelt(q) != q]
        odd = next((q for q in longer if not plain("a" + q[len(name) : len(name) + 1])), "")
        if odd:
            return f"a name with such signs stands in quotes: {spelt(odd)}"
        owner = ".".join(name.split(".")[:2])
        own = [q for q in map(spelt, self.quantities) if q.startswith(f"{owner}.")]
        if own and name != owner:
            return did_you_mean(name, own, of=f"{owner} has", limit=12)
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
