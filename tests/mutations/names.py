"""Slips in names and parts: misspelt, renamed, dropped, doubled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ksim_schema.source import Path_
from ksim_schema.task import SECTIONS
from tests.mutations.source import (
    REFERENCES,
    WORDS,
    Mutation,
    Source,
    at,
    field_of,
    misspelt,
    mutator,
    with_line,
)


@mutator
def misspell_a_section(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 1 and path[0] in (*SECTIONS, "PPO", "about"):
            yield at(s, "section", path, misspelt(str(path[0]), s.random), key=True)
            yield at(s, "section", path, str(path[0]).lower() + "s", key=True)


@mutator
def misspell_a_field(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) > 2 or (path[0] == "PPO" and len(path) > 1):
            mutation = at(s, "field", path, misspelt(str(path[-1]), s.random), key=True)
            owner = s.document.keys.get(path[:-1])  # the field may be one that is needed
            yield mutation if owner is None else with_line(mutation, owner.line)
            yield at(s, "field", path, str(path[-1]).upper(), key=True)


@mutator
def misspell_a_name(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if isinstance(value, str) and field_of(path) in WORDS and value != ".*":
            yield at(s, "name", path, misspelt(value, s.random))
            yield at(s, "name", path, value + "_2")


@mutator
def rename_a_part(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 2 and path[0] in SECTIONS:
            mutation = at(s, "rename", path, str(path[1]) + "_x", key=True)
            named = s.named(str(path[1]), mutation.text) & references(s, str(path[0]))
            if named:
                yield Mutation("rename", mutation.what, mutation.text, named)


def references(s: Source, object: str) -> frozenset[int]:
    """The lines in which parts of an object are named."""
    return frozenset(
        s.document.values[path].line
        for path, _ in s.leaves()
        if REFERENCES.get(field_of(path)) == object
    )


@mutator
def drop_a_part(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 2 and path[0] in SECTIONS:
            gone = s.part_lines(path)
            named = s.named(str(path[1]), s.text) & references(s, str(path[0]))
            left = frozenset(n if n < gone.start else n - len(gone) for n in named - set(gone))
            if left:
                yield Mutation("drop-part", ".".join(map(str, path)), s.without_lines(gone), left)


@mutator
def drop_a_needed_section(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 1 and path[0] in ("PhysicsState", "Observation", "Action", "Policy"):
            text = s.without_lines(s.part_lines(path))
            every = frozenset(range(1, text.count("\n") + 2))
            yield Mutation("drop-section", str(path[0]), text, every)


NEEDED = {
    ("PhysicsState", "model"),
    ("PhysicsState", "control"),
    ("Action", "gains"),
    ("Reward", "command"),
    ("Termination", "height"),
    ("Termination", "max_tilt"),
    ("Termination", "after"),
    ("Termination", "range"),
    ("Reset", "range"),
    ("Observation", "kind"),
    ("Reward", "kind"),
    ("Action", "kind"),
    ("Command", "kind"),
    ("Termination", "kind"),
    ("Observation", "sensor"),
    ("Observation", "geoms"),
    ("Observation", "period"),
    ("Reward", "sites"),
}


@mutator
def drop_a_needed_field(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 3 and (path[0], path[2]) in NEEDED:
            text = without_field(s, path)
            lines = (s.document.keys[path[:2]].line, s.document.keys[path].line)
            yield Mutation("drop-field", ".".join(map(str, path)), text, frozenset(lines))


def without_field(s: Source, path: Path_) -> str:
    key, value = s.document.keys[path], s.document.values[path]
    if s.lines[key.line - 1][: key.column - 1].strip() == "":
        return s.without_lines(s.part_lines(path))
    first, last = s.offset(key.line, key.column), s.end(value)
    after = re.match(r"\s*,\s*", s.text[last:])
    if after:
        return s.text[:first] + s.text[last + after.end() :]
    before = re.search(r",\s*$", s.text[:first])
    return s.text[: before.start() if before else first] + s.text[last:]
