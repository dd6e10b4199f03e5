"""Diagnostics as the protocol has them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lsprotocol import types as lsp

from ksim_compiler.editor.files import Files, uri_of
from ksim_compiler.editor.findings import Found
from ksim_compiler.editor.text import Stretch, Text
from ksim_schema.diagnostics import Code, Diagnostic, Span
from ksim_schema.diagnostics.codes.laws import (
    IDLE_EVENT,
    IDLE_RESET,
    OVERWRITTEN_RESET,
    SAME_REWARD,
)
from ksim_schema.diagnostics.codes.reading import IDLE_IGNORE
from ksim_schema.diagnostics.codes.typed import PART_WITHOUT_EFFECT, UNUSED_PART
from ksim_schema.diagnostics.codes.values import IDLE_CRITIC, IDLE_RANDOMIZER
from ksim_schema.diagnostics.page import errors_page

SOURCE = "ksim"
_SEVERITY = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "info": lsp.DiagnosticSeverity.Information,
}
_UNNECESSARY = frozenset(
    (
        *(IDLE_CRITIC, IDLE_EVENT, IDLE_IGNORE, IDLE_RANDOMIZER, IDLE_RESET),
        *(OVERWRITTEN_RESET, PART_WITHOUT_EFFECT, SAME_REWARD, UNUSED_PART),
    )
)
"""Codes of what could as well be taken out, which an editor shows faded."""
PAGES = Path(__file__).resolve().parents[3] / "docs" / "errors.md"
"""The page of all codes, where the project's folder is there."""


@cache
def pages(given: str = "") -> str:
    """The address of the page about all codes, to which a code's name in lower case is added.

    Args:
        given: the address that the client knows; a page on this machine by default.
    """
    if given:
        return f"{given}#"
    path = PAGES
    if not path.is_file():
        import platformdirs

        from ksim_schema.source.files import write_text

        path = Path(platformdirs.user_cache_dir("ksim")) / "errors.md"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, errors_page())
        except OSError:
            return ""
    return f"{uri_of(path)}#"


@cache
def link(given: str, code: Code) -> str:
    """The address of what is said of a code."""
    base = pages(given)
    words = re.sub(r"[^a-z0-9 _-]", "", f"{code}: {code.phrase}".lower()).replace(" ", "-")
    return f"{base}{words}" if base else ""


def range_of(text: Text, stretch: Stretch) -> lsp.Range:
    """A stretch of a text."""
    return lsp.Range(
        lsp.Position(*text.position(stretch.start)), lsp.Position(*text.position(stretch.end))
    )


class Publisher:
    """Makes the protocol's diagnostics of a check.

    Args:
        files: all files.
        given: the address of the page of all codes; see :func:`pages`.
        related: whether the client shows other places beside a diagnostic.
    """

    def __init__(self, files: Files, given: str, related: bool) -> None:
        self.files, self.given, self.related = files, given, related

    def by_file(self, found: Found) -> dict[Path, list[lsp.Diagnostic]]:
        """What a check found, by the file that it is in."""
        made: dict[Path, list[lsp.Diagnostic]] = {}
        for path in found.files.values():
            made.setdefault(path, [])
        for number, diagnostic in enumerate(found.diagnostics):
            path = found.files.get(diagnostic.where.file)
            if path is not None:
                made[path].append(self._one(diagnostic, number, found))
        return made

    def range(self, found: Found, span: Span) -> lsp.Range:
        """A place in a file that was checked."""
        text = Text(found.sources.get(span.file, ""), self.files.encoding)
        if not text.text:
            return lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
        stretch = text.stretch(span)
        if stretch.start == stretch.end:  # an editor shows nothing of an empty one
            stretch = Stretch(
                stretch.start, min(stretch.end + 1, text.ends[text.line_of(stretch.start)])
            )
        return range_of(text, stretch)

    def _one(self, d: Diagnostic, number: int, found: Found) -> lsp.Diagnostic:
        href = link(self.given, d.code)
        related = [
            lsp.DiagnosticRelatedInformation(
                lsp.Location(
                    self.files.uri(found.files[place.where.file]), self.range(found, place.where)
                ),
                place.message,
            )
            for place in d.related
            if place.where.file in found.files
        ]
        return lsp.Diagnostic(
            range=self.range(found, d.where),
            message=d.message + (f"\nhelp: {d.help}" if d.help else ""),
            severity=_SEVERITY[d.severity],
            code=str(d.code),
            code_description=lsp.CodeDescription(href) if href else None,
            source=SOURCE,
            tags=[lsp.DiagnosticTag.Unnecessary] if d.code in _UNNECESSARY else None,
            related_information=related if related and self.related else None,
            data={"number": number},
        )


def joined(lists: Iterable[list[lsp.Diagnostic]]) -> list[lsp.Diagnostic]:
    """Diagnostics of one file that several tasks are made of, each once."""
    seen: dict[tuple[object, ...], lsp.Diagnostic] = {}
    for diagnostic in (d for found in lists for d in found):
        at = diagnostic.range
        key = (
            *(at.start.line, at.start.character, at.end.line, at.end.character),
            *(diagnostic.code, diagnostic.message),
        )
        seen.setdefault(key, diagnostic)
    return list(seen.values())
