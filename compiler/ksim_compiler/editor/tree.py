"""YAML as it is being typed: a tree of what stands in a text, whatever is wrong with it.

The checker's reader (:mod:`ksim_schema.source.yaml_reader`) refuses what is not YAML. This one
never does: an open bracket ends where its block does, a word without a colon is a key that is being
typed, and a line that fits nowhere is left out. Of a text that is YAML it says the same.
"""

from __future__ import annotations

import re

from ksim_compiler.editor.brackets import PROPERTIES, Flow, quoted, unquoted
from ksim_compiler.editor.nodes import Entry, Node
from ksim_schema.source.yaml_reader import MAX_DEPTH


def read(text: str) -> Node:
    """The tree of a text. It is a mapping, and empty where the text holds none."""
    return _Reader(text).run()


_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|$)")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*:(?=[ \t\r\n]|$)""")
_PLAIN = re.compile(r"(?:[^\r\n:#]|:(?=[^ \t\r\n])|(?<=[^ \t])#)+(?=:(?:[ \t\r\n]|$))")
_COMMENT = re.compile(r"[ \t]+#")


def key_at(text: str, at: int, stop: int) -> tuple[int, int] | None:
    """Where a key in a line ends, and where its colon does; None where there is none."""
    head = text[at] if at < stop else ""
    if head in ("'", '"'):
        found = _QUOTED.match(text, at)
        return (found.end(1), found.end()) if found and found.end() <= stop else None
    if not head or head in "#&*!|>%@`{}[],":
        return None
    found = _PLAIN.match(text, at, stop)
    if found is None or found.end() >= stop or text[found.end()] != ":":
        return None
    return at + len(found[0].rstrip()), found.end() + 1


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.starts: list[int] = []
        self.stops: list[int] = []
        self.indents: list[int] = []
        at = 1 if text.startswith("\ufeff") else 0
        while at <= len(text):
            found = _LINE.match(text, at)
            assert found is not None
            body = found[1]
            content = body.lstrip(" ")
            bare = not content.strip() or content.lstrip("\t").startswith("#")
            mark = re.fullmatch(r"(---|\.\.\.)[ \t]*(#.*)?", body) or body.startswith("%")
            self.starts.append(at)
            self.stops.append(found.end(1))
            self.indents.append(-1 if bare or mark else len(body) - len(content))
            if not found[2]:
                break
            at = found.end()
        self.line = 0
        self.depth = 0

    def run(self) -> Node:
        root = Node("mapping", 0, len(self.text), indent=0)
        while self._more():
            before = self.line
            node = self._block(0)
            if node.kind == "mapping" and (not root.entries or not node.flow):
                root.entries += node.entries
                root.flow = node.flow
                root.closed = node.closed
            if self.line == before:
                self.line += 1
        return root

    def _more(self) -> bool:
        """Go to the next line that says something."""
        while self.line < len(self.starts) and self.indents[self.line] < 0:
            self.line += 1
        return self.line < len(self.starts)

    def _content(self) -> int:
        return self.starts[self.line] + self.indents[self.line]

    def _block(self, least: int) -> Node:
        """The value in the lines that follow, of at least an indent."""
        if not self._more() or self.indents[self.line] < least or self.depth >= MAX_DEPTH:
            at = self.starts[self.line] if self.line < len(self.starts) else len(self.text)
            return Node("nothing", at, at)
        self.depth += 1
        column, at = self.indents[self.line], self._content()
        node = self._at(at, column, column - 1)
        self.depth -= 1
        return node

    def _at(self, at: int, column: int, outer: int) -> Node:
        """The value that begins at an offset, the first thing in its line or after a dash."""
        if self._dash(at):
            return self._list(at, column)
        keyed = key_at(self.text, at, self.stops[self.line]) is not None
        if keyed or (self.text[at] not in "{[\"'|>&!*" and (outer < 0 or self._is_word(at))):
            return self._mapping(at, column)
        return self._value(at, outer)

    def _is_word(self, at: int) -> bool:
        """Whether a line holds a single word: a key that is being typed."""
        line = self.text[at : self.stops[self.line]]
        return re.fullmatch(r"[A-Za-z_][\w-]*[ \t]*", line) is not None and self.depth < 4

    def _dash(self, at: int) -> bool:
        return self.text[at] == "-" and (
            at + 1 >= self.stops[self.line] or self.text[at + 1] in " \t"
        )

    def _mapping(self, at: int, column: int) -> Node:
        node = Node("mapping", at, at, indent=column)
        while True:
            node.entries.append(self._entry(at, column))
            node.end = node.entries[-1].value.end or node.entries[-1].end
            while self._more() and self.indents[self.line] > column:
                self.line += 1  # a line that fits nowhere
            here = self._more() and self.indents[self.line] == column
            if not here or self._dash(self._content()):
                break
            at = self._content()
        stop = self.starts[self.line] if self._more() else len(self.text)
        for entry, after in zip(node.entries, node.entries[1:], strict=False):
            entry.stop = after.start
        node.entries[-1].stop = stop
        return node

    def _entry(self, at: int, column: int) -> Entry:
        stop = self.stops[self.line]
        found = key_at(self.text, at, stop)
        if found is None:  # a key that is being typed
            comment = _COMMENT.search(self.text, at, stop)
            end = comment.start() if comment else stop
            word = self.text[at:end].rstrip()
            self.line += 1
            end = at + len(word)
            return Entry(word, at, end, -1, stop, Node("nothing", end, end))
        end, colon = found
        value = self._value(colon, column, mapped=True)
        return Entry(unquoted(self.text[at:end]), at, end, colon, stop, value)

    def _list(self, at: int, column: int) -> Node:
        node = Node("list", at, at, indent=column)
        while True:
            inside = at + 1
            while inside < self.stops[self.line] and self.text[inside] in " \t":
                inside += 1
            empty = inside >= self.stops[self.line] or self.text[inside] == "#"
            if empty or self.depth >= MAX_DEPTH:
                node.items.append(self._value(at + 1, column))
            else:
                self.depth += 1
                indent = inside - self.starts[self.line]
                if key_at(self.text, inside, self.stops[self.line]) or self._dash(inside):
                    node.items.append(self._at(inside, indent, column))
                else:
                    node.items.append(self._value(inside, column))
                self.depth -= 1
            node.end = node.items[-1].end
            while self._more() and self.indents[self.line] > column:
                self.line += 1
            here = self._more() and self.indents[self.line] == column
            if not here or not self._dash(self._content()):
                break
            at = self._content()
        return node

    def _value(self, at: int, column: int, mapped: bool = False) -> Node:
        """The value in the rest of a line, or in the lines below that are deeper than a column."""
        stop, after = self.stops[self.line], at
        while at < stop and self.text[at] in " \t":
            at += 1
        found = PROPERTIES.match(self.text, at, stop)
        at = found.end() if found else at
        if at >= stop or (self.text[at] == "#" and (at == after or self.text[at - 1] in " \t")):
            self.line += 1
            if self._more():
                indent = self.indents[self.line]
                if indent > column or (mapped and indent == column and self._dash(self._content())):
                    inner = self._block(indent)
                    if inner.kind != "nothing":
                        return inner
            return Node("nothing", after, after)
        head = self.text[at]
        if head in "|>":
            return self._literal(at, column)
        if head in "{[":
            node = Flow(self.text, self._limit(column)).node(at)
        elif head in "\"'":
            node = quoted(self.text, at, self._limit(column))
        else:
            return self._plain(at, column)
        while self.line < len(self.starts) and self.starts[self.line] <= max(node.end - 1, at):
            self.line += 1
        return node

    def _limit(self, column: int) -> int:
        """Where what is in brackets must end: at a line that is no deeper than its block."""
        for line in range(self.line + 1, len(self.starts)):
            indent = self.indents[line]
            if indent >= 0 and indent <= column:
                if self.text[self.starts[line] + indent] in "]}":
                    continue
                return self.stops[line - 1]
        return len(self.text)

    def _literal(self, at: int, column: int) -> Node:
        self.line += 1
        first, end = self.line, self.stops[self.line - 1]
        while self.line < len(self.starts):
            body = self.text[self.starts[self.line] : self.stops[self.line]]
            if body.strip() and len(body) - len(body.lstrip(" ")) <= column:
                break
            if body.strip():
                end = self.stops[self.line]
            self.line += 1
        lines = self.text[self.starts[first] : end] if first < len(self.starts) else ""
        return Node("scalar", at, end, lines)

    def _plain(self, at: int, column: int) -> Node:
        words: list[str] = []
        end = at
        while True:
            stop = self.stops[self.line]
            start = at if not words else self._content()
            comment = _COMMENT.search(self.text, start, stop)
            word = self.text[start : comment.start() if comment else stop].rstrip()
            words.append(word)
            end = start + len(word)
            self.line += 1
            if comment or self.line >= len(self.starts) or self.indents[self.line] <= column:
                break
            if key_at(self.text, self._content(), self.stops[self.line]):
                break
        return Node("scalar", at, end, " ".join(words))
