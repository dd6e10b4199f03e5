"""All values of a study's trials at once: an axis for each, and a line a trial through all of them.

Parallel coordinates (Inselberg 1985), turned: the axes lie below each other, each as wide as there
is room, so that many of them fit on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from ksim_compiler.compare.study import Param, StudyData, Trial
from ksim_compiler.report.charts import SIZE
from ksim_schema.drawing.page import number

ROW = 5.0
"""Height of an axis with its name, in the text's own units."""
SHARE = 10
"""The best one of so many trials are told apart from the others."""


@dataclass(frozen=True)
class _Axis:
    """Where values are along an axis, from 0 to 1.

    Attributes:
        name: of it.
        ends: what stands at its ends, or at each choice: where, and what.
        places: number of a trial -> where it is.
    """

    name: str
    ends: tuple[tuple[float, str], ...]
    places: dict[int, float]


def parallel(study: StudyData) -> str:
    """A figure of the trials that were trained to their end; "" of too few, or of one value."""
    done = study.best
    if len(done) < 2 or len(study.params) < 2:
        return ""
    axes = [_axis(param, done) for param in study.params]
    goal = f"{study.goal} ({study.unit})" if study.unit else study.goal
    axes.append(_numbers(goal, {t.number: t.value or 0.0 for t in done}, log=False))
    best = {trial.number for trial in done[: max(1, len(done) // SHARE)]}
    lines = [_line(axes, trial, best=False) for trial in done if trial.number not in best]
    lines += [_line(axes, trial, best=True) for trial in reversed(done) if trial.number in best]
    rails = (f'<path class="axis" d="M0,{_down(i)}H{SIZE}"/>' for i in range(len(axes)))
    height = len(axes) * SIZE // 10
    said = "the best trial" if len(best) == 1 else f"the {len(best)} best trials"
    title = f"every trial, from what was drawn to its {study.goal}"
    return (
        f'<figure class="chart parallel"><figcaption>{escape(title)}</figcaption>'
        f'<div class="lanes" style="height:{ROW * len(axes):.1f}rem">'
        f'<svg viewBox="0 0 {SIZE} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}">{"".join(rails)}{"".join(lines)}</svg>'
        f"{''.join(_words(axes))}</div>"
        f'<ul class="legend"><li class="s0">{said}</li><li class="rest">the others</li></ul>'
        "</figure>"
    )


def _axis(param: Param, trials: Sequence[Trial]) -> _Axis:
    drawn = {t.number: t.drawn[param.path] for t in trials if param.path in t.drawn}
    if not param.choices:
        values = {n: float(value) for n, value in drawn.items()}
        return _numbers(param.named, values, log=param.log)
    last = max(1, len(param.choices) - 1)
    ends = tuple((i / last, text) for i, text in enumerate(param.choices))
    where = {text: share for share, text in ends}
    return _Axis(param.path, ends, {n: where[str(value)] for n, value in drawn.items()})


def _numbers(name: str, values: dict[int, float], *, log: bool) -> _Axis:
    """An axis from the least to the largest of some numbers."""
    finite = {n: v for n, v in values.items() if math.isfinite(v) and (v > 0.0 or not log)}
    if not finite:
        return _Axis(name, (), {})
    low, high = min(finite.values()), max(finite.values())
    if low == high:
        return _Axis(name, ((0.5, number(low)),), dict.fromkeys(finite, 0.5))

    def along(value: float) -> float:
        if log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    name = f"{name}, logarithmic" if log else name
    places = {n: along(value) for n, value in finite.items()}
    return _Axis(name, ((0.0, number(low, 3)), (1.0, number(high, 3))), places)


def _down(row: int) -> int:
    return row * SIZE // 10 + SIZE // 20


def _line(axes: Sequence[_Axis], trial: Trial, *, best: bool) -> str:
    """A trial's way through the axes."""
    points = [
        f"{SIZE * axis.places[trial.number]:.1f},{_down(i)}"
        for i, axis in enumerate(axes)
        if trial.number in axis.places
    ]
    kind = "s0" if best else "rest faint"
    said = f"trial {trial.number}: {number(trial.value or 0.0)}"
    return f'<polyline class="{kind}" points="{" ".join(points)}"><title>{said}</title></polyline>'


def _words(axes: Sequence[_Axis]) -> Iterator[str]:
    """The names of the axes, and what stands at their places."""
    for row, axis in enumerate(axes):
        top = 100.0 * (row + 0.5) / len(axes)
        yield f'<span class="lane" style="bottom:{100 - top:.2f}%">{escape(axis.name)}</span>'
        for share, text in axis.ends:
            side = " first" if share == 0.0 else " last" if share == 1.0 else ""
            wide = 100.0 / max(2, len(axis.ends))
            at = f"top:{top:.2f}%;left:{100 * share:.2f}%;max-width:{wide:.1f}%"
            shown = escape(text)
            yield f'<span class="place{side}" style="{at}" title="{shown}">{shown}</span>'
