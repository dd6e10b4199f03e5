"""``ksim-compile``: check tasks, compile them, explain the language. It never imports JAX."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, outputs
from ksim_compiler.cli.common import ARCHIVE, ERRORS, OK, UsageError, paint, use_colour
from ksim_schema.diagnostics.codes.compiled import UNWRITABLE_FILE

if TYPE_CHECKING:
    from ksim_compiler.pipeline import Compiled
    from ksim_schema.diagnostics import Diagnostic, Sink
    from ksim_schema.vocabulary.base import Kinds

PROGRAM = "ksim-compile"
BUILD = Path("build")
"""Where archives go by default, relative to the current folder."""
SKIPPED = ("base", "robots")
"""Folders under a folder of tasks that hold no tasks: shared fragments and models."""
SUFFIXES = (".yaml", ".yml")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:
        common.without_windows()
        common.without_collecting()
    options = common.parsed(parser(), argv)
    return common.main(PROGRAM, lambda: run(options))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Check robot-learning tasks and compile them.",
        epilog="Exit status: 0 without errors, 1 with errors, 2 for a wrong command line.",
        allow_abbrev=False,
    )
    add, path = result.add_argument, common.path
    add(
        "paths",
        nargs="*",
        type=common.task,
        metavar="PATH",
        help="task files, .ksim files or folders",
    )
    add("--check", action="store_true", help="check only; write nothing")
    add(
        "-o",
        "--out",
        type=common.given,
        metavar="PATH",
        help=f"where to write: a file ending in {ARCHIVE}, or a folder (default: {BUILD}/)",
    )
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a value, for example Reward.linvel.scale=3; may be repeated",
    )
    add(
        "--engine",
        choices=("native", "mjx", "warp"),
        help="also say what of the model this engine could not simulate",
    )
    add("--fmt", action="store_true", help="lay the files out; with --check, only say which")
    add(
        "--fix",
        action="store_true",
        help="put right what is certain to be a slip (misspelt names, units, ranges in the wrong "
        "order, look-alike characters), and print the changes; with --check, write nothing",
    )
    add("--init", type=path, metavar="NAME", help="write a new task, NAME.yaml")
    add(
        "--robot",
        type=common.given,
        metavar="MODEL",
        help="with --init: its MJCF or URDF file, menagerie:NAME/ENTRY or package:module/file.xml",
    )
    add(
        "--format",
        choices=("text", "json", "github", "sarif", "junit"),
        default="text",
        help="form of the report: text on standard error, any other on standard output",
    )
    add(
        "--emit",
        choices=(
            *("graph", "acset", "plan", "ranges", "context", "effective", "components"),
            *("dot", "mermaid", "svg", "schema", "terrain"),
        ),
        help="print the canonical graph, the ACSet, the plan, what is said of each physical "
        "quantity (ranges), all that one needs to write or mend a task, or one for a robot's model "
        "(context), the task after all changes, its own Python files (without running them), or a "
        "drawing (dot, mermaid, svg); schema: the schema of the ACSet. Writes nothing. terrain: "
        "draws the ground from above into the PNG, SVG or PDF file of --out",
    )
    add(
        "--explain",
        metavar="WORD",
        help="explain a code such as KS0204, or a kind; with a task, one of its own",
    )
    add(
        "--completion",
        choices=("bash", "zsh", "fish"),
        help="print what makes this shell complete the commands' options and files, for example: "
        'eval "$(ksim-compile --completion bash)"',
    )
    add(
        "--list",
        action="store_true",
        help="list every kind of component; with a task, also its own",
    )
    common.add_trust(result)
    common.add_colour(result)
    add("--strict", action="store_true", help="take warnings for errors")
    add("-q", "--quiet", action="store_true", help="print problems only")
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status.

    Raises:
        UsageError: the options do not fit together.
    """
    if options.completion is not None:
        from ksim_compiler.cli.commands import completion

        print(completion(options.completion), end="")
        return OK
    if options.list or options.explain is not None:
        from ksim_compiler.cli import explain

        kinds = _kinds(options)
        if kinds is None:
            return ERRORS
        text = (
            explain.list_kinds(kinds) if options.list else explain.explain(options.explain, kinds)
        )
        if text is None:
            guess = explain.suggest(options.explain, kinds)
            raise UsageError(f"nothing is called {options.explain!r}. {guess}")
        print(text, end="")
        return OK
    if options.emit == "schema":
        from ksim_compiler.cli import emit

        print(emit.schema(), end="")
        return OK
    if options.init is not None:
        _check_alone(options)
        from ksim_compiler.cli import init

        if options.paths:
            extra = " ".join(map(str, options.paths))
            raise UsageError(f"--init takes one name, and not {extra}; --robot names a model")
        return init.init(options.init, options.robot)
    if options.robot is not None:
        raise UsageError("--robot goes with --init")
    if options.emit == "context" and len(options.paths) == 1:
        from ksim_compiler.cli import context

        _check_context(options)
        return context.context(str(options.paths[0]), options.settings, options.trust)
    tasks = list(find_tasks(options.paths))
    if not options.paths:
        raise UsageError("name a task file or a folder of tasks; --help says more")
    if not tasks:
        raise UsageError(f"no tasks in {', '.join(map(str, options.paths))}")
    if options.fix:
        return _fix(tasks, options)
    if options.fmt:
        from ksim_compiler.cli import format

        return format.format_files(tasks, options.check, options.color)
    if options.emit is not None:
        return _emit(tasks, options)
    return _compile(tasks, options)


def _check_context(options: argparse.Namespace) -> None:
    """Refuse what --emit context would leave undone.

    Raises:
        UsageError: the page is to be written or formatted.
    """
    if options.out is not None or options.format != "text" or options.paths[0].is_dir():
        raise UsageError("--emit prints one task: no folder, no --out, no --format")


def _fix(tasks: Sequence[Path], options: argparse.Namespace) -> int:
    """Repair task files.

    Raises:
        UsageError: something else is asked for beside.
    """
    from ksim_compiler.cli import fix

    others = {"fmt": "fmt", "emit": "emit", "out": "out", "settings": "set"}
    beside = [flag for name, flag in others.items() if getattr(options, name)]
    if beside or options.format != "text":
        flag = beside[0] if beside else "format"
        raise UsageError(f"--fix changes the files of tasks, and does no more; leave out --{flag}")
    return fix.fix_files(tasks, options.check, options.color)


def _check_alone(options: argparse.Namespace) -> None:
    """Refuse what --init would leave undone.

    Raises:
        UsageError: a task is named, or it is to be checked, changed or written elsewhere.
    """
    others = ("check", "fmt", "fix", "emit", "out", "settings")
    flags = [{"settings": "set"}.get(name, name) for name in others if getattr(options, name)]
    if options.paths:
        raise UsageError(f"--init {options.init} writes a new task; leave out {options.paths[0]}")
    if flags:
        raise UsageError(f"--init writes a new task, and does no more; leave out --{flags[0]}")


def _kinds(options: argparse.Namespace) -> Kinds | None:
    """The kinds of the task that is named, or the built-in ones; None when it is no good."""
    from ksim_schema.vocabulary import KINDS

    if not options.paths:
        return KINDS
    if len(options.paths) > 1 or options.paths[0].is_dir():
        raise UsageError("name one task, whose own kinds are meant")
    compiled = common.load(options.paths[0], options.settings, options.trust)
    if compiled.plan is None:
        common.print_report(compiled.diagnostics, compiled.sources, options.color)
        return None
    return compiled.plan.task.components.kinds


def find_tasks(paths: Sequence[Path]) -> Iterator[Path]:
    """The task files among paths and in folders, each once; in a folder, in order of names.

    In a folder, a YAML file is a task when it has a ``task:`` key, and a fragment otherwise.
    """
    seen: set[Path] = set()
    for path in paths:
        for found in _in_folder(path) if path.is_dir() else (path,):
            if found.resolve() not in seen:
                seen.add(found.resolve())
                yield found


_TASK_KEY = re.compile(rb"^[\"']?task[\"']?[ \t]*:", re.MULTILINE)
_STUDY_KEY = re.compile(rb"^study[ \t]*:", re.MULTILINE)
"""A study names a task; it is none."""


def _in_folder(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if path.suffix in SUFFIXES and not name.startswith(".") and _has_task_key(path):
                yield path


def _has_task_key(path: Path) -> bool:
    from ksim_schema.source.files import FileError, read_start

    try:
        text = read_start(path)
        return _TASK_KEY.search(text) is not None and _STUDY_KEY.search(text) is None
    except FileError:
        return True  # compiling it reports why it cannot be read


def _emit(tasks: Sequence[Path], options: argparse.Namespace) -> int:
    drawn = options.emit == "terrain"
    if len(tasks) > 1 or options.format != "text" or (options.out is not None and not drawn):
        raise UsageError("--emit prints one task: no folder, no --out, no --format")
    if drawn:
        from ksim_compiler.report.formats import PLOT

        if options.out is None:
            raise UsageError("--emit terrain needs --out FILE.png, the picture that it draws")
        outputs.check(Path(options.out), PLOT)
    if options.emit == "components":
        from ksim_compiler.cli import emit

        return emit.components(tasks[0], options.color)
    compiled = common.load(tasks[0], options.settings, options.trust)
    common.print_report(compiled.diagnostics, compiled.sources, options.color)
    from ksim_schema.diagnostics.reports import failed

    if compiled.plan is None or failed(compiled.diagnostics, options.strict):
        return ERRORS
    from ksim_compiler.cli import emit

    if drawn and options.out is not None:
        return emit.terrain(compiled.plan, Path(options.out))
    print(emit.EMIT[options.emit](compiled.plan), end="")
    return OK


def _compile(tasks: Sequence[Path], options: argparse.Namespace) -> int:
    """Compile tasks one after the other, report on each, and write those that are good."""
    from ksim_schema.diagnostics import Sink
    from ksim_schema.diagnostics.reports import FORMATS, Report, failed

    target = _Target(options.out, len(tasks))
    reports: list[Report] = []
    for path in tasks:
        compiled = common.load(path, options.settings, options.trust)
        problems = [*compiled.diagnostics, *common.refused(compiled, options.engine)]
        written: Path | None = None
        if not options.check and not failed(problems, options.strict):
            unwritten = Sink()
            written = target.write(path, compiled, unwritten)
            problems += unwritten
        reports.append(Report(str(path), problems, compiled.sources))
        if options.format == "text":
            common.print_report(problems, compiled.sources, options.color)
            if not options.quiet:
                _print_outcome(path, compiled, problems, written, options.color)
    if options.format != "text":
        print(FORMATS[options.format](reports, options.strict), end="")
    return ERRORS if any(failed(r.diagnostics, options.strict) for r in reports) else OK


class _Target:
    """Where archives go: each to a file of its own."""

    def __init__(self, out: str | None, tasks: int) -> None:
        self.path = BUILD if out is None else Path(out)
        self.is_file = self.path.suffix == ARCHIVE and not self.path.is_dir()
        if self.path.suffix in SUFFIXES and not self.path.is_dir():
            raise UsageError(f"{self.path.name}: the name of a compiled task ends in {ARCHIVE}")
        if self.is_file and tasks > 1:
            raise UsageError(f"--out {out} is one file, and there are {tasks} tasks")
        self.taken: dict[Path, Path] = {}

    def write(self, source: Path, compiled: Compiled, sink: Sink) -> Path | None:
        """Write a compiled task; returns the file, or None when that went wrong."""
        from ksim_compiler.artifact import ArtifactError, write

        assert compiled.plan is not None
        path = self.path if self.is_file else self.path / f"{compiled.plan.task.name}{ARCHIVE}"
        try:
            if path in self.taken:
                first = f"it was made of {self.taken[path]}, a task of the same name"
                raise ArtifactError(UNWRITABLE_FILE, f"cannot write {path}: {first}")
            write(path, compiled)
        except ArtifactError as error:
            sink.add([error.diagnostic(str(path))])
            return None
        self.taken[path] = source
        return path


def _print_outcome(
    path: Path,
    compiled: Compiled,
    problems: Sequence[Diagnostic],
    written: Path | None,
    colour: common.Colour,
) -> None:
    from ksim_schema.diagnostics import summary

    shown = use_colour(colour, sys.stdout)
    if compiled.plan is not None and written is not None:
        from ksim_compiler.cli.emit import table

        columns = max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
        for line, heading in table(compiled.plan, columns):
            print(paint(line, shown and heading))
        size = written.stat().st_size
        note = f"{size:,} bytes, fingerprint {compiled.fingerprint[:12]}"
        print(f"{paint('wrote', shown)} {written} ({note})")
    print(f"{path}: {summary(problems)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
