"""A file as a study: its own keys, and below ``set`` and ``search`` the values of its task."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from ksim_compiler.editor.files import SUFFIXES, File, Files
from ksim_compiler.editor.findings import Known
from ksim_compiler.editor.shapes import Field, Kind, Shape, kind_of
from ksim_compiler.editor.view import STUDY, View, is_study
from ksim_schema.records import dataclass
from ksim_schema.source import Path_
from ksim_schema.source.named import UnknownTaskError, beside
from ksim_schema.source.paths import SET
from ksim_schema.study import Study
from ksim_schema.study.model import Listed, Range

SEARCH = "search"
PATHS = (SET, SEARCH)
"""Keys below which there are paths of the task."""


@cache
def study() -> Kind:
    """A study as a mapping of its keys."""
    made = kind_of(Study, STUDY)
    fields = [
        replace(field, shape=replace(field.shape, file="task")) if field.name == "task" else field
        for field in made.fields
    ]
    return replace(made, fields=fields)


def searched() -> list[Kind]:
    """What may stand below a path that is searched."""
    return [kind_of(Range, "range"), kind_of(Listed, "choices")]


@dataclass(eq=False)
class StudyView(View):
    """A file as a study. What it says of parts is that of its task."""

    def based_on(self) -> list[str]:
        """The file of its task, where that is no compiled one."""
        path = task_of(self.file)
        if path is None or path.suffix not in SUFFIXES:
            return []
        written = self.word(("task",))
        return [written if written.endswith(SUFFIXES) else str(path)]

    def real(self, path: Path_) -> Path_:
        """The path in the task of what stands below ``set``; any other one is its own."""
        return super().real(path) if path and path[0] == SET else path

    def kinds_at(self, path: Path_) -> list[Kind]:
        if not path:
            return [study()]
        if len(path) == 2 and path[0] == SEARCH:
            given = self.tree.get(*path)
            keys = {entry.key for entry in given.entries} if given is not None else set[str]()
            fitting = [kind for kind in searched() if keys & {f.name for f in kind.fields}]
            return fitting or searched()
        return super().kinds_at(path) if study().field(str(path[0])) is None else self._chosen(path)

    def field_at(self, path: Path_) -> Field | None:
        if len(path) == 1:
            return study().field(str(path[0]))
        return super().field_at(path)

    def shape_at(self, path: Path_) -> Shape | None:
        own = study().field(str(path[0])) if path else None
        if own is None:
            return super().shape_at(path)
        if len(path) == 1:
            return own.shape
        if path[0] == SEARCH and isinstance(path[1], str):  # an end or a choice is a value of it
            shape = super().shape_at(tuple(path[1].split(".")))
            return replace(shape, kinds=searched()) if shape and len(path) == 2 else shape
        *above, last = path
        if isinstance(last, int):
            return self.shape_at(tuple(above))
        found = [kind.field(last) for kind in self.kinds_at(tuple(above))]
        return next((field.shape for field in found if field is not None), None)


def task_of(file: File) -> Path | None:
    """The file of a study's task: beside it, of a package, or one that ships; None for none."""
    node = file.tree.get("task")
    name = node.text if node is not None and node.kind == "scalar" else ""
    if not name or "\0" in name:
        return None
    try:
        return Path(os.path.normpath(beside(name, file.path.parent)))
    except UnknownTaskError:  # as the checker says
        return None


def view_of(file: File, files: Files, known: Known) -> View:
    """A file as what it says that it is: a study, or else a task."""
    return (StudyView if is_study(file) else View)(file, files, known)
