"""A good task with its places, and what edits one of them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from ksim_schema.diagnostics import Sink, Span
from ksim_schema.source import Document, Path_, parse

READ = 12
"""How many lines of a task are edited in a way that has to be read to know what it did."""


@dataclass(frozen=True)
class Mutation:
    """One edit of a task.

    Attributes:
        sort: what was done, for example ``swap-unit``.
        what: the place and the edit, for messages.
        text: the broken task.
        lines: where a report is at the right place.
    """

    sort: str
    what: str
    text: str
    lines: frozenset[int]


@cache
def document_of(text: str) -> Document:
    """A good task, read once for all that is done to it."""
    problems = Sink()
    document = parse(text, "task.yaml", problems)
    assert document is not None, problems
    return document


class Source:
    """A good task with its places."""

    def __init__(self, text: str, random: random.Random) -> None:
        self.text, self.document, self.random = text, document_of(text), random
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def value(self, path: Path_) -> Any:
        value = self.document.data
        for step in path:
            value = value[step]
        return value

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column - 1

    def leaves(self) -> Iterator[tuple[Path_, Any]]:
        """The scalars with their paths."""
        for path in self.document.values:
            value = self.value(path)
            if not isinstance(value, dict | tuple):
                yield path, value

    def lists(self) -> Iterator[tuple[Path_, tuple[Any, ...]]]:
        for path in self.document.values:
            value = self.value(path)
            if isinstance(value, tuple):
                yield path, value

    def replaced(self, span: Span, new: str) -> str:
        first = self.offset(span.line, span.column)
        return self.text[:first] + new + self.text[self.end(span) :]

    def end(self, span: Span) -> int:
        """Where a span ends. That of a block counts its characters from its first line."""
        end = self.offset(span.end_line, span.end_column)
        return min(end, len(self.text))

    def named(self, name: str, text: str) -> frozenset[int]:
        """The lines of a text in which a name stands as a word, and not as a key."""
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-]|:)")
        return frozenset(
            number
            for number, line in enumerate(text.splitlines(), start=1)
            if word.search(line.split("  #")[0])
        )

    def part_lines(self, path: Path_) -> range:
        """The lines of a part, or of a section."""
        key = self.document.keys[path]
        indent = key.column - 1
        last = key.line
        for number in range(key.line + 1, len(self.lines) + 1):
            line = self.lines[number - 1]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            if line.strip():
                last = number
        return range(key.line, last + 1)

    def without_lines(self, lines: range) -> str:
        return "".join(x for n, x in enumerate(self.lines, start=1) if n not in lines)


Mutator = Callable[[Source], Iterator[Mutation]]
MUTATORS: dict[str, Mutator] = {}


def mutator(function: Mutator) -> Mutator:
    MUTATORS[function.__name__.replace("_", "-")] = function
    return function


def at(source: Source, sort: str, path: Path_, new: str, *, key: bool = False) -> Mutation:
    """The value (or key) at a path replaced."""
    span = (source.document.keys if key else source.document.values)[path]
    text = source.replaced(span, new)
    what = f"{'.'.join(map(str, path))}{' (key)' if key else ''} -> {new[:40]}"
    return Mutation(sort, what, text, frozenset((span.line,)))


def misspelt(name: str, random: random.Random) -> str:
    """A name with a slip of the fingers in it."""
    place = random.randrange(len(name))
    other = random.choice("qzxjk")
    slips = [name[:place] + other + name[place:], name[:place] + other + name[place + 1 :]]
    if len(name) > 3:
        slips.append(name[:place] + name[place + 1 :])
        swapped = max(0, place - 1)
        slips.append(name[:swapped] + name[swapped : swapped + 2][::-1] + name[swapped + 2 :])
    wrong = [slip for slip in slips if slip != name and slip[0].isalpha()]
    return random.choice(wrong or [name + "q"])


QUANTITY = re.compile(r"([-+.\de]+) (\S+)")
NAMES = frozenset(
    ("geoms", "with", "sensor", "sensors", "body", "bodies", "site", "sites", "keyframe", "joints")
)
REFERENCES = {
    "act": "Action",
    "read": "Observation",
    "clean": "Observation",
    "noisy": "Observation",
    "contact": "Observation",
    "obey": "Command",
    "command": "Command",
}
WORDS = frozenset(("kind", "relative_to", "around", "frame", "activation", *NAMES, *REFERENCES))
PROSE = frozenset(("about", "task", "model"))


def field_of(path: Path_) -> str:
    return str(next(step for step in reversed(path) if isinstance(step, str)))


def with_line(mutation: Mutation, *lines: int) -> Mutation:
    lines_ = mutation.lines.union(lines)
    return Mutation(mutation.sort, mutation.what, mutation.text, lines_)


def edited(s: Source, sort: str, number: int, new: str, *lines: int) -> Mutation:
    text = "".join([*s.lines[: number - 1], new, *s.lines[number:]])
    return Mutation(sort, f"line {number}", text, frozenset((number, *lines)))
