"""Where what is named at a place is defined: a part, a base task, a name of the robot, a kind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ksim_compiler.editor import formulas
from ksim_compiler.editor.places import Place, place_at
from ksim_compiler.editor.studies import PATHS, task_of
from ksim_compiler.editor.view import View, is_study
from ksim_schema.diagnostics import Span
from ksim_schema.source import Path_
from ksim_schema.source.paths import SET
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.learner import LEARNERS


class Target(NamedTuple):
    """A place in a file; lines and columns count from 1, as a diagnostic's do."""

    path: Path
    span: Span


def define(view: View, offset: int) -> list[Target]:
    """The places that define what is named at an offset."""
    place = place_at(view.tree, view.file.text.text, offset)
    if place is None or place.role == "new" or place.start == place.end:
        return []
    path = view.real(place.path)
    if place.role == "key":
        assert place.entry is not None
        key = place.entry.key
        paths = [(p,) for p in PATHS] if is_study(view.file) else [(SET,)]
        real = tuple(key.split(".")) if place.path in paths else (*path, key)
        if real[-1] == "kind" and place.entry.value.kind == "scalar":
            return of_kind(view, path, place.entry.value.text)
        return of_inherited(view, real)
    return _of_value(view, place, path, offset)


def of_inherited(view: View, path: Path_) -> list[Target]:
    """The place of a value in what the task extends."""
    if len(path) < 2 or path[0] not in (*KINDS, *LEARNERS) or view.data_at(path) is None:
        return []
    span = view.base.at(path, key=True)
    return [Target(view.path_of(span), span)]


def of_part(view: View, object: str, name: str) -> list[Target]:
    """The places of a part: in the file itself, or else in what it extends."""
    entry = view.tree.get(object)
    own = entry.entry(name) if entry is not None else None
    if own is not None:
        return [Target(view.file.path, _span(view, own.start, own.end))]
    return of_inherited(view, (object, name))


def of_kind(view: View, path: Path_, word: str) -> list[Target]:
    """The class of a kind that a task's own Python file declares."""
    for kind in view.kinds_at(path):
        if kind.name == word and kind.declared is not None:
            return [Target(view.path_of(kind.declared), kind.declared)]
    return []


def of_thing(view: View, what: str, name: str, pattern: bool) -> list[Target]:
    """Where the robot's file names something; of a pattern, all that it matches."""
    one = view.known.thing(what, name)
    things = [one] if one is not None else view.known.matching(what, name) if pattern else []
    found: list[Target] = []
    for thing in things:
        if thing.file is not None:
            at = (thing.line, thing.column)
            found.append(Target(thing.file, Span(str(thing.file), *at, *at)))
    return found


def _of_value(view: View, place: Place, path: Path_, offset: int) -> list[Target]:
    node = place.node
    if node is None or node.kind != "scalar" or not path:
        return []
    word = node.text
    if path[-1] == "kind":
        return of_kind(view, path[:-1], word)
    shape = view.shape_at(path)
    if shape is None:
        return []
    if shape.file:
        file = view.known.model if shape.file == "model" else None
        if shape.file == "task" and is_study(view.file):
            target = task_of(view.file)
        else:
            target = Path(os.path.normpath(view.folder / word)) if word else None
        for found in (target, file):
            if found is not None and found.is_file():
                return [Target(found, Span(str(found)))]
        return []
    if shape.path:
        return of_inherited(view, tuple(word.split(".")))
    if shape.formula:
        source = view.file.text.text[node.start : node.end]
        named = formulas.named_at(source, offset - node.start)
        if named is None:
            return []
        what, name = named
        return (
            of_part(view, "Command", name)
            if what == "command"
            else of_thing(view, what, name, False)
        )
    objects = (*shape.objects, *(("Curriculum",) if path[-1] == "curriculum" else ()))
    for object, name, _ in view.names(objects):
        if name == word:
            return of_part(view, object, name)
    if shape.named:
        return of_thing(view, shape.named, word, shape.pattern)
    return of_inherited(view, path) if place.path[0] != SET else []


def _span(view: View, start: int, end: int) -> Span:
    """A stretch of the file with lines and columns from 1."""
    text = view.file.text
    first, last = text.line_of(start), text.line_of(end)
    columns = (start - text.starts[first] + 1, end - text.starts[last] + 1)
    return Span(str(view.file.path), first + 1, columns[0], last + 1, columns[1])
