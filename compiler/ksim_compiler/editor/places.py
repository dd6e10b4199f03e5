"""Where a cursor is in a text: at a key or at a value, of which path, and what is typed so far."""

from __future__ import annotations

from typing import Literal

from ksim_compiler.editor.nodes import Entry, Node
from ksim_schema.records import dataclass
from ksim_schema.source import Path_


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place in a tree.

    Attributes:
        role: ``key`` of a mapping, ``value``, or ``new``: below a key that has no value yet, where
            keys or a list may begin.
        path: of the mapping that the key is in, or of the value.
        start, end: the stretch of the key or value that is there; empty where there is none.
        node: the mapping that the key is in, where there is one, or the value.
        entry: the key that is there, or that the value belongs to.
        flow: whether it is within brackets.
        indent: in lines, the column that the cursor is in.
    """

    role: Literal["key", "value", "new"]
    path: Path_
    start: int
    end: int
    node: Node | None = None
    entry: Entry | None = None
    flow: bool = False
    indent: int = 0


def place_at(root: Node, text: str, offset: int) -> Place | None:
    """The place at an offset; None where nothing can stand, as in a comment."""
    first = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    before = text[first:offset]
    if before.lstrip().startswith("#"):
        return None
    if not before.strip() and not _within(root, offset):
        return _on_blank(root, text, offset, len(before))
    return _inside(root, (), text, offset)


def _within(root: Node, offset: int) -> bool:
    """Whether an offset is inside of brackets or of a text over several lines."""
    node: Node | None = root
    while node is not None:
        if node.flow and node.start < offset and (offset < node.end or not node.closed):
            return True
        if node.kind == "scalar":
            return node.start < offset < node.end
        node = _child(node, offset)
    return False


def _child(node: Node, offset: int) -> Node | None:
    """The value in a node that begins last before an offset."""
    inner = [entry.value for entry in node.entries if entry.start <= offset] + [
        item for item in node.items if item.start <= offset
    ]
    return inner[-1] if inner else None


def _on_blank(root: Node, text: str, offset: int, column: int) -> Place | None:
    """The place in the indentation of a line, by its column."""
    here = _key_starting(root, (), offset)
    if here is not None:
        return here
    node, path = root, ()
    fitting = Place("key", (), offset, offset, root, indent=column) if column == 0 else None
    while True:
        inner: Node | None = None
        if node.kind == "mapping":
            if node.indent == column and node.entries and not node.flow:
                fitting = Place("key", path, offset, offset, node, indent=column)
            entry = next((e for e in reversed(node.entries) if e.start < offset), None)
            if entry is None:
                return fitting
            path = (*path, entry.key)
            inner = entry.value
            if inner.kind == "nothing" and entry.colon >= 0 and column > max(node.indent, 0):
                return Place("new", path, offset, offset, inner, entry, indent=column)
            if inner.kind == "nothing" and entry.colon < 0:
                return fitting
        elif node.kind == "list":
            index = next(
                (i for i in reversed(range(len(node.items))) if node.items[i].start < offset), None
            )
            if index is None:
                return fitting
            path = (*path, index)
            inner = node.items[index]
        if inner is None or inner.flow or inner.kind in ("scalar", "nothing"):
            return fitting
        node = inner


def _key_starting(node: Node, path: Path_, offset: int) -> Place | None:
    """The key that begins just at an offset, which is in front of it in its line."""
    for entry in node.entries:
        if entry.start == offset:
            return Place("key", path, entry.start, entry.end, node, entry, indent=node.indent)
        if entry.start < offset < entry.stop:
            return _key_starting(entry.value, (*path, entry.key), offset)
    for index, item in enumerate(node.items):
        if item.start < offset:
            found = _key_starting(item, (*path, index), offset)
            if found is not None:
                return found
    return None


def _inside(node: Node, path: Path_, text: str, offset: int) -> Place | None:
    """The place at an offset inside of a node, or just after it."""
    if node.kind == "mapping":
        return _in_mapping(node, path, text, offset)
    if node.kind == "list":
        return _in_list(node, path, text, offset)
    return Place("value", path, node.start, node.end, node)


def _in_mapping(node: Node, path: Path_, text: str, offset: int) -> Place | None:
    for index, entry in enumerate(node.entries):
        after = node.entries[index + 1] if index + 1 < len(node.entries) else None
        if entry.start <= offset <= entry.end:
            return Place("key", path, entry.start, entry.end, node, entry, node.flow, node.indent)
        if after is not None and offset >= after.start:
            continue
        if offset <= entry.end:
            break
        if entry.colon < 0:  # after a key that is being typed
            inside = not node.flow or offset <= entry.stop
            if inside and _same_line(text, entry.end, offset):
                return Place("key", path, entry.start, offset, node, entry, node.flow, node.indent)
            continue
        if offset < entry.colon:
            return Place("key", path, entry.start, entry.end, node, entry, node.flow, node.indent)
        if node.flow and offset > entry.stop:
            continue
        return _of_entry(entry, (*path, entry.key), text, offset, node.flow)
    if node.flow and offset > node.start and (offset < node.end or not node.closed):
        return Place("key", path, offset, offset, node, None, True, node.indent)
    return None


def _of_entry(entry: Entry, path: Path_, text: str, offset: int, flow: bool) -> Place | None:
    """The place at an offset behind the colon of an entry."""
    value = entry.value
    if value.kind == "nothing" or offset < value.start:
        if _same_line(text, entry.colon, offset) and not _commented(text, entry.colon, offset):
            start = offset
            return Place("value", path, start, start, value, entry, flow)
        return None
    if value.kind == "scalar":
        if offset <= value.end or (not value.closed and _same_line(text, value.start, offset)):
            return Place("value", path, value.start, value.end, value, entry, flow)
        spaces = text[value.end : offset]
        if not spaces.strip(" \t"):  # more of it is being typed
            return Place("value", path, value.start, offset, value, entry, flow)
        return None
    if value.flow and value.closed and offset >= value.end:
        return None
    return _inside(value, path, text, offset)


def _in_list(node: Node, path: Path_, text: str, offset: int) -> Place | None:
    for index, item in enumerate(node.items):
        if item.kind == "nothing" and not node.flow:
            after = node.items[index + 1].start if index + 1 < len(node.items) else offset + 1
            if item.start <= offset < after and _same_line(text, item.start, offset):
                return Place("value", (*path, index), offset, offset, item)
        elif item.start <= offset <= item.end and item.kind != "nothing":
            if item.flow and item.closed and offset in (item.start, item.end):
                return None
            found = _inside(item, (*path, index), text, offset)
            if found is not None and found.node is item:
                return Place("value", found.path, found.start, found.end, item, None, node.flow)
            return found
        elif item.kind == "mapping" and not item.flow and offset > item.end:
            after = node.items[index + 1].start if index + 1 < len(node.items) else offset + 1
            if offset < after:
                return _inside(item, (*path, index), text, offset)
    if node.flow and offset > node.start and (offset < node.end or not node.closed):
        index = sum(item.start < offset for item in node.items)
        return Place("value", (*path, index), offset, offset, None, None, True)
    return None


def _same_line(text: str, start: int, offset: int) -> bool:
    between = text[start:offset]
    return "\n" not in between and "\r" not in between


def _commented(text: str, start: int, offset: int) -> bool:
    return " #" in text[start:offset] or "\t#" in text[start:offset]
