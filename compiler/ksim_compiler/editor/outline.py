"""The outline of a file, what can be folded in it, and the parts of a workspace by name."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types as lsp

from ksim_compiler.editor.files import File, Files
from ksim_compiler.editor.nodes import Entry, Node, walk
from ksim_compiler.editor.publish import range_of
from ksim_compiler.editor.text import Stretch
from ksim_compiler.editor.view import is_about_tasks
from ksim_schema.vocabulary import KINDS

K = lsp.SymbolKind
_DEPTH = 3
_KINDS = {1: K.Module, 2: K.Object, 3: K.Field}
MOST = 400
"""Most symbols that a search gives."""


def outline(file: File) -> list[lsp.DocumentSymbol]:
    """The sections of a file, their parts, and the fields of these."""
    return [_symbol(file, entry, 1) for entry in file.tree.entries if entry.key]


def _symbol(file: File, entry: Entry, depth: int) -> lsp.DocumentSymbol:
    value = entry.value
    kind = value.get("kind")
    detail = kind.text if kind is not None else value.text if value.kind == "scalar" else ""
    inner = value.entries if depth < _DEPTH else []
    end = max(entry.end, value.end)
    return lsp.DocumentSymbol(
        name=entry.key,
        detail=detail[:80] or None,
        kind=_KINDS[depth] if value.entries else K.Property,
        range=range_of(file.text, Stretch(entry.start, end)),
        selection_range=range_of(file.text, Stretch(entry.start, entry.end)),
        children=[_symbol(file, e, depth + 1) for e in inner if e.key and e.key != "kind"],
    )


def folds(file: File) -> list[lsp.FoldingRange]:
    """What stands on several lines: sections, parts, brackets, and comments in a row."""
    found: list[lsp.FoldingRange] = []
    for _, entry, node in walk(file.tree):
        start = entry.start if entry is not None else node.start
        first, last = file.text.line_of(start), file.text.line_of(_end(node))
        if last > first and node.kind != "nothing":
            found.append(lsp.FoldingRange(start_line=first, end_line=last))
    lines = [file.text.line(i).lstrip().startswith("#") for i in range(len(file.text.starts))]
    first = 0
    for number, comment in enumerate((*lines, False)):
        if not comment:
            if number - first > 1:
                kind = lsp.FoldingRangeKind.Comment
                found.append(lsp.FoldingRange(start_line=first, end_line=number - 1, kind=kind))
            first = number + 1
    return found


def _end(node: Node) -> int:
    """Where the last thing in a node ends."""
    inner = [entry.value for entry in node.entries] + node.items
    return (
        max([node.end, *(e.end for e in node.entries)]) if node.flow or not inner else _end_of(node)
    )


def _end_of(node: Node) -> int:
    while node.entries or node.items:
        if node.flow:
            return node.end
        last = node.entries[-1] if node.entries else None
        if last is not None and last.value.kind == "nothing":
            return last.end
        node = last.value if last is not None else node.items[-1]
    return node.end


def symbols(files: Files, query: str) -> list[lsp.WorkspaceSymbol]:
    """The parts of the workspace's tasks whose names hold the letters of a query in its order."""
    found: list[lsp.WorkspaceSymbol] = []
    for file in files.all():
        if not is_about_tasks(file):
            continue
        for section, entry in _parts(file):
            if len(found) >= MOST:
                return found
            if _holds(entry.key.lower(), query.lower()):
                stretch = Stretch(entry.start, entry.end)
                location = lsp.Location(file.uri, range_of(file.text, stretch))
                container = f"{section}, {file.path.name}"
                found.append(
                    lsp.WorkspaceSymbol(location, entry.key, K.Object, container_name=container)
                )
    return found


def _parts(file: File) -> Iterator[tuple[str, Entry]]:
    for section in file.tree.entries:
        if section.key == "task" and section.value.kind == "scalar":
            yield (
                "task",
                Entry(
                    section.value.text, section.value.start, section.value.end, 0, 0, section.value
                ),
            )
        if section.key in KINDS:
            for entry in section.value.entries:
                if entry.colon >= 0:
                    yield section.key, entry


def _holds(name: str, letters: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in letters)
