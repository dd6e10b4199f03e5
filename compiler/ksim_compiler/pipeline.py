"""From a task file to a plan: the language's checks, the robot, the passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ksim_compiler import passes
from ksim_compiler.checks.resolve import resolve
from ksim_compiler.plan import Plan
from ksim_compiler.robot import kept, locate, model, sane
from ksim_schema.compose.settings import COMMAND_LINE
from ksim_schema.custom.files import blame
from ksim_schema.diagnostics import Diagnostic, Sink, has_errors, in_order, suppress
from ksim_schema.diagnostics.codes.names import (
    MODEL_DOWNLOADED,
    MODEL_REMARK,
    RANGE_WITHOUT_LIMIT,
)
from ksim_schema.diagnostics.codes.values import UNREADABLE_TASK_FILE
from ksim_schema.frontend import Checked, check_document, check_file
from ksim_schema.graph.canonical import fingerprint
from ksim_schema.records import dataclass
from ksim_schema.robot import file_key
from ksim_schema.source import Document, parse
from ksim_schema.source.files import FileError, read_bytes
from ksim_schema.source.paths import folder_of
from ksim_schema.task import Task
from ksim_schema.vocabulary.base import files_of
from ksim_schema.vocabulary.state import Robot as RobotPart


@dataclass(frozen=True)
class Compiled:
    """The outcome of a compilation.

    Attributes:
        plan: the plan, or None when there is an error.
        diagnostics: all that was found, in order of place.
        sources: texts that the diagnostics point into.
        fingerprint: hash of the task's meaning, "" when there is an error.
    """

    plan: Plan | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    fingerprint: str = ""


def compile_file(
    path: Path,
    settings: Sequence[str] = (),
    name: str | None = None,
    text: str | None = None,
) -> Compiled:
    """Compile a task file.

    Args:
        path: the YAML file.
        settings: ``path=value`` texts that change the task.
        name: how to call the file in messages; the path by default.
        text: what to compile as the file's text, in place of what it holds.
    """
    compiled = _compile(check_file(path, settings, name, text), None)
    called = name or str(path)
    if settings:
        return replace(compiled, diagnostics=_blamed(compiled, path, settings, name, text))
    if all(d.where.file == called for d in compiled.diagnostics):
        return compiled
    document = parse(compiled.sources[called], called, Sink())
    if document is None or path.suffix == ".json":
        return compiled
    from ksim_schema.compose.causes import blamed  # few reports are about another file

    def check(changed: Document) -> list[Diagnostic]:
        folder = folder_of(path, changed.data)
        return _compile(check_document(changed, folder), None).diagnostics

    found = blamed(compiled.diagnostics, document, check)
    return replace(compiled, diagnostics=in_order(found))


def _blamed(
    compiled: Compiled, path: Path, settings: Sequence[str], name: str | None, text: str | None
) -> list[Diagnostic]:
    """What is wrong with a task, with what a setting of the command line causes at the setting."""
    files = {d.where.file for d in compiled.diagnostics if d.severity != "info"}
    if files <= {COMMAND_LINE}:
        return compiled.diagnostics
    from ksim_schema.compose.causes import blamed_settings

    def check(others: Sequence[str]) -> list[Diagnostic]:
        return _compile(check_file(path, others, name, text), None).diagnostics

    return in_order(blamed_settings(compiled.diagnostics, settings, check))


def compile_document(
    document: Document,
    files: model.ModelFiles,
    settings: Sequence[str] = (),
    components: Mapping[str, bytes] | None = None,
) -> Compiled:
    """Compile a task whose files are given, as they are in a compiled task's archive.

    Args:
        document: the task.
        files: the model's files.
        settings: ``path=value`` texts that change the task.
        components: its component files by name.
    """
    return _compile(check_document(document, Path(), settings, components or {}), files)


def _compile(checked: Checked, files: model.ModelFiles | None) -> Compiled:
    try:
        compiled = _through_passes(checked, files)
        kept, idle = suppress.apply(compiled.diagnostics, compiled.sources)
        if has_errors(kept):  # a warning may be missing that a comment is meant for
            idle = []
        own = next(iter(compiled.sources), "")  # a base's comments are about the base
        idle = [problem for problem in idle if problem.where.file == own]
        return replace(compiled, diagnostics=in_order([*kept, *idle]))
    except Exception as error:
        # The passes call methods of components: a mistake in one is its author's, not ours.
        components = checked.task.components.sources if checked.task else {}
        problem = blame(error, components)
        if problem is None:
            raise
        return Compiled(None, in_order([*checked.diagnostics, problem]), checked.sources)


def _through_passes(checked: Checked, files: model.ModelFiles | None) -> Compiled:
    task, graph, sink = checked.task, checked.graph, Sink()
    if task is None or graph is None:
        return Compiled(None, checked.diagnostics, checked.sources)
    sink.add(checked.diagnostics)
    for name, part in list(task.of(RobotPart).items())[:1]:
        at = ("PhysicsState", name, "model")
        try:
            if files is None:
                located = locate.locate(part.model, task.folder)
                if located.downloaded:
                    message = f"downloaded {located.downloaded}"
                    sink.add([task.report(MODEL_DOWNLOADED, message, *at)])
                files = _with_task_files(task, kept.read_files(located.path), sink)
                if files is None:
                    break
            loaded = kept.load(part, files)
        except model.ModelError as error:
            place = (*at[:2], *error.field.split("."))
            sink.add([task.report(error.code, str(error), *place, help=error.help)])
            break
        for note in loaded.notes:
            message = f"MuJoCo remarks on the model: {note}"
            sink.add([task.report(MODEL_REMARK, message, *at)])
        for turned in sane.no_limits(loaded.model):
            message = f"{turned}, which MuJoCo takes for no limit"
            help = "write the lower end first"
            sink.add([task.report(RANGE_WITHOUT_LIMIT, message, *at, help=help)])
        plan = Plan(task, graph, loaded)
        if sink.failed:  # the graph may be broken, but names can still be checked
            resolve(plan, sink)
            break
        plan = passes.run(plan, sink)
        if sink.failed:
            break
        meaning = fingerprint(plan.task, graph, files.content)
        return Compiled(plan, sink.in_order(), checked.sources, meaning)
    return Compiled(None, sink.in_order(), checked.sources)


MAX_TASK_FILE = 200_000_000
"""Largest file beside a task, in bytes."""


def _with_task_files(task: Task, files: model.ModelFiles, sink: Sink) -> model.ModelFiles | None:
    """The files of a model with those that stand beside the task; None when one is unreadable."""
    found = Sink()
    content, taken = dict(files.content), dict[str, Path]()
    for object, name, part in task:
        for place, value in files_of(part):
            key, path = file_key(value), task.folder / value
            try:
                read = read_bytes(path, MAX_TASK_FILE)
                problem = ""
                if taken.setdefault(key, path.resolve()) == path.resolve():
                    content[key] = read
                else:
                    problem = "another file of the task has this name"
            except FileError as error:
                problem = str(error)
            if problem:
                message = f"cannot read {value}: {problem}"
                found.add([task.report(UNREADABLE_TASK_FILE, message, object, name, *place)])
    sink.add(found)
    return None if found else model.ModelFiles(files.root, content)
