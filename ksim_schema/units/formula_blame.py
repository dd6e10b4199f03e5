"""What terms of a formula have to have in common, and what is said where they have not."""

from __future__ import annotations

import ast

from ksim_schema.units.formula_text import FormulaError
from ksim_schema.units.formula_tree import VARYING, Expression
from ksim_schema.units.formula_units import PLAIN, Units, form_of
from ksim_schema.units.quantity import ANGLE, UNITS


class Blame:
    """Points at terms in the text of a formula."""

    def __init__(self, text: str) -> None:
        self.text = text

    def error(self, message: str, node: ast.expr, help: str = "", meant: str = "") -> FormulaError:
        start = self._offset(node.lineno, node.col_offset)
        stop = self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return FormulaError(message, start, max(stop, start + 1), help, meant)

    def _offset(self, line: int, column: int) -> int:
        """The place in the text of a line and a column of Python's, which counts bytes."""
        body = self.text.lstrip()
        before = body.encode().split(b"\n")[: line - 1]
        place = sum(len(row) + 1 for row in before) + column
        lead = len(self.text) - len(body)
        return lead + len(body.encode()[:place].decode(errors="ignore"))

    def shown(self, node: ast.expr) -> str:
        """The text of a term."""
        found = self.error("", node)
        return self.text[found.start : found.stop]

    def broadcast(self, node: ast.expr, left: Expression, right: Expression) -> int:
        """The length of what two terms give together."""
        several = {left.length, right.length} - {VARYING, 1}
        if len(several) > 1:
            message = f"{left.length} elements and {right.length} elements do not go together"
            raise self.error(message, node)
        return max(left.length, right.length)

    def same(self, left: Units, right: Units, node: ast.expr, message: str) -> Units:
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

    def angle(self, units: Units, node: ast.expr, function: str) -> None:
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
                    number = self.shown(number)
                    meant = f"'/ {number}*{name}' divides by {number} and multiplies by {name}"
                    return f"{meant}; write '/ ({number}*{name})'"
                case _:
                    pass
        shown = self.shown(node)
        term = shown if len(shown) <= 40 and "\n" not in shown else "..."
        term = term if isinstance(node, (ast.Name, ast.Attribute, ast.Call)) else f"({term})"
        return f"divide it by its scale, as in {term} / (1*{unit.replace('^', '**')})"
