"""YAML text to plain data, with the place of every key and value.

The reader works on YAML's event stream with a stack of its own, so that depth and size are
bounded before anything is built. It knows the core types of YAML 1.2 (``1e-5`` is a number,
``no`` is a string), mappings with string keys, lists (as tuples) and aliases; it has no tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from pathlib import Path
from typing import Any, cast

import yaml

from ksim_schema.diagnostics import Code, Diagnostic, Edit, Fix, Sink, Span
from ksim_schema.diagnostics.codes.reading import (
    DUPLICATE_KEY,
    INVALID_YAML,
    KEY_NOT_TEXT,
    MERGE_KEY,
    NO_SPACE,
    NOT_TEXT,
    TOO_LARGE,
    UNREADABLE_FILE,
    YAML_TAG,
)
from ksim_schema.records import dataclass
from ksim_schema.source.accidents import Accident, alias, escapes, in_flow, lookalike, unparsed
from ksim_schema.source.files import FileError, TooLargeError, read_bytes
from ksim_schema.source.plain import is_mapping
from ksim_schema.source.text import MAX_BYTES, decoded
from ksim_schema.source.yaml_errors import syntax_error

MAX_DEPTH = 40
MAX_VALUES = 250_000

Path_ = tuple[str | int, ...]
Data = Any


@dataclass(frozen=True)
class Document:
    """A YAML file as data.

    Attributes:
        file: its name as the user gave it.
        text: its text.
        data: mappings as dict, lists as tuple, scalars as str, int, float, bool or None.
        keys: the place of the key at a path.
        values: the place of the value at a path.
    """

    file: str
    text: str
    data: Data
    keys: dict[Path_, Span] = field(default_factory=lambda: {})
    values: dict[Path_, Span] = field(default_factory=lambda: {})

    def at(self, path: Path_, *, key: bool = False) -> Span:
        """The place of the value (or key) at a path, or of its nearest parent that has one."""
        while True:
            first, second = (self.keys, self.values) if key else (self.values, self.keys)
            found = first.get(path) or second.get(path)
            if found is not None:
                return found
            if not path:
                return Span(self.file)
            # A single value may stand for a list of one: its place is that of the value.
            path, key = path[:-1], key or isinstance(path[-1], str)


@dataclass
class _Frame:
    """A mapping or list being read."""

    path: Path_
    value: Any
    start: yaml.Mark
    anchor: str | None
    count: int
    key: str | None = None
    skip_value: bool = False


class _Stop(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def read(
    path: Path,
    sink: Sink,
    name: str | None = None,
    parser: Callable[[bytes, str, Sink], Document | None] | None = None,
) -> Document | None:
    """Read a task file.

    Args:
        path: the file.
        sink: where what is wrong with it is reported.
        name: how to call it in messages; the path by default.
        parser: what reads its text; :func:`parse` by default.

    Returns:
        The document, or None when the text cannot be used.
    """
    name = name or str(path)
    try:
        raw = read_bytes(path, MAX_BYTES)
    except TooLargeError as error:
        sink.report(TOO_LARGE, str(error), Span(name))
        return None
    except FileError as error:
        sink.report(UNREADABLE_FILE, f"cannot read {name}: {error}", Span(name))
        return None
    return (parser or parse)(raw, name, sink)


def parse(raw: bytes | str, name: str, sink: Sink) -> Document | None:
    """Parse YAML text; see :func:`read`."""
    text = decoded(raw, name, sink)
    if text is None:
        return None
    control = _CONTROL.search(text)
    if control is not None:
        message = f"the file holds the control character U+{ord(control[0]):04X}"
        sink.report(NOT_TEXT, message, _character(name, text, control.start()))
        return None
    straight = text
    if not text.isascii():
        from ksim_schema.source.straighten import straighten

        straight, changes = straighten(text)
        sink.add(_told(name, text, found) for found in lookalike(text, changes))
    reader = _Reader(name, straight, sink)
    try:
        data = reader.run()
    except _Stop as stop:
        sink.add([stop.diagnostic])
        return None
    except yaml.MarkedYAMLError as error:
        accident = unparsed(error, straight)
        known = _told(name, text, accident) if accident else syntax_error(error, name, straight)
        sink.add([known])
        return None
    return Document(name, text, data, reader.keys, reader.values)


_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not count as printable."""


def _character(name: str, text: str, position: int) -> Span:
    """The place of one character. Line breaks are those of YAML 1.1: also CR, NEL, LS and PS."""
    before = text[:position].replace("\r\n", "\n")
    breaks = [match.end() for match in re.finditer("[\n\r\x85\u2028\u2029]", before)]
    line, column = len(breaks) + 1, len(before) - (breaks[-1] if breaks else 0) + 1
    return Span(name, line, column, line, column + 1)


def _told(name: str, text: str, accident: Accident, path: Path_ = ()) -> Diagnostic:
    """An accident as a diagnostic, at its place in a text."""

    def span(start: int, stop: int) -> Span:
        first, last = _character(name, text, start), _character(name, text, stop)
        return replace(first, end_line=last.line, end_column=last.column)

    where = span(accident.start, accident.stop)
    more = (Edit(span(start, stop), new) for start, stop, new in accident.more)
    edits = (Edit(where, accident.text), *more)
    fix = Fix(accident.help.split(", ")[0], edits, accident.certain)
    return Diagnostic(accident.code, accident.message, where, dotted(path), accident.help, fix)


class _Reader:
    def __init__(self, name: str, text: str, sink: Sink) -> None:
        self.name, self.text, self.sink = name, text, sink
        self.keys: dict[Path_, Span] = {}
        self.values: dict[Path_, Span] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0
        self.mended = 0
        """Where the last slip ends that is put right: up to there, nothing more is read."""

    def run(self) -> Data:
        """The value of the text's one document."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        stack: list[_Frame] = []
        root: list[Any] = []
        events = cast("Iterator[Any]", yaml.parse(self.text, Loader=loader))  # pyright: ignore
        for event in events:
            match event:
                case yaml.DocumentStartEvent() if root:
                    self._stop(INVALID_YAML, "a task file holds one document", event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._check_tag(event)
                    if len(stack) >= MAX_DEPTH:
                        self._stop(TOO_LARGE, f"nested deeper than {MAX_DEPTH} levels", event)
                    if stack and self._wants_key(stack[-1]):
                        self._stop(KEY_NOT_TEXT, "a key must be a string", event)
                    empty: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                    path = self._path(stack)
                    stack.append(_Frame(path, empty, event.start_mark, event.anchor, self.count))
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    frame = stack.pop()
                    value: Any = frame.value
                    if isinstance(event, yaml.SequenceEndEvent):
                        value = tuple(value)
                    size = 1 + self.count - frame.count
                    self._place(stack, root, value, frame.start, event.end_mark, frame.anchor, size)
                case yaml.ScalarEvent():
                    self._check_tag(event)
                    if "\0" in event.value:
                        self._stop(NOT_TEXT, "a string must not hold the character NUL", event)
                    if stack and self._wants_key(stack[-1]):
                        self._key(stack[-1], event)
                    else:
                        value = self._scalar(event, self._path(stack))
                        start, end = event.start_mark, event.end_mark
                        self._place(stack, root, value, start, end, event.anchor)
                case yaml.AliasEvent():
                    if stack and self._wants_key(stack[-1]):
                        self._stop(KEY_NOT_TEXT, "a key must be a string", event)
                    value, size = self._alias(event, self._path(stack))
                    self.count += size
                    self._place(stack, root, value, event.start_mark, event.end_mark, None)
                case _:
                    pass
        return root[0] if root else None

    def _wants_key(self, frame: _Frame) -> bool:
        return isinstance(frame.value, dict) and frame.key is None

    def _path(self, stack: list[_Frame]) -> Path_:
        if not stack:
            return ()
        top = stack[-1]
        step = top.key if isinstance(top.value, dict) else len(top.value)
        if top.skip_value:  # what is below it must not take the places of the first such key
            step = f"{step}\0"
        return (*top.path, step if step is not None else "")

    def _key(self, frame: _Frame, event: yaml.ScalarEvent) -> None:
        frame.key, frame.skip_value = event.value, False
        start = event.start_mark.index
        accident = None if event.style else in_flow(self.text, start, event.value)
        if accident is not None or start < self.mended:
            if accident is not None and start >= self.mended:
                self.sink.add([_told(self.name, self.text, accident, frame.path)])
                self._mended(frame, accident)
            frame.skip_value = True
            return
        span = self._span(event.start_mark, event.end_mark)
        path = (*frame.path, event.value)
        if event.value == "<<":
            help = "write the values out, or use 'extends:'"
            self._report(MERGE_KEY, "merge keys are not supported", span, path, help)
            frame.skip_value = True
        elif event.value in frame.value:
            first = self.keys[path]
            message = f"duplicate key {event.value!r}, first given in line {first.line}"
            self._report(DUPLICATE_KEY, message, span, path, "take one of the two out")
            frame.skip_value = True
        else:
            self.keys[path] = span

    def _place(
        self,
        stack: list[_Frame],
        root: list[Any],
        value: Any,
        start: yaml.Mark,
        end: yaml.Mark,
        anchor: str | None,
        size: int = 1,
    ) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            where = self._span(start, end)
            message = f"the text expands to more than {MAX_VALUES:,} values"
            raise _Stop(Diagnostic(TOO_LARGE, message, where))
        if anchor is not None:
            self.anchors[anchor] = (value, size)
        path = self._path(stack)
        if not stack:
            self.values[path] = self._span(start, end)
            root.append(value)
            return
        top = stack[-1]
        if is_mapping(top.value):
            if not top.skip_value and top.key is not None:
                self.values[path] = self._span(start, end)
                top.value[top.key] = value
            top.key = None
        else:
            self.values[path] = self._span(start, end)
            top.value.append(value)

    def _scalar(self, event: yaml.ScalarEvent, path: Path_) -> str | int | float | bool | None:
        start, stop = event.start_mark.index, event.end_mark.index
        if event.style == '"' and "\\" in self.text[start:stop]:
            found = escapes(self.text, start, stop)
            if found is not None:
                self.sink.add([_told(self.name, self.text, found, path)])
                return found.text[1:-1]
        return resolve(event.value) if event.implicit[0] else event.value

    def _alias(self, event: Any, path: Path_) -> tuple[Any, int]:
        """What an alias stands for, and how many values that is."""
        if event.anchor not in self.anchors:
            found = alias(self.text, event.start_mark.index)
            whole = found is not None and event.end_mark.index == found.stop
            if found is None or not whole or f"&{event.anchor}" in self.text:
                self._stop(INVALID_YAML, f"unknown alias '*{event.anchor}'", event)
            else:
                self.sink.add([_told(self.name, self.text, found, path)])
                return found.text, 1
        return self.anchors[event.anchor]

    def _mended(self, frame: _Frame, accident: Accident) -> None:
        """Put in what was meant by a key that is none."""
        key, _, text = accident.text.partition(":")
        if accident.code is NO_SPACE:
            if key not in frame.value:
                at = accident.start + len(key)
                where = _told(self.name, self.text, replace(accident, stop=at)).where
                self.keys[(*frame.path, key)] = where
                frame.value[key] = resolve(text.strip().strip("\"'"))
        else:
            key, text = next(reversed(frame.value)), accident.text
            if text.startswith("["):
                frame.value[key] = tuple(map(resolve, text[1:-1].split(", ")))
            else:
                frame.value[key] = resolve(text)
        self.values[(*frame.path, key)] = _told(self.name, self.text, accident).where
        self.mended = accident.stop

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            self._stop(YAML_TAG, f"tags such as {event.tag!r} are not supported", event)

    def _span(self, start: yaml.Mark, end: yaml.Mark) -> Span:
        last = (end.line, end.column)
        if end.line > start.line and end.column == 0:  # a block ends where its last line does
            stop = self.text.rfind("\n", 0, end.index) if end.index else 0
            last = (start.line, start.column + max(1, stop - start.index))
        return Span(self.name, start.line + 1, start.column + 1, last[0] + 1, last[1] + 1)

    def _report(self, code: Code, message: str, at: Span, path: Path_, help: str = "") -> None:
        self.sink.report(code, message, at, dotted(path).replace("\0", ""), help)

    def _stop(self, code: Code, message: str, event: Any) -> None:
        where = self._span(event.start_mark, event.end_mark)
        raise _Stop(Diagnostic(code, message, where))


_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")


def resolve(text: str) -> str | int | float | bool | None:
    """A plain scalar by the core schema of YAML 1.2."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def dotted(path: Path_) -> str:
    """``("Observation", "feet", "geoms", 0)`` as ``Observation.feet.geoms[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
