"""What stands in brackets or in quotation marks, closed or not yet."""

from __future__ import annotations

import re

from ksim_compiler.editor.nodes import Entry, Node
from ksim_schema.source.yaml_reader import MAX_DEPTH

PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]+)+")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b", "a": "\a", "b": "\b"}


class Flow:
    """What stands in brackets, up to a limit."""

    def __init__(self, text: str, limit: int) -> None:
        self.text, self.limit = text, limit
        self.depth = 0

    def node(self, at: int) -> Node:
        """The value that begins at an offset."""
        head = self.text[at]
        if head in "\"'":
            return quoted(self.text, at, self.limit)
        if head not in "{[" or self.depth >= MAX_DEPTH:
            return self._plain(at)
        self.depth += 1
        node = self._mapping(at) if head == "{" else self._list(at)
        self.depth -= 1
        return node

    def _skip(self, at: int) -> int:
        """Beyond blanks and comments."""
        while at < self.limit:
            if self.text[at] in " \t\r\n":
                at += 1
            elif self.text[at] == "#" and self.text[at - 1] in " \t\r\n":
                found = re.compile("[\r\n]").search(self.text, at, self.limit)
                at = found.start() if found else self.limit
            else:
                break
        return at

    def _mapping(self, start: int) -> Node:
        node = Node("mapping", start, start + 1, flow=True, closed=False)
        at = start + 1
        while True:
            at = self._skip(at)
            while at < self.limit and self.text[at] == ",":
                at = self._skip(at + 1)
            if at >= self.limit or self.text[at] in "]}":
                break
            key = self.node(at)
            if key.end <= at:
                at += 1
                continue
            end, colon = key.end, self._skip_blanks(key.end)
            value, stop = Node("nothing", end, end), end
            if colon < self.limit and self.text[colon] == ":":
                begin = self._skip(colon + 1)
                value, stop = Node("nothing", colon + 1, colon + 1), colon + 1
                if begin < self.limit and self.text[begin] not in ",]}":
                    value = self._valued(begin)
                    stop = value.end
            else:
                colon = -2
            stop = self._skip_blanks(stop)
            node.entries.append(Entry(key.text, key.start, end, colon + 1, stop, value))
            at = max(stop, at + 1) if stop <= at else stop
        if at < self.limit and self.text[at] == "}":
            node.end, node.closed = at + 1, True
        else:
            node.end = at
        return node

    def _valued(self, at: int) -> Node:
        found = PROPERTIES.match(self.text, at, self.limit)
        at = found.end() if found else at
        if at >= self.limit or self.text[at] in ",]}":
            return Node("nothing", at, at)
        return self.node(at)

    def _skip_blanks(self, at: int) -> int:
        while at < self.limit and self.text[at] in " \t":
            at += 1
        return at

    def _list(self, start: int) -> Node:
        node = Node("list", start, start + 1, flow=True, closed=False)
        at = start + 1
        while True:
            at = self._skip(at)
            if at >= self.limit or self.text[at] in "]}":
                break
            if self.text[at] == ",":
                at += 1
                continue
            item = self._valued(at)
            node.items.append(item)
            at = max(item.end, at + 1)
        if at < self.limit and self.text[at] == "]":
            node.end, node.closed = at + 1, True
        else:
            node.end = at
        return node

    def _plain(self, start: int) -> Node:
        at = start
        while at < self.limit and self.text[at] not in ",]}{[\r\n":
            after = self.text[at + 1] if at + 1 < self.limit else " "
            if self.text[at] == ":" and after in " \t\r\n,]}":
                break
            if self.text[at] == "#" and self.text[at - 1] in " \t":
                break
            at += 1
        text = self.text[start:at].rstrip()
        return Node("scalar", start, start + len(text), text)


def quoted(text: str, start: int, limit: int) -> Node:
    """A scalar in quotation marks; without the closing one, up to the end of its line."""
    mark = text[start]
    pattern = r'"((?:[^"\\]|\\.)*)"' if mark == '"' else r"'((?:[^']|'')*)'"
    found = re.compile(pattern, re.DOTALL).match(text, start, limit)
    if found is None:
        line = re.compile(r"[^\r\n]*").match(text, start, limit)
        end = line.end() if line else limit
        return Node("scalar", start, end, text[start + 1 : end], closed=False)
    return Node("scalar", start, found.end(), unquoted(found[0]))


def unquoted(text: str) -> str:
    """What a key or scalar on one line says."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _ESCAPE.sub(_escaped, text[1:-1])
    return text


def _escaped(found: re.Match[str]) -> str:
    word = found[1]
    if word[0] in "xuU" and len(word) > 1:
        return chr(min(int(word[1:], 16), 0x10FFFF))
    return _ESCAPED.get(word, word)
