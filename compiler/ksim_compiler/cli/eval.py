"""``ksim-eval``: what trained policies are worth, over many episodes of any variant of the task."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ksim_compiler.cli import common, outputs, programs, trained
from ksim_compiler.cli.common import ERRORS, OK, UsageError

if TYPE_CHECKING:
    from ksim_compiler.learn.run.figures import Figure
    from ksim_compiler.pipeline import Compiled

PROGRAM = "ksim-eval"
EPISODES = 1024
ALL = "all"
ENGINES = ("auto", "native", "mjx", "warp")


class Judged(NamedTuple):
    """A policy that was judged: which, and its figures by name."""

    run: str
    task: str
    fingerprint: str
    steps: int
    figures: dict[str, Figure]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:
        programs.keep()
        common.without_collecting()
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Judge trained policies over many episodes, as they act when they do not "
        "explore: return, length, how episodes end, success, tracking errors, metrics, "
        "recorded motions clip by clip.",
        epilog="Exit status: 0; 1 when a policy could not be judged, the others are shown; 2 for "
        "a wrong command line.",
        allow_abbrev=False,
    )
    add = result.add_argument
    add("runs", nargs="+", type=trained.place, metavar="RUN", help=trained.HELP)
    add(
        "-n",
        "--episodes",
        type=common.count,
        default=EPISODES,
        metavar="N",
        help=f"how many, at the same time (default: {EPISODES:,})",
    )
    add("--seed", type=int, default=0, help="of what is drawn (default: 0)")
    add(
        "--checkpoint",
        metavar="STEPS",
        help=f"the checkpoint after so many steps, or '{ALL}' of those that a run keeps "
        "(default: the newest)",
    )
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="judge in a variant of the task, for example "
        "Command.velocity.forward='[1 m/s, 1 m/s]'",
    )
    add(
        "--task",
        type=common.task,
        metavar="TASK",
        help="judge on this task, whose policy reads and sets the same; for example one with "
        "other rewards, beginnings or ground",
    )
    add("--engine", choices=ENGINES, default="auto", help="what simulates (default: auto)")
    add("--threads", type=common.threads, default=0, help="of the CPU engine (default: all cores)")
    table, json = (outputs.Output(named) for named in (outputs.TABLE, outputs.JSON))
    add("--csv", type=table, metavar="FILE", help="write a row for each policy")
    add("--json", type=json, metavar="FILE", help="write all figures with their intervals")
    common.add_trust(result)
    common.add_colour(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status.

    Raises:
        UsageError: the command line makes no sense.
    """
    if not 0 <= options.seed < 2**32:
        raise UsageError("--seed must be a whole number from 0 to 2^32 - 1")
    steps = _steps(options.checkpoint)
    judged: list[Judged] = []
    failed = 0
    for place in options.runs:
        try:
            judged += _judged(place, steps, options)
        except _Refused as error:
            failed += 1
            if str(error):
                print(f"{PROGRAM}: {trained.shown(place)}: {error}", file=sys.stderr)
    if judged:
        print("\n".join(_shown(judged, options.episodes)))
        _write(judged, options)
    return ERRORS if failed else OK


class _Refused(Exception):
    """A policy that cannot be judged; the message says why, "" where that is printed already."""


def _steps(text: str | None) -> int | str | None:
    if text is None or text == ALL:
        return text
    try:
        return common.count(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"--checkpoint takes a number of steps, or '{ALL}': {error}") from error


def _judged(place: Path, steps: int | str | None, options: argparse.Namespace) -> Iterator[Judged]:
    """The policies of a run that are asked for, judged one after the other.

    Raises:
        _Refused: it cannot be done.
    """
    from ksim_compiler.engine import EngineUnavailable
    from ksim_compiler.learn.run import checkpoints
    from ksim_compiler.learn.run.checkpoint import CheckpointError
    from ksim_compiler.learn.run.figures import figures
    from ksim_compiler.learn.run.judge import judge
    from ksim_compiler.learn.run.policy import load_policy

    compiled = _load(place, options)
    plan = compiled.plan
    assert plan is not None
    wanted: list[int | None] = [steps if isinstance(steps, int) else None]
    if steps == ALL and not place.is_file():
        wanted = [found for found, _ in checkpoints.checkpoints(place)]
        if not wanted:
            raise _Refused("it has no checkpoint yet")
    for after in sorted(wanted, key=lambda n: n or 0):
        try:
            policy = load_policy(place, plan, after)
            for problem in policy.passed_over:
                print(f"{PROGRAM}: passed over a checkpoint: {problem}", file=sys.stderr)
            result = judge(
                plan, policy, options.episodes, options.seed, options.engine, options.threads
            )
        except (CheckpointError, EngineUnavailable, NotImplementedError, ValueError) as error:
            raise _Refused(str(error)) from error
        found = {figure.name: figure for figure in figures(result, plan)}
        mark = str(compiled.fingerprint)
        yield Judged(trained.shown(place), plan.task.name, mark, policy.steps, found)


def _load(place: Path, options: argparse.Namespace) -> Compiled:
    from ksim_compiler.learn.run.checkpoint import CheckpointError
    from ksim_schema.diagnostics import TaskError

    try:
        settings = () if options.task is not None else options.settings
        compiled = trained.load(place, settings, PROGRAM, options.trust)
        if options.task is not None and compiled.plan is not None:
            compiled = _elsewhere(compiled, place, options)
    except (CheckpointError, UsageError) as error:
        raise _Refused(str(error)) from error
    except TaskError as error:
        common.print_report(error.diagnostics, error.sources, options.color)
        raise _Refused("") from error
    common.print_report(compiled.diagnostics, compiled.sources, options.color)
    if compiled.plan is None or _refused(compiled, options):
        raise _Refused("")
    return compiled


def _elsewhere(own: Compiled, place: Path, options: argparse.Namespace) -> Compiled:
    """Another task that a policy can be judged on.

    Raises:
        _Refused: what it reads or sets there is something else than what it was trained with.
    """
    from ksim_compiler.comparison import compare

    other = common.load(options.task, options.settings, options.trust)
    if other.plan is None:
        return other
    way = compare(own, other, trained.shown(place), str(options.task)).migration
    assert way is not None
    differs = not (way.policy.is_identity and way.actions.is_identity)
    if differs or way.obstacles or way.inexact or way.not_carried:
        raise _Refused(f"it cannot act in {options.task} as it is: {way.sentence()}")
    return other


def _refused(compiled: Compiled, options: argparse.Namespace) -> bool:
    """Print what an engine cannot simulate of a task; whether there is something."""
    from ksim_compiler.engine import resolve_engine

    found = common.refused(compiled, resolve_engine(options.engine))
    common.print_report(found, compiled.sources, options.color)
    return any(d.severity == "error" for d in found)


def _shown(judged: Sequence[Judged], episodes: int) -> Iterator[str]:
    """The figures: of one policy a row each with its interval, of several a row each policy."""
    from ksim_compiler.learn.run.figures import clip_table, interval
    from ksim_compiler.learn.run.tracking import WINDOW
    from ksim_compiler.report.tables import lines
    from ksim_schema.drawing.page import number

    if len(judged) == 1:
        (one,) = judged
        yield f"{one.run}: {one.task}, after {one.steps:,} steps, {episodes:,} episodes"
        head = ["", "mean", "95% interval", "std", "unit"]
        rows = [
            [
                figure.name,
                number(figure.value),
                interval(figure),
                "" if figure.std is None else number(figure.std, 3),
                figure.unit,
            ]
            for figure in one.figures.values()
            if not figure.clip
        ]
        yield from lines(head, rows)
        if any(math.isnan(figure.value) for figure in one.figures.values() if not figure.clip):
            least = f"{2 * WINDOW:g} s"
            yield f"-: no episode has this figure; for a velocity it has to last for {least}"
        by_clip = clip_table(one.figures.values())
        if by_clip is not None:
            yield ""
            yield from lines(*by_clip)
        return
    yield f"{len(judged)} policies, {episodes:,} episodes each"
    names = _names(judged)
    head = ["", "steps", *(f"{name}\n{unit}" if unit else name for name, unit in names.items())]
    rows, runs = [], [one.run for one in judged]
    for one in judged:
        found = (one.figures.get(name) for name in names)
        cells = ["-" if figure is None else number(figure.value) for figure in found]
        # several checkpoints of a run are told apart in every part of a table that goes on below
        named = one.run if runs.count(one.run) == 1 else f"{one.run}, {one.steps:,}"
        rows.append([named, f"{one.steps:,}", *cells])
    yield from lines(head, rows)


def _names(judged: Sequence[Judged]) -> dict[str, str]:
    """The names of all figures and their units, in order."""
    return {f.name: f.unit for one in judged for f in one.figures.values()}


def _write(judged: Sequence[Judged], options: argparse.Namespace) -> None:
    from ksim_schema.source.files import write_text

    how = {"episodes": options.episodes, "seed": options.seed, "settings": options.settings}
    if options.csv is not None:
        from ksim_compiler.report.tables import csv_text

        names = _names(judged)
        head = ["run", "task", "fingerprint", "steps", "episodes", "seed", "settings"]
        for name, unit in names.items():
            title = f"{name} ({unit})" if unit else name
            head += [title, f"{title} low", f"{title} high"]
        rows: list[list[object]] = []
        for one in judged:
            row: list[object] = [one.run, one.task, one.fingerprint, one.steps]
            row += [options.episodes, options.seed, "; ".join(options.settings)]
            for name in names:
                figure = one.figures.get(name)
                data: dict[str, Any] = figure.as_json() if figure else {"interval": [None, None]}
                row += [data.get("value"), *data["interval"]]
            rows.append(row)
        write_text(options.csv, csv_text(head, rows))
        print(f"wrote {options.csv}")
    if options.json is not None:
        listed = [
            {
                **one._asdict(),
                **how,
                "figures": {name: figure.as_json() for name, figure in one.figures.items()},
            }
            for one in judged
        ]
        write_text(options.json, json.dumps(listed, indent=1, ensure_ascii=False) + "\n")
        print(f"wrote {options.json}")


if __name__ == "__main__":
    sys.exit(main())
