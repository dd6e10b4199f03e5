"""Problems as data. Functions return :class:`Diagnostic`; only a command prints them and exits."""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ksim_schema.diagnostics.catalogue import CATALOGUE

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a source file. Lines and columns count from 1; the end is exclusive."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a task.

    Attributes:
        code: a stable code of the catalogue, for example ``KS0204``.
        message: what is wrong, in the author's terms.
        where: the place in the source.
        path: the value's path in the task, for example ``Observation.feet.geoms``.
        help: what to write instead.
    """

    code: str
    message: str
    where: Span
    path: str = ""
    help: str = ""

    @property
    def severity(self) -> Severity:
        """As the catalogue gives it for the code."""
        return CATALOGUE[self.code].severity

    def as_dict(self) -> dict[str, object]:
        """The form of ``--format json``."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.where.file,
            "line": self.where.line,
            "column": self.where.column,
            "end_line": self.where.end_line,
            "end_column": self.where.end_column,
            "path": self.path,
            "message": self.message,
            "help": self.help,
        }


class TaskError(Exception):
    """A task turns out to be wrong while it is being run.

    Attributes:
        diagnostics: what is wrong.
        sources: texts that the diagnostics point into.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics, self.sources = tuple(diagnostics), dict(sources)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error."""
    return any(d.severity == "error" for d in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place in the source, each problem once."""
    return sorted(dict.fromkeys(diagnostics), key=lambda d: (d.where, d.code, d.message))


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


def did_you_mean(name: str, choices: Iterable[str], *, of: str = "", limit: int = 8) -> str:
    """The help for an unknown name: the closest choice, then what there is.

    Args:
        name: what was written.
        choices: what could have been written.
        of: an introduction of the list, for example ``"scene.xml has geoms"``.
        limit: how many choices to list; of more, those most like the name.
    """
    known = list(dict.fromkeys(choices))
    guesses = closest(name, known, limit=1)
    guess = f"did you mean {guesses[0]!r}?" if guesses else ""
    if not known:
        listed = f"{of}: none" if of else ""
    elif len(known) <= limit:
        listed = f"{of or 'known'}: " + ", ".join(known)
    else:
        likely = closest(name, known, limit=limit, cutoff=0.0) or known[:limit]
        listed = f"{of or 'known'}: " + ", ".join(likely) + f", ... ({len(known)} in all)"
    return " ".join(filter(None, (guess, listed)))


_MANY = 400
"""Number of choices of which each is compared with a name."""


def closest(
    name: str, choices: Iterable[str], *, limit: int = 1, cutoff: float = 0.65
) -> list[str]:
    """The choices most like a name, the likest first.

    Args:
        name: what was written; only its beginning counts when it is long.
        choices: what could have been written.
        limit: how many to give.
        cutoff: least likeness, from 0 to 1.
    """
    return list(_closest(name[:60].lower(), tuple(choices), limit, cutoff))


@lru_cache(maxsize=4096)
def _closest(name: str, choices: tuple[str, ...], limit: int, cutoff: float) -> tuple[str, ...]:
    if len(choices) > _MANY:  # comparing takes long, and a slip is rarely in the first letters
        choices = tuple(c for c in _beginning(choices).get(name[:2], ()) if len(c) < len(name) + 3)
        choices = choices[:_MANY]
    lowered = {c.lower(): c for c in reversed(choices)}
    close = difflib.get_close_matches(name, lowered, n=limit, cutoff=cutoff)
    return tuple(lowered[c] for c in close)


@lru_cache(maxsize=8)
def _beginning(choices: tuple[str, ...]) -> dict[str, list[str]]:
    """The choices by their first two letters."""
    found: dict[str, list[str]] = {}
    for choice in choices:
        found.setdefault(choice[:2].lower(), []).append(choice)
    return found
