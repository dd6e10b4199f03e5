"""The tree of a text: values, and keys with theirs."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from ksim_schema.records import dataclass
from ksim_schema.source import Path_


@dataclass(slots=True, eq=False)
class Node:
    """A value.

    Attributes:
        kind: what it is; ``nothing`` where a value is left out.
        start, end: its offsets.
        text: of a scalar, what it says, without quotation marks.
        flow: whether it stands in brackets.
        indent: of a mapping or list in lines, the column that its entries begin in.
        closed: whether its bracket or quotation mark is closed.
        entries: of a mapping.
        items: of a list.
    """

    kind: Literal["mapping", "list", "scalar", "nothing"]
    start: int
    end: int
    text: str = ""
    flow: bool = False
    indent: int = -1
    closed: bool = True
    entries: list[Entry] = field(default_factory=lambda: [])
    items: list[Node] = field(default_factory=lambda: [])

    def get(self, *keys: str | int) -> Node | None:
        """The value at a path below this one."""
        node: Node | None = self
        for key in keys:
            if node is None:
                return None
            if isinstance(key, int):
                node = node.items[key] if key < len(node.items) else None
            else:
                found = node.entry(key)
                node = None if found is None else found.value
        return node

    def entry(self, key: str) -> Entry | None:
        """The entry of a key, the first if there are several."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def texts(self) -> list[Node]:
        """The scalars that it holds itself: those of a list, or itself."""
        if self.kind == "list":
            return [item for item in self.items if item.kind == "scalar"]
        return [self] if self.kind == "scalar" else []


@dataclass(slots=True, eq=False)
class Entry:
    """A key with its value.

    Attributes:
        key: its text.
        start, end: offsets of the key, with its quotation marks.
        colon: the offset after its colon; -1 where there is none yet.
        stop: the offset at which what belongs to it ends.
        value: the value.
    """

    key: str
    start: int
    end: int
    colon: int
    stop: int
    value: Node


def walk(node: Node, path: Path_ = ()) -> list[tuple[Path_, Entry | None, Node]]:
    """Every value below a node with its path and, in a mapping, its entry."""
    found: list[tuple[Path_, Entry | None, Node]] = []
    stack: list[tuple[Node, Path_]] = [(node, path)]
    while stack:
        here, at = stack.pop()
        inner: list[tuple[Path_, Entry | None, Node]] = []
        inner += [((*at, e.key), e, e.value) for e in here.entries]
        inner += [((*at, index), None, item) for index, item in enumerate(here.items)]
        found += inner
        stack += [(value, below) for below, _, value in inner]
    return found
