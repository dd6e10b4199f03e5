"""One training of a trial: an ordinary run in a folder of its own, which reports on its way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ksim_compiler.learn.run import checkpoints, folder, manifest
from ksim_compiler.learn.run.programs import Programs
from ksim_compiler.learn.run.run import EVALUATIONS, METRICS, Options, Run, rows
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.pipeline import Compiled

REPORTS = 20
"""How often a training reports to the pruner, about."""
LOGGED = {"return": "episode/return", "length": "episode/length", "success": "episode/success"}
"""Numbers of an evaluation that training logs under another name."""
Report = Callable[[int, float], None]
"""Told the environment steps and the number that the study is about."""


@dataclass(frozen=True)
class How:
    """How the trainings of a study are done.

    Attributes:
        steps: of each.
        episodes: of an evaluation.
        engine, threads: of the physics.
        goal: the number that the study is about, by its name in an evaluation.
        settings: what differs from the task's file, for ``run.json``.
        origin: where the study comes from, for ``run.json``.
    """

    steps: int
    episodes: int
    engine: str
    threads: int
    goal: str
    settings: tuple[str, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=lambda: {})


class Reporter:
    """Reports what the training logs of the goal, a few times during it."""

    def __init__(self, place: Path, how: How, report: Report) -> None:
        self._place, self._how, self._report = place, how, report
        self._every, self._told = max(1, how.steps // REPORTS), 0

    def log(self, steps: int, seconds: float, metrics: Mapping[str, Any]) -> None:
        """Take note of an iteration."""
        if steps // self._every == self._told:
            return
        value = self._value(metrics)
        if value is not None and math.isfinite(value):
            self._told = steps // self._every
            self._report(steps, value)

    def _value(self, metrics: Mapping[str, Any]) -> float | None:
        name = LOGGED.get(self._how.goal, self._how.goal)
        if name in metrics:
            return metrics[name]
        told = rows(self._place / EVALUATIONS)  # what training does not log is evaluated
        return told[-1].get(self._how.goal) if told else None


def train(
    compiled: Compiled,
    place: Path,
    seed: int,
    how: How,
    programs: Programs,
    report: Report,
    stop: Callable[[], bool],
) -> float | None:
    """Train, from the beginning or from the last checkpoint in the folder.

    Args:
        compiled: the task of the trial.
        place: the folder of the run.
        seed: of the run.
        how: how it is done.
        programs: compiled programs of the process.
        report: told how it goes.
        stop: asked after each iteration.

    Returns:
        The goal's number by an evaluation at the end; None where it was told to stop.

    Raises:
        Diverged, EngineUnavailable, CheckpointError, FolderError, ValueError, OSError: as an
            ordinary run.
    """
    assert compiled.plan is not None
    trainer = Trainer.build(compiled.plan, how.engine, how.threads, how.steps, programs)
    goes_on = (place / folder.RUN_FILE).is_file()
    about: dict[str, Any] = {
        "seed": seed,
        "engine": how.engine,
        "steps": how.steps,
        "episodes": how.episodes,
        "evaluate_every": max(1, how.steps // 4),
        "checkpoint_every": max(1, how.steps // 10),
        "keep": 1,
        "shared": True,
        "settings": list(how.settings),
        **how.origin,
    }
    header = {"task": compiled.plan.task.name, "fingerprint": str(compiled.fingerprint)}
    reporter = Reporter(place, how, report)
    begin: Callable[[], None] = lambda: None  # noqa: E731
    with ExitStack() as stack:
        if goes_on:
            stack.enter_context(folder.lock(place))
        else:
            _, begin = stack.enter_context(folder.new(place, place))
        run = Run(place, trainer, Options.of(about), header, lambda text: None)
        has_state = goes_on and bool(checkpoints.checkpoints(place))
        trainer.prepare(not has_state)
        state = run.restore(trainer.like()) if has_state else trainer.init(seed)
        if goes_on:
            if not has_state:
                run.restore(state)  # the logs begin anew
            for row in rows(place / METRICS):
                reporter.log(row["steps"], 0.0, {k: v for k, v in row.items() if v is not None})
        else:
            manifest.write(place, compiled, trainer.env.engine.name, about)
            begin()
        state = run.train(state, (reporter,), stop)
        if run.steps(state) < how.steps:
            return None
        return run.evaluate(state).summary().get(how.goal, math.nan)
