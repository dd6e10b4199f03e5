"""From a file to a checked graph: what can be known of a task without its robot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ksim_schema.checks.proportions import place
from ksim_schema.checks.values import lint
from ksim_schema.compose.extends import compose
from ksim_schema.compose.settings import apply_settings, sources
from ksim_schema.custom import files as own
from ksim_schema.diagnostics import Diagnostic, Sink, has_errors
from ksim_schema.diagnostics.codes.structure import (
    MISSING_KIND,
    NO_SUCH_PATH,
    OUT_OF_RANGE,
    UNKNOWN_FIELD,
)
from ksim_schema.diagnostics.codes.values import IDLE_CRITIC, LATENCY_TOO_LONG, NO_TIME_LIMIT
from ksim_schema.graph import Graph, check
from ksim_schema.graph.morphisms import contradicted, desugar
from ksim_schema.graph.wiring import wire
from ksim_schema.records import dataclass
from ksim_schema.source import Document, parse, read
from ksim_schema.source.files import start_text
from ksim_schema.source.paths import folder_of
from ksim_schema.task import Task, load
from ksim_schema.vocabulary import Model
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.state import Robot
from ksim_schema.vocabulary.termination import Termination


@dataclass(frozen=True)
class Checked:
    """A task file after all checks that need no robot.

    Attributes:
        task: the task, or None when the file could not be read as one.
        graph: its graph.
        diagnostics: what was found, in order.
        sources: texts that the diagnostics point into.
    """

    task: Task | None
    graph: Graph | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]


def check_file(
    path: Path,
    settings: Sequence[str] = (),
    name: str | None = None,
    text: str | None = None,
) -> Checked:
    """Read and check a task file; see :func:`check_document`. A ``.json`` file holds an ACSet.

    Args:
        path: the file.
        settings: ``path=value`` texts that change the task.
        name: how to call it in messages; the path by default.
        text: what to check as the file's text, in place of what it holds.
    """
    is_json = path.suffix == ".json"
    parser = _json_parser() if is_json else parse
    called = name or str(path)
    sink = Sink()
    document = read(path, sink, name, parser) if text is None else parser(text, called, sink)
    if document is None:
        shown = start_text(path) if text is None else text
        return Checked(None, None, sink.in_order(), {called: shown})
    if is_json and not _is_plain_task(document):
        folder = path.resolve().parent if path.is_symlink() else path.parent
        checked = check_instance(document, folder, settings)
    else:
        checked = check_document(document, folder_of(path, document.data), settings)
    sink.add(checked.diagnostics)
    return replace(checked, diagnostics=sink.in_order())


# Few tasks are JSON: what reads them is imported where one is.


def _json_parser() -> Callable[[str | bytes, str, Sink], Document | None]:
    from ksim_schema.source.json_reader import parse_json

    return parse_json


def _is_plain_task(document: Document) -> bool:
    from ksim_schema.exchange.acset_import import is_plain_task

    return is_plain_task(document)


def check_instance(document: Document, folder: Path, settings: Sequence[str] = ()) -> Checked:
    """Check an ACSet as a task; see :func:`check_document`.

    The parts of a task imply its graph, so the tables must hold exactly that graph.
    """
    from ksim_schema.exchange.acset_import import disagreements, import_task

    sink = Sink()
    imported = import_task(document, sink)
    if imported is None:
        return Checked(None, None, sink.in_order(), {document.file: document.text})
    checked = check_document(imported.document, folder)
    sink.add(checked.diagnostics)
    if checked.graph is not None and not sink.failed:
        sink.add(disagreements(imported, checked.graph))
    if not settings or sink.failed:
        return replace(checked, diagnostics=sink.in_order())
    return check_document(imported.document, folder, settings)


def check_document(
    document: Document,
    folder: Path,
    settings: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
) -> Checked:
    """Check a document as a task, with what it extends. Its component files are run.

    Args:
        document: the source.
        folder: the folder that paths in it are relative to.
        settings: ``path=value`` texts that change it.
        files: its component files by name; read from the folder by default. When they are given,
            the task is whole: nothing else is read.
    """
    texts = sources(document, settings)
    sink = Sink()
    homes: dict[str, tuple[Path, str]] = {}
    if files is None:
        composed = compose(document, folder, LEARNERS, sink)
        document, homes = composed.document, composed.homes
        texts |= composed.sources
        # what else is wrong may follow from these, but not from a value that found no place
        if has_errors(d for d in sink if d.code not in (MISSING_KIND, NO_SUCH_PATH)):
            return Checked(None, None, sink.in_order(), texts)
    document = apply_settings(document, settings, LEARNERS, sink)
    shown = {name: place for name, (_, place) in homes.items()}
    read, place = _component_files(document, folder, files, homes)
    components = own.load(document, read, place, sink, shown)
    texts |= components.sources
    document = desugar(document, sink, components.kinds)
    task = load(document, folder, sink, components)
    if task is None:
        return Checked(None, None, sink.in_order(), texts)
    graph = wire(task, sink)
    broken = sink.failed
    sink.add(check(task, graph, broken=broken))
    sink.add(numbers(task))
    doubtful = broken or sink.failed
    reported = {(d.where.line, d.where.column) for d in sink}
    values = lint(task, broken=doubtful)
    unknown = {d.path for d in sink if d.code == UNKNOWN_FIELD}
    sink.add(
        d
        for d in values
        if (d.where.line, d.where.column) not in reported and not _within(d.path, unknown)
    )
    if not broken:
        sink.add(contradicted(document, task, graph))
    return Checked(task, graph, sink.in_order(), texts)


def _within(path: str, fields: set[str]) -> bool:
    """Whether a path is one of some fields, or leads on from one."""
    return any(path == field or path.startswith((f"{field}.", f"{field}[")) for field in fields)


def _component_files(
    document: Document,
    folder: Path,
    files: Mapping[str, bytes] | None,
    homes: Mapping[str, tuple[Path, str]],
) -> tuple[own.Reader, str]:
    """Where component files are read from, and how their folder is called in messages."""
    beside = PurePosixPath(document.file).parent
    if files is None:

        def read_beside(name: str) -> bytes:
            return own.reader_of(homes[name][0] if name in homes else folder)(name)

        return read_beside, str(beside)

    def read(name: str) -> bytes:
        if name not in files:
            raise own.UnreadableError(f"the compiled task carries no {name}")
        return files[name]

    return read, str(beside / own.KEY)


def numbers(task: Task) -> Iterator[Diagnostic]:
    """Checks of values against each other that need no robot."""
    recurrent = any(network.recurrent for network in task.networks().values())
    section = task.learner.section
    for remark in task.learner.remarks(recurrent):
        at = place(task, section, *remark.place)  # a number may stand for a model of it
        at = at if len(at) > 1 else (section, *remark.place)
        yield task.report(remark.code, remark.message, *at, help=remark.help)
    if not task.learner.critic and task.of("Critic"):
        message = f"{section} trains no critic, so this one does nothing"
        yield task.report_key(IDLE_CRITIC, message, "Critic", help="take it out")
    limited = any(t.is_timeout for t in task.of(Termination).values())
    if not limited and task.complete:
        message = "no time limit: an episode that never fails never ends"
        help = "add a Termination such as {kind: episode_length, after: 20 s}"
        yield task.report_key(NO_TIME_LIMIT, message, "Termination", help=help)
    for name, action in task.of(Action).items():
        for state in task.of(Robot).values():
            late = (action.latency or (0.0, 0.0))[1]
            period = state.control
            if late > period * (1 + 1e-9):
                message = f"a latency of {late * 1e3:g} ms is longer than the control period of "
                message += f"{period * 1e3:g} ms"
                help = f"give at most {period * 1e3:g} ms; what is later still is a 'delay' of the "
                help += "observations"
                at = ("Action", name, "latency", 1)
                yield task.report(LATENCY_TOO_LONG, message, *at, help=help)
    for name, reward in task.of(Reward).items():
        yield from _negative_scale(task, name, reward)


def _negative_scale(task: Task, name: str, reward: Any) -> Iterator[Diagnostic]:
    """A reward's scale says how much, and its kind whether it is added or subtracted."""
    at = ("Reward", name, "scale")
    for path, value in numbers_in(reward.scale):
        if value < 0:
            place = (*at, *path) if (*at, *path) in task.document.values else at
            message = f"a reward's scale is not negative, but this is {value:g}"
            help = "what is bad has a kind that is a penalty, which is subtracted"
            if reward.penalty:
                help = f"{reward.kind_name!r} is subtracted by its kind: write {-value:g}"
            yield task.report(OUT_OF_RANGE, message, *place, help=help)


def numbers_in(model: Model) -> Iterator[tuple[tuple[str, ...], float]]:
    """The numbers in a model, with their paths in the source."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        key = info.alias or name
        if isinstance(value, Model):
            yield from (((key, *path), number) for path, number in numbers_in(value))
        elif isinstance(value, float):
            yield (key,), value
