"""Random valid tasks: the shipped ones after random edits that leave them valid."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis.strategies as st

from ksim_schema.diagnostics import Sink, has_errors
from ksim_schema.frontend import Checked, check_document
from ksim_schema.graph.canonical import canonical, digests
from ksim_schema.source import parse as parse_source
from ksim_schema.units import QuantityError, parse, text_of

SHIPPED = tuple(
    path
    for path in sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml"))
    if "extends:" not in path.read_text(encoding="utf-8")
)
"""The shipped tasks that are whole in one file."""
FILES = {"scene.xml": b"<mujoco/>"}


def plain(value: Any) -> Any:
    """The data of a source with lists for tuples, to be edited."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, tuple) else value


def source(path: Path) -> dict[str, Any]:
    """The data of a task file as it is written."""
    problems = Sink()
    document = parse_source(path.read_text(encoding="utf-8"), path.name, problems)
    assert document is not None, list(problems)
    return plain(document.data)


def checked(text: str) -> Checked:
    """A task given as text, after all checks that need no robot."""
    problems = Sink()
    document = parse_source(text, "task.yaml", problems)
    assert document is not None, list(problems)
    return check_document(document, Path())


def meaning(value: Checked) -> dict[str, Any]:
    """The canonical data of a valid task, with the digests of a model."""
    assert value.task is not None
    assert value.graph is not None
    assert not has_errors(value.diagnostics), value.diagnostics
    return {**canonical(value.task, value.graph), "files": digests(FILES)}


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all values that hold no others."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    """The value at a path."""
    for step in path:
        data = data[step]
    return data


def replaced(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The data with another value at a path."""
    changed = copy.deepcopy(data)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def other(value: Any, factor: float = 1.25) -> Any:
    """Another value of the same sort."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * factor if value else factor
    if isinstance(value, str):
        try:
            measured = parse(value)
        except QuantityError:
            return value + "x"
        return text_of(float(measured) * factor if measured else factor, measured.dimension)
    return 1


Edit = Callable[[dict[str, Any], st.DrawFn], None]


def _number(data: dict[str, Any], draw: st.DrawFn) -> None:
    path = draw(st.sampled_from(list(leaves(data))))
    value = at(data, path)
    if not isinstance(value, bool) and other(value) != f"{value}x":
        at(data, path[:-1])[path[-1]] = other(value, draw(st.sampled_from((0.5, 0.9, 1.25))))


def _drop(data: dict[str, Any], draw: st.DrawFn) -> None:
    section = data[draw(st.sampled_from(("Reward", "Termination", "Reset", "Observation")))]
    if section:
        del section[draw(st.sampled_from(sorted(section)))]


def _double(data: dict[str, Any], draw: st.DrawFn) -> None:
    section = data[draw(st.sampled_from(("Reward", "Termination", "Reset", "Observation")))]
    if not section:
        return
    section[draw(st.sampled_from(("extra", "more", "on", "b-1")))] = copy.deepcopy(
        section[draw(st.sampled_from(sorted(section)))]
    )


def _rename(data: dict[str, Any], draw: st.DrawFn) -> None:
    sections = ("Reward", "Termination", "Reset", "Policy", "Critic", "PhysicsState")
    object = draw(st.sampled_from(sections))
    section = data[object]
    if not section:
        return
    name = draw(st.sampled_from(sorted(section)))
    to = draw(st.sampled_from(("first", "second", "no", "x_1")))
    data[object] = {to if n == name else n: v for n, v in section.items()}


def _reads(data: dict[str, Any], draw: st.DrawFn) -> None:
    if not data["Observation"]:
        return
    actor = next(iter(data["Policy"].values()))
    names = draw(st.lists(st.sampled_from(sorted(data["Observation"])), min_size=1, unique=True))
    actor["read"] = names


def _judges(data: dict[str, Any], draw: st.DrawFn) -> None:
    if not data["Observation"]:
        return
    judge = next(iter(data["Critic"].values()))["judge"]
    names = st.lists(st.sampled_from(sorted(data["Observation"])), min_size=1, unique=True)
    judge[draw(st.sampled_from(("clean", "noisy")))] = draw(names)


def _prose(data: dict[str, Any], draw: st.DrawFn) -> None:
    data["about"] = draw(st.text("ab '#:\n1-é😀", max_size=8))
    data["task"] = draw(st.sampled_from(("walk", "walk-2", "null_")))


EDITS: tuple[Edit, ...] = (_number, _number, _drop, _double, _rename, _reads, _judges, _prose)


@cache
def shipped(path: Path) -> tuple[dict[str, Any], Checked]:
    """The data of a task file, which is not to be edited in place, and what the checks say."""
    data = source(path)
    return data, checked(json.dumps(data, ensure_ascii=False))


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    """The canonical data of a random valid task."""
    data, good = shipped(draw(st.sampled_from(SHIPPED)))
    for edit in draw(st.lists(st.sampled_from(EDITS), max_size=6)):
        changed = copy.deepcopy(data)
        edit(changed, draw)
        result = checked(json.dumps(changed, ensure_ascii=False))
        if not has_errors(result.diagnostics):
            data, good = changed, result
    return meaning(good)
