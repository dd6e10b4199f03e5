"""The checking process: it checks one text after the other, and keeps robots between them.

What a task's own Python files print goes nowhere: standard output is the protocol's, and a client
that does not read standard error would stop the process that fills it.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ksim_compiler.editor.findings import Asked, Found, Known, QuantityText, Thing
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.records import dataclass


def run(connection: Connection) -> None:
    """Answer questions until the other end is closed.

    Each :class:`Asked` is answered by a :class:`Found`, and then, where it was a check, by a
    :class:`Known`; or by a text, the traceback of a mistake of ours.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ["MUJOCO_GL"] = "disable"
    worker = Worker()
    while True:
        try:
            asked = connection.recv()
        except (EOFError, OSError):
            return
        try:
            if asked.repair:
                connection.send(worker.repair(asked))
                continue
            found, rest = worker.check(asked)
            connection.send(found)
            connection.send(worker.known(asked, rest))
        except (BrokenPipeError, ConnectionError):
            return
        except Exception:
            connection.send(traceback.format_exc())


@dataclass(eq=False)
class Worker:
    """What is kept between checks."""

    kept: Any = None
    things: list[tuple[Any, dict[str, list[Thing]]]] = field(default_factory=lambda: [])
    last: dict[Path, Known] = field(default_factory=lambda: {})

    def check(self, asked: Asked) -> tuple[Found, Any]:
        """What is wrong with a text, and the compiled task; None for that of a study."""
        with self._reading(asked):
            diagnostics, sources, compiled = _checked(asked, asked.text)
        files = files_of(asked.path, diagnostics, sources)
        return Found(asked.number, diagnostics, files, sources), compiled

    def repair(self, asked: Asked) -> Found:
        """A text without what is certain to be a slip."""
        from ksim_schema.source.repair import repair

        name = str(asked.path) if asked.study else asked.path.name
        with self._reading(asked):
            done = repair(asked.text, name, lambda new: _checked(asked, new)[0])
        return Found(asked.number, done.diagnostics, repaired=done.text)

    def known(self, asked: Asked, compiled: Any) -> Known:
        """What is known of a task besides. Where its robot cannot be read, what was known of it."""
        from ksim_compiler.editor.things import line_of
        from ksim_compiler.robot import kept, locate
        from ksim_compiler.robot.files import ModelError
        from ksim_schema.frontend import check_file
        from ksim_schema.vocabulary.state import Robot as RobotPart

        if compiled is None:
            return _renumbered(self.last.get(asked.path, Known(0)), asked.number)
        task = compiled.plan.task if compiled.plan is not None else None
        with self._reading(asked):
            if task is None and not asked.study:
                task = check_file(asked.path, name=asked.path.name, text=asked.text).task
            last = self.last.get(asked.path, Known(0))
            if task is None and not asked.study and not last.things:  # then as it was saved
                task = check_file(asked.path, name=asked.path.name).task
            if task is None:
                return _renumbered(last, asked.number)
            kinds = own_kinds(task)
            part = next(iter(task.of(RobotPart).values()), None)
            if part is None:
                return _renumbered(last, asked.number, kinds=kinds)
            try:
                path = locate.locate(part.model, task.folder).path
                robot = kept.load(part, kept.read_files(path))
                things = self._things(robot, path)
            except ModelError:
                return _renumbered(last, asked.number, kinds=kinds)
        quantities = last.quantities
        if compiled.plan is not None:
            quantities = quantities_of(task, compiled.plan.robot.facts)
        signals = {**last.signals, **signals_of(task, robot.facts)}
        known = Known(asked.number, line_of(robot.facts), things, quantities, kinds, path, signals)
        self.last[asked.path] = known
        return known

    def _things(self, robot: Any, path: Path) -> dict[str, list[Thing]]:
        from ksim_compiler.editor.things import things_of

        for known, things in self.things:
            if known is robot:
                return things
        things = things_of(robot, path)
        self.things = [*self.things[-5:], (robot, things)]
        return things

    def _reading(self, asked: Asked) -> Any:
        """A block in which open files are read as they are open, and robots are kept."""
        from contextlib import ExitStack

        from ksim_compiler.robot.kept import Kept, keeping
        from ksim_schema.source.files import read_as

        self.kept = self.kept or Kept()
        stack = ExitStack()
        contents = {p: t.encode("utf-8", "surrogatepass") for p, t in asked.others.items()}
        stack.enter_context(read_as(contents))
        stack.enter_context(keeping(self.kept))
        return stack


def _checked(asked: Asked, text: str) -> tuple[Sequence[Diagnostic], Mapping[str, str], Any]:
    """What is wrong with a text, the texts that this is about, and the compiled task."""
    if asked.study:
        from ksim_compiler.sweep.check import check
        from ksim_schema.source.files import read_as

        others = {p: t.encode("utf-8", "surrogatepass") for p, t in asked.others.items()}
        with read_as({**others, asked.path: text.encode("utf-8", "surrogatepass")}):
            ready = check(asked.path)
        return ready.diagnostics, ready.sources, ready.base
    from ksim_compiler.pipeline import compile_file

    compiled = compile_file(asked.path, name=asked.path.name, text=text)
    return compiled.diagnostics, compiled.sources, compiled


def _renumbered(last: Known, number: int, **changes: Any) -> Known:
    from dataclasses import replace

    return replace(last, number=number, **changes)


def files_of(path: Path, diagnostics: Any, sources: Mapping[str, str]) -> dict[str, Path]:
    """The files that diagnostics name: they are named from the folder of the text's file."""
    names = {d.where.file for d in diagnostics} | set(sources)
    for d in diagnostics:
        names |= {place.where.file for place in d.related}
    found: dict[str, Path] = {}
    for name in names:
        beside = path.parent / name
        linked = path.resolve().parent / name
        found[name] = linked if not beside.exists() and linked.exists() else beside
    found[path.name] = path
    return {name: Path(os.path.normpath(file)) for name, file in found.items()}


def own_kinds(task: Any) -> dict[str, dict[str, Any]]:
    """The kinds that a task's own Python files declare."""
    from ksim_compiler.editor.shapes import kind_of
    from ksim_schema.custom.api import Custom

    found: dict[str, dict[str, Any]] = {}
    for object, kinds in task.components.kinds.items():
        for name, model in kinds.items():
            if issubclass(model, Custom):
                found.setdefault(object, {})[name] = kind_of(model)
    return found


def quantities_of(task: Any, facts: Any) -> list[QuantityText]:
    """What the task says of each quantity, as ``--emit ranges`` prints it."""
    from ksim_schema.checks.ranges import display, table, text

    table_ = table(task, facts)
    parts: dict[str, set[tuple[str, str]]] = {}
    for quantity, ranges in table_.items():
        said = {(s.object, s.part) for s in ranges.statements}
        parts.setdefault(display(quantity, facts), set()).update(said)
    found: list[QuantityText] = []
    for block in text(task, table_, facts).split("\n\n")[1:]:
        lines = block.rstrip("\n").split("\n")
        head = [line for line in lines if not line.startswith("  ")]
        title = " ".join(head)
        who = frozenset[tuple[str, str]]().union(*(parts.get(q, set()) for q in title.split(", ")))
        rows = tuple(line[2:] for line in lines if line.startswith("  "))
        found.append(QuantityText(title, rows, who))
    return found


def signals_of(task: Any, facts: Any) -> dict[str, tuple[str, ...]]:
    """The commands of a task with the names of their elements."""
    from ksim_schema.vocabulary.command import Command

    found: dict[str, tuple[str, ...]] = {}
    for name, command in task.of(Command).items():
        try:
            found[name] = tuple(command.labels(facts))
        except Exception:  # of a command that is not right, which is told elsewhere
            found[name] = ()
    return found
