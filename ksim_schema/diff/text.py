"""Comparisons as text for a terminal and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ksim_schema.diagnostics import printable
from ksim_schema.diff.model import TIERS
from ksim_schema.diff.report import MEANING, Comparison, Line, lines, moves

_COLOURS = {"+": "32", "-": "31", "~": "33", "=": "36"}
_TIER_COLOURS = {"policy-io": "1;31", "training": "1;33", "runtime": "1;36", "cosmetic": "1"}


def text(comparisons: Sequence[Comparison], *, colour: bool = False) -> str:
    """The comparisons for people at a terminal."""

    def paint(part: str, code: str) -> str:
        return f"\x1b[{code}m{part}\x1b[0m" if colour and part else part

    def block(comparison: Comparison) -> Iterator[str]:
        yield f"{paint(printable(comparison.title), '1')}: {comparison.summary()}"
        for tier in TIERS:
            found = list(lines(comparison.diff, tier))
            if found:
                yield f"{paint(tier, _TIER_COLOURS[tier])}: {MEANING[tier]}"
            width = min(40, max((len(line.place) for line in found), default=0))
            for line in found:
                sign = paint(line.sign, _COLOURS[line.sign])
                why = paint(f"  # {line.why}", "2") if line.why else ""
                row = f"{printable(line.place):{width}}  {printable(line.text)}".rstrip()
                yield f"  {sign} {row}{why}"
        for title, columns in comparison.maps():
            yield paint(f"{title}: {columns.old_size} -> {columns.new_size} columns", "1")
            rows = list(moves(columns))
            width = max(len(move.name) for move, *_ in rows)
            for move, old, new, fate in rows:
                yield f"  {move.name:{width}}  {old:>9} -> {new:9}  {fate}".rstrip()
        if comparison.verdict:
            yield paint(comparison.verdict, "1")

    return "\n\n".join("\n".join(block(c)) for c in comparisons) + "\n"


def markdown(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as GitHub-flavoured Markdown, for a comment on a pull request."""
    return "\n".join(line for c in comparisons for line in _markdown(c)) + "\n"


def _markdown(comparison: Comparison) -> Iterator[str]:
    yield f"### {_escaped(comparison.title)}: {comparison.tier or 'equal'}"
    yield ""
    if comparison.verdict:
        yield _escaped(comparison.verdict[:1].upper() + comparison.verdict[1:]) + "."
        yield ""
    shown = [(tier, line) for tier in TIERS for line in lines(comparison.diff, tier)]
    if shown:
        yield "| tier | | what | change | why |"
        yield "|---|:-:|---|---|---|"
        for tier, line in shown:
            cells = (tier, _code(line.sign), _code(line.place), _change(line), _escaped(line.why))
            yield f"| {' | '.join(cells)} |"
        yield ""
    for title, columns in comparison.maps():
        yield "<details>"
        yield f"<summary>{title}: {columns.old_size} to {columns.new_size} columns</summary>"
        yield ""
        yield "| part | old columns | new columns | |"
        yield "|---|---|---|---|"
        for move, old, new, fate in moves(columns):
            yield f"| {_code(move.name)} | {_code(old)} | {_code(new)} | {_escaped(fate)} |"
        yield ""
        yield "</details>"
        yield ""


def _change(line: Line) -> str:
    if line.old or line.new:
        return f"{_code(line.old)} to {_code(line.new)}"
    return _code(line.text) if line.text else ""


def _code(value: str) -> str:
    """A value between backticks, in a cell of a table."""
    value = printable(value).replace("|", "\\|")
    fence = "``" if "`" in value else "`"
    pad = " " if "`" in value else ""
    return f"{fence}{pad}{value}{pad}{fence}"


def _escaped(value: str) -> str:
    value = printable(value).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|#" else c for c in value)
