"""From a task in canonical form and a diff to the other task."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ksim_schema.diff.model import ABSENT, Change, Diff, DiffError
from ksim_schema.graph.canonical import in_order, renamed
from ksim_schema.task import SECTIONS


def apply(old: Mapping[str, Any], changes: Diff) -> dict[str, Any]:
    """The task that a diff leads to: ``apply(old, diff(old, new)) == new``.

    Args:
        old: canonical data; it is not changed.
        changes: a diff from it.

    Raises:
        DiffError: the diff is one of another task.
    """
    data = renamed(copy.deepcopy(dict(old)), changes.renames)
    try:
        for change in changes.changes:
            _APPLY[change.subject](data, change)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DiffError("the diff is not one of this task") from error
    for object in (*SECTIONS, "files"):
        if not data.get(object, True):
            del data[object]
    data["morphisms"] = {hom: edges for hom, edges in data["morphisms"].items() if edges}
    return in_order(data)


def _value(data: Any, change: Change, *place: Any) -> None:
    """Set or delete the value at a place."""
    for step in place[:-1]:
        data = data[step]
    if change.new is ABSENT:
        del data[place[-1]]
    else:
        data[place[-1]] = copy.deepcopy(change.new)


def _part(data: dict[str, Any], change: Change) -> None:
    if change.action != "renamed":
        data.setdefault(str(change.place[0]), {})
        _value(data, change, *change.place)


def _wire(data: dict[str, Any], change: Change) -> None:
    hom, src, tgt, port = change.place
    edges: list[Any] = data["morphisms"].setdefault(hom, [])
    edge = {"src": src, "tgt": tgt, **({"port": port} if port else {})}
    if change.action == "born":
        edges.insert(change.new, edge)
    elif edges[change.old] == edge:
        del edges[change.old]
    else:
        raise ValueError(f"{edge} is not at {change.old}")


def _order(data: dict[str, Any], change: Change) -> None:
    edges: list[Any] = data["morphisms"][change.place[0]]
    if sorted(change.new) != list(range(len(edges))):
        raise ValueError("not an order of these edges")
    edges[:] = [edges[index] for index in change.new]


def _file(data: dict[str, Any], change: Change) -> None:
    files = data.setdefault("files", {})
    if change.action == "renamed":
        files[change.new] = files.pop(change.old)
    else:
        _value(files, change, *change.place)


def _head(data: dict[str, Any], change: Change) -> None:
    _value(data, change, *change.place)


_APPLY: dict[str, Callable[[dict[str, Any], Change], None]] = {
    "task": _head,
    "part": _part,
    "wire": _wire,
    "order": _order,
    "learner": _head,
    "file": _file,
}
