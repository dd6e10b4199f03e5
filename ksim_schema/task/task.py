"""A task: sections of parts, validated one by one so that each problem finds its place.

Sections are named as the schema's objects; an entry is a part; ``kind`` names the declared
component. Loading reports every problem and keeps what is valid, so that later checks can go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar, overload

from pydantic import ValidationError

from ksim_schema.custom.api import OPEN
from ksim_schema.custom.files import KEY as COMPONENTS, Components
from ksim_schema.diagnostics import (
    Code,
    Diagnostic,
    Fix,
    Related,
    Sink,
    Span,
    closest,
    did_you_mean,
)
from ksim_schema.diagnostics.codes.reading import NOT_A_MAPPING
from ksim_schema.diagnostics.codes.structure import (
    BAD_NAME,
    LANGUAGE_VERSION_UNKNOWN,
    MISSING_KIND,
    MISSING_SECTION,
    UNKNOWN_FIELD,
    UNKNOWN_KIND,
    UNKNOWN_SECTION,
    WRONG_TYPE,
)
from ksim_schema.diagnostics.codes.values import TWO_LEARNERS
from ksim_schema.records import dataclass
from ksim_schema.source import Document, Path_, dotted
from ksim_schema.source.edits import respell, respell_as, rewrite
from ksim_schema.source.plain import is_mapping
from ksim_schema.task.validation import problems_of
from ksim_schema.units import describe
from ksim_schema.vocabulary import KINDS, Part
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.learner import LEARNERS, Learner, usual
from ksim_schema.vocabulary.networks import Network
from ksim_schema.vocabulary.objects import OBJECTS, SECTIONS
from ksim_schema.vocabulary.state import Robot

LANGUAGE_VERSION = 1
HEADER = ("ksim", "task", "about", COMPONENTS)
OPTIONAL_KIND = frozenset(name for name, kinds in KINDS.items() if len(kinds) == 1) - OPEN
"""Objects with one component, built-in or not, whose ``kind`` need not be written."""
REQUIRED = tuple(row.name for row in OBJECTS if row.least)
"""Sections that a task must have; that of the critic only where its learner trains one."""

P = TypeVar("P", bound=Part)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NAME_HELP = "use letters, digits, '_' and '-', beginning with a letter"
_SYSTEM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Task:
    """A task as validated parts.

    Attributes:
        name: its name.
        about: a sentence that says what it is.
        parts: object -> name -> part, in the author's order.
        learner: how it is trained.
        folder: the folder that model paths are relative to.
        document: where it was read from.
        components: its component files, and the kinds that it may use with them.
    """

    name: str
    about: str
    parts: Mapping[str, Mapping[str, Part]]
    learner: Learner
    folder: Path
    document: Document = field(compare=False, repr=False)
    components: Components = field(default=Components(), repr=False)

    @property
    def complete(self) -> bool:
        """Whether every part that is written was read: else parts may seem to be unused."""
        written = self.document.data
        return all(
            is_mapping(written.get(object, {}))
            and len(written.get(object, {})) == len(self.of(object))
            for object in written
            if object in KINDS
        ) and known_keys().issuperset(written)

    @overload
    def of(self, object: type[P]) -> Mapping[str, P]: ...

    @overload
    def of(self, object: str) -> Mapping[str, Part]: ...

    def of(self, object: str | type[Part]) -> Mapping[str, Part]:
        """The parts of an object by name.

        Args:
            object: its name, or the class that all its kinds derive from (``Reward``).
        """
        return self.parts.get(object if isinstance(object, str) else object.object, {})

    @property
    def robot(self) -> str:
        """The name of its robot, of which a task that can be compiled has one."""
        return next(iter(self.of(Robot)))

    @property
    def policy(self) -> Actor:
        """Its policy, of which a task that can be compiled has one."""
        return next(iter(self.of(Actor).values()))

    @property
    def critic(self) -> ValueCritic | None:
        """Its critic, which a learner may do without."""
        return next(iter(self.of(ValueCritic).values()), None)

    def networks(self) -> dict[tuple[str, str], Network]:
        """The networks of its policy and critic, by object and name of the part."""
        parts = [(part.object, name, part.network) for name, part in self.of(Actor).items()]
        parts += [(part.object, name, part.network) for name, part in self.of(ValueCritic).items()]
        return {(object, name): network for object, name, network in parts}

    def mirror_uses(self) -> list[tuple[str, ...]]:
        """The fields that need to know the robot's left and right."""
        learns = [(self.learner.section, "mirror")] if self.learner.mirrored else []
        commute = [
            (*part, "network", "symmetric") for part, n in self.networks().items() if n.mirrored
        ]
        return [*learns, *commute]

    def __iter__(self) -> Iterator[tuple[str, str, Part]]:
        """Object, name and part of every part."""
        for object, parts in self.parts.items():
            for name, part in parts.items():
                yield object, name, part

    def span(self, *path: str | int, key: bool = False) -> Span:
        """The place of a value (or key) in the source."""
        return self.document.at(path, key=key)

    def report(
        self,
        code: Code,
        message: str,
        *path: str | int,
        help: str = "",
        fix: Fix | None = None,
        related: tuple[Related, ...] = (),
    ) -> Diagnostic:
        """A diagnostic about the value at a path (of a single value, if it is not a list there)."""
        path = self._written(path)
        return Diagnostic(code, message, self.span(*path), dotted(path), help, fix, related)

    def respell_as(self, name: str, choices: Iterable[str], *path: str | int) -> Fix | None:
        """The repair of a name at a path, where it can only be one of those in the task."""
        return respell_as(self.document, self.span(*self._written(path)), name, choices)

    def respell(self, old: str, new: str, *path: str | int) -> Fix | None:
        """The repair of a text at a path."""
        return respell(self.document, self.span(*self._written(path)), old, new)

    def _written(self, path: Path_) -> Path_:
        while path and isinstance(path[-1], int) and path not in self.document.values:
            path = path[:-1]
        return path

    def report_key(self, code: Code, message: str, *path: str | int, help: str = "") -> Diagnostic:
        """A diagnostic about the key at a path."""
        return Diagnostic(code, message, self.span(*path, key=True), dotted(path), help)


def load(
    document: Document, folder: Path, sink: Sink, components: Components | None = None
) -> Task | None:
    """Validate a document as a task.

    Args:
        document: the source.
        folder: the folder that paths in it are relative to.
        sink: where what is wrong is reported.
        components: its component files.

    Returns:
        The task made of all valid parts, or None when there is nothing to go on with. An invalid
        part is left out of the task.
    """
    data = document.data
    if not is_mapping(data):
        help = "a task starts with 'ksim: 1' and 'task: <name>'"
        message = f"a task is a mapping of sections, not {describe(data)}"
        sink.report(NOT_A_MAPPING, message, document.at(()), help=help)
        return None
    _check_header(document, data, sink)
    misspelt = _check_sections(document, data, sink)
    learner = _learner(document, data, sink)
    for section in required(learner):
        if section not in data and section not in misspelt:
            message = f"the task has no section {section!r}"
            sink.report(MISSING_SECTION, message, _first_line(document))
    components = components or Components()
    parts = {
        section: dict(_load_section(document, section, data[section], components, sink))
        for section in SECTIONS
        if section in data
    }
    name, about = data.get("task"), data.get("about", "")
    task = Task(
        name if isinstance(name, str) else "task",
        about if isinstance(about, str) else "",
        parts,
        learner,
        folder,
        document,
        components,
    )
    return task


def known_keys() -> frozenset[str]:
    """The keys of a task."""
    return frozenset((*HEADER, *SECTIONS, *LEARNERS, "morphisms"))


def required(learner: Learner | type[Learner]) -> tuple[str, ...]:
    """The sections that a task with this learner must have."""
    return tuple(name for name in REQUIRED if name != "Critic" or learner.critic)


def _learner(document: Document, data: Mapping[str, Any], sink: Sink) -> Learner:
    """The learner that a task names, or the usual one with its defaults."""
    named = [key for key in data if key in LEARNERS]
    for other in named[1:]:
        message = f"a task has one learner, and this one has {named[0]} as well"
        help = f"keep one of the sections {' and '.join(named)}"
        help += "; 'remove' takes one out of what a task extends"
        where = document.at((other,), key=True)
        sink.report(TWO_LEARNERS, message, where, other, help)
    kind = LEARNERS[named[0]] if named else usual()
    written = data.get(kind.section)
    learner = _validate(document, (kind.section,), {} if written is None else written, kind, sink)
    return kind() if learner is None else learner


def _check_sections(document: Document, data: Mapping[str, Any], sink: Sink) -> set[str]:
    """Report unknown sections; returns those that were probably meant."""
    meant: set[str] = set()
    last = ""
    for key in data:
        if key in known_keys():
            last = key
            continue
        help = did_you_mean(key, (*SECTIONS, *LEARNERS, "morphisms"), of="sections", limit=20)
        if key == "study" and "search" in data:
            help = f"this is a study, which is no task: ksim-sweep --check {document.file}"
        if last in SECTIONS and data[last] is None:
            help = f"indent it if it is a part of {last}; {help}"
        meant.update(closest(key, known_keys()))
        where = document.at((key,), key=True)
        free = [name for name in known_keys() if name not in data]
        fix = respell_as(document, where, key, free)
        message = f"unknown section {key!r}"
        sink.report(UNKNOWN_SECTION, message, where, help=help, fix=fix)
    return meant


def _first_line(document: Document) -> Span:
    lines = document.text.splitlines()
    return Span(document.file, 1, 1, 1, len(lines[0]) + 1 if lines else 2)


def _header(document: Document, key: str) -> Span:
    """The place of a key of the header, or the first line when it is not there."""
    return document.keys.get((key,)) or _first_line(document)


def _check_header(document: Document, data: Mapping[str, Any], sink: Sink) -> None:
    version = data.get("ksim")
    if version is None:
        message, help = "the task does not say its language version", "add 'ksim: 1'"
        sink.report(LANGUAGE_VERSION_UNKNOWN, message, _header(document, "ksim"), help=help)
    elif isinstance(version, bool) or version != LANGUAGE_VERSION:
        shown = repr(version) if isinstance(version, str) else describe(version)
        message = (
            f"the language version is {LANGUAGE_VERSION}, not {shown.removeprefix('the number ')}"
        )
        sink.report(LANGUAGE_VERSION_UNKNOWN, message, document.at(("ksim",)), "ksim")
    name = data.get("task")
    if name is None:
        message, help = "the task has no name", "add 'task: <name>'"
        sink.report(MISSING_SECTION, message, _header(document, "task"), help=help)
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        shown = repr(name) if isinstance(name, str) else describe(name)
        where = document.at(("task",))
        sink.report(BAD_NAME, f"{shown} is not a name", where, "task", _NAME_HELP)
    if not isinstance(data.get("about", ""), str):
        message = f"expected a string, not {describe(data['about'])}"
        sink.report(WRONG_TYPE, message, document.at(("about",)), "about")


def _load_section(
    document: Document, section: str, data: Any, own: Components, sink: Sink
) -> Iterator[tuple[str, Part]]:
    if not is_mapping(data):
        message = f"a section maps names to parts; this is {describe(data)}"
        help = (
            "write its parts below it, indented, or leave the section out" if data is None else ""
        )
        sink.report(NOT_A_MAPPING, message, document.at((section,)), section, help)
        return
    pattern = _SYSTEM_NAME if section == "Trajectory" else _NAME
    for name, written in data.items():
        path = (section, name)
        if not pattern.fullmatch(name):
            where = document.at(path, key=True)
            message = f"{name!r} is not a name"
            sink.report(BAD_NAME, message, where, section, _NAME_HELP)
            continue
        value: Any = {} if written is None and section in OPTIONAL_KIND else written
        if not is_mapping(value):
            message = f"a part is a mapping such as {{kind: ...}}, not {describe(value)}"
            known = isinstance(value, str) and value in own.kinds[section]
            help = f"write {{kind: {value}}}" if known else ""
            where = document.at(path)
            fix = rewrite(document, where, f"{{kind: {value}}}") if known else None
            sink.report(NOT_A_MAPPING, message, where, dotted(path), help, fix=fix)
            continue
        kind = _kind(document, section, path, value, own, sink)
        if kind is not None:
            part = _validate(document, path, value, kind, sink)
            if part is not None:
                yield name, part


def _kind(
    document: Document,
    section: str,
    path: Path_,
    data: Mapping[str, Any],
    own: Components,
    sink: Sink,
) -> type[Part] | None:
    kinds = own.kinds[section]
    if "kind" not in data:
        if section in OPTIONAL_KIND:
            return next(iter(kinds.values()))
        misspelt = next((key for key in data if closest(key, ("kind",))), None)
        if misspelt is not None:
            where = document.at((*path, misspelt), key=True)
            message, help = f"unknown field {misspelt!r}", "did you mean 'kind'?"
            value = data[misspelt]
            certain = isinstance(value, str) and value in kinds
            fix = respell(document, where, misspelt, "kind", certain=certain)
            sink.report(UNKNOWN_FIELD, message, where, dotted(path), help, fix=fix)
            return None
        where = document.at(path, key=True)
        help = "add 'kind:'; " + did_you_mean(str(path[-1]), kinds, of=f"kinds of {section}")
        message = f"{path[-1]!r} does not say its kind"
        sink.report(MISSING_KIND, message, where, dotted(path), help)
        return None
    kind = data["kind"]
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind]
    path = (*path, "kind")
    if isinstance(kind, str) and own.broken:
        return None  # it may be one that a component file with a mistake declares
    if isinstance(kind, str):
        message, help = (
            f"unknown kind {kind!r}",
            did_you_mean(kind, kinds, of=f"kinds of {section}"),
        )
        elsewhere = [o for o, names in own.kinds.items() if kind in names]
        if elsewhere:
            help = f"{kind!r} is a kind of {elsewhere[0]}; {help}"
    else:
        message, help = f"a kind is a string, not {describe(kind)}", ""
    fix = respell_as(document, document.at(path), str(kind), kinds)
    sink.report(UNKNOWN_KIND, message, document.at(path), dotted(path), help, fix=fix)
    return None


def _validate(
    document: Document, path: Path_, data: Any, model: type[Any], sink: Sink
) -> Any | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        sink.add(problems_of(error, document, path, data, model))
        return None
