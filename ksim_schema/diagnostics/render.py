"""Diagnostics as text for people and as JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

from ksim_schema.diagnostics.diagnostic import Diagnostic, Span


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """The machine-readable report."""
    return json.dumps({"diagnostics": [d.as_dict() for d in diagnostics]}, indent=2)


_COLOURS = {"error": "31", "warning": "33", "info": "36", "help": "36", "bar": "34"}


def render_text(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], *, colour: bool = False
) -> str:
    """The report for people: place, code, message, the line with a caret, and the help.

    Args:
        diagnostics: the problems.
        sources: the text of each file that a span may point into.
        colour: whether to write terminal colours.
    """

    def paint(text: str, name: str) -> str:
        return f"\x1b[1;{_COLOURS[name]}m{text}\x1b[0m" if colour else text

    lines_of = {file: text.splitlines() for file, text in sources.items()}

    blocks: list[str] = []
    for d in diagnostics:
        at = d.where
        where = f" in {d.path}" if d.path and d.path not in d.message else ""
        head = f"{at.file}:{at.line}:{at.column}: {paint(d.severity, d.severity)} {d.code}"
        block = [f"{head}: {printable(d.message)}{where}"]
        lines = lines_of.get(at.file, [])
        if 1 <= at.line <= len(lines):
            block += _excerpt(lines[at.line - 1], at, paint("|", "bar"), d.severity, paint)
        if d.help:
            block.append(f"  {paint('help', 'help')}: {printable(d.help)}")
        for other in d.related:
            place = f"{other.where.file}:{other.where.line}:{other.where.column}"
            block.append(f"  {paint('note', 'help')}: {place}: {printable(other.message)}")
        blocks.append("\n".join(block))
    return "\n".join(blocks)


_BEFORE, _WIDTH = 100, 160
"""Characters shown before the place in a long line, and in all."""


def _excerpt(
    line: str, at: Span, bar: str, severity: str, paint: Callable[[str, str], str]
) -> list[str]:
    """The line with carets under the place. A long line is cut to what is around the place."""
    start = at.column - 1
    stop = at.end_column - 1 if at.end_line == at.line else len(line.rstrip())
    first = max(0, start - _BEFORE)
    shown = printable(line[first : first + _WIDTH]).rstrip()
    before = _columns(printable(line[first:start]))
    width = _columns(printable(line[start : min(stop, first + _WIDTH)]))
    return [
        f"{at.line:5d} {bar} {shown}",
        f"      {bar} {' ' * before}{paint('^' * max(1, width), severity)}",
    ]


def printable(text: str) -> str:
    """Text for one line of a terminal: a blank for each tab, line break or control character."""
    return "".join(c if c.isprintable() else " " for c in text)


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """ "2 errors, 1 warning"."""
    counts = {s: sum(d.severity == s for d in diagnostics) for s in ("error", "warning", "info")}
    words = [f"{n} {s}{'s' if n > 1 and s != 'info' else ''}" for s, n in counts.items() if n]
    return ", ".join(words) or "no problems"
