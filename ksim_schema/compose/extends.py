"""Tasks made of other tasks: ``extends``, ``remove`` and ``set``.

A task that extends others is their pushout over shared names: it has the parts of all, and a part
that several have must be the same in each. Bases that extend one task themselves are merged
three ways: what only one of them changed is taken, what two changed differently is a conflict.
Then the task's own parts are added, what it removes is taken out, and what it sets is set.
Each value keeps the file and line that it came from.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ksim_schema.compose.settings import (
    created_mappings,
    replaced_whole,
    unknown_place,
    value_at,
    with_value,
)
from ksim_schema.diagnostics import Code, Sink, Span, did_you_mean, has_errors
from ksim_schema.diagnostics.codes.composition import (
    EXTENDS_CONFLICT,
    EXTENDS_CYCLE,
    MALFORMED_COMPOSITION,
    NOTHING_TO_REMOVE,
    UNREADABLE_BASE_TASK,
)
from ksim_schema.diagnostics.codes.reading import NOT_A_MAPPING, UNREADABLE_FILE
from ksim_schema.records import dataclass
from ksim_schema.source import Document, Path_, dotted, read
from ksim_schema.source.files import start_text
from ksim_schema.source.named import is_packaged
from ksim_schema.source.paths import COMPONENTS, EXTENDS, SET, components_of, folder_of, rebased
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.units import describe

REMOVE = "remove"
KEYS = (EXTENDS, REMOVE, SET)
MAX_DEPTH = 16
"""Longest chain of tasks that extend each other."""
MAX_FILES = 200
"""Most files that a task may be made of."""
NOT_INHERITED = ("ksim", "task", "about")
"""What a task does not take over from those that it extends."""


@dataclass
class Composed:
    """A task with what it extends, removes and sets.

    Attributes:
        document: data without those keys; its places may lie in several files.
        sources: the texts of the bases, by file.
        homes: component file of a base -> the folder that it is in, and how messages call that.
    """

    document: Document
    sources: dict[str, str] = field(default_factory=lambda: {})
    homes: dict[str, tuple[Path, str]] = field(default_factory=lambda: {})


@dataclass(frozen=True)
class _Layer:
    """A task of which all that it extends is applied."""

    data: dict[str, Any]
    keys: dict[Path_, Span]
    values: dict[Path_, Span]
    ancestors: dict[Path, dict[str, Any]]
    """Every file that it is made of -> that file's data with what it extends."""


def compose(document: Document, folder: Path, flat: Collection[str], sink: Sink) -> Composed:
    """Apply ``extends``, ``remove`` and ``set``.

    Args:
        document: the task.
        folder: the folder that its paths are relative to.
        flat: sections that hold fields and no parts.
        sink: where what is wrong is reported.
    """
    if not is_mapping(document.data) or not set(KEYS) & set(document.data):
        return Composed(document)
    composer = _Composer(folder, PurePosixPath(document.file).parent, flat, sink)
    here = (folder / PurePosixPath(document.file).name).resolve()
    layer = composer.layer(document, folder, (here,))
    whole = replace(document, data=layer.data, keys=layer.keys, values=layer.values)
    return Composed(whole, composer.sources, composer.homes)


class _Composer:
    def __init__(self, root: Path, place: PurePosixPath, flat: Collection[str], sink: Sink) -> None:
        self.root, self.place, self.flat, self.sink = root, place, flat, sink
        self.sources: dict[str, str] = {}
        self.homes: dict[str, tuple[Path, str]] = {}
        self._known: dict[Path, _Layer | None] = {}

    def layer(self, document: Document, folder: Path, chain: tuple[Path, ...]) -> _Layer:
        """A document with what it extends, removes and sets; its paths relative to the root."""
        names = self._names(document)
        found = [self._base(document, folder, place, name, chain) for place, name in names]
        bases = [base for base in found if base is not None]
        document = self._rebased(document, folder)
        written: Mapping[str, Any] = document.data
        layer = _Layer({}, {}, {}, {})
        for number, base in enumerate(bases):
            base = replace(
                base, data={k: v for k, v in base.data.items() if k not in NOT_INHERITED}
            )
            layer = base if number == 0 else self._merged(layer, base)
        itself = _Layer(
            {key: value for key, value in written.items() if key not in KEYS},
            document.keys,
            document.values,
            {},
        )
        layer = self._merged(layer, itself) if bases else itself
        first = {key: layer.data[key] for key in NOT_INHERITED if key in layer.data}
        layer = replace(layer, data={**first, **layer.data})
        if None not in found:  # else what is not there may be in what could not be read
            layer = self._set(document, self._removed(document, layer))
        ancestors = {path: data for base in bases for path, data in base.ancestors.items()}
        return replace(layer, ancestors={**ancestors, chain[-1]: layer.data})

    def _rebased(self, document: Document, folder: Path) -> Document:
        """A document with its paths relative to the root, and where its component files are."""
        changed = rebased(document, folder, self.root)
        beside = PurePosixPath(document.file).parent
        names = components_of(document.data), components_of(changed.data)
        for written, name in (p for p in zip(*names, strict=True) if not is_packaged(p[1])):
            inside = name != written or folder.resolve() == self.root.resolve()
            home = (self.root, str(self.place)) if inside else (folder, str(beside))
            other = self.homes.setdefault(name, home)[0]
            if (other / name).resolve() != (home[0] / name).resolve():
                message = f"two files are called {name}: one in {other}, one in {home[0]}"
                help = "give one of them another name"
                self._report(
                    EXTENDS_CONFLICT, message, document.at((COMPONENTS,)), (COMPONENTS,), help
                )
        return changed

    def _names(self, document: Document) -> list[tuple[Path_, str]]:
        """The names of the bases and their places."""
        names = document.data.get(EXTENDS, ())
        listed = names if is_list(names) else (names,)
        found: list[tuple[Path_, str]] = []
        for index, name in enumerate(listed):
            place: Path_ = (EXTENDS, index) if is_list(names) else (EXTENDS,)
            if isinstance(name, str) and name in listed[:index]:
                self._report(
                    MALFORMED_COMPOSITION, f"{name!r} is named twice", document.at(place), place
                )
            elif isinstance(name, str) and name:
                found.append((place, name))
            else:
                message = f"a task to extend is the path of its file, not {describe(name)}"
                self._report(MALFORMED_COMPOSITION, message, document.at(place), place)
        return found

    def _base(
        self, document: Document, folder: Path, place: Path_, name: str, chain: tuple[Path, ...]
    ) -> _Layer | None:
        where = document.at(place)
        given = folder / name
        try:
            path = given.resolve()
        except (OSError, ValueError, RuntimeError):
            self._report(UNREADABLE_BASE_TASK, f"{name!r} is not the path of a file", where, place)
            return None
        if given.suffix not in (".yaml", ".yml"):  # nothing of another file is read and shown
            self._report(
                UNREADABLE_BASE_TASK, f"{name!r} is not a YAML file, as a task is", where, place
            )
            return None
        if path in chain:
            around = " -> ".join(p.name for p in (*chain[chain.index(path) :], path))
            self._report(EXTENDS_CYCLE, f"the tasks extend each other: {around}", where, place)
            return None
        if len(chain) > MAX_DEPTH or len(self._known) >= MAX_FILES:
            size = f"a chain of more than {MAX_DEPTH}"
            if len(chain) <= MAX_DEPTH:
                size = f"more than {MAX_FILES}"
            self._report(EXTENDS_CYCLE, f"the task is made of {size} files", where, place)
            return None
        if path in self._known:
            return self._known[path]
        shown = _shown_name(document.file, name)
        problems = Sink()
        base = read(path, problems, shown)
        unread = next((p for p in problems if p.code == UNREADABLE_FILE), None)
        if unread is not None:
            self._report(UNREADABLE_BASE_TASK, unread.message, where, place)
            return None
        self.sink.add(problems)
        if base is None:
            self.sources[shown] = start_text(path)
            return None
        self.sources[shown] = base.text
        if not is_mapping(base.data):
            message = f"a task is a mapping of sections, not {describe(base.data)}"
            self.sink.report(NOT_A_MAPPING, message, base.at(()))
            return None
        layer = self.layer(base, folder_of(given, base.data), (*chain, path))
        self._known[path] = layer
        return layer

    def _merged(self, first: _Layer, second: _Layer) -> _Layer:
        shared = [path for path in first.ancestors if path in second.ancestors]
        # the last one that both are made of is the nearest
        common = first.ancestors[shared[-1]] if shared else {}
        keys, values = {**first.keys}, {**first.values}
        data = self._merge(first, second, (), first.data, second.data, common, keys, values)
        return _Layer(data, keys, values, {**first.ancestors, **second.ancestors})

    def _merge(
        self,
        first: _Layer,
        second: _Layer,
        path: Path_,
        a: Mapping[str, Any],
        b: Mapping[str, Any],
        common: Mapping[str, Any],
        keys: dict[Path_, Span],
        values: dict[Path_, Span],
    ) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for key in (*a, *(key for key in b if key not in a)):
            here = (*path, key)
            mine, theirs, base = (side.get(key, _ABSENT) for side in (a, b, common))
            if here == (COMPONENTS,) and mine is not _ABSENT and theirs is not _ABSENT:
                merged[key] = _joined(first, second, base, keys, values)
                continue
            if mine == theirs or theirs == base:
                if mine is not _ABSENT:
                    merged[key] = mine
            elif mine == base:
                if theirs is not _ABSENT:
                    merged[key] = theirs
                _take_places(here, second, keys, values)
            elif is_mapping(mine) and is_mapping(theirs) and (len(here) < 2 or is_mapping(base)):
                older = base if is_mapping(base) else {}
                merged[key] = self._merge(first, second, here, mine, theirs, older, keys, values)
            else:
                merged[key] = theirs if mine is _ABSENT else mine
                self._conflict(first, second, here, mine, theirs)
        return merged

    def _conflict(self, first: _Layer, second: _Layer, path: Path_, a: Any, b: Any) -> None:
        # of parts that differ, the first field that does
        while is_mapping(a) and is_mapping(b):
            key = next(k for k in (*a, *b) if a.get(k, _ABSENT) != b.get(k, _ABSENT))
            path, a, b = (*path, key), a.get(key, _ABSENT), b.get(key, _ABSENT)
        before = _place_of(first, path if a is not _ABSENT else path[:-1])
        after = _place_of(second, path if b is not _ABSENT else path[:-1])
        place = f"{before.file}:{before.line}"
        message = f"{dotted(path)} is {_shown_value(b)} here and {_shown_value(a)} in {place}"
        help = f"change what is extended with 'set: {{{dotted(path)}: ...}}'"
        self.sink.report(EXTENDS_CONFLICT, message, after, dotted(path), help)

    def _removed(self, document: Document, layer: _Layer) -> _Layer:
        names = document.data.get(REMOVE, ())
        listed = names if is_list(names) else (names,)
        data = layer.data
        keys, values = dict(layer.keys), dict(layer.values)
        for index, name in enumerate(listed):
            place: Path_ = (REMOVE, index) if is_list(names) else (REMOVE,)
            where = document.at(place)
            if not isinstance(name, str):
                message = f"what is removed is a path such as Reward.torque, not {describe(name)}"
                self._report(MALFORMED_COMPOSITION, message, where, place)
                continue
            path: Path_ = tuple(name.split("."))
            problem = _why_absent(data, path)
            if problem is not None:
                message, help = problem
                self._report(NOTHING_TO_REMOVE, message, where, place, help)
                continue
            data = _without(data, path)
            for places in (keys, values):
                for old in [p for p in places if p[: len(path)] == path]:
                    del places[old]
        return replace(layer, data=data, keys=keys, values=values)

    def _set(self, document: Document, layer: _Layer) -> _Layer:
        settings = document.data.get(SET, {})
        if not is_mapping(settings):
            message = f"'set' maps paths to values, and this is {describe(settings)}"
            self._report(MALFORMED_COMPOSITION, message, document.at((SET,)), (SET,))
            return layer
        data = layer.data
        keys, values = dict(layer.keys), dict(layer.values)
        for name, value in settings.items():
            path: Path_ = tuple(name.split("."))
            where = document.at((SET, name), key=True)
            problem = unknown_place(data, path, where, self.flat)
            if problem is not None:
                self.sink.add([problem])
                continue
            problems = replaced_whole(data, path, value, where, self.flat)
            self.sink.add(problems)
            if has_errors(problems):  # to see what else is wrong, go on as if it were merged
                value = {**value_at(data, path), **value}
            for added in created_mappings(data, path):  # what the path makes is blamed on its line
                keys[added] = where
            data = with_value(data, path, value)
            for old in [p for p in values if p[: len(path)] == path]:
                del values[old]
            depth = len((SET, name))
            for places, given in ((keys, document.keys), (values, document.values)):
                for inner, span in given.items():
                    if inner[:depth] == (SET, name):
                        places[(*path, *inner[depth:])] = span
        return replace(layer, data=data, keys=keys, values=values)

    def _report(self, code: Code, message: str, where: Span, path: Path_, help: str = "") -> None:
        self.sink.report(code, message, where, dotted(path), help)


class _Absent:
    pass


_ABSENT: Any = _Absent()


def _take_places(
    path: Path_, layer: _Layer, keys: dict[Path_, Span], values: dict[Path_, Span]
) -> None:
    """Take the places of a value and of all in it from a layer."""
    for places, given in ((keys, layer.keys), (values, layer.values)):
        for old in [p for p in places if p[: len(path)] == path]:
            del places[old]
        places.update({p: span for p, span in given.items() if p[: len(path)] == path})


def _joined(
    first: _Layer,
    second: _Layer,
    common: Any,
    keys: dict[Path_, Span],
    values: dict[Path_, Span],
) -> tuple[Any, ...]:
    """The component files of both, without what one has taken out of what both are made of."""
    mine, theirs = first.data[COMPONENTS], second.data[COMPONENTS]
    older = common if is_list(common) else ()
    dropped = [name for name in older if name not in mine or name not in theirs]
    joined = tuple(n for n in (*mine, *(n for n in theirs if n not in mine)) if n not in dropped)
    _take_places((COMPONENTS,), first, keys, values)
    for index, name in enumerate(joined):
        layer = first if name in mine else second
        listed = layer.data[COMPONENTS]
        values[COMPONENTS, index] = _place_of(layer, (COMPONENTS, listed.index(name)))
    return joined


def _place_of(layer: _Layer, path: Path_) -> Span:
    """The place of what is at a path, or else of what is nearest around it."""
    while path:
        found = layer.values.get(path) or layer.keys.get(path)
        if found is not None:
            return found
        path = path[:-1]
    return next(iter(layer.values.values()), Span(""))


def _why_absent(data: Mapping[str, Any], path: Path_) -> tuple[str, str] | None:
    """Why there is nothing at a path, and what to write instead; None where there is something."""
    inner: Any = data
    for depth, step in enumerate(path):
        owner = ".".join(map(str, path[:depth])) or "the task"
        if not is_mapping(inner):
            return f"{owner} has no parts", ""
        if step not in inner:
            return f"{owner} has no {step!r}", did_you_mean(str(step), inner, of=f"{owner} has")
        inner = inner[step]
    return None


def _without(data: Mapping[str, Any], path: Path_) -> dict[str, Any]:
    key, *rest = path
    if not rest:
        return {name: value for name, value in data.items() if name != key}
    return {**data, str(key): _without(data[str(key)], tuple(rest))}


def _shown_name(file: str, name: str) -> str:
    """How a base is called in messages: relative to where the task was named from."""
    return os.path.normpath(os.path.join(os.path.dirname(file), name)).replace(os.sep, "/")


def _shown_value(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    return repr(value) if isinstance(value, (str, bool, int, float)) else describe(value)
