"""Code actions: the checker's repairs, a comment that silences a warning, the canonical layout."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from lsprotocol import types as lsp

from ksim_compiler.editor.files import File, Files
from ksim_compiler.editor.findings import Found
from ksim_compiler.editor.publish import range_of
from ksim_compiler.editor.text import Stretch, Text
from ksim_schema.diagnostics import Diagnostic, Fix, Sink
from ksim_schema.diagnostics.codes.reading import IDLE_IGNORE
from ksim_schema.task.format import format_text

FIX_ALL = lsp.CodeActionKind.SourceFixAll
K = lsp.CodeActionKind


def wanted(only: Sequence[str] | None, kind: str) -> bool:
    """Whether a kind of action is asked for: all are, or it, or one that it is a kind of."""
    return only is None or any(kind == k or kind.startswith(f"{k}.") or k == "" for k in only)


def repairs(
    files: Files, file: File, found: Found, stretch: Stretch, shown: Sequence[lsp.Diagnostic]
) -> Iterator[lsp.CodeAction]:
    """The repairs of what is wrong within a stretch of a file, the certain ones preferred.

    Args:
        files: all files.
        file: the file.
        found: what the check of its present text found.
        stretch: where the cursor is, or what is selected.
        shown: the diagnostics as they were published.
    """
    for number, diagnostic in enumerate(found.diagnostics):
        if found.files.get(diagnostic.where.file) != file.path:
            continue
        at = file.text.stretch(diagnostic.where)
        if at.end < stretch.start or stretch.end < at.start:
            continue
        about = [d for d in shown if d.data == {"number": number} and d.code == diagnostic.code]
        if diagnostic.fix is not None:
            edit = edit_of(files, found, diagnostic.fix)
            if edit is not None:
                yield lsp.CodeAction(
                    title=diagnostic.fix.title[:1].upper() + diagnostic.fix.title[1:],
                    kind=K.QuickFix,
                    diagnostics=about,
                    is_preferred=True if diagnostic.fix.certain else None,
                    edit=edit,
                )
        if diagnostic.severity != "error" and diagnostic.code is not IDLE_IGNORE:
            yield _silenced(file, diagnostic, at, about)


def edit_of(files: Files, found: Found, fix: Fix) -> lsp.WorkspaceEdit | None:
    """A repair as an edit; None where it is in a file that is not known."""
    changes: dict[str, list[lsp.TextEdit]] = {}
    for edit in fix.edits:
        path = found.files.get(edit.where.file)
        source = found.sources.get(edit.where.file)
        if path is None or source is None:
            return None
        text = Text(source, files.encoding)
        uri = files.uri(path)
        where = range_of(text, text.stretch(edit.where))
        changes.setdefault(uri, []).append(lsp.TextEdit(where, edit.replacement))
    return lsp.WorkspaceEdit(changes=changes)


def _silenced(
    file: File, diagnostic: Diagnostic, at: Stretch, about: list[lsp.Diagnostic]
) -> lsp.CodeAction:
    """The comment at the end of a line that says that a warning is meant."""
    text = file.text
    line = text.line_of(at.start)
    end = text.starts[line] + len(text.line(line).rstrip())
    mark = "# ksim: ignore["
    written = text.line(line)
    if mark in written and "]" in written.partition(mark)[2]:
        place = written.index("]", written.index(mark))
        end = text.starts[line] + place
        new = f", {diagnostic.code}"
    else:
        new = f"  {mark}{diagnostic.code}]"
    where = range_of(text, Stretch(end, end))
    return lsp.CodeAction(
        title=f"It is meant: silence {diagnostic.code} in this line",
        kind=K.QuickFix,
        diagnostics=about,
        edit=lsp.WorkspaceEdit(changes={file.uri: [lsp.TextEdit(where, new)]}),
    )


def formatted(file: File) -> list[lsp.TextEdit] | None:
    """The edits that lay a task out; None where it cannot be read."""
    new = format_text(file.text.text, file.path.name, Sink())
    return None if new is None else differences(file.text, new)


def differences(text: Text, new: str) -> list[lsp.TextEdit]:
    """The edits, by whole lines, that turn a text into another."""
    old_lines = [
        text.text[a:b] for a, b in zip(text.starts, (*text.starts[1:], len(text.text)), strict=True)
    ]
    other = Text(new)
    new_lines = [new[a:b] for a, b in zip(other.starts, (*other.starts[1:], len(new)), strict=True)]
    edits: list[lsp.TextEdit] = []
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            start = text.starts[a] if a < len(text.starts) else len(text.text)
            end = text.starts[b] if b < len(text.starts) else len(text.text)
            edits.append(lsp.TextEdit(range_of(text, Stretch(start, end)), "".join(new_lines[c:d])))
    return edits
