"""JSON text to plain data, with the place of every key and value.

It gives the same :class:`~ksim_schema.source.Document` as the YAML reader, under the same limits:
a stack of its own, so that depth and size are bounded before anything is built.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from ksim_schema.diagnostics import Code, Sink, Span
from ksim_schema.diagnostics.codes.acsets import INVALID_JSON
from ksim_schema.diagnostics.codes.reading import DUPLICATE_KEY, NOT_TEXT, TOO_LARGE
from ksim_schema.source.text import decoded
from ksim_schema.source.yaml_reader import MAX_DEPTH, Document, Path_, dotted


class _Stop(Exception):
    def __init__(self, code: Code, message: str, start: int, end: int) -> None:
        self.code, self.message, self.start, self.end = code, message, start, end


_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
    (?P<mark>[{}\[\],:])
    |(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*+")
    |(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?)
    |(?P<word>true|false|null)
    |(?P<end>\Z))""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]*+")
MAX_JSON_VALUES = 200_000
"""Fewer than in YAML, where short texts expand to many values: a task of 10,000 parts has half."""
_WORDS = {"true": True, "false": False, "null": None}
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_json(raw: bytes | str, name: str, sink: Sink) -> Document | None:
    """Parse JSON text.

    Args:
        raw: the text, UTF-8 where it is bytes.
        name: how to call its file in messages.
        sink: where what is wrong with it is reported.

    Returns:
        The document, or None when the text cannot be used. Objects are dicts and arrays tuples.
    """
    text = decoded(raw, name, sink)
    if text is None:
        return None
    reader = _Reader(name, text, sink)
    try:
        data = reader.run()
    except _Stop as stop:
        sink.report(stop.code, stop.message, reader.span(stop.start, stop.end))
        return None
    return Document(name, text, data, reader.keys, reader.values)


class _Frame:
    """An object or array being read."""

    def __init__(self, path: Path_, start: int, is_object: bool) -> None:
        self.path, self.start = path, start
        self.object: dict[str, Any] | None = {} if is_object else None
        self.array: list[Any] = []
        self.key: str | None = None
        self.skip = False

    def step(self) -> Path_:
        """The path of the value that comes next."""
        if self.object is None:
            return (*self.path, len(self.array))
        # what is below a repeated key must not take the places of the first such key
        return (*self.path, f"{self.key}\0" if self.skip else self.key or "")


class _Reader:
    def __init__(self, name: str, text: str, sink: Sink) -> None:
        self.name, self.text, self.sink = name, text, sink
        self.breaks = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
        self.keys: dict[Path_, Span] = {}
        self.values: dict[Path_, Span] = {}
        self.count = 0

    def span(self, start: int, end: int) -> Span:
        """The place of a stretch of the text."""
        first, last = bisect_right(self.breaks, start) - 1, bisect_right(self.breaks, end) - 1
        column, end_column = start - self.breaks[first] + 1, end - self.breaks[last] + 1
        return Span(self.name, first + 1, column, last + 1, end_column)

    def _tokens(self) -> Iterator[tuple[str, str, int]]:
        """The kind, text and place of each token, and at last of the end."""
        text, match_at, place, kind = self.text, _TOKEN.match, 0, ""
        while kind != "end":
            match = match_at(text, place)
            if match is None:
                place = _SPACE.match(text, place).end()  # type: ignore[union-attr]
                raise _Stop(INVALID_JSON, self._unreadable(place), place, place + 1)
            kind, place = match.lastgroup or "", match.end()
            token = match[kind]
            yield kind, token, place - len(token)

    def _unreadable(self, place: int) -> str:
        character = self.text[place]
        if character == '"':
            return "a string that does not end, or that holds a control character"
        if character == "'":
            return "texts stand in double quotes"
        shown = character if character.isprintable() else f"U+{ord(character):04X}"
        return f"{shown!r} cannot begin a value of JSON"

    def run(self) -> Any:
        """The value of the text."""
        stack: list[_Frame] = []
        root: list[Any] = []
        expected = "value"
        for kind, text, start in self._tokens():
            end = start + len(text)
            if kind == "end":
                if expected != "end":
                    raise _Stop(INVALID_JSON, "the text ends too early", max(0, start - 1), start)
                break
            if expected in ("value", "value or ]") and text != "]":
                if kind == "mark":
                    if text not in "{[":
                        raise self._unexpected(text, "a value", start, end)
                    if len(stack) >= MAX_DEPTH:
                        message = f"nested deeper than {MAX_DEPTH} levels"
                        raise _Stop(TOO_LARGE, message, start, end)
                    path: Path_ = stack[-1].step() if stack else ()
                    stack.append(_Frame(path, start, text == "{"))
                    expected = "key or }" if text == "{" else "value or ]"
                    continue
                value = self._scalar(kind, text, start, end)
                self._place(stack, root, value, start, end)
            elif expected in ("key", "key or }") and text != "}":
                if kind != "text":
                    raise self._unexpected(text, "a key in double quotes", start, end)
                self._key(stack[-1], self._scalar(kind, text, start, end), start, end)
                expected = "colon"
                continue
            elif expected == "colon":
                if text != ":":
                    raise self._unexpected(text, "':'", start, end)
                expected = "value"
                continue
            elif expected == "comma" and text == ",":
                expected = "value" if stack[-1].object is None else "key"
                continue
            elif stack and text == ("]" if stack[-1].object is None else "}"):
                if expected in ("key", "value"):
                    raise self._unexpected(text, f"a {expected}", start, end, "remove the comma")
                frame = stack.pop()
                value = tuple(frame.array) if frame.object is None else frame.object
                self._place(stack, root, value, frame.start, end)
            else:
                wanted = "the end of the text" if not stack else "',' or the end of the value"
                raise self._unexpected(text, wanted, start, end)
            expected = "comma" if stack else "end"
        return root[0]

    def _unexpected(self, text: str, wanted: str, start: int, end: int, help: str = "") -> _Stop:
        shown = text if len(text) <= 30 else f"{text[:30]}..."
        found = f"expected {wanted}, but found {shown}"
        return _Stop(INVALID_JSON, f"{found}; {help}" if help else found, start, end)

    def _scalar(self, kind: str, text: str, start: int, end: int) -> Any:
        if kind == "word":
            return _WORDS[text]
        if kind == "number":
            if text.lstrip("-").isdigit() and len(text) <= 18:
                return int(text)
            if not math.isfinite(number := float(text)):
                raise _Stop(INVALID_JSON, "the number is too large", start, end)
            return number
        if "\\" not in text:
            return text[1:-1]
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            message = "not an escape of JSON"
            raise _Stop(INVALID_JSON, message, start + error.pos, start + error.pos + 1) from None
        if "\0" in value:
            raise _Stop(NOT_TEXT, "a string must not hold the character NUL", start, end)
        if _SURROGATE.search(value):
            raise _Stop(INVALID_JSON, "half of a surrogate pair", start, end)
        return value

    def _key(self, frame: _Frame, key: str, start: int, end: int) -> None:
        assert frame.object is not None
        path = (*frame.path, key)
        frame.key, frame.skip = key, key in frame.object
        if frame.skip:
            message = f"duplicate key {key!r}, first given in line {self.keys[path].line}"
            where = self.span(start, end)
            self.sink.report(DUPLICATE_KEY, message, where, dotted(path))
        else:
            self.keys[path] = self.span(start, end)

    def _place(
        self, stack: list[_Frame], root: list[Any], value: Any, start: int, end: int
    ) -> None:
        self.count += 1
        if self.count > MAX_JSON_VALUES:
            raise _Stop(TOO_LARGE, f"the text has more than {MAX_JSON_VALUES:,} values", start, end)
        if not stack:
            self.values[()] = self.span(start, end)
            root.append(value)
            return
        frame = stack[-1]
        if not frame.skip:
            self.values[frame.step()] = self.span(start, end)
        if frame.object is None:
            frame.array.append(value)
        elif not frame.skip and frame.key is not None:
            frame.object[frame.key] = value
