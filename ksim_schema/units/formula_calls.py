"""The functions of formulas: what each takes, and the unit and the length of what it gives."""

from __future__ import annotations

import ast
import math
from abc import abstractmethod
from dataclasses import replace
from fractions import Fraction

from ksim_schema.diagnostics import did_you_mean
from ksim_schema.units.formula_blame import Blame
from ksim_schema.units.formula_text import spelt
from ksim_schema.units.formula_tree import REMEMBERING, VARYING, Expression, constant, terms
from ksim_schema.units.formula_units import BARE, TRUTH, Units, form_of
from ksim_schema.units.quantity import ANGLE
from ksim_schema.units.sigmoid import ENDING, GAUSSIAN, SIGMOIDS, VALUE_AT_MARGIN

UNIFORM = ("exp", "log", "sin", "cos", "tanh")
"""Functions of a plain number (sin and cos: of an angle)."""
REDUCING = ("sum", "mean", "norm", "max", "min")
FUNCTIONS = (
    *UNIFORM,
    *("sqrt", "square", "abs", "min", "max", "clip", "sum", "mean", "norm", "atan2"),
    *("distance", "angle", "tolerance", "where", "any", "all", "previous", "ever"),
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


class Calls(Blame):
    """Reads calls of functions, their arguments with :meth:`read`."""

    def __init__(self, text: str, remembers: bool) -> None:
        super().__init__(text)
        self.remembers = remembers

    @abstractmethod
    def read(self, node: ast.expr) -> tuple[Expression, Units]:
        """A term and its unit."""

    def condition(self, node: ast.expr, taker: str) -> Expression:
        """A term that holds or does not."""
        inner, _ = self.read(node)
        if not inner.condition:
            help = f"compare it with something, as in {self.shown(node)} > 0"
            raise self.error(f"{taker} takes conditions, and this is a number", node, help)
        return inner

    def call(self, name: str, node: ast.Call) -> tuple[Expression, Units]:
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
        if name == "ever":
            self.condition(node.args[0], name)
            self._remembered(node)
            return Expression("ever", (first,), length=first.length), TRUTH
        if name in ("any", "all"):
            self.condition(node.args[0], name)
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
            self.condition(node.args[0], name)
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

    def _previous(self, inner: Expression, node: ast.Call) -> Expression:
        """What a term was at the end of the tick before."""
        self._remembered(node)
        names = inner.quantities()
        if not names or any(term.op in REMEMBERING for term in terms(inner)):
            help = "name what is measured of the robot, as in previous(base.height)"
            raise self.error("this has no value of the tick before", node.args[0], help)
        for name in names:
            if name.split(".")[0] in ("action", "command", "time"):
                help = "action.previous is the last one" if name.startswith("action") else ""
                message = f"{spelt(name)!r} is not measured of the robot"
                raise self.error(message, node.args[0], help)
        return Expression("previous", (inner,), length=inner.length)

    def _remembered(self, node: ast.Call) -> None:
        """Refuse what needs a memory where there is none."""
        if not self.remembers:
            help = "an observation tells several ticks by its history, as in history: 2"
            raise self.error("an observation has no earlier values in its formula", node, help)

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
