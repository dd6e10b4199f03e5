"""Repairs of a source: what stands at a place, what to write there, and the text with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ksim_schema.diagnostics import Edit, Fix, Span, surely
from ksim_schema.source.yaml_reader import Document, Path_

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@lru_cache(maxsize=16)
def _starts(text: str) -> tuple[int, ...]:
    """Where the lines of a text begin, by the line breaks of YAML."""
    return (0, *(found.end() for found in _BREAK.finditer(text)))


def offset(text: str, line: int, column: int) -> int:
    """The offset of a line and column, both from 1; of a place after the end, the end."""
    starts = _starts(text)
    return min(len(text), starts[line - 1] + column - 1) if line <= len(starts) else len(text)


def written(document: Document, where: Span) -> str | None:
    """What stands at a place of a document's own file, if that can be told."""
    if where.file != document.file or document.file.endswith(".json") or where.line < 1:
        return None
    text = document.text
    first = offset(text, where.line, where.column)
    last = offset(text, where.end_line, where.end_column)
    return text[first:last] if first < last else None


def alone(document: Document, where: Span) -> bool:
    """Whether nothing follows what stands at a place in its line."""
    rest = document.text[offset(document.text, where.end_line, where.end_column) :]
    return not rest.split("\n", 1)[0].strip()


def rewrite(document: Document, where: Span, new: str, *, certain: bool = True) -> Fix | None:
    """The repair that writes a text in place of what stands at a place."""
    old = written(document, where)
    if old is None or "\n" in old:
        return None
    return Fix(f"write {new}", (Edit(where, new),), certain)


def respell(
    document: Document, where: Span, old: str, new: str, *, certain: bool = True
) -> Fix | None:
    """The repair of a name, which leaves the quotation marks that may stand around it."""
    found = written(document, where)
    if found == old:
        return Fix(f"write {new!r}", (Edit(where, new),), certain)
    if found is not None and found.endswith(f".{old}"):  # the last step of a path of 'set'
        return Fix(f"write {new!r}", (Edit(where, found[: -len(old)] + new),), certain)
    if found is None or len(found) < 2 or found[0] != found[-1] or found[1:-1] != old:
        return None
    inner = Span(where.file, where.line, where.column + 1, where.end_line, where.end_column - 1)
    return Fix(f"write {new!r}", (Edit(inner, new),), certain) if found[0] in "\"'" else None


def respell_as(document: Document, where: Span, name: str, choices: Iterable[str]) -> Fix | None:
    """The repair of a misspelt name, where it can only be one of those that there are."""
    new = surely(name, choices)
    return None if new is None else respell(document, where, name, new)


def swap(document: Document, path: Path_) -> Fix | None:
    """The repair of a list of two that stand the wrong way round."""
    places = [document.values.get((*path, index)) for index in (0, 1)]
    if places[0] is None or places[1] is None:
        return None
    first, second = (written(document, place) for place in places if place is not None)
    if first is None or second is None:
        return None
    edits = (Edit(places[0], second), Edit(places[1], first))
    return Fix("swap the two values", edits, certain=True)


def applied(text: str, file: str, fixes: Sequence[Fix]) -> tuple[str, list[Fix]]:
    """A text with repairs in it.

    Args:
        text: the text of a file.
        file: its name, as the repairs have it.
        fixes: the repairs. One that overlaps an earlier one, or that is of another file, is left
            out as a whole.

    Returns:
        The new text, and the repairs that are in it.
    """
    taken: list[Fix] = []
    stretches: list[tuple[int, int, str]] = []
    for fix in fixes:
        if any(edit.where.file != file for edit in fix.edits):
            continue
        new = [_stretch(text, edit) for edit in fix.edits]
        if fix in taken or any(a < d and c < b for a, b, _ in new for c, d, _ in stretches):
            continue
        taken.append(fix)
        stretches += new
    for first, last, replacement in sorted(set(stretches), reverse=True):
        text = text[:first] + replacement + text[last:]
    return text, taken


def _stretch(text: str, edit: Edit) -> tuple[int, int, str]:
    at = edit.where
    first = offset(text, at.line, at.column)
    return first, max(first, offset(text, at.end_line, at.end_column)), edit.replacement
