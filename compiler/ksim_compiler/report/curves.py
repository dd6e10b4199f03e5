"""The charts of a run, of its logs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ksim_compiler.learn.run.files import unit_of
from ksim_compiler.plan import Plan
from ksim_compiler.plan.logged import METRIC, SUCCESS, Chart
from ksim_compiler.report.charts import SERIES, Extras, Line, Mark, chart, largest
from ksim_schema.graph import Node
from ksim_schema.vocabulary.metric import Metric

Rows = Sequence[Mapping[str, Any]]
TERM, ENDS, TASK, TRACKING = "reward/", "termination/", "task/", "tracking/"
"""What names of logs begin with."""


def line(rows: Rows, name: str, over: str = "steps") -> list[tuple[float, float]]:
    """What a name of a log was, over another: the steps, or the seconds."""
    pairs = ((row.get(over), row.get(name)) for row in rows)
    return [(x, y) for x, y in pairs if x is not None and y is not None]


def names(rows: Rows, start: str) -> list[str]:
    """The names of a log that begin so, in the order in which they came."""
    found = dict.fromkeys(n for row in (*rows[:1], *rows[-1:]) for n in row if n.startswith(start))
    return [n for n in found if n != f"{TERM}total"]


def marks(metrics: Rows, evaluations: Rows, dumps: Path | None = None) -> list[Mark]:
    """Where something happened: evaluations, changes of the task, what went non-finite."""
    found = [Mark(row["steps"], "evaluation") for row in evaluations]
    for name in names(metrics, TASK):
        values = line(metrics, name)
        moved = [b[0] for a, b in itertools.pairwise(values) if a[1] != b[1]]
        if moved:
            said = name.removeprefix(TASK)
            found.append(Mark(moved[0], f"{said} begins to change", "level"))
            if moved[-1] != moved[0] and moved[-1] != values[-1][0]:
                found.append(Mark(moved[-1], f"{said} has changed", "level"))
    for path in sorted(dumps.glob("*.npz")) if dumps is not None and dumps.is_dir() else ():
        steps = re.match(r"\d+", path.stem)
        if steps:
            found.append(Mark(int(steps[0]), "numbers that are not finite", "bad"))
    return found


def learning(
    metrics: Rows, evaluations: Rows, period: float, longest: int | None, at: Sequence[Mark]
) -> Iterator[str]:
    """Length and return of the episodes, in training and in evaluations."""
    for name, title, unit, scale in (
        ("length", "episode length", "s", period),
        ("return", "episode return", "", 1.0),
    ):
        scaled = [(x, y * scale) for x, y in line(metrics, f"episode/{name}")]
        judged = [(x, y * scale) for x, y in line(evaluations, name)]
        dots = {"training": judged} if judged else {}
        yield chart(title, {"training": scaled}, unit, zero=True, extras=Extras(dots, marks=at))
    failed = line(evaluations, "failed")
    if len(failed) > 1:
        shares = {"evaluations": [(x, 100.0 * y) for x, y in failed]}
        yield chart("episodes that fail", shares, "%", zero=True, extras=Extras(shares))


def following(evaluations: Rows) -> Iterator[str]:
    """Errors of the commanded velocities over the training, by unit."""
    found = names(evaluations, TRACKING)
    for unit in dict.fromkeys(unit_of(name) for name in found):
        of_unit = [name for name in found if unit_of(name) == unit]
        lines = {n.removeprefix(TRACKING): line(evaluations, n) for n in of_unit}
        title = "error of the commanded velocity"
        yield chart(title, lines, unit, zero=True, extras=Extras(lines))


def velocities(found: Mapping[str, Any]) -> Iterator[str]:
    """Commanded against achieved velocity in the newest evaluation."""
    for name, of in found.get("of", {}).items():
        pairs = list(zip(of["told"], of["measured"], strict=False))
        if len(set(of["told"])) < 2:  # it is never asked for: the episode below shows it
            continue
        said = f"achieved, mean of {found['window']:g} s"
        yield chart(
            f"{name}: commanded and achieved",
            {name: pairs},
            of["unit"],
            x=f"commanded ({of['unit']})",
            about=said,
            cloud=True,
        )


def episode(found: Mapping[str, Any]) -> Iterator[str]:
    """Commanded and achieved velocity over the time of one episode of the newest evaluation."""
    for name, of in found.get("of", {}).items():
        paths = {
            word: list(zip(of["seconds"], of[key], strict=False))
            for word, key in (("achieved", "path_measured"), ("commanded", "path_told"))
        }
        yield chart(f"{name} in one episode", paths, of["unit"], zero=True, x="time (s)")


def measures(metrics: Rows, evaluations: Rows, plan: Plan, at: Sequence[Mark]) -> Iterator[str]:
    """A chart of the share of successes, and one of each other metric: training, evaluations."""
    parts = plan.parts(Metric)
    rates = {name: line(metrics, METRIC + name) for name, part in parts.items() if part.success}
    if rates:
        judged = {"all of them": line(evaluations, SUCCESS)} if evaluations else {}
        title = "episodes that are a success"
        yield chart(title, rates, "share", zero=True, extras=Extras(judged, marks=at))
    for name, part in parts.items():
        if part.success:
            continue
        unit = str(plan.units[Node("Metric", name)][0])
        judged = line(evaluations, METRIC + name)
        dots = {"training": judged} if judged else {}
        title = f"{name}, {part.taken} of an episode"
        yield chart(
            title, {"training": line(metrics, METRIC + name)}, unit, extras=Extras(dots, marks=at)
        )


def rewards(metrics: Rows, at: Sequence[Mark]) -> Iterator[str]:
    """The terms beside each other, and their shares in the reward's size."""
    terms = {n.removeprefix(TERM): line(metrics, n) for n in names(metrics, TERM)}
    shown, _ = largest(terms)
    yield chart("reward terms", shown, "per tick", zero=True, extras=Extras(marks=at))
    shares: dict[str, list[tuple[float, float]]] = {name: [] for name in terms}
    for row in metrics:
        values = {name: row.get(TERM + name) or 0.0 for name in terms}
        total = sum(map(abs, values.values())) or 1.0
        for name, value in values.items():
            shares[name].append((row["steps"], 100.0 * abs(value) / total))
    shown, _ = largest(shares)
    title = "share of each term in the reward's size"
    yield chart(title, shown, "%", zero=True, extras=Extras(marks=at))


def each_reward(metrics: Rows, evaluations: Rows) -> Iterator[str]:
    """Each term on an axis of its own, where several share one that does not suit them all."""
    found = names(metrics, TERM)
    for name in found if len(found) > 2 else ():
        judged = line(evaluations, name)
        dots = {"training": judged} if judged else {}
        yield chart(
            name.removeprefix(TERM),
            {"training": line(metrics, name)},
            about="per tick",
            zero=True,
            extras=Extras(dots),
        )


def training(metrics: Rows, charts: Iterable[Chart], at: Sequence[Mark]) -> Iterator[str]:
    """What the learner logs, the throughput, the terminations and the curriculum."""
    for drawn in charts:
        lines: dict[str, Line] = {n: line(metrics, metric) for n, metric in drawn.lines.items()}
        if not drawn.varying or len({value for each in lines.values() for _, value in each}) > 1:
            yield chart(drawn.title, lines, drawn.unit, zero=drawn.zero, extras=Extras(marks=at))
    rates = [
        (b["steps"], (b["steps"] - a["steps"]) / (b["seconds"] - a["seconds"]))
        for a, b in itertools.pairwise(metrics)
        if b["seconds"] > a["seconds"]
    ]
    unit = "environment steps per second"
    yield chart("throughput", {"rate": rates}, unit, zero=True, extras=Extras(marks=at))
    ends = names(metrics, ENDS)
    shares = {n.removeprefix(ENDS): [(x, 100.0 * y) for x, y in line(metrics, n)] for n in ends}
    shown, _ = largest(shares)
    yield chart("terminations", shown, "% of ticks", zero=True, extras=Extras(marks=at))
    levels = names(metrics, TASK)
    for start in range(0, len(levels), SERIES):
        of_group = {n.removeprefix(TASK): line(metrics, n) for n in levels[start : start + SERIES]}
        yield chart("what changes in the task", of_group, zero=True, extras=Extras(marks=at))


def grid(figures: Iterable[str], kind: str = "charts") -> str:
    """Figures beside each other; "" where there is none."""
    found = "".join(figures)
    return f'<div class="{kind}">{found}</div>' if found else ""
