"""Groups of runs: those of one task that differ in their seeds alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ksim_compiler.compare.runs import RunData, line
from ksim_compiler.learn.run.files import Row
from ksim_compiler.learn.run.statistics import interquartile_mean, interval

POINTS = 150
"""Points of a curve over several runs."""
T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """Runs that are trainings of the same.

    Attributes:
        name: what tells it apart from the others.
        runs: in order of their seeds.
    """

    name: str
    runs: tuple[RunData, ...]

    @property
    def seeds(self) -> str:
        """The seeds in short: ``0, 1, 2``."""
        return ", ".join("?" if run.seed is None else str(run.seed) for run in self.runs)


@dataclass(frozen=True)
class Summary:
    """A number over the runs of a group.

    Attributes:
        values: of each run that has it.
        median: of them.
        mean: the interquartile mean.
        low, high: its bootstrap interval of 95%; None of too few runs.
    """

    values: tuple[float, ...]
    median: float
    mean: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary | None:
        """Of numbers; None where there is none."""
        if not values:
            return None
        array = np.asarray(values, np.float64)
        ends = interval(array)
        sure = (None, None) if ends is None else (float(ends[0]), float(ends[1]))
        middle = float(interquartile_mean(array))
        return cls(tuple(values), float(np.median(array)), middle, *sure)


def key(run: RunData) -> tuple[Any, ...]:
    """What runs of a group have in common: task, engine, what they began with, and how long."""
    about = run.about
    task = about.get("fingerprint") or about.get("task")
    return task, about.get("engine"), about.get("from"), about.get("steps")


def grouped(runs: Iterable[RunData]) -> list[Group]:
    """Group runs, in the order in which they come; names say what differs."""
    members: dict[tuple[Any, ...], list[RunData]] = {}
    for run in runs:
        members.setdefault(key(run), []).append(run)
    groups = [tuple(sorted(m, key=lambda r: (r.seed or 0, r.name))) for m in members.values()]
    names = _distinct(_names([found[0] for found in groups]))
    return [Group(name, found) for name, found in zip(names, groups, strict=True)]


def _names(firsts: Sequence[RunData]) -> list[str]:
    """What differs between groups, of one run of each."""
    if len(firsts) == 1:
        return [str(firsts[0].about.get("task") or firsts[0].folder.name)]
    tasks = [str(run.about.get("task", "?")) for run in firsts]
    settings = [[str(text) for text in run.about.get("settings") or ()] for run in firsts]
    common = set(settings[0]).intersection(*settings)
    paths = [text.partition("=")[0] for found in settings for text in found]
    names: list[str] = []
    for run, task, found in zip(firsts, tasks, settings, strict=True):
        parts = [task] if len(set(tasks)) > 1 else []
        parts += [_short(text, paths) for text in found if text not in common]
        for what, word in (("engine", "{}"), ("from", "from {}"), ("steps", "{:,} steps")):
            if len({str(other.about.get(what)) for other in firsts}) > 1:
                value = run.about.get(what)
                if value is not None:
                    parts.append(word.format(value))
        names.append(", ".join(parts) or (task if len(set(tasks)) > 1 else f"{task} as it is"))
    return names


def _short(setting: str, paths: Sequence[str]) -> str:
    """A setting with the last steps of its path that tell it apart from the others."""
    path, _, value = setting.partition("=")
    steps = path.split(".")
    for count in range(1, len(steps)):
        ending = steps[-count:]
        if all(other == path or other.split(".")[-count:] != ending for other in paths):
            return f"{'.'.join(ending)}={value}"
    return setting


def _distinct(names: Sequence[str]) -> list[str]:
    """The names with a number behind those that were there before."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def named(groups: Sequence[Group], labels: Sequence[str]) -> list[Group]:
    """The groups with other names, as far as there are some."""
    names = [*labels, *(group.name for group in groups[len(labels) :])]
    return [replace(group, name=name) for group, name in zip(groups, _distinct(names), strict=True)]


def names_of(groups: Iterable[Group], log: Callable[[RunData], list[Row]]) -> list[str]:
    """The names in the logs of some groups, in the order in which they come."""
    found: dict[str, None] = {}
    for group in groups:
        for run in group.runs:
            for row in (log(run)[:1], log(run)[-1:]):
                found |= dict.fromkeys(name for each in row for name in each)
    return [name for name in found if name not in ("steps", "seconds", "episodes")]


@dataclass(frozen=True)
class Curve:
    """A quantity over the training, of a group.

    Attributes:
        each: of each run, its points.
        mean: the interquartile mean at points that all runs reach.
        band: (x, low, high) of its interval; empty of too few runs.
    """

    each: list[list[tuple[float, float]]]
    mean: list[tuple[float, float]]
    band: list[tuple[float, float, float]]


def curve(
    group: Group, log: Callable[[RunData], list[Row]], name: str, over: str, scale: float = 1.0
) -> Curve | None:
    """A quantity of a group over the steps or the minutes; None where no run has it.

    Points are linear between those of a run. The mean ends where the first run ends.

    Args:
        group: the runs.
        log: which of a run's logs.
        name: of the quantity.
        over: steps, or minutes.
        scale: what it is multiplied by.
    """
    each = [[(x, y * scale) for x, y in line(log(run), name, over)] for run in group.runs]
    each = [points for points in each if points]
    if not each:
        return None
    if len(each) == 1:
        return Curve([], each[0], [])
    start, end = max(p[0][0] for p in each), min(p[-1][0] for p in each)
    if start > end:
        return Curve(each, [], [])
    xs = _places(each, start, end)
    values = np.stack([np.interp(xs, *np.transpose(points)) for points in each])
    mean, ends = interquartile_mean(values), interval(values)
    band = [] if ends is None else list(zip(xs.tolist(), *(e.tolist() for e in ends), strict=True))
    return Curve(each, list(zip(xs.tolist(), mean.tolist(), strict=True)), band)


def _places(each: list[list[tuple[float, float]]], start: float, end: float) -> np.ndarray:
    """Where a mean is taken: at the points of the runs where these are the same and few."""
    same = [x for x, _ in each[0] if start <= x <= end]
    if len(same) <= POINTS and all({x for x, _ in p} >= set(same) for p in each):
        return np.asarray(same)
    return np.linspace(start, end, POINTS)


def folders(groups: Iterable[Group]) -> list[Path]:
    """The folders of all runs."""
    return [run.folder for group in groups for run in group.runs]
