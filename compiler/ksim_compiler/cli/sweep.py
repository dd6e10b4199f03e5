"""``ksim-sweep``: search a task's values over many trainings."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, outputs, programs
from ksim_compiler.cli.common import ERRORS, OK, UsageError
from ksim_compiler.cli.signals import stop_on_signal

if TYPE_CHECKING:
    from rich.console import Console

    from ksim_compiler.sweep.book import Book
    from ksim_compiler.sweep.check import Ready

PROGRAM = "ksim-sweep"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:
        programs.keep()
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Search a task's values over many trainings. The same command again goes on "
        "with a study that was stopped; on another machine, with the same --storage, it helps.",
        epilog="Exit status: 0 when the study is done, 1 with errors, 2 for a wrong command line, "
        "130 when it was stopped.",
        allow_abbrev=False,
    )
    add, path = result.add_argument, common.path
    add("study", type=path, metavar="FILE", help="the study, in YAML")
    add("--check", action="store_true", help="check the study and its task only; train nothing")
    add(
        "--format",
        choices=("text", "json", "github", "sarif", "junit"),
        default="text",
        help="with --check, form of the report: text on standard error, others on standard output",
    )
    add("--strict", action="store_true", help="take warnings for errors")
    add("-o", "--out", type=path, metavar="FOLDER", help="its folder (default: studies/<name>)")
    add(
        "--storage",
        type=common.given,
        metavar="WHERE",
        help="where its trials are kept: an SQLite file (default: study.db in its folder), a "
        "file ending in .journal for machines that share a folder, or a database's URL",
    )
    add("--workers", type=common.count, default=1, metavar="N", help="train N trials at a time")
    add("--engine", choices=("auto", "mjx", "warp", "native"), default="auto")
    add(
        "--threads",
        type=common.threads,
        default=0,
        help="threads of a worker's native engine (default: all cores, shared by the workers)",
    )
    table = outputs.Output(outputs.TABLE)
    add("--csv", type=table, metavar="FILE", help="write all trials as a table in the end")
    add("--status", action="store_true", help="show where the study stands; train nothing")
    add(
        "--slurm",
        action="store_true",
        help="write a batch script of an array of N workers, and submit it where there is sbatch",
    )
    add(
        "--ray",
        nargs="?",
        const="auto",
        metavar="ADDRESS",
        help="start the N workers on a Ray cluster (default: the one that this machine is in)",
    )
    add("--worker", action="store_true", help=argparse.SUPPRESS)
    common.add_trust(result)
    common.add_colour(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    if options.format != "text" and not options.check:
        raise UsageError("--format goes with --check")
    if options.slurm and options.ray:
        raise UsageError("--slurm and --ray start workers each; leave out one")
    from ksim_compiler.sweep.check import check

    ready = check(options.study, options.trust)
    from ksim_schema.diagnostics.reports import FORMATS, Report, failed

    wrong = failed(ready.diagnostics, options.strict) or ready.study is None
    if options.format != "text":
        report = Report(str(options.study), ready.diagnostics, ready.sources)
        print(FORMATS[options.format]([report], options.strict), end="")
        return ERRORS if wrong else OK
    if not options.worker or wrong:
        common.print_report(ready.diagnostics, ready.sources, options.color)
    if options.check:
        from ksim_schema.diagnostics import summary

        print(f"{options.study}: {summary(ready.diagnostics)}")
        return ERRORS if wrong else OK
    if wrong:
        return ERRORS
    _installed(ready)
    return _search(ready, options)


def _installed(ready: Ready) -> None:
    """See that what the study needs is installed.

    Raises:
        UsageError: it is not.
    """
    from ksim_compiler.sweep.storage import INSTALL
    from ksim_schema.study.model import CmaEs

    assert ready.study is not None
    needed = ["optuna", *(["cmaes"] if isinstance(ready.study.sampler, CmaEs) else [])]
    missing = [name for name in needed if not common.installed(name)]
    if missing:
        raise UsageError(f"{' and '.join(missing)} is not installed; {INSTALL}")


def _search(ready: Ready, options: argparse.Namespace) -> int:
    from rich.console import Console

    from ksim_compiler.sweep import storage

    assert ready.study is not None
    storage.quiet()
    folder: Path = options.out or common.STUDIES / ready.study.study
    shared = options.slurm or options.ray is not None
    name = storage.named(options.storage, folder, shared=shared)
    console = Console(no_color=options.color == "never", highlight=False)
    if options.slurm:
        from ksim_compiler.sweep.launch import slurm

        return slurm(_words(options, folder, name), folder, ready.study.study, options.workers)
    if options.status and "://" not in name and not Path(name).is_file():
        console.print(f"{ready.study.study} was not begun: there is no {name}", markup=False)
        return OK
    try:
        from ksim_compiler.sweep.book import Book

        folder.mkdir(parents=True, exist_ok=True)
        with storage.told(name):
            book = Book(ready, storage.open_storage(name), folder)
            if options.status:
                status = OK
            elif options.worker:
                return _work(ready, book, folder, name, options)
            else:
                status = _train(ready, book, folder, name, options, console)
            return _tell(ready, book, name, options, console, status)
    except storage.StorageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS


def _train(
    ready: Ready, book: Book, folder: Path, name: str, options: argparse.Namespace, console: Console
) -> int:
    """Train, in this process or in several; returns the exit status."""
    from ksim_compiler.sweep.launch import local, on_ray
    from ksim_compiler.sweep.show import Watcher, counts, rows

    assert ready.study is not None
    before = counts([row for row in rows(book) if row.state != "waiting"])
    if before:
        console.print(f"{ready.study.study}: going on with {before}", markup=False)
    watcher = Watcher(book, console)
    if options.ray is not None:
        with watcher.watching():
            return on_ray(_words(options, folder, name), options.workers, options.ray)
    if options.workers > 1:
        with watcher.watching():
            return local(_words(options, folder, name), folder, options.workers)
    with stop_on_signal() as stopped, watcher.watching():
        status = _worked(ready, book, folder, name, options, stopped)
    return common.INTERRUPTED if stopped else status


def _work(ready: Ready, book: Book, folder: Path, name: str, options: argparse.Namespace) -> int:
    """Be one of several workers, which another process watches."""
    with stop_on_signal() as stopped:
        status = _worked(ready, book, folder, name, options, stopped)
    return common.INTERRUPTED if stopped else status


def _worked(
    ready: Ready,
    book: Book,
    folder: Path,
    name: str,
    options: argparse.Namespace,
    stopped: list[int],
) -> int:
    from ksim_compiler.engine import EngineUnavailable, resolve_engine
    from ksim_compiler.learn.run.origin import origin
    from ksim_compiler.learn.run.programs import Programs
    from ksim_compiler.sweep import storage
    from ksim_compiler.sweep.check import length_of
    from ksim_compiler.sweep.training import How
    from ksim_compiler.sweep.worker import Worker

    study, base = ready.study, ready.base
    assert study is not None
    assert base is not None
    try:
        refused = common.refused(base, resolve_engine(options.engine))
        common.print_report(refused, ready.sources, options.color)
        if any(d.severity == "error" for d in refused):
            return ERRORS
        steps = length_of(study, base)
        assert steps is not None
        how = How(
            steps,
            study.goal.episodes,
            options.engine,
            options.threads,
            ready.goal,
            origin=origin(ready.task),
        )
        worker = Worker(
            ready,
            book,
            folder / "trials",
            how,
            lambda event: None,
            lambda: bool(stopped),
            options.trust,
        )
        with storage.told(name):  # whose errors are of many types
            worker.work(Programs(numbers=True))
    except (EngineUnavailable, NotImplementedError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    return OK


def _words(options: argparse.Namespace, folder: Path, name: str) -> list[str]:
    """The command line of a worker."""
    threads = options.threads
    if not threads and options.workers > 1 and not (options.slurm or options.ray):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        threads = max(1, cores // options.workers)
    words = [str(options.study.absolute()), "--worker", "--out", str(folder.absolute())]
    where = name if "://" in name else str(Path(name).absolute())
    words += ["--storage", where, "--engine", options.engine, "--threads", str(threads)]
    return [*words, *(["--trust"] if options.trust else [])]


def _tell(
    ready: Ready,
    book: Book,
    name: str,
    options: argparse.Namespace,
    console: Console,
    status: int,
) -> int:
    """Print the best trial and what to do next; write the table."""
    from ksim_compiler.sweep import show

    if options.status:
        console.print(show.table(book, show.rows(book), limit=10_000))
    for line in show.summary(book, str(ready.task), "ksim-run"):
        console.print(line, markup=False, soft_wrap=True)
    if options.csv is not None:
        options.csv.write_text(show.as_csv(book), encoding="utf-8")
        console.print(f"wrote {options.csv}", markup=False)
    if status == common.INTERRUPTED:
        again = f"{PROGRAM} {options.study}"
        again += f" --out {options.out}" if options.out else ""
        again += f" --storage {options.storage}" if options.storage else ""
        console.print(f"stopped; go on with: {again}", markup=False, soft_wrap=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
