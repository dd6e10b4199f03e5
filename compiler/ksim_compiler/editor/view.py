"""A file as a task: its parts, those that it has from the tasks that it extends, and what may stand
at each of its places.

All that is particular to tasks is here and in what this reads; the tree, the places and the checks
know of YAML alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ksim_compiler.editor.files import File, Files
from ksim_compiler.editor.findings import NOTHING, Known
from ksim_compiler.editor.nodes import Node
from ksim_compiler.editor.shapes import Field, Kind, Shape, kind_of
from ksim_schema.acset import sch_task
from ksim_schema.compose.extends import REMOVE, compose
from ksim_schema.diagnostics import Sink, Span
from ksim_schema.records import dataclass
from ksim_schema.source import Document, Path_
from ksim_schema.source.files import read_as
from ksim_schema.source.paths import COMPONENTS, EXTENDS, SET
from ksim_schema.source.plain import is_mapping
from ksim_schema.task import OPTIONAL_KIND
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.objects import SECTIONS

MORPHISMS, STUDY = "morphisms", "study"
KEYS: dict[str, str] = {
    "ksim": "Version of the language.",
    "task": "Name of the task.",
    "about": "A sentence that says what it is.",
    EXTENDS: "Tasks whose parts this one has as well.",
    COMPONENTS: "Python files that declare components of this task's own.",
    REMOVE: "Parts of the extended tasks that this one has not.",
    SET: "Values of the extended tasks that differ here, by path.",
    MORPHISMS: "Edges written out, instead of in the fields of parts.",
}
"""The keys of a task that are no sections."""
TOP = frozenset((*KEYS, *SECTIONS, *LEARNERS))


def is_task(file: File) -> bool:
    """Whether a file says that it is a task, or a study of one, and so is checked."""
    return any(entry.key in ("task", "ksim", STUDY) for entry in file.tree.entries)


def is_study(file: File) -> bool:
    """Whether a file says that it is a study: it names its task as a task names itself."""
    return file.tree.entry(STUDY) is not None


def is_about_tasks(file: File) -> bool:
    """Whether a file is a task or a fragment of one, or may become one."""
    keys = [entry.key for entry in file.tree.entries if entry.colon >= 0]
    return not keys or any(key in TOP or key == STUDY for key in keys)


@cache
def built_in() -> Mapping[str, Mapping[str, Kind]]:
    """The built-in kinds by object."""
    return {o: {k: kind_of(model) for k, model in kinds.items()} for o, kinds in KINDS.items()}


@cache
def learners() -> Mapping[str, Kind]:
    """The learners by their section."""
    return {name: kind_of(model, name) for name, model in LEARNERS.items()}


@dataclass(eq=False)
class View:
    """A file as a task.

    Attributes:
        file: the file.
        files: the others.
        known: what the last check told of it.
    """

    file: File
    files: Files
    known: Known = field(default_factory=lambda: NOTHING)

    @property
    def tree(self) -> Node:
        return self.file.tree

    @cached_property
    def base(self) -> Document:
        """What the task has from those that it extends, with the places of all of it."""
        names = self.based_on()
        path = self.file.path
        document = Document(path.name, "", {EXTENDS: tuple(names)})
        if not names:
            return Document(path.name, "", {})
        with read_as(self.files.contents()):
            found = compose(document, self.folder, tuple(LEARNERS), Sink()).document
        return found if is_mapping(found.data) else Document(path.name, "", {})

    def based_on(self) -> list[str]:
        """The tasks that it extends, as it writes them."""
        return [node.text for node in (self.tree.get(EXTENDS) or _NONE).texts() if node.text]

    @property
    def folder(self) -> Path:
        """The folder that its paths are relative to."""
        return self.file.path.parent

    def path_of(self, span: Span) -> Path:
        """The file of a place in what it extends."""
        return Path(os.path.normpath(self.folder / span.file))

    def kinds(self, object: str) -> dict[str, Kind]:
        """The kinds of an object, those of the task's own Python files last."""
        return {**built_in().get(object, {}), **self.known.kinds.get(object, {})}

    def parts(self, object: str) -> dict[str, str]:
        """The parts of an object by name -> kind, "" where that is not known."""
        found: dict[str, str] = {}
        inherited = self.base.data.get(object)
        for name, part in (inherited if is_mapping(inherited) else {}).items():
            found[name] = str(part.get("kind", "")) if is_mapping(part) else ""
        for removed in (self.tree.get(REMOVE) or _NONE).texts():
            section, _, name = removed.text.partition(".")
            if section == object:
                found.pop(name, None)
        own = self.tree.get(object)
        for entry in own.entries if own else ():
            kind = entry.value.get("kind")
            if entry.colon >= 0:
                found[entry.key] = kind.text if kind else found.get(entry.key, "")
        if object in OPTIONAL_KIND:
            only = next(iter(KINDS[object]))
            found = {name: kind or only for name, kind in found.items()}
        return found

    def data_at(self, path: Path_) -> Any:
        """The value that a path has from what the task extends; None for none."""
        data: Any = self.base.data
        for step in path:
            if not is_mapping(data) or step not in data:
                return None
            data = data[step]
        return data

    def word(self, path: Path_) -> str:
        """The text at a path: of the file itself, else of what it extends."""
        node = self.tree.get(*path)
        if node is not None and node.kind == "scalar":
            return node.text
        for entry in (self.tree.get(SET) or _NONE).entries:
            steps = entry.key.split(".")
            if tuple(steps) == path[: len(steps)]:
                inner = entry.value.get(*path[len(steps) :])
                if inner is not None and inner.kind == "scalar":
                    return inner.text
        found = self.data_at(path)
        return found if isinstance(found, str) else ""

    def real(self, path: Path_) -> Path_:
        """The path in the whole task of what stands at a path in the file, below ``set`` too."""
        if len(path) > 1 and path[0] == SET and isinstance(path[1], str):
            return (*path[1].split("."), *path[2:])
        return path

    def kind_at(self, path: Path_) -> Kind | None:
        """The kind of the mapping at a path of the whole task, where that is certain."""
        kinds = self.kinds_at(path)
        return kinds[0] if len(kinds) == 1 else None

    def kinds_at(self, path: Path_) -> list[Kind]:
        """The mappings that may stand at a path of the whole task."""
        if not path:
            return []
        head = str(path[0])
        if head in LEARNERS:
            return [learners()[head]] if len(path) == 1 else self._chosen(path)
        if head not in KINDS or len(path) < 2:
            return []
        if len(path) > 2:
            return self._chosen(path)
        kinds = self.kinds(head)
        word = self.word((*path, "kind"))
        if word in kinds:
            return [kinds[word]]
        if head in OPTIONAL_KIND:
            return [next(iter(kinds.values()))]
        return [] if word else list(kinds.values())

    def _chosen(self, path: Path_) -> list[Kind]:
        shape = self.shape_at(path)
        if shape is None:
            return []
        word = self.word((*path, "kind"))
        if not word and isinstance(path[-1], int):
            word = self.word((*path[:-1], "kind"))
        named = [kind for kind in shape.kinds if kind.name == word]
        return named if word and named else list(shape.kinds)

    def field_at(self, path: Path_) -> Field | None:
        """The field at a path of the whole task."""
        steps = list(path)
        while len(steps) > 2 and isinstance(steps[-1], int):
            steps.pop()
        last = steps.pop() if len(steps) > 1 else ""
        for kind in self.kinds_at(tuple(steps)) if last else ():
            found = kind.field(str(last))
            if found is not None:
                return found
        return None

    def shape_at(self, path: Path_) -> Shape | None:
        """What the value at a path of the whole task may be; None where that is not known."""
        head = str(path[0]) if path else ""
        if head == EXTENDS:
            return Shape(file="task", several=True)
        if head == COMPONENTS:
            return Shape(file="python", several=True)
        if head == REMOVE:
            return Shape(path=True, several=True)
        if head == MORPHISMS:
            return _edge_shape(path)
        if len(path) < 2:
            return None
        if path[-1] == "kind":
            return None
        last = path[-1]
        if isinstance(last, int):
            return self.shape_at(path[:-1])
        for kind in self.kinds_at(path[:-1]):
            found = kind.field(last)
            if found is not None:
                return found.shape
        above = self.shape_at(path[:-1]) if len(path) > 3 else None
        if above is not None and above.values is not None:
            return above.values
        return above if above is not None and above.patterned else None

    def names(self, objects: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        """Object, name and kind of the parts of some objects."""
        for object in objects:
            for name, kind in self.parts(object).items():
                yield object, name, kind


def _edge_shape(path: Path_) -> Shape | None:
    """What an end of an edge that is written out may be."""
    hom = sch_task().homs.get(str(path[1])) if len(path) > 1 else None
    if hom is None or len(path) < 4:
        return None
    ends = {"src": hom.dom, "tgt": hom.codom}
    return Shape(objects=(ends[str(path[3])],)) if path[3] in ends else None


_NONE = Node("nothing", 0, 0)
