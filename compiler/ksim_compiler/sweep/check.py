"""A study beside its task: every value at the ends of what is searched is compiled.

Nothing is run, and JAX is not imported. What the checker says of a value of the study is told at
the value's place in the study's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from ksim_compiler.learn.run.files import CLIP_UNITS, MOTION
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.compose.settings import COMMAND_LINE
from ksim_schema.diagnostics import Diagnostic, closest, did_you_mean, has_errors
from ksim_schema.diagnostics.codes.reading import UNREADABLE_FILE
from ksim_schema.diagnostics.codes.structure import WRONG_TYPE
from ksim_schema.diagnostics.codes.studies import (
    ALIKE,
    ALL_REFUSED,
    GOAL_MOVES,
    NO_LENGTH,
    NOTHING_PRUNED,
    PARTLY_REFUSED,
    UNKNOWN_GOAL,
)
from ksim_schema.records import dataclass
from ksim_schema.source import Document, Path_, dotted
from ksim_schema.source.named import UnknownTaskError, beside, shipped
from ksim_schema.study import Searched, Span as Between, Study
from ksim_schema.study.load import check_file, silenced
from ksim_schema.study.model import Halving, Median
from ksim_schema.study.values import settings, text_of
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.metric import Metric
from ksim_schema.vocabulary.reward import Reward

ARCHIVE = ".ksim"
CORNERS = 16
"""Most corners of what is searched that are compiled."""
ALWAYS = ("return", "length", "failed")
"""Numbers of every evaluation."""
_EPISODES = ("Command", "Reset", "Event", "Randomizer")
_COUNTED = {
    "return": ("Reward", "Termination"),
    "length": ("Termination",),
    "failed": ("Termination",),
}
"""What a goal counts: objects whose values it is made of."""


@dataclass(frozen=True)
class Ready:
    """A study with its task, checked.

    Attributes:
        study: the study, or None when there is an error.
        spaces: what is searched.
        task: the file of its task.
        base: the task with what the study sets of it, before anything is searched.
        goal: the number of an evaluation that the study is about, by its name in logs.
        diagnostics: all that was found, in order of place.
        sources: texts that the diagnostics point into.
    """

    study: Study | None
    spaces: tuple[Searched, ...]
    task: Path
    base: Compiled | None
    goal: str
    diagnostics: list[Diagnostic]
    sources: dict[str, str]

    def settings(self, texts: Mapping[str, str]) -> list[str]:
        """What a trial of these values, by path, sets of its task."""
        assert self.study is not None
        return settings({**fixed(self.study), **texts})

    def compile(self, texts: Mapping[str, str], trust: bool = False) -> Compiled:
        """The task of a trial."""
        return compile_task(self.task, self.settings(texts), trust)


def fixed(study: Study) -> dict[str, str]:
    """What a study sets in all trials, by path."""
    return {path: text_of(value) for path, value in study.set.items()}


def compile_task(path: Path, changes: Sequence[str], trust: bool = False) -> Compiled:
    """Compile a task's file, or read a compiled task."""
    if path.suffix == ARCHIVE:
        from ksim_compiler import artifact

        return artifact.read(path, changes, trust=trust)
    return compile_file(path, changes)


def check(path: Path, trust: bool = False) -> Ready:
    """Check a study's file, and the tasks at the ends of what it searches.

    Args:
        path: the file.
        trust: whether to run the Python files that a compiled task carries.
    """
    read = check_file(path)
    study, document = read.study, read.document
    if study is None or document is None:
        return Ready(None, read.spaces, path, None, "", read.diagnostics, read.sources)
    found = list(read.diagnostics)
    task = _task(document, study, path.parent)
    if isinstance(task, Diagnostic):
        found = silenced([*found, task], read.sources)
        return Ready(None, read.spaces, path, None, "", found, read.sources)
    base = compile_task(task, settings(fixed(study)), trust)
    sources = {**{k: v for k, v in base.sources.items() if k != COMMAND_LINE}, **read.sources}
    places: list[Path_] = [("set", name) for name in study.set]
    told = [_moved(d, document, places) for d in base.diagnostics]
    found += [d for d in told if d.severity == "error" or d.where.file == document.file]
    if base.plan is None:
        return Ready(None, read.spaces, task, None, "", silenced(found, sources), sources)
    spaces, problems = _Probes(document, study, task, base, trust).run(read.spaces)
    found += problems
    goal, problems = _goal(document, study, base)
    if has_errors(found):  # what is searched is not known yet
        problems = [d for d in problems if d.severity == "error"]
    found += [*problems, *_lengths(document, study, base)]
    found = silenced(found, {k: v for k, v in sources.items() if k == document.file})
    good = None if has_errors(found) else study
    return Ready(good, spaces, task, base, goal, found, sources)


def _task(document: Document, study: Study, folder: Path) -> Path | Diagnostic:
    """The file of a study's task, or what is wrong with what it is called."""
    help = did_you_mean(study.task, shipped(), of="tasks that ship")
    try:
        path = beside(study.task, folder)
        if path.is_file():
            return path
        message = f"there is no task {study.task!r}: no file {path}"
    except UnknownTaskError as error:
        message, help = f"there is no task {study.task!r}: {error}", ""
    return Diagnostic(UNREADABLE_FILE, message, document.at(("task",)), "task", help)


def _moved(d: Diagnostic, document: Document, places: Sequence[Path_]) -> Diagnostic:
    """A diagnostic of a setting at the place in the study that it comes from."""
    if d.where.file != COMMAND_LINE:
        return d
    path = places[min(d.where.line, len(places)) - 1]
    if d.where.column == 1:  # of the path, not of what it is set to
        path = path[:2]
    place = document.at(path, key=d.where.column == 1)
    related = tuple(r for r in d.related if r.where.file != COMMAND_LINE)
    return replace(d, where=place, path=dotted(path), fix=None, related=related)


class _Probes:
    """Compilations of a task at some values of what is searched."""

    def __init__(
        self, document: Document, study: Study, task: Path, base: Compiled, trust: bool
    ) -> None:
        self.document, self.study, self.task = document, study, task
        self.base, self.trust = base, trust

    def run(self, spaces: Sequence[Searched]) -> tuple[tuple[Searched, ...], list[Diagnostic]]:
        """What is searched, of whole numbers where the task asks for them, and what is wrong."""
        found: list[Diagnostic] = []
        known: list[Searched] = []
        refused: dict[str, dict[Path_, Diagnostic]] = {}
        meanings: dict[str, set[str]] = {}
        for space in spaces:
            if isinstance(space, Between) and space.integers and self._counts(space):
                space = space.of_whole()
            known.append(space)
            for below, text in space.probes().items():
                at = ("search", space.path, *below)
                compiled = self._compile({space.path: text}, {space.path: at})
                errors = [d for d in compiled if d.severity == "error"]
                if errors:
                    refused.setdefault(space.path, {})[at] = errors[0]
                else:
                    meanings.setdefault(space.path, set()).add(self._meaning)
                found += [
                    d
                    for d in compiled
                    if d.severity == "warning" and d.where.file == self.document.file
                ]
        corners = list(_corners(known))
        passed, first = 0, list[tuple[dict[str, str], Diagnostic]]()
        for corner in corners:
            at = {space.path: ("search", space.path) for space in known}
            errors = [d for d in self._compile(corner, at) if d.severity == "error"]
            passed += not errors
            first += [(corner, d) for d in errors[:1]]
        for space in known:
            found += self._told(space, refused.get(space.path, {}), passed)
            if len(meanings.get(space.path, ())) == 1 and not refused.get(space.path):
                at = ("search", space.path)
                message = f"no value of {space.path} that was tried makes the task another one"
                help = "take it out: something else decides, or nothing uses it"
                where = self.document.at(at, key=True)
                found.append(Diagnostic(ALIKE, message, where, dotted(at), help))
        if first and not refused:
            found.append(self._corner(*first[0], passed, len(corners)))
        if has_errors(found):  # what else was seen on the way is beside the point
            found = [d for d in found if d.severity == "error"]
        return tuple(known), _once(found)

    def _compile(self, texts: Mapping[str, str], places: Mapping[str, Path_]) -> list[Diagnostic]:
        compiled = compile_task(self.task, settings({**fixed(self.study), **texts}), self.trust)
        self._meaning = compiled.fingerprint
        paths: list[Path_] = [*(("set", name) for name in self.study.set), *places.values()]
        return [_moved(d, self.document, paths) for d in compiled.diagnostics]

    def _counts(self, space: Between) -> bool:
        """Whether the task takes whole numbers only: half of one is refused, where one is not."""
        at = {space.path: ("search", space.path)}
        halves = self._compile({space.path: f"{space.low + 0.5!r} {space.unit}".rstrip()}, at)
        here = self.document.file
        return any(d.code == WRONG_TYPE and d.where.file == here for d in halves)

    def _told(
        self, space: Searched, refused: Mapping[Path_, Diagnostic], passed: int
    ) -> Iterator[Diagnostic]:
        """What is wrong with a path: an error where nothing passes, else warnings."""
        if not refused:
            return
        if len(refused) == len(space.probes()) and not passed:
            own = [d for d in refused.values() if d.where.file == self.document.file]
            if own:
                yield own[0]
                return
            cause = next(iter(refused.values()))
            at = ("search", space.path)
            message = f"no value of {space.path} that was tried passes: {cause.message}"
            where = self.document.at(at, key=True)
            yield Diagnostic(ALL_REFUSED, message, where, dotted(at), cause.help)
            return
        for at, cause in refused.items():
            text = space.probes()[at[2:]]
            message = f"trials at {text} are refused: {cause.message}"
            where = self.document.at(at)
            yield Diagnostic(
                PARTLY_REFUSED, message, where, dotted(at), cause.help, related=cause.related
            )

    def _corner(
        self, corner: Mapping[str, str], cause: Diagnostic, passed: int, corners: int
    ) -> Diagnostic:
        where = self.document.at(("search",), key=True)
        shown = ", ".join(settings(dict(corner)))
        if passed:
            message = f"{corners - passed} of {corners} corners are refused, such as {shown}: "
            code = PARTLY_REFUSED
        else:
            message, code = f"no corner of the search passes; {shown}: ", ALL_REFUSED
        return Diagnostic(code, message + cause.message, where, "search", cause.help)


def _corners(spaces: Sequence[Searched]) -> Iterator[dict[str, str]]:
    """Combinations of the ends of two and more paths."""
    if len(spaces) < 2:
        return
    ends: list[tuple[str, str]] = []
    for space in spaces:
        texts = list(space.probes().values())
        ends.append((texts[0], texts[-1]))
    few = 2 ** len(ends) <= CORNERS
    for picked in product(*ends) if few else (tuple(zip(*ends, strict=True))):
        yield {space.path: text for space, text in zip(spaces, picked, strict=True)}


def _once(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Each problem once, although both ends of a range have it."""
    kept: dict[tuple[Any, ...], Diagnostic] = {}
    for d in found:
        kept.setdefault((d.code, d.where.line, d.where.column, d.message), d)
    return list(kept.values())


def goals(base: Compiled) -> dict[str, str]:
    """The numbers of an evaluation of a task: what an author calls them -> their name in logs."""
    plan = base.plan
    assert plan is not None
    names = {name: name for name in ALWAYS}
    metrics = plan.task.of(Metric)
    if any(part.success for part in metrics.values()):
        names["success"] = "success"
    for name in metrics:
        names[f"metric/{name}"] = f"metric/{name}"
        names.setdefault(name, f"metric/{name}")
    for name, command in plan.task.of(Command).items():
        for label in command.labels(plan.robot.facts):
            if label in ("forward", "sideways", "turn"):
                names[f"tracking/{name}.{label}"] = f"tracking/{name}.{label}"
        if isinstance(command, Motion):
            for clip, figure in product(command.clip_names(), CLIP_UNITS):
                goal = f"{MOTION}{name}.{clip}/{figure}"
                names[goal] = goal
    names |= {f"reward/{name}": f"reward/{name}" for name in plan.task.of(Reward)}
    return names


def _goal(document: Document, study: Study, base: Compiled) -> tuple[str, list[Diagnostic]]:
    """The goal by its name in logs, and what is wrong with it."""
    known, name = goals(base), study.goal.name
    at = ("goal", "maximize" if study.goal.up else "minimize")
    if name not in known:
        meant = [name, *closest(name, ("success",))][-1]
        listed = [n for n in known if not n.startswith("reward/")]
        message = f"the evaluation has no {name!r}"
        if meant == "success":
            message = "the task has no success: no metric of it says 'success: true'"
        help = did_you_mean(name, listed, of="numbers", limit=12)
        return "", [Diagnostic(UNKNOWN_GOAL, message, document.at(at), dotted(at), help)]
    goal = known[name]
    counted = _COUNTED.get(goal, ("Metric",))
    if goal.startswith("reward/"):
        counted = (f"Reward.{goal.removeprefix('reward/')}", "Termination")
    found: list[Diagnostic] = []
    for path in study.search:
        own = any(path == c or path.startswith(f"{c}.") for c in counted)
        if own or path.split(".")[0] in _EPISODES:
            what = f"what {name!r} counts" if own else "which episodes a trial is judged by"
            message = f"{path} is searched, and decides {what}"
            help = "trials are compared as if it were the same in all; "
            help += "take a metric for the goal, or success" if own else "leave it as it is"
            where = document.at(("search", path), key=True)
            found.append(Diagnostic(GOAL_MOVES, message, where, dotted(("search", path)), help))
    return goal, found


def length_of(study: Study, base: Compiled) -> int | None:
    """Environment steps of each training."""
    assert base.plan is not None
    return study.budget.steps or base.plan.task.learner.steps


def _lengths(document: Document, study: Study, base: Compiled) -> Iterator[Diagnostic]:
    steps = length_of(study, base)
    where = document.at(("budget",), key=True)
    if steps is None:
        message = "the trainings have no end: neither the budget nor the task says how many steps"
        help = "add 'steps: 2M' to the budget"
        yield Diagnostic(NO_LENGTH, message, where, "budget", help)
        return
    pruner = study.pruner
    if isinstance(pruner, Median | Halving) and pruner.after >= steps * len(study.seeds):
        message = f"the pruner begins after {pruner.after:,} steps, and a trial has "
        message += f"{steps * len(study.seeds):,}"
        at = document.at(("pruner", "after"))
        yield Diagnostic(NOTHING_PRUNED, message, at, "pruner.after", "let it begin sooner")
