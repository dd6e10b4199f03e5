"""YAML with the tags of Python objects, read as plain data: a tag is a text, and makes nothing.

A document becomes a tree with the line of every value. It is made from the parser's events, so that
no constructor is ever looked up; an alias is the value that it names, once more. What is read is
bounded in size, depth and, with aliases counted as often as they stand, in number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard, cast
from urllib.parse import unquote

import yaml

from ksim_schema.diagnostics import Diagnostic, Span, TaskError
from ksim_schema.diagnostics.codes.robots_program import UNREADABLE_CONFIGURATION
from ksim_schema.source.plain import is_mapping

BYTES, DEPTH, VALUES = 2**21, 64, 200_000
"""The most of a file, of levels in each other, and of values that are read."""

_PYTHON = "tag:yaml.org,2002:python/"
_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    text: value
    for word, value in (("true", True), ("false", False))
    for text in (word, word.capitalize(), word.upper())
}


@dataclass
class Value:
    """A value of a document.

    Attributes:
        data: a scalar, a list of values, or a mapping of texts to values.
        line, column: where it begins, from 1.
        tag: of a Python object, without what all begin with: ``tuple``, ``name:torch.float32``.
        size: how many values it stands for, those in it included.
    """

    data: Any
    line: int
    column: int
    tag: str = ""
    size: int = field(default=1, repr=False)

    def get(self, *path: str) -> Value | None:
        """The value at a path of keys; None where there is none, or nothing (null)."""
        found: Value | None = self
        for key in path:
            found = found.entries.get(key) if found is not None else None
        return None if found is None or found.data is None else found

    @property
    def entries(self) -> dict[str, Value]:
        """The entries of a mapping; {} of another value."""
        return self.data if is_mapping(self.data) else {}

    def items(self) -> Iterator[tuple[str, Value]]:
        """The entries of a mapping that are not null; nothing of another value."""
        yield from ((k, v) for k, v in self.entries.items() if v.data is not None)

    def list(self) -> list[Value]:
        """The values of a list; a value alone is one."""
        return self.data if _is_list(self.data) else [self]

    @property
    def number(self) -> float | None:
        """A finite number, or None."""
        if isinstance(self.data, bool) or not isinstance(self.data, int | float):
            return None
        return float(self.data) if math.isfinite(self.data) else None

    @property
    def text(self) -> str:
        """A text, or ""."""
        return self.data if isinstance(self.data, str) else ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of a list, or the text alone."""
        return tuple(v.text for v in self.list() if v.text)

    @property
    def pair(self) -> tuple[float, float] | None:
        """Two numbers, or None."""
        ends = [v.number for v in self.list()] if isinstance(self.data, list) else []
        if len(ends) != 2 or ends[0] is None or ends[1] is None:
            return None
        return ends[0], ends[1]

    @property
    def function(self) -> str:
        """The last name of a function's path: ``a.b:c``, or of ``!!python/name:a.b.c``."""
        path = self.tag.partition(":")[2] if self.tag.startswith("name:") else self.text
        return "" if "lambda" in path else re.split(r"[.:]", path)[-1]


def read(path: Path) -> Value:
    """The first document of a file.

    Raises:
        TaskError: it is no YAML, or more than is read.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(BYTES + 1)
    if len(data) > BYTES:
        raise _wrong(path, f"it is larger than {BYTES // 2**20} MiB", 1, 1)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong(path, "it is not UTF-8", 1, 1) from None
    try:
        return _read(path, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _wrong(path, error.problem or "it is not YAML", line, column) from None
    except yaml.YAMLError as error:  # a character that YAML has not
        raise _wrong(path, str(error).partition("\n")[0], 1, 1) from None


def _wrong(path: Path, message: str, line: int, column: int) -> TaskError:
    where = Span(str(path), line, column, line, column + 1)
    found = Diagnostic(UNREADABLE_CONFIGURATION, f"this file cannot be read: {message}", where)
    return TaskError([found], {})


def _is_list(data: object) -> TypeGuard[list[Value]]:
    return isinstance(data, list)


@dataclass
class _Open:
    """A list or mapping whose end has not come."""

    value: Value
    anchor: str | None
    key: Value | None = None


def _read(path: Path, text: str) -> Value:
    stack: list[_Open] = []
    anchors: dict[str, Value] = {}
    root: Value | None = None
    for event in cast("Any", yaml).parse(text, Loader=yaml.SafeLoader):
        line: int = event.start_mark.line + 1
        column: int = event.start_mark.column + 1
        kind, anchor = type(event).__name__, None
        if kind == "AliasEvent":
            known = anchors.get(event.anchor)
            if known is None:
                raise _wrong(path, f"no value is called '{event.anchor[:40]}' yet", line, column)
            made = Value(known.data, line, column, known.tag, known.size)
        elif kind == "ScalarEvent":
            made, anchor = _scalar(event, line, column), event.anchor
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            if len(stack) >= DEPTH:
                raise _wrong(path, f"more than {DEPTH} levels in each other", line, column)
            empty: Any = [] if kind == "SequenceStartEvent" else {}
            stack.append(_Open(Value(empty, line, column, _tag(event.tag)), event.anchor))
            continue
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            closed = stack.pop()
            made, anchor = closed.value, closed.anchor
        elif kind == "DocumentEndEvent":
            break
        else:
            continue
        if anchor is not None:
            anchors[anchor] = made
        if not stack:
            root = made
            continue
        _put(stack[-1], made)
        if stack[-1].value.size > VALUES:
            raise _wrong(path, f"more than {VALUES:,} values", line, column)
    return root if root is not None else Value(None, 1, 1)


def _put(parent: _Open, made: Value) -> None:
    """Add a value to the list or mapping that it stands in."""
    parent.value.size += made.size
    if _is_list(parent.value.data):
        parent.value.data.append(made)
    elif parent.key is None:
        parent.key = made
    else:
        key, parent.key = parent.key, None
        name = key.data if isinstance(key.data, str) else str(key.data)[:80]
        parent.value.entries.setdefault(name, made)


def _tag(tag: str | None) -> str:
    return unquote(tag.removeprefix(_PYTHON)) if tag and tag.startswith(_PYTHON) else ""


def _scalar(event: Any, line: int, column: int) -> Value:
    text, tag = event.value, _tag(event.tag)
    data: Any = text
    if event.tag is None and event.style is None:
        if text in _WORDS:
            data = _WORDS[text]
        elif _INTEGER.fullmatch(text) and len(text) < 40:
            data = int(text.replace("_", ""))
        elif _REAL.fullmatch(text):
            data = float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf"))
    return Value(data, line, column, tag)
