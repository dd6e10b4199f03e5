"""Tasks: compiled, changed, compared. Nothing here imports JAX."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ksim_compiler import artifact, pipeline
from ksim_compiler.comparison import compare
from ksim_compiler.pipeline import Compiled
from ksim_compiler.plan import Plan
from ksim_compiler.plan.reach import action_bounds
from ksim_schema.checks.ranges import table as table_of, text as text_of
from ksim_schema.diagnostics import Diagnostic, Span, TaskError, render_text
from ksim_schema.diagnostics.codes.reading import UNREADABLE_FILE
from ksim_schema.diff import text as diff_text
from ksim_schema.diff.report import Comparison
from ksim_schema.graph import Node
from ksim_schema.source.named import UnknownTaskError, find, shipped_folder
from ksim_schema.units import Dimension

ARCHIVE = ".ksim"
PathLike: TypeAlias = "str | os.PathLike[str]"


class CompileError(TaskError):
    """A task has errors. As text it is the report that ``ksim-compile --check`` prints.

    Attributes:
        errors: what is wrong; each has a ``code``, a ``message``, ``where`` (file, line, column)
            and ``help``.
        diagnostics: the errors and the warnings.
        sources: texts that they point into, by file.
    """

    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled.diagnostics, compiled.sources)
        self.errors = tuple(d for d in self.diagnostics if d.severity == "error")

    def __str__(self) -> str:
        return render_text(self.diagnostics, self.sources)


@dataclass(frozen=True, eq=False)
class Task:
    """A task that was compiled without an error. It is never changed; :meth:`with_` gives another.

    Attributes:
        origin: the file that it was read from.
        settings: what was set in it, path -> value.
        trusted: whether Python files that it carries may run.
    """

    origin: Path
    settings: Mapping[str, Any] = field(default_factory=lambda: {})
    trusted: bool = False
    _compiled: Compiled = field(default=Compiled(None, [], {}), repr=False)

    @property
    def plan(self) -> Plan:
        """The compiler's own view of it; not part of what stays the same between versions."""
        plan = self._compiled.plan
        assert plan is not None
        return plan

    @property
    def name(self) -> str:
        """As the task calls itself."""
        return self.plan.task.name

    @property
    def about(self) -> str:
        """What it says of itself in a sentence, or ""."""
        return self.plan.task.about

    @property
    def fingerprint(self) -> str:
        """A hash of what it means, robot and all: equal where nothing but its looks differs."""
        return self._compiled.fingerprint

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the checks remarked."""
        return tuple(self._compiled.diagnostics)

    @property
    def control_period(self) -> float:
        """Seconds between two actions."""
        return self.plan.period

    @property
    def observations(self) -> dict[str, int]:
        """What the policy reads, in its order: ``Observation.gyro`` -> how many numbers."""
        return {str(c.source): c.stop - c.start for c in self.plan.policy_input}

    @property
    def units(self) -> dict[str, tuple[str, ...]]:
        """What the policy reads -> units of its numbers, before scales; ``1`` for none."""
        columns = [c.source for c in self.plan.policy_input]
        return {str(node): _texts(self.plan.units.get(node, ())) for node in columns}

    @property
    def actions(self) -> dict[str, int]:
        """What the policy sets, in its order: ``Action.legs`` -> how many numbers."""
        nodes = [Node("Action", name) for name in self.plan.actions()]
        return {str(node): self.plan.shapes[node][0] for node in nodes}

    @property
    def action_bounds(self) -> tuple[tuple[float, float], ...]:
        """For each number of an action the ends beyond which it changes nothing.

        They are those of its ``clip``, of its motors' torque or of its limits; infinite where it
        has none of these.
        """
        return action_bounds(self.plan)

    def ranges(self) -> str:
        """Where each physical quantity starts, is asked and ends, as ``--emit ranges`` says."""
        plan = self.plan
        return text_of(plan.task, table_of(plan.task, plan.robot.facts), plan.robot.facts)

    def with_(self, set: Mapping[str, Any]) -> Task:
        """The task with other values.

        Args:
            set: path -> value, as for :func:`compile`; they come after those that were set before.

        Raises:
            CompileError: it has errors with them.
        """
        return compile(self.origin, set={**self.settings, **set}, trust=self.trusted)

    def save(self, path: PathLike) -> Path:
        """Write it with its robot as a ``.ksim`` file, which needs no other file.

        Raises:
            OSError: it cannot be written.
        """
        artifact.write(Path(path), self._compiled)
        return Path(path)

    def __str__(self) -> str:
        """The compiler's plan: parts, shapes, schedule."""
        return self.plan.text()


def _texts(units: tuple[Dimension, ...]) -> tuple[str, ...]:
    return tuple(str(unit) or "1" for unit in units)


def compile(
    task: PathLike | Task, set: Mapping[str, Any] | None = None, *, trust: bool = False
) -> Task:
    """Check and compile a task. Neither JAX nor a simulation is started.

    Args:
        task: a task in YAML, a ``.ksim`` file, the name of one that ships, such as ``"walk"``, or
            ``"package:task"``. A :class:`Task` is given back with what is set.
        set: path -> value, such as ``{"Reward.linvel.scale": 3, "Command.velocity.forward":
            ["0 m/s", "1 m/s"]}``: numbers, texts as they stand in YAML, lists and mappings.
        trust: whether the Python files that a ``.ksim`` file carries may run.

    Raises:
        CompileError: it has errors.
    """
    if isinstance(task, Task):
        return task.with_(set) if set else task
    try:
        path = find(os.fspath(task))
    except UnknownTaskError as error:
        found = Diagnostic(UNREADABLE_FILE, str(error), Span(os.fspath(task)))
        raise CompileError(Compiled(None, [found], {})) from error
    chosen = dict(set or {})
    settings = [f"{name}={_yaml(value)}" for name, value in chosen.items()]
    if path.suffix == ARCHIVE:
        compiled = artifact.read(path, settings, trust=trust)
    else:
        compiled = pipeline.compile_file(path, settings)
    return task_of(compiled, path, chosen, trust)


def task_of(compiled: Compiled, origin: Path, set: Mapping[str, Any], trust: bool = False) -> Task:
    """The task of a compilation.

    Raises:
        CompileError: it has errors.
    """
    if compiled.plan is None:
        raise CompileError(compiled)
    return Task(origin, set, trust, compiled)


def compiled_of(task: Task) -> Compiled:
    """The compilation of a task, for the rest of the package."""
    return task._compiled  # pyright: ignore[reportPrivateUsage]


def _yaml(value: Any) -> str:
    """A value as YAML has it in a line."""
    return value if isinstance(value, str) else json.dumps(value, allow_nan=False)


@dataclass(frozen=True)
class Difference:
    """What has changed between two tasks.

    Attributes:
        tier: the gravest change: ``policy-io`` (inputs or outputs of the policy), ``training``,
            ``runtime``, ``cosmetic``, or None where nothing has changed.
        verdict: what becomes of a checkpoint, in a sentence; "" where nothing has changed.
    """

    _comparison: Comparison = field(repr=False)

    @property
    def tier(self) -> str | None:
        """The gravest change."""
        return self._comparison.tier

    @property
    def verdict(self) -> str:
        """What becomes of a checkpoint."""
        return self._comparison.verdict

    def __bool__(self) -> bool:
        """Whether anything has changed."""
        return bool(self._comparison.diff)

    def as_dict(self) -> dict[str, Any]:
        """The changes as ``ksim-diff --format json`` has them."""
        return self._comparison.as_dict()

    def __str__(self) -> str:
        """The changes as ``ksim-diff`` prints them."""
        return diff_text.text([self._comparison])

    def _repr_markdown_(self) -> str:
        return diff_text.markdown([self._comparison])


def diff(old: PathLike | Task, new: PathLike | Task) -> Difference:
    """What has changed between two tasks, and what that means for a policy.

    Args:
        old, new: tasks, or what :func:`compile` takes for one.

    Raises:
        CompileError: one of them has errors.
    """
    before, after = compile(old), compile(new)
    names = _called(before), _called(after)
    if names[0] == names[1]:
        names = (f"{names[0]} before", f"{names[1]} after")
    return Difference(compare(compiled_of(before), compiled_of(after), *names))


def _called(task: Task) -> str:
    shipped = task.origin.parent == shipped_folder()
    called = task.origin.stem if shipped else str(task.origin)
    return ", ".join([called, *(f"{k}={_yaml(v)}" for k, v in task.settings.items())])
