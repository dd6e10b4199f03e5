"""``ksim-compare``: several runs, or a study, beside each other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, outputs
from ksim_compiler.cli.common import ERRORS, OK, UsageError

if TYPE_CHECKING:
    from ksim_compiler.compare.figures import Known
    from ksim_compiler.compare.groups import Group
    from ksim_compiler.compare.study import StudyData
    from ksim_compiler.pipeline import Compiled
    from ksim_schema.diff.report import Comparison

PROGRAM = "ksim-compare"
PAGE = "compare.html"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Compare runs, or the trials of a study: a table here, curves, evaluations, "
        "differences and videos on one page. Runs of one task that differ in their seeds alone "
        "are one group.",
        epilog="Exit status: 0; 1 when something could not be read, the rest is shown; 2 for a "
        "wrong command line.",
        allow_abbrev=False,
    )
    add, path = result.add_argument, common.path
    add(
        "places",
        nargs="+",
        type=path,
        metavar="RUN",
        help="the folder of a run, a folder of runs, the folder of a study of ksim-sweep; or a "
        "name: of a task (walk, package:task) for its runs in runs/, of a study in studies/",
    )
    help, page = f"the page (default: {PAGE})", outputs.Output(outputs.PAGE)
    add("-o", "--out", type=page, default=PAGE, metavar="FILE", help=help)
    add(
        "--label",
        dest="labels",
        action="append",
        default=[],
        metavar="NAME",
        help="what to call the first group; again for the second, and so on",
    )
    table = outputs.Output(outputs.TABLE)
    add("--csv", type=table, metavar="FILE", help="write a row for each run")
    add("--storage", type=common.given, metavar="WHERE", help="of a study, as for ksim-sweep")
    common.add_trust(result)
    common.add_colour(result)
    return result


@dataclass
class _Read:
    """What was read, and what could not be."""

    groups: list[Group] = field(default_factory=lambda: [])
    study: StudyData | None = None
    remarks: list[str] = field(default_factory=lambda: [])
    failed: bool = False

    def remark(self, text: str, *, fails: bool = True) -> None:
        """Say what is left out, and keep it for the page."""
        print(f"{PROGRAM}: {text}", file=sys.stderr)
        self.remarks.append(text)
        self.failed |= fails


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status.

    Raises:
        UsageError: the command line makes no sense.
    """
    read = _read(options)
    if not read.groups and read.study is None:
        return ERRORS
    if len(options.labels) > len(read.groups):
        names = "; ".join(group.name for group in read.groups) or "none"
        count = len(options.labels)
        raise UsageError(f"{count} labels for {len(read.groups)} groups: {names}")
    from ksim_compiler.compare.groups import named
    from ksim_compiler.compare.page import Compared, compare_page
    from ksim_schema.source.files import write_text

    groups = named(read.groups, options.labels)
    drawn = _drawn(groups, read.study)
    tasks = _tasks([group for group in groups if group.name in drawn], read, options)
    known = _known(list(tasks.values()))
    if groups:
        _print(groups, known, read.study)
    else:
        _print_study(read.study)
    diffs = _diffs(tasks)
    page = compare_page(Compared(groups, known, diffs, read.remarks, read.study, drawn))
    write_text(options.out, page)
    print(f"wrote {options.out}")
    if options.csv is not None:
        from ksim_compiler.compare.figures import each_run
        from ksim_compiler.report.tables import csv_text

        write_text(options.csv, csv_text(*each_run(groups, known)))
        print(f"wrote {options.csv}")
    return ERRORS if read.failed else OK


def _read(options: argparse.Namespace) -> _Read:
    """Read all that is named; what cannot be read is said.

    Raises:
        UsageError: a study stands beside something else.
    """
    from ksim_compiler.compare.groups import grouped, named
    from ksim_compiler.compare.runs import RunData, Unreadable, read_run, runs_in
    from ksim_compiler.compare.study import TRIALS, StudyError, read_study, storage_in

    read = _Read()
    places = [place for given in options.places for place in _places(given)]
    of_study = [p for p in places if options.storage or storage_in(p) is not None]
    if of_study and len(places) > 1:
        raise UsageError(f"{of_study[0]} is a study: it is compared alone, its trials with another")
    folders: list[Path] = []
    for place in places:
        if place in of_study:
            try:
                read.study = read_study(place, options.storage)
            except StudyError as error:
                read.remark(f"{place}: {error}")
            trials = place / TRIALS
            folders += runs_in(trials) if trials.is_dir() else []
            continue
        found = runs_in(place)
        if not found:
            read.remark(f"{place} is not a run, and holds none")
        folders += found
    runs: list[RunData] = []
    for folder in dict.fromkeys(folders):
        try:
            one = read_run(folder)
        except Unreadable as error:  # of a study: a trial that has just begun
            read.remark(str(error), fails=not of_study)
            continue
        for remark in one.remarks:
            read.remark(f"{folder}: {remark}", fails=False)
        runs.append(one)
    read.groups = grouped(runs)
    if of_study:
        read.groups = named(read.groups, [f"trial {_trial(group)}" for group in read.groups])
    return read


def _places(given: Path) -> list[Path]:
    """The folders that a place stands for: itself, or a study or the runs of a task by name.

    Raises:
        UsageError: it is a task's name, and there are no runs of it.
    """
    from ksim_compiler.compare.runs import runs_of
    from ksim_compiler.compare.study import storage_in
    from ksim_schema.source.named import UnknownTaskError, named

    if given.exists():
        return [given]
    if storage_in(common.STUDIES / given) is not None:
        return [common.STUDIES / given]
    try:
        task = named(str(given))
    except UnknownTaskError as error:
        raise UsageError(str(error)) from error
    if task is None:
        return [given]
    compiled = common.load(task)
    name = compiled.plan.task.name if compiled.plan is not None else task.stem
    found = runs_of(name, common.RUNS)
    if not found:
        raise UsageError(f"there are no runs of the task {name} in {common.RUNS}/ here")
    return found


def _trial(group: Group) -> int:
    """The number of the trial that a group of runs is, by the name of its folder; -1 of others."""
    number = group.runs[0].folder.name.partition("-")[0]
    return int(number) if number.isdecimal() else -1


def _drawn(groups: Sequence[Group], study: StudyData | None) -> list[str]:
    """The groups that charts have room for: of a study those of its best trials."""
    from ksim_compiler.compare.page import best
    from ksim_compiler.report.charts import SERIES

    if study is None or len(groups) <= SERIES:
        return best(groups)
    rank = {trial.number: i for i, trial in enumerate(study.best)}
    ordered = sorted(groups, key=lambda group: rank.get(_trial(group), len(rank)))
    kept = {group.name for group in ordered[:SERIES]}
    return [group.name for group in groups if group.name in kept]


def _tasks(
    groups: Sequence[Group], read: _Read, options: argparse.Namespace
) -> dict[str, Compiled]:
    """The task of each group, as far as it can be read here, by the group's name."""
    from ksim_schema.diagnostics import TaskError, has_errors

    found: dict[str, Compiled] = {}
    for group in groups:
        place = group.runs[0].folder / "task.ksim"
        if not place.is_file():
            read.remark(f"{group.runs[0].folder}: there is no task.ksim in it", fails=False)
            continue
        try:
            compiled = common.load(place, (), options.trust)
            problems = compiled.diagnostics
        except TaskError as error:
            compiled, problems = None, error.diagnostics
        if compiled is None or compiled.plan is None:
            first = next((d for d in problems if d.severity == "error"), None)
            why = f": {first.message}" if first is not None and has_errors(problems) else ""
            read.remark(f"{place} cannot be read here{why}", fails=False)
            continue
        found[group.name] = compiled
    return found


def _known(tasks: Sequence[Compiled]) -> Known:
    from ksim_compiler.compare.figures import Known
    from ksim_schema.graph import Node
    from ksim_schema.vocabulary.metric import Metric

    plans = [task.plan for task in tasks if task.plan is not None]
    periods = {plan.period for plan in plans}
    units = {
        name: str(plan.units[Node("Metric", name)][0])
        for plan in plans
        for name, part in plan.parts(Metric).items()
        if not part.success
    }
    for plan in plans:
        units |= {name: "%" for name, part in plan.parts(Metric).items() if part.success}
    return Known(periods.pop() if len(periods) == 1 else None, units)


def _diffs(tasks: dict[str, Compiled]) -> dict[str, Comparison]:
    """How the task of each group differs from that of the first one."""
    from ksim_compiler.comparison import compare

    names = list(tasks)
    found: dict[str, Comparison] = {}
    for name in names[1:]:
        first, other = tasks[names[0]], tasks[name]
        if first.fingerprint != other.fingerprint:
            found[f"{names[0]} -> {name}"] = compare(first, other, names[0], name)
    return found


def _print(groups: Sequence[Group], known: Known, study: StudyData | None) -> None:
    from ksim_compiler.compare.figures import overview
    from ksim_compiler.report.tables import lines

    if study is not None:
        _print_study(study)
    print("\n".join(lines(*overview(groups, known))))
    if any(len(group.runs) > 2 for group in groups):
        print("interquartile means over seeds, and their 95% bootstrap intervals")


def _print_study(study: StudyData | None) -> None:
    assert study is not None
    print(f"{study.name}: {study.counts()}")
    if study.best:
        best = study.best[0]
        units = {param.path: f" {param.unit}".rstrip() for param in study.params}
        drawn = ", ".join(
            f"{path}={value:.5g}{units[path]}" if isinstance(value, float) else f"{path}={value}"
            for path, value in best.drawn.items()
        )
        print(f"best: trial {best.number}, {study.goal} {best.value:.5g} ({drawn})")
    for path, share in study.importance.items():
        print(f"  {share:>4.0%}  {path}")


if __name__ == "__main__":
    sys.exit(main())
