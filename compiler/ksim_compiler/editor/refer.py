"""References to parts, in a task, in those that it extends and that extend it, and new names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ksim_compiler.editor import formulas
from ksim_compiler.editor.files import File, Files
from ksim_compiler.editor.nodes import Node, walk
from ksim_compiler.editor.places import place_at
from ksim_compiler.editor.studies import PATHS, task_of, view_of
from ksim_compiler.editor.text import Stretch
from ksim_compiler.editor.view import View, is_about_tasks, is_study
from ksim_schema.compose.extends import MAX_DEPTH, REMOVE
from ksim_schema.source import Path_
from ksim_schema.source.flow import scalar
from ksim_schema.source.paths import EXTENDS, SET
from ksim_schema.vocabulary import KINDS

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class RenameError(Exception):
    """A name that a part cannot have. The message says why, in the author's terms."""


class Part(NamedTuple):
    """A part of a task."""

    object: str
    name: str


class Use(NamedTuple):
    """A place in a file that names a part.

    Attributes:
        stretch: the name, without quotation marks.
        declares: whether it is the part itself.
    """

    stretch: Stretch
    declares: bool


def part_at(view: View, offset: int) -> tuple[Part, Stretch] | None:
    """The part that is named at an offset, and the stretch of its name."""
    place = place_at(view.tree, view.file.text.text, offset)
    if place is None or place.role == "new":
        return None
    for part, use in uses_in(view):
        if use.stretch.start <= offset <= use.stretch.end:
            return part, use.stretch
    return None


def uses_in(view: View) -> Iterator[tuple[Part, Use]]:
    """Every place of a file that names a part."""
    text = view.file.text.text
    for path, entry, node in walk(view.tree):
        if len(path) == 2 and path[0] in KINDS and entry is not None and entry.colon >= 0:
            inner = _inner(text, entry.start, entry.end)
            yield Part(str(path[0]), entry.key), Use(inner, True)
        paths = PATHS if is_study(view.file) else (SET,)
        if path[0] in paths and len(path) == 2 and entry is not None:
            yield from _in_path(entry.key, _inner(text, entry.start, entry.end))
        if path[0] == REMOVE and node.kind == "scalar":
            yield from _in_path(node.text, _inner(text, node.start, node.end))
        elif node.kind == "scalar" and path[-1] != "kind":
            yield from _in_value(view, view.real(path), node)


def _inner(text: str, start: int, end: int) -> Stretch:
    """A stretch without the quotation marks around it."""
    if end - start > 1 and text[start] in "\"'" and text[end - 1] == text[start]:
        return Stretch(start + 1, end - 1)
    return Stretch(start, end)


def _in_path(text: str, inner: Stretch) -> Iterator[tuple[Part, Use]]:
    """The part that a path such as ``Reward.linvel.scale`` names."""
    object, dot, rest = text.partition(".")
    name = rest.partition(".")[0]
    if dot and object in KINDS and name:
        start = inner.start + len(object) + 1
        yield Part(object, name), Use(Stretch(start, start + len(name)), False)


def _in_value(view: View, path: Path_, node: Node) -> Iterator[tuple[Part, Use]]:
    shape = view.shape_at(path)
    if shape is None:
        return
    text = view.file.text.text
    if shape.formula:
        for name, start, end in formulas.commands_in(text[node.start : node.end]):
            yield Part("Command", name), Use(Stretch(node.start + start, node.start + end), False)
        return
    objects = (*shape.objects, *(("Curriculum",) if path[-1] == "curriculum" else ()))
    if objects:
        there = [o for o in objects if node.text in view.parts(o)]
        inner = _inner(text, node.start, node.end)
        yield Part((there or list(objects))[0], node.text), Use(inner, False)


def chain(files: Files, path: Path) -> list[Path]:
    """A file and the tasks that it extends, by whatever way."""
    found: list[Path] = []
    waiting = [path]
    while waiting and len(found) < MAX_DEPTH * 8:
        here = waiting.pop(0)
        if here in found:
            continue
        found.append(here)
        file = files.get(here)
        if file is not None and is_study(file):
            task = task_of(file)
            if task is not None:
                waiting.append(task)
            continue
        names = file.tree.get(EXTENDS) if file is not None else None
        for node in names.texts() if names is not None else ():
            if "\0" not in node.text and node.text:
                waiting.append(Path(os.path.normpath(here.parent / node.text)))
    return found


def related(files: Files, view: View, part: Part) -> list[File]:
    """The files that may name a part of a task: what it extends, and what extends that."""
    own = chain(files, view.file.path)
    declaring = {p for p in own if _declares(files.get(p), part)} or {view.file.path}
    found = {view.file.path: view.file}
    for path in own:
        file = files.get(path)
        if file is not None and declaring & set(chain(files, path)):
            found[path] = file
    for file in files.all():
        if is_about_tasks(file) and declaring & set(chain(files, file.path)):
            found.setdefault(file.path, file)
    return list(found.values())


def _declares(file: File | None, part: Part) -> bool:
    section = file.tree.get(part.object) if file is not None else None
    return section is not None and section.entry(part.name) is not None


def references(
    files: Files, view: View, part: Part, views: Mapping[Path, View]
) -> list[tuple[File, Use]]:
    """Every place that names a part, over files.

    Args:
        files: all files.
        view: the file that it was asked in.
        part: the part.
        views: files that are open, with what is known of them.
    """
    found: list[tuple[File, Use]] = []
    for file in related(files, view, part):
        other = _as(file, files, view, views)
        found += [(file, use) for named, use in uses_in(other) if named == part]
    return found


def _as(file: File, files: Files, view: View, views: Mapping[Path, View]) -> View:
    """A file as a task or a study; of one that is not open, with what is known of another."""
    return view if file is view.file else views.get(file.path) or view_of(file, files, view.known)


def renamed(
    files: Files, view: View, part: Part, new: str, views: Mapping[Path, View]
) -> list[tuple[File, Stretch, str]]:
    """The edits that give a part another name: file, stretch, text.

    Raises:
        RenameError: it cannot have this name.
    """
    if not _NAME.fullmatch(new):
        raise RenameError(
            f"{new!r} is no name: use letters, digits, '_' and '-', beginning with a letter"
        )
    if part.name not in view.parts(part.object):
        raise RenameError(f"{part.object} has no {part.name!r}")
    if new == part.name:
        return []
    edits: list[tuple[File, Stretch, str]] = []
    for file in related(files, view, part):
        other = _as(file, files, view, views)
        if new in other.parts(part.object):
            raise RenameError(f"there is a {part.object} {new!r} already, in {file.path.name}")
    for file, use in references(files, view, part, views):
        start, end = use.stretch
        quoted = start > 0 and file.text.text[start - 1] in "\"'"
        edits.append((file, use.stretch, new if quoted else _written(file, start, end, new)))
    return edits


def _written(file: File, start: int, end: int, new: str) -> str:
    """The new name as it stands in YAML: within a path it needs no quotation marks."""
    text = file.text.text
    inside = (start > 0 and text[start - 1] == ".") or text[end : end + 1] == "."
    return new if inside else scalar(new)
