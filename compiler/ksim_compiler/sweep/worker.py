"""A worker: claims trials of a study, compiles each, trains what passes, tells how it ended."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ksim_compiler.learn.run.statistics import interquartile_mean
from ksim_compiler.sweep import sampling
from ksim_compiler.sweep.book import Book, Lost, origin
from ksim_compiler.sweep.check import Ready

if TYPE_CHECKING:
    import optuna

    from ksim_compiler.learn.run.programs import Programs
    from ksim_compiler.sweep.training import How

WAIT = 1.0
"""Seconds between two looks at what other workers do."""
TOLD = 3
"""Problems of a refused task that are kept."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    Attributes:
        trial: its number.
        what: began, reported, refused, pruned, failed, done, stopped, lost.
        text: more of it, for people.
    """

    trial: int
    what: str
    text: str = ""


@dataclass(frozen=True)
class Worker:
    """What a worker has.

    Attributes:
        ready: the study.
        book: its trials.
        folder: where runs go.
        how: how trainings are done.
        tell: told what happens.
        stopped: asked whether to end.
        trust: whether to run the Python files that a compiled task carries.
    """

    ready: Ready
    book: Book
    folder: Path
    how: How
    tell: Callable[[Event], None]
    stopped: Callable[[], bool]
    trust: bool = False

    def work(self, programs: Programs) -> None:
        """Train until nothing is left, the time is over, or told to stop.

        A worker that finds nothing waits for the others: one that is killed leaves its trial.

        Raises:
            EngineUnavailable, ValueError, OSError: no training can begin here.
        """
        study = self.ready.study
        assert study is not None
        begun, limit = time.monotonic(), study.budget.time
        while not self.stopped():
            if limit is not None and time.monotonic() - begun > limit:
                return
            trial = self.book.claim()
            if trial is not None:
                self._try(trial, programs)
            elif self.book.waiting():
                time.sleep(WAIT)
            else:
                return

    def _try(self, trial: optuna.Trial, programs: Programs) -> None:
        texts = sampling.texts(self.ready.spaces, trial.params)
        number, started = origin(trial), time.perf_counter()
        settings = self.ready.settings(texts)
        trial.set_user_attr("settings", settings)
        compiled = self.ready.compile(texts, self.trust)
        spent = time.perf_counter() - started
        if compiled.plan is None:
            wrong = [d.message for d in compiled.diagnostics if d.severity == "error"]
            trial.set_user_attr("seconds", round(spent, 4))
            self.book.refuse(trial, wrong[:TOLD])
            self.tell(Event(number, "refused", f"in {spent * 1e3:.0f} ms: {wrong[0]}"))
            return
        from ksim_compiler.learn.run.checkpoint import CheckpointError
        from ksim_compiler.learn.run.folder import FolderError
        from ksim_compiler.learn.run.trainer import Diverged

        self.tell(Event(number, "began", ", ".join(settings)))
        how = replace(self.how, settings=tuple(settings))
        try:
            ended = self._seeds(trial, compiled, how, programs)
            if ended is not None:
                trial.set_user_attr("seconds", round(time.perf_counter() - started, 1))
                self._ended(trial, *ended)
        except Lost as error:
            self.tell(Event(number, "lost", str(error)))
        except (Diverged, CheckpointError, FolderError) as error:
            self.book.tell(trial, None, why=str(error))
            self.tell(Event(number, "failed", str(error)))
        finally:
            self.book.let_go(trial)

    def _seeds(
        self, trial: optuna.Trial, compiled: object, how: How, programs: Programs
    ) -> tuple[list[float], bool] | None:
        """The goal's number of each training, and whether the pruner stopped one; None where the
        trial was given back.

        Raises:
            Lost: another worker has the trial.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        from ksim_compiler.pipeline import Compiled
        from ksim_compiler.sweep.training import train

        assert isinstance(compiled, Compiled)
        study, number = self.ready.study, origin(trial)
        assert study is not None
        values, pruned = list[float](), list[bool]()
        known: dict[str, float] = dict(trial.user_attrs.get("results", {}))
        with self.book.beating(trial) as lost:
            for place, seed in enumerate(study.seeds):
                pruned.clear()

                def report(steps: int, value: float, place: int = place, seed: int = seed) -> None:
                    try:
                        trial.report(value, place * how.steps + steps)
                    except UpdateFinishedTrialError as error:
                        raise Lost(f"trial {number} was taken over") from error
                    self.tell(Event(number, "reported", f"seed {seed}, {steps:,}: {value:.4g}"))
                    if trial.should_prune():
                        pruned.append(True)

                def stop() -> bool:
                    return bool(pruned) or lost() or self.stopped()

                if str(seed) in known:
                    values.append(known[str(seed)])
                    continue
                folder = self.folder / f"{number:04d}-seed{seed}"
                trial.set_user_attr("folder", str(folder))
                value = train(compiled, folder, seed, how, programs, report, stop)
                if lost():
                    raise Lost(f"trial {number} was taken over by another worker")
                if value is None and pruned:
                    return values, True
                if value is None:  # told to end: the trial goes on from its checkpoint later
                    self.book.leave(trial)
                    self.tell(Event(number, "stopped"))
                    return None
                values.append(value)
                known[str(seed)] = value
                trial.set_user_attr("results", known)
        return values, False

    def _ended(self, trial: optuna.Trial, values: list[float], pruned: bool) -> None:
        study, number = self.ready.study, origin(trial)
        assert study is not None
        if pruned:
            self.book.tell(trial, None, pruned=True)
            self.tell(Event(number, "pruned"))
            return
        value = over_seeds(values, study.goal.over_seeds, study.goal.up)
        self.book.tell(trial, value)
        self.tell(Event(number, "done", f"{study.goal.name} {value:.5g}"))


def over_seeds(values: Sequence[float], how: str, up: bool) -> float:
    """One number of several trainings.

    Args:
        values: of the trainings.
        how: median, mean, worst or interquartile_mean.
        up: whether more is better, for the worst.
    """
    match how:
        case "mean":
            return statistics.fmean(values)
        case "worst":
            return min(values) if up else max(values)
        case "interquartile_mean":
            return float(interquartile_mean(np.asarray(values)))
        case _:
            return statistics.median(values)
