"""Comments that silence warnings: ``# ksim: ignore[KS0307]`` at the end of their line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.diagnostics.codes.reading import IDLE_IGNORE
from ksim_schema.diagnostics.diagnostic import Diagnostic, Span
from ksim_schema.diagnostics.suggest import did_you_mean
from ksim_schema.records import dataclass

_COMMENT = re.compile(r"#\s*ksim:\s*ignore(?:\[([^\]\n]*)\])?")
MAX_SCANNED = 8_000_000


@dataclass(frozen=True)
class _Ignore:
    code: str
    where: Span


def apply(
    found: Sequence[Diagnostic], sources: Mapping[str, str]
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Take out what comments silence. Errors cannot be silenced.

    Args:
        found: the diagnostics.
        sources: the text of each file.

    Returns:
        What is left, and what is wrong with the comments: an unknown code, one of an error, or one
        that silences nothing.
    """
    ignores = [ignore for file, text in sources.items() for ignore in _ignores(file, text)]
    if not ignores:
        return list(found), []
    silenced = {(i.where.file, i.where.line, i.code) for i in ignores}
    kept: list[Diagnostic] = []
    used: set[tuple[str, int, str]] = set()
    for d in found:
        place = (d.where.file, d.where.line, d.code)
        if place in silenced and d.severity != "error":
            used.add(place)
        else:
            kept.append(d)
    wrong: list[Diagnostic] = []
    for ignore in ignores:
        problem = _problem(ignore, used)
        if problem is not None:
            message, help = problem
            wrong.append(Diagnostic(IDLE_IGNORE, message, ignore.where, help=help))
    return kept, wrong


def _ignores(file: str, text: str) -> Iterator[_Ignore]:
    if "ksim:" not in text[:MAX_SCANNED]:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        codes = [code.strip() for code in (match[1] or "").split(",")]
        for code in codes:
            yield _Ignore(code, Span(file, number, match.start() + 1, number, match.end() + 1))


def _problem(ignore: _Ignore, used: set[tuple[str, int, str]]) -> tuple[str, str] | None:
    code = ignore.code
    if not code:
        return "this comment does not say what it ignores", "write for example ignore[KS0307]"
    if code not in CATALOGUE:
        return f"there is no code {code!r}", did_you_mean(code, CATALOGUE, of="codes", limit=4)
    if CATALOGUE[code].severity == "error":
        return f"{code} is an error, which cannot be ignored", "mend what it says"
    if (ignore.where.file, ignore.where.line, code) not in used:
        return f"nothing on this line is {code}", "take the comment away"
    return None
