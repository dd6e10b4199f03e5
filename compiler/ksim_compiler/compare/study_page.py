"""What a page shows of a study: its course, what its values were worth, its trials."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from html import escape

from ksim_compiler.compare.parallel import parallel
from ksim_compiler.compare.study import Param, StudyData, Trial
from ksim_compiler.report.charts import Extras, chart
from ksim_compiler.report.curves import grid
from ksim_schema.drawing.page import number, section, table

LONG = 28
"""Characters of a path from which on its last steps stand for it at an axis."""


def study_sections(study: StudyData) -> list[str]:
    """The sections of a study."""
    said = f"{study.counts()}. {'More' if study.up else 'Less'} of {study.goal} is better."
    return [
        section("Study", grid([_course(study)]), said),
        section("What was drawn, and what it was worth", grid(_slices(study)) + parallel(study)),
        section("What mattered", _importance(study), _HOW if study.importance else ""),
        section("Trials", _trials(study)),
    ]


_HOW = (
    "How far the values of the best tenth of the trials are from those of all trials (PED-ANOVA, "
    "Watanabe et al. 2023); shares add up to 100%."
)


def _course(study: StudyData) -> str:
    """The trials in their order, and the best so far."""
    done = [(trial.number, trial.value) for trial in study.trials if trial.value is not None]
    pick = max if study.up else min
    so_far = list(itertools.accumulate((value for _, value in done), pick))
    best = [(float(n), v) for (n, _), v in zip(done, so_far, strict=True)]
    dots = {"trials": [(float(n), v) for n, v in done]}
    title = f"{study.goal} of the trials"
    return chart(title, {"best so far": best}, study.unit, x="trial", extras=Extras(dots))


def _slices(study: StudyData) -> Iterator[str]:
    """Of each value a chart: where it was drawn, what came of it."""
    for param in study.params:
        points = [
            (x, trial.value)
            for trial in study.trials
            if trial.value is not None and (x := _place(param, trial)) is not None
        ]
        named = f"{param.named}, logarithmic" if param.log else param.named
        extras = Extras(places=_places(param, [x for x, _ in points]))
        lines = {"trials": points}
        title = f"{study.goal} over {param.path}"
        yield chart(title, lines, study.unit, x=named, cloud=True, same=False, extras=extras)


def _place(param: Param, trial: Trial) -> float | None:
    """Where a trial is on the axis of a value."""
    if param.path not in trial.drawn:
        return None
    drawn = trial.drawn[param.path]
    if param.choices:
        return float(param.choices.index(str(drawn)))
    value = float(drawn)
    return math.log10(value) if param.log and value > 0.0 else value


def _places(param: Param, xs: list[float]) -> dict[float, str] | None:
    if param.choices:
        return {float(i): text for i, text in enumerate(param.choices)}
    if not param.log or not xs:
        return None
    low, high = math.floor(min(xs)), math.ceil(max(xs))
    return {float(power): f"1e{power}" for power in range(low, max(high, low + 1) + 1)}


def _importance(study: StudyData) -> str:
    """Bars."""
    if not study.importance:
        return f"<p>{escape(study.why_no_importance)}</p>" if study.params else ""
    rows = [
        [
            f"<code>{escape(path).replace('.', '.<wbr>')}</code>",
            f'<div class="bar"><div style="width:{100 * share:.1f}%"></div></div>',
            f"{share:.0%}",
        ]
        for path, share in study.importance.items()
    ]
    return table((), rows, "what mattered", "words bars")


def _trials(study: StudyData) -> str:
    seeds = list(dict.fromkeys(seed for trial in study.trials for seed in trial.results))
    seeds = seeds if len(seeds) > 1 else []
    head = ["trial", "", escape(study.goal), *(f"seed {escape(seed)}" for seed in seeds)]
    head += [
        f"<code>{escape(param.path)}</code> <small>{escape(param.unit)}</small>"
        for param in study.params
    ]
    problems = any(trial.why for trial in study.trials)
    head += ["minutes", *(["problem"] if problems else [])]
    ranked = [*study.best, *(t for t in study.trials if t.value is None)]
    rows: list[list[str]] = []
    for trial in ranked:
        row = [str(trial.number), trial.state]
        row.append("-" if trial.value is None else number(trial.value))
        for seed in seeds:
            row.append(number(trial.results[seed]) if seed in trial.results else "-")
        row += [_drawn(trial, param) for param in study.params]
        row.append("-" if trial.seconds is None else number(trial.seconds / 60.0, 3))
        rows.append([*row, *([escape(trial.why)] if problems else [])])
    return table(head, rows, "trials, the best first")


def _drawn(trial: Trial, param: Param) -> str:
    value = trial.drawn.get(param.path)
    if value is None:
        return "-"
    return number(value) if isinstance(value, int | float) else escape(str(value))
