"""Runs: trainings in their folders, begun here or read again."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ksim_compiler import artifact
from ksim_compiler.api.table import Table
from ksim_compiler.api.task import PathLike, Task, compile, compiled_of, task_of
from ksim_compiler.api.trained import PolicyError, find, trained_task
from ksim_compiler.comparison import compare
from ksim_compiler.learn.learner import State
from ksim_compiler.learn.run import folder, manifest, run
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.origin import origin
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.learn.run.warm_start import MigrationError, migrate
from ksim_compiler.pipeline import Compiled
from ksim_compiler.report.page import write_report
from ksim_schema.diff.columns import Migration

log = logging.getLogger("ksim")
"""Says what a training says: evaluations on the way, what was not finite."""


class RunError(Exception):
    """A folder that is no run, is damaged, or cannot be made one; the message says why."""


@dataclass(frozen=True)
class Run:
    """A training in its folder.

    Attributes:
        path: the folder.
        about: what ``run.json`` says: seed, engine, steps, versions, hardware.
        trusted: whether the Python files that its task carries may run.
    """

    path: Path
    about: Mapping[str, Any]
    trusted: bool = False

    def __fspath__(self) -> str:
        """Its folder: a run may stand where a path may."""
        return os.fspath(self.path)

    @property
    def task(self) -> Task:
        """The task that is trained, as it was compiled then.

        Raises:
            CompileError: it has errors with this version, or carries Python files and the run is
                not trusted.
        """
        path = self.path / "task.ksim"
        return task_of(artifact.read(path, trust=self.trusted), path, {}, self.trusted)

    @property
    def metrics(self) -> Table:
        """A row an iteration: ``steps`` of the environments, ``seconds``, and what was logged."""
        return Table.of_rows(run.rows(self.path / run.METRICS))

    @property
    def evaluations(self) -> Table:
        """A row an evaluation: ``steps``, ``episodes``, ``return``, ``length`` in ticks, ..."""
        return Table.of_rows(run.rows(self.path / run.EVALUATIONS))

    @property
    def report(self) -> Path:
        """The page with all of it."""
        return self.path / "report.html"


@dataclass(frozen=True)
class Iteration:
    """What a training tells after each iteration.

    Attributes:
        steps: environment steps so far.
        seconds: since it began.
        metrics: numbers by name, such as ``episode/return`` and ``reward/total``.
    """

    steps: int
    seconds: float
    metrics: Mapping[str, float]


def load_run(path: PathLike, *, trust: bool = False) -> Run:
    """The run in a folder.

    Args:
        path: the folder.
        trust: whether the Python files that its task carries may run.

    Raises:
        RunError: it is not the folder of a run, or is damaged.
    """
    try:
        return Run(Path(path), manifest.read(Path(path)), trust)
    except manifest.ManifestError as error:
        raise RunError(str(error)) from error


class _Told:
    """Hands iterations on, and keeps whether the answer was to stop."""

    def __init__(self, on_iteration: Callable[[Iteration], object] | None) -> None:
        self._on_iteration, self.stopped = on_iteration, False

    def log(self, steps: int, seconds: float, metrics: Mapping[str, float]) -> None:
        if self._on_iteration is not None:
            answer = self._on_iteration(Iteration(steps, seconds, metrics))
            self.stopped = self.stopped or answer is False


def train(
    task: PathLike | Task,
    steps: int | None = None,
    seed: int = 0,
    out: PathLike | None = None,
    on_iteration: Callable[[Iteration], object] | None = None,
    *,
    init_from: PathLike | None = None,
    engine: str = "auto",
    episodes: int = 32,
    threads: int = 0,
    trust: bool = False,
) -> Run:
    """Train a task as ``ksim-run`` does, and give back the run.

    The folder is one of ``ksim-run``: :func:`resume` or ``ksim-run --resume`` goes on with it and
    ``ksim-play`` shows it.
    The same task, seed, steps and versions give the same bits on a CPU.

    Args:
        task: a task, or what :func:`compile` takes for one.
        steps: environment steps, rounded up to whole iterations; those of the task by default.
        seed: of all random numbers.
        out: the run's folder, which is not there or empty; ``runs/<task>-<time>`` by default.
        on_iteration: told of each :class:`Iteration`; where it gives back False, the training ends
            with a checkpoint.
        init_from: what to begin with, as ``ksim-run --from``: what another run or policy learned
            (what :func:`load_policy` takes), also where the task changed since. Steps, learning
            rate and environments begin anew.
        engine: as for :func:`make_env`.
        episodes: of an evaluation.
        threads: of a CPU engine; 0 for all cores.
        trust: whether the Python files that come with ``init_from`` may run.

    Raises:
        CompileError: the task has errors.
        EngineUnavailable: the engine cannot run here.
        PolicyError: there is nothing to begin with, or its networks are others.
        RunError: the folder cannot be made, or holds something.
        Diverged: what is learned from is not finite, again and again.
    """
    made = compile(task)
    compiled, plan = compiled_of(made), made.plan
    earlier = None if init_from is None else _Earlier.read(init_from, compiled, trust)
    total = steps or plan.task.learner.steps
    about = {
        "seed": seed,
        "engine": engine,
        "steps": total,
        "episodes": episodes,
        "evaluate_every": (total or 4_000_000) // 4,
        "checkpoint_every": (total or 10_000_000) // 20,
        "settings": [f"{name}={value}" for name, value in made.settings.items()],
        **origin(made.origin),
    }
    trainer = Trainer.build(plan, engine, threads, total)
    told = _Told(on_iteration)
    default = Path("runs") / f"{made.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    with _new(None if out is None else Path(out), default) as (place, begin):
        training = run.Run(place, trainer, run.Options.of(about), _header(made), log.info)
        state = training.prepare(False, False)
        if earlier is not None:
            state = earlier.moved(state, trainer.steps_per_iteration)
            about["from"] = earlier.name
            training.save(state)  # so that who goes on with it needs no other run
        manifest.write(place, compiled, trainer.env.engine.name, about)
        begin()
        _finish(training, state, told)
    return load_run(place, trust=True)


def resume(
    source: PathLike,
    steps: int | None = None,
    on_iteration: Callable[[Iteration], object] | None = None,
    *,
    threads: int = 0,
    trust: bool = False,
) -> Run:
    """Go on with a run that was stopped or killed, as ``ksim-run --resume`` does.

    It ends as it would have without the stop, to the same bits on the same CPU.

    Args:
        source: a run, or its folder.
        steps: environment steps in all, those that were done counted; what the run was begun with
            by default.
        on_iteration: as for :func:`train`.
        threads: of a CPU engine; 0 for all cores.
        trust: whether the Python files that its task carries may run.

    Raises:
        CompileError: its task has errors with this version, or carries Python files and is not
            trusted.
        EngineUnavailable: its engine cannot run here.
        RunError: it is not the folder of a run, is damaged, or is being trained.
        Diverged: as for :func:`train`.
    """
    begun = source if isinstance(source, Run) else load_run(source, trust=trust)
    place, task = begun.path, begun.task
    about = {**begun.about, **({"steps": steps} if steps else {})}
    if changed := manifest.changed(about):
        log.warning("it may end with other bits: %s", changed)
    options, engine = run.Options.of(about), str(about.get("engine", "auto"))
    try:
        trainer = Trainer.build(task.plan, engine, threads, options.steps)
        with folder.lock(place):
            training = run.Run(place, trainer, options, _header(task), log.info)
            state = training.prepare(True, "from" in about)
            manifest.goes_on(place)
            _finish(training, state, _Told(on_iteration))
    except (folder.FolderError, CheckpointError, manifest.ManifestError) as error:
        raise RunError(str(error)) from error
    return load_run(place, trust=begun.trusted)


def _header(task: Task) -> dict[str, str]:
    return {"task": task.name, "fingerprint": task.fingerprint}


def _finish(training: run.Run, state: State, told: _Told) -> None:
    """Train to the end, or until told to stop; evaluate, and write the report."""
    state = training.train(state, (told,), lambda: told.stopped)
    if not told.stopped:
        training.evaluate(state)
    write_report(training.folder, training.trainer.plan)


@dataclass(frozen=True)
class _Earlier:
    """What another run or policy learned, and how it is moved to a task."""

    place: Path
    name: str
    way: Migration

    @classmethod
    def read(cls, source: PathLike, task: Compiled, trust: bool) -> _Earlier:
        """Look for it.

        Raises:
            PolicyError, CompileError: as for :func:`train`.
        """
        place, name = find(source)
        trusted = trust or (isinstance(source, Run) and source.trusted)
        old = compiled_of(trained_task(place, name, trusted))
        way = compare(old, task, name, "this task").migration
        assert way is not None
        if not way.possible:
            raise PolicyError(f"{name}: {way.sentence()}")
        return cls(place, name, way)

    def moved(self, state: State, rows: int) -> State:
        """A fresh state with it; ``rows`` are the environment steps of an iteration."""
        try:
            return migrate(state, self.way, self.place, rows)
        except MigrationError as error:
            raise PolicyError(f"{self.name}: {error}") from error


@contextmanager
def _new(out: Path | None, default: Path) -> Generator[tuple[Path, Callable[[], None]]]:
    try:
        with folder.new(out, default) as made:
            yield made
    except folder.FolderError as error:
        raise RunError(str(error)) from error
