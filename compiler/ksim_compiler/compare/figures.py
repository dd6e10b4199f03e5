"""The numbers that groups of runs are compared by, for a terminal, a page and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ksim_compiler.compare.groups import Group, Summary, names_of
from ksim_compiler.compare.runs import RunData
from ksim_compiler.env.measures import METRIC, SUCCESS
from ksim_compiler.learn.run.velocities import unit_of
from ksim_schema.drawing.page import number

LAST = 0.1
"""Share of a training over whose end its return is averaged."""
TRACKING, ENDED, REWARD = "tracking/", "ended/", "reward/"


@dataclass(frozen=True)
class Known:
    """What the tasks say of the numbers.

    Attributes:
        period: control period in s, or None where the tasks differ in it or cannot be read.
        units: of metrics, by name.
    """

    period: float | None
    units: dict[str, str]

    def unit(self, name: str) -> str:
        """The unit in which a number of a log is shown."""
        if name in ("failed", SUCCESS, "episode/success") or name.startswith(ENDED):
            return "%"
        if name in ("length", "episode/length"):
            return "s" if self.period else "ticks"
        if name.startswith(TRACKING):
            return unit_of(name)
        if name.startswith(METRIC):
            return self.units.get(name.removeprefix(METRIC).removesuffix("/spread"), "")
        return "per tick" if name.startswith(REWARD) else ""

    def scale(self, name: str) -> float:
        """What a number of a log is multiplied by to be in that unit."""
        if self.unit(name) == "%":
            return 100.0
        return self.period or 1.0 if name in ("length", "episode/length") else 1.0


def called(name: str) -> str:
    """How a number of a log is called."""
    if name.startswith(TRACKING):
        return f"error of {name.removeprefix(TRACKING)}"
    if name.startswith(ENDED):
        return f"ended by {name.removeprefix(ENDED)}"
    if name.startswith(REWARD):
        return f"reward {name.removeprefix(REWARD)}"
    return name.removeprefix(METRIC).removeprefix("episode/").replace("/spread", " spread")


def titled(name: str, known: Known) -> str:
    """Its name with its unit."""
    unit = known.unit(name)
    return f"{called(name)} ({unit})" if unit else called(name)


def judged(groups: Sequence[Group], rewards: bool = False) -> list[str]:
    """The numbers of evaluations that groups are compared by."""
    found = names_of(groups, lambda run: run.evaluations)
    return [
        name
        for name in found
        if not name.endswith("/spread") and (rewards or not name.startswith(REWARD))
    ]


def at_the_end(run: RunData) -> float | None:
    """The return of the episodes of the last tenth of a training."""
    rows = [row for row in run.metrics if row["steps"] >= (1.0 - LAST) * run.steps]
    found = [row["episode/return"] for row in rows if "episode/return" in row]
    return sum(found) / len(found) if found else None


def summary(group: Group, name: str, known: Known) -> Summary | None:
    """A number of the newest evaluations of a group's runs."""
    values = [run.last[name] for run in group.runs if name in run.last]
    return Summary.of([float(value) * known.scale(name) for value in values])


def in_training(group: Group) -> Summary | None:
    """The return at the end of the trainings."""
    return Summary.of([v for run in group.runs if (v := at_the_end(run)) is not None])


def cell(found: Summary | None) -> str:
    """A summary in a cell: the interquartile mean and its interval."""
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return number(found.mean)
    return f"{number(found.mean)} [{number(found.low, 3)}, {number(found.high, 3)}]"


def overview(
    groups: Sequence[Group], known: Known, only: Sequence[str] = ()
) -> tuple[list[str], list[list[str]]]:
    """A row for each group: its interquartile means.

    Args:
        groups: all of them.
        known: units and the like.
        only: numbers of evaluations that are wanted; all by default.
    """
    names = [name for name in judged(groups) if not only or name in only]
    head = ["", "seeds", "steps", "minutes", "return in training"]
    head += [_two_lines(name, known) for name in names]
    rows: list[list[str]] = []
    for group in groups:
        steps = min(run.steps for run in group.runs)
        minutes = [run.minutes for run in group.runs if run.minutes is not None]
        row = [group.name, str(len(group.runs)), f"{steps:,}"]
        row.append(number(sum(minutes) / len(minutes), 3) if minutes else "-")
        row.append(cell(in_training(group)))
        rows.append([*row, *(cell(summary(group, name, known)) for name in names)])
    return head, rows


def _two_lines(name: str, known: Known) -> str:
    unit = known.unit(name)
    return f"{called(name)}\n{unit}" if unit else called(name)


def each_run(groups: Sequence[Group], known: Known) -> tuple[list[str], list[list[object]]]:
    """A row for each run, numbers as they are: for CSV."""
    names = judged(groups, rewards=True)
    head = ["group", "run", "task", "fingerprint", "seed", "steps", "minutes", "return in training"]
    head += ["evaluated after steps", *(titled(name, known) for name in names)]
    rows: list[list[object]] = []
    for group in groups:
        for run in group.runs:
            about = run.about
            row: list[object] = [group.name, run.name, about.get("task"), about.get("fingerprint")]
            row += [run.seed, run.steps, run.minutes, at_the_end(run), run.last.get("steps")]
            values = (run.last.get(name) for name in names)
            scales = (known.scale(name) for name in names)
            row += [None if v is None else v * s for v, s in zip(values, scales, strict=True)]
            rows.append(row)
    return head, rows
