"""The paths that a task writes: they are relative to the file that wrote them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ksim_schema.source.named import is_packaged
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.source.yaml_reader import Document

EXTENDS, SET, COMPONENTS = "extends", "set", "components"
FILES = ("model", "file")
"""Fields that name a file."""
SECTIONS = ("PhysicsState", "Reset")
"""Sections whose parts have such fields."""
_PLAIN = ("package:", "menagerie:")
"""How models begin that are not paths."""


def folder_of(path: Path, data: Any) -> Path:
    """The folder that the paths of a task are relative to.

    It is that of the task's file. Of a link it is the folder of what the link leads to, unless more
    of the files that the task names stand beside the link (as in a cache of files by their hash).

    Args:
        path: the file, which may be a link.
        data: what it says.
    """
    if not path.is_symlink():
        return path.parent
    names = written(data)
    beside, target = path.parent, path.resolve().parent
    here, there = (sum(_exists(f / name) for name in names) for f in (beside, target))
    return beside if here > there or (here == there and here == len(names) > 0) else target


def written(data: Any) -> list[str]:
    """The relative paths that a task writes, those of tasks that it extends among them."""
    found: list[str] = []

    def note(name: str) -> str:
        found.append(name)
        return name

    if is_mapping(data):
        _moved(data, note)
        bases = data.get(EXTENDS, ())
        found += [n for n in (bases if is_list(bases) else (bases,)) if isinstance(n, str)]
    return found


def rebased(document: Document, old: Path, new: Path) -> Document:
    """A document whose paths of files, relative to one folder, are relative to another."""
    start, end = old.resolve(), new.resolve()

    def moved(name: str) -> str:
        if start == end:
            return name if ".." in name.split("/") else posixpath.normpath(name)
        return Path(os.path.relpath(start / name, end)).as_posix()

    def component(name: str) -> str:
        """A file above the new folder is called as the old one calls it."""
        path = moved(name)
        return posixpath.normpath(name) if path.startswith("../") else path

    return replace(document, data=_moved(document.data, moved, component))


def components_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The component files that a task lists, without what is not a name."""
    files = data.get(COMPONENTS, ())
    listed = files if is_list(files) else (files,)
    return tuple(name for name in listed if isinstance(name, str))


def _moved(
    data: Mapping[str, Any],
    moved: Callable[[str], str],
    component: Callable[[str], str] | None = None,
) -> dict[str, Any]:
    """A task's data with its relative paths changed; tasks that it extends stay as they are."""
    changed = dict(data)
    for section in SECTIONS:
        if is_mapping(data.get(section)):
            changed[section] = {n: _in_part(p, moved) for n, p in data[section].items()}
    if is_mapping(data.get(SET)):
        changed[SET] = {path: _in_setting(path, v, moved) for path, v in data[SET].items()}
    if COMPONENTS in data:
        files = data[COMPONENTS]
        listed = files if is_list(files) else (files,)
        changed[COMPONENTS] = tuple(
            name if isinstance(name, str) and is_packaged(name) else _path(name, component or moved)
            for name in listed
        )
    return changed


def _in_setting(path: str, value: Any, moved: Callable[[str], str]) -> Any:
    steps = path.split(".")
    if steps[0] not in SECTIONS:
        return value
    return _in_part({steps[-1]: value}, moved)[steps[-1]]


def _in_part(part: Any, moved: Callable[[str], str]) -> Any:
    if not is_mapping(part):
        return part
    inner = {k: _in_part(v, moved) for k, v in part.items()}
    return {k: _path(v, moved) if k in FILES else v for k, v in inner.items()}


def _path(name: Any, moved: Callable[[str], str]) -> Any:
    if not isinstance(name, str) or not name or name.startswith(_PLAIN) or os.path.isabs(name):
        return name
    return moved(name) if "\0" not in name else name


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
