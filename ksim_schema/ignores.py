"""``# ksim: ignore[KS0307]`` at the end of a line: warnings there that the author knows of."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ksim_schema.catalogue import CATALOGUE
from ksim_schema.diagnostics import Diagnostic, Span, did_you_mean, in_order
from ksim_schema.source import Document

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*ksim:[ \t]*ignore\b[ \t]*(\[[^\]\n]*\])?", re.M)
_CODE = re.compile(r"[^\s,\[\]]+")


class Ignore(NamedTuple):
    """One code in one comment."""

    code: str
    where: Span


def ignore(
    document: Document, diagnostics: Sequence[Diagnostic], *, complete: bool
) -> list[Diagnostic]:
    """Leave out the warnings that comments in the task ask to leave out.

    Args:
        document: the task.
        diagnostics: what was found.
        complete: whether every check has run. Only then a comment without effect is reported.

    Returns:
        The rest, with problems of the comments themselves.
    """
    ignores, found = _read(document)
    if not ignores and not found:
        return list(diagnostics)
    used: set[Ignore] = set()
    for d in diagnostics:
        matching = [i for i in ignores if i.code == d.code and _same_line(i.where, d.where)]
        if matching and d.severity != "error":
            used.update(matching)
        else:
            found.append(d)
    for unmatched in ignores:
        if unmatched not in used and complete:
            message = f"this ignores {unmatched.code}, which is not reported in this line"
            found.append(Diagnostic("KS0310", message, unmatched.where, help="take it out"))
    return in_order(found)


def _same_line(comment: Span, problem: Span) -> bool:
    return (comment.file, comment.line) == (problem.file, problem.line)


def _read(document: Document) -> tuple[list[Ignore], list[Diagnostic]]:
    ignores: list[Ignore] = []
    found: list[Diagnostic] = []
    for match, where in _comments(document):
        codes = match[1]
        if codes is None or not _CODE.search(codes):
            message = "this does not say what to ignore"
            help = "name a code: # ksim: ignore[KS0307]"
            found.append(Diagnostic("KS0310", message, where, help=help))
            continue
        for code in _CODE.finditer(codes):
            column = where.column + match.start(1) - match.start() + code.start()
            place = Span(where.file, where.line, column, where.line, column + len(code[0]))
            if code[0] not in CATALOGUE:
                message = f"no diagnostic has the code {code[0]!r}"
                help = did_you_mean(code[0], CATALOGUE, limit=4)
                found.append(Diagnostic("KS0310", message, place, help=help))
            elif CATALOGUE[code[0]].severity == "error":
                message = f"{code[0]} is an error ({CATALOGUE[code[0]].title}), which cannot be "
                found.append(Diagnostic("KS0310", message + "ignored", place))
            else:
                ignores.append(Ignore(code[0], place))
    return ignores, found


def _comments(document: Document) -> Iterator[tuple[re.Match[str], Span]]:
    """The comments, with their places; what stands inside of a text is none."""
    if "ignore" not in document.text:
        return
    breaks = re.finditer("\r\n|[\n\r\x85\u2028\u2029]", document.text)
    starts = [0, *(match.end() for match in breaks)]
    texts: list[tuple[int, int]] | None = None
    for match in _COMMENT.finditer(document.text):
        if texts is None:
            spans = (s for path, s in document.values.items() if _is_text(document, path))
            texts = [_offsets(span, starts) for span in spans]
        if not any(first <= match.start() < stop for first, stop in texts):
            line = bisect_right(starts, match.start())
            column = match.start() - starts[line - 1] + 1
            stop = column + match.end() - match.start()
            yield match, Span(document.file, line, column, line, stop)


def _offsets(span: Span, starts: Sequence[int]) -> tuple[int, int]:
    """Where a span begins and ends in the text. A block's end counts from its first line."""
    first = starts[span.line - 1] + span.column - 1
    return first, starts[span.end_line - 1] + span.end_column - 1


def _is_text(document: Document, path: tuple[str | int, ...]) -> bool:
    value = document.data
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False  # a place of something that is not used
    return isinstance(value, str)
