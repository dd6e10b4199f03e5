"""``compare.html``: several runs, or a study, on one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ksim_compiler.compare import figures
from ksim_compiler.compare.figures import Known, called, cell
from ksim_compiler.compare.groups import Curve, Group, Summary, curve, names_of
from ksim_compiler.compare.runs import RunData
from ksim_compiler.compare.study import StudyData
from ksim_compiler.compare.study_page import study_sections
from ksim_compiler.env.measures import METRIC, SUCCESS
from ksim_compiler.learn.run.files import Row
from ksim_compiler.report.charts import SERIES, STEPS, Extras, Line, chart
from ksim_compiler.report.curves import grid
from ksim_compiler.report.page import video
from ksim_schema.diff.picture import differences
from ksim_schema.diff.report import Comparison
from ksim_schema.drawing.page import number, page, section, table

MINUTES = "minutes"
VIDEOS = 60_000_000
"""Bytes of videos that a page may hold."""


@dataclass(frozen=True)
class Compared:
    """What a page shows.

    Attributes:
        groups: all of them.
        known: units and the like.
        diffs: name of a group -> how its task differs from that of the first one.
        remarks: what could not be read, and what was left out.
        study: of which the groups are trials, if they are.
        drawn: names of the groups that charts show; a chart has room for eight.
    """

    groups: Sequence[Group]
    known: Known
    diffs: Mapping[str, Comparison]
    remarks: Sequence[str]
    study: StudyData | None
    drawn: Sequence[str]

    @property
    def shown(self) -> list[Group]:
        """The groups that charts show."""
        return [group for group in self.groups if group.name in self.drawn]


def compare_page(compared: Compared) -> str:
    """The page."""
    runs = sum(len(group.runs) for group in compared.groups)
    study = compared.study
    title = study.name if study else " and ".join(_tasks(compared.groups)) or "runs"
    said = f"{_many(runs, 'run')} in {_many(len(compared.groups), 'group')}"
    head = f"<h1>{escape(title)}</h1><p>{said}.</p>"
    sections = [
        head,
        _remarks(compared.remarks),
        *(study_sections(study) if study else ()),
        section("At the end", _overview(compared), _how_sure(compared.groups)),
        section("Training", grid(_training(compared)), _how_drawn(compared)),
        section("Evaluations over the training", grid(_evaluations(compared))),
        section("Newest evaluations", _side_by_side(compared)),
        section("What differs between the tasks", _differences(compared.diffs)),
        section("Videos", _videos(compared)),
        section("Runs", _runs(compared)),
    ]
    return page(f"ksim-compare: {title}", "".join(sections))


def best(groups: Sequence[Group], most: int = SERIES) -> list[str]:
    """The names of as many groups as a chart has room for: those with the largest returns."""
    if len(groups) <= most:
        return [group.name for group in groups]

    def worth(group: Group) -> float:
        found = figures.in_training(group)
        return float("-inf") if found is None else found.mean

    kept = {group.name for group in sorted(groups, key=worth, reverse=True)[:most]}
    return [group.name for group in groups if group.name in kept]


def _tasks(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(str(r.about.get("task", "?")) for g in groups for r in g.runs))


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _remarks(remarks: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in remarks)
    return f"<h3>Left out</h3><ul>{items}</ul>" if items else ""


def _how_sure(groups: Sequence[Group]) -> str:
    several = any(len(group.runs) > 1 for group in groups)
    return (
        "Interquartile means over the seeds of a group and, from three seeds on, their 95% "
        "intervals by a stratified bootstrap (Agarwal et al. 2021)."
        if several
        else ""
    )


def _how_drawn(compared: Compared) -> str:
    said: list[str] = []
    if any(len(group.runs) > 1 for group in compared.shown):
        said.append(
            "Thick lines are interquartile means over seeds, bands their 95% bootstrap intervals, "
            "thin lines the runs."
        )
    left = len(compared.groups) - len(compared.shown)
    if left:
        said.append(f"The {len(compared.shown)} best groups; {left} others are in the tables.")
    return " ".join(said)


def _overview(compared: Compared) -> str:
    head, rows = figures.overview(compared.groups, compared.known, ("return", SUCCESS, "failed"))
    shown = [_with_unit(name) for name in head]
    return table(shown, [[escape(c) for c in row] for row in rows], "the groups at the end")


def _with_unit(name: str) -> str:
    title, _, unit = name.partition("\n")
    return f"{escape(title)} <small>{escape(unit)}</small>" if unit else escape(title)


def _chart(
    compared: Compared, log: Callable[[RunData], list[Row]], name: str, over: str, title: str
) -> str:
    """A quantity of all groups that are drawn."""
    known = compared.known
    lines: dict[str, Line] = {}
    bands: dict[str, list[tuple[float, float, float]]] = {}
    faint: dict[str, list[Line]] = {}
    for group in compared.shown:
        found: Curve | None = curve(group, log, name, over, known.scale(name))
        if found is None:
            continue
        lines[group.name] = found.mean
        bands[group.name] = found.band
        faint[group.name] = [*found.each]
    judged = log is _judged
    dots = {n: line for n, line in lines.items() if line} if judged else None
    x = STEPS if over == "steps" else "minutes of training"
    extras = Extras(dots, bands, (), faint)
    zero = not name.startswith(METRIC)
    return chart(title, lines, known.unit(name), zero=zero, x=x, extras=extras)


def _logged(run: RunData) -> list[Row]:
    return run.metrics


def _judged(run: RunData) -> list[Row]:
    return run.evaluations


def _training(compared: Compared) -> Iterator[str]:
    """Return, length and metrics over the steps, and the first over the minutes as well."""
    found = names_of(compared.shown, _logged)
    wanted = [n for n in ("episode/return", "episode/success", "episode/length") if n in found]
    wanted += [n for n in found if n.startswith(METRIC)]
    for name in wanted:
        for over in ("steps", MINUTES):
            what = "" if over == "steps" else ", over time"
            yield _chart(compared, _logged, name, over, f"{called(name)} in training{what}")


def _evaluations(compared: Compared) -> Iterator[str]:
    found = figures.judged(compared.shown)
    first = [n for n in ("return", SUCCESS, "failed") if n in found]
    for name in (*first, *(n for n in found if n not in first and not n.startswith("ended/"))):
        if name.startswith("level"):
            continue
        yield _chart(compared, _judged, name, "steps", called(name))


def _side_by_side(compared: Compared) -> str:
    """A row a figure, a column a group: median, interquartile mean, interval."""
    names = figures.judged(compared.shown, rewards=True)
    rows: list[list[str]] = []
    for name in names:
        found = [figures.summary(group, name, compared.known) for group in compared.shown]
        unit = compared.known.unit(name)
        label = f"{escape(called(name))} <small>{escape(unit)}</small>"
        rows.append([label, *(_both(each) for each in found)])
    head = ["", *(escape(group.name) for group in compared.shown)]
    return table(head, rows, "newest evaluations") if rows else ""


def _both(found: Summary | None) -> str:
    if found is None:
        return "-"
    if len(found.values) == 1:
        return escape(cell(found))
    return f"{escape(cell(found))}<br><small>median {number(found.median)}</small>"


def _differences(diffs: Mapping[str, Comparison]) -> str:
    parts: list[str] = []
    for name, comparison in diffs.items():
        summary = f"{escape(name)}: {escape(comparison.summary())}"
        shown = differences(comparison, "")
        parts.append(f"<details><summary>{summary}</summary>{shown}</details>")
    return "".join(parts)


def _videos(compared: Compared) -> str:
    """The videos of the runs beside each other, one of each group first."""
    order = [run for group in compared.groups for run in group.runs[:1]]
    order += [run for group in compared.groups for run in group.runs[1:]]
    names = {run.name: group.name for group in compared.groups for run in group.runs}
    parts: list[str] = []
    size = left = 0
    for run in order:
        shown = video(run.folder)
        if not shown:
            continue
        size += len(shown)
        if size > VIDEOS:
            left += 1
            continue
        said = f"{names[run.name]}, seed {run.seed}"
        parts.append(f"<figure><figcaption>{escape(said)}</figcaption>{shown}</figure>")
    note = f'<p class="note">{left} more would make the page too large.</p>' if left else ""
    return f'<div class="videos">{"".join(parts)}</div>{note}' if parts else ""


def _runs(compared: Compared) -> str:
    """A row for each run."""
    head = ["run", "group", "seed", "steps", "minutes", "return in training", "return", "failed"]
    rows: list[list[str]] = []
    for group in compared.groups:
        for run in group.runs:
            at_end, last = figures.at_the_end(run), run.last
            numbers = (run.minutes, at_end, last.get("return"))
            cells = ["-" if v is None else number(v) for v in numbers]
            failed = f"{100 * last['failed']:.3g}%" if "failed" in last else "-"
            row = [run.name, group.name, "-" if run.seed is None else str(run.seed)]
            rows.append([escape(c) for c in (*row, f"{run.steps:,}", *cells, failed)])
    return table(head, rows, "runs")
