"""What an evaluation says, figure by figure: means, units, spreads, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ksim_compiler.env.measures import METRIC, SUCCESS
from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.files import CLIP_UNITS
from ksim_compiler.learn.run.tracking import windows
from ksim_compiler.learn.run.velocities import unit_of
from ksim_compiler.plan import Plan
from ksim_schema.drawing.page import number
from ksim_schema.graph import Node
from ksim_schema.vocabulary.metric import Metric

Z = 1.959963984540054
"""The normal distribution's quantile of a two-sided interval of 95%."""


@dataclass(frozen=True)
class Figure:
    """A figure of an evaluation.

    Attributes:
        name: what it is.
        unit: of all its numbers.
        value: the mean over the episodes; NaN where none has it.
        std: standard deviation over the episodes; None for a share, or where it is not known.
        low, high: an interval of 95% for the mean; None where it is not known.
        clip: the clip of a recorded motion that it is of, "" for all others.
    """

    name: str
    unit: str
    value: float
    std: float | None = None
    low: float | None = None
    high: float | None = None
    clip: str = ""

    def as_json(self) -> dict[str, Any]:
        """For programs; what is not known, or no number, is null."""
        numbers = (self.value, self.std, self.low, self.high)
        value, std, low, high = (None if v is None or not math.isfinite(v) else v for v in numbers)
        return {"value": value, "unit": self.unit, "std": std, "interval": [low, high]}


def figures(result: Evaluation, plan: Plan) -> list[Figure]:
    """The figures of an evaluation, in the order in which they are read.

    Args:
        result: the episodes.
        plan: the task that they were run in.
    """
    found = [_mean("return", "", result.returns)]
    found.append(_mean("length", "s", np.asarray(result.lengths) * plan.period))
    found.append(_share("failed", result.failed))
    parts = plan.parts(Metric)
    if SUCCESS in result.measures:
        found.append(_share("success", _known(result.measures[SUCCESS]) > 0.5))
    found += [_share(f"ended by {name}", held) for name, held in result.ends.items()]
    for name, (told, got) in windows(result.watched, result.alive, plan.period).items():
        found.append(_mean(f"error of {name}", unit_of(name), np.abs(told - got), sure=False))
    for name, values in result.measures.items():
        metric = name.removeprefix(METRIC)
        part = parts.get(metric)
        if part is None:
            continue
        if part.success:
            found.append(_share(metric, _known(values) > 0.5))
        else:
            found.append(_mean(metric, str(plan.units[Node("Metric", metric)][0]), _known(values)))
    return [*found, *clips(result), *_terms(result.terms)]


def clips(result: Evaluation) -> Iterator[Figure]:
    """How each clip of a recorded motion is followed: ``<clip> completed``, and its errors.

    Where a task has several such commands a clip is ``<command>.<clip>``.
    """
    several = len({own.command for own in result.clips}) > 1
    for own in result.clips:
        clip = own.name if several else own.clip
        for figure, values in own.values().items():
            name = f"{clip} {figure.replace('_', ' ')}"
            unit = CLIP_UNITS[figure]
            found = _mean(name, unit, values) if unit else _share(name, values > 0.5)
            yield replace(found, clip=clip)


def clip_table(figures: Iterable[Figure]) -> tuple[list[str], list[list[str]]] | None:
    """The head and the rows of a table by clip; None where there is none."""
    rows: dict[str, list[Figure]] = {}
    for figure in figures:
        if figure.clip:
            rows.setdefault(figure.clip, []).append(figure)
    if not rows:
        return None
    first, *_ = rows.items()
    head = ["clip", *(f"{f.name.removeprefix(first[0]).strip()}\n{f.unit}" for f in first[1])]
    head.insert(2, "95% interval\n%")
    cells: list[list[str]] = []
    for clip, own in rows.items():
        found = [number(figure.value) for figure in own]
        found.insert(1, interval(own[0]))
        cells.append([clip, *found])
    return head, cells


def interval(figure: Figure) -> str:
    """The interval of a figure; "" where it is not known."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{number(figure.low)} to {number(figure.high)}"


def _terms(terms: Mapping[str, Any]) -> list[Figure]:
    return [Figure(f"reward {name}", "per tick", float(value)) for name, value in terms.items()]


def _known(values: Any) -> np.ndarray:
    values = np.asarray(values, np.float64)
    return values[np.isfinite(values)]


def _mean(name: str, unit: str, values: Any, *, sure: bool = True) -> Figure:
    """A mean and its interval by the normal approximation, where its values are independent."""
    values = np.asarray(values, np.float64)
    if not values.size:
        return Figure(name, unit, math.nan)
    mean, std = float(values.mean()), float(values.std())
    if not sure or values.size < 2:
        return Figure(name, unit, mean, std)
    half = Z * float(values.std(ddof=1)) / math.sqrt(values.size)
    return Figure(name, unit, mean, std, mean - half, mean + half)


def _share(name: str, held: Any) -> Figure:
    """A share in percent, and Wilson's score interval (1927): it holds for shares near 0 and 1."""
    held = np.asarray(held, bool)
    n = held.size
    if not n:
        return Figure(name, "%", math.nan)
    share = float(held.mean())
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low = middle - half if share > 0.0 else 0.0  # exactly so, but for rounding
    high = middle + half if share < 1.0 else 1.0
    return Figure(name, "%", 100 * share, None, 100 * low, 100 * high)
