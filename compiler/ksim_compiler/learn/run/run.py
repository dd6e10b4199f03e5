"""A training run over its folder: metrics, checkpoints, evaluations, and going on after a stop.

    task.ksim            the compiled task
    task.yaml            its canonical form
    run.json             seed, engine, options, versions, hardware, what it began with
    metrics.jsonl        a line an iteration
    evaluations.jsonl    a line an evaluation
    velocities.json      commanded and achieved velocities of the newest evaluation
    motions.json         how each clip of a recorded motion is followed in the newest evaluation
    checkpoints/         <steps>.safetensors, the newest few
    dumps/               what went non-finite, if anything did
    tensorboard/         the same numbers for TensorBoard

What is written follows from the steps done alone, never from the clock (``seconds`` aside), so a
run that was killed and resumed ends as one that was not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ksim_compiler.learn.learner import State
from ksim_compiler.learn.run import checkpoint, checkpoints, motions, nonfinite, velocities
from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.files import (
    EVALUATIONS as EVALUATIONS,
    METRICS as METRICS,
    rows as rows,
)
from ksim_compiler.learn.run.judge import describe
from ksim_compiler.learn.run.log import Logger, MetricsFile, TensorBoard
from ksim_compiler.learn.run.trainer import Diverged, Trainer
from ksim_schema.source.files import write_text


@dataclass(frozen=True)
class Options:
    """How a run is done.

    Attributes:
        steps: environment steps in all, or None for no end.
        episodes: of an evaluation.
        checkpoint_every, evaluate_every: environment steps between them; 0 for none but the last.
        keep: checkpoints to keep.
        on_nan: what to do after an iteration that was not finite: go on or stop.
    """

    seed: int = 0
    steps: int | None = None
    episodes: int = 32
    checkpoint_every: int = 0
    evaluate_every: int = 0
    keep: int = 3
    on_nan: str = "continue"

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Options:
        """The options in ``run.json``; those that are not there have their default."""
        return cls(**{k: v for k, v in data.items() if k in cls.__dataclass_fields__})

    def as_json(self) -> dict[str, Any]:
        """For ``run.json``."""
        return asdict(self)


class Run:
    """A training that is under way, in its folder.

    Args:
        folder: the run folder.
        trainer: the task.
        options: how it is done.
        header: texts kept in each checkpoint, such as the task's fingerprint.
        say: prints a line.
    """

    def __init__(
        self,
        folder: Path,
        trainer: Trainer,
        options: Options,
        header: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self.folder, self.trainer, self.options = folder, trainer, options
        self.header, self.say = dict(header), say
        self._saved, self._writes = -1, trainer.devices.writes

    def prepare(self, goes_on: bool, warm: bool) -> State:
        """Compile what is needed, and give the state that the training begins or goes on with.

        Args:
            goes_on: whether the folder is that of a run that was begun before.
            warm: whether that began with what another learned, so that it cannot begin anew.

        Raises:
            CheckpointError: there is nothing to go on with, or it cannot be read.
        """
        saved = goes_on and bool(checkpoints.checkpoints(self.folder))
        if goes_on and warm and not saved:
            message = f"{self.folder} no longer has the state that it began with"
            raise checkpoint.CheckpointError(message)
        trainer = self.trainer
        trainer.prepare(not saved)
        state = trainer.like() if saved else trainer.whole(trainer.init(self.options.seed))
        return self.restore(state) if goes_on else state

    def restore(self, state: State) -> State:
        """The state of the newest good checkpoint, or ``state`` where there is none.

        The logs are cut where that state was, to be written again from there.

        Raises:
            CheckpointError: there are checkpoints, and not one can be read.
        """
        if not self._writes:
            return state  # which it is given by the process that does
        found = checkpoints.restore(self.folder, lambda path: checkpoint.read(path, state))
        for problem in found.passed_over if found else ():
            self.say(f"passed over a checkpoint: {problem}")
        steps = found.steps if found else 0
        for name in (METRICS, EVALUATIONS):
            cut(self.folder / name, steps)
        self._saved = steps if found else -1
        return found.state if found else state

    def train(
        self,
        state: State,
        loggers: Sequence[Logger] = (),
        stop: Callable[[], bool] = lambda: False,
    ) -> State:
        """Train to the end, or until told to stop, and save. States are whole ones.

        Raises:
            CheckpointError, OSError: a file cannot be written; the checkpoints before it stay.
            Diverged: see :meth:`Trainer.train`; the last good state was saved.
        """
        done = self.steps(state)
        evaluated = {row["steps"] for row in rows(self.folder / EVALUATIONS)} | {0}
        due = self._writes and self._due(done, self.options.evaluate_every)
        if due and done not in evaluated:
            self.evaluate(state)  # the run was stopped between its checkpoint and this
        offset = _last_seconds(self.folder / METRICS)
        files: list[Any] = []
        if self._writes:
            files.append(MetricsFile(self.folder / METRICS, offset))
            files.append(TensorBoard(self.folder / "tensorboard", done))
        try:
            cut = self.trainer.train(
                self.trainer.cut(state),
                self.options.steps,
                (*files, *loggers),
                stop,
                self._after,
                self._non_finite,
            )
        except Diverged as error:
            self.save(self.trainer.whole(error.state))
            raise
        finally:
            for file in files:
                file.close()
        state = self.trainer.whole(cut)
        self.save(state)
        return state

    def steps(self, state: State) -> int:
        """Environment steps that a state has seen."""
        return int(state.iteration) * self.trainer.steps_per_iteration

    def save(self, state: State) -> None:
        """Write a checkpoint, unless this state has one."""
        steps = self.steps(state)
        if self._writes and steps != self._saved:
            checkpoints.save(self.folder, state, steps, self.header, self.options.keep)
            self._saved = steps

    def evaluate(self, state: State) -> Evaluation:
        """Run episodes, log what they say if it is new, and return it."""
        result = self.trainer.evaluate(state, self.options.episodes, self.options.seed)
        steps = self.steps(state)
        row = {"steps": steps, "episodes": self.options.episodes, **result.summary()}
        plan = self.trainer.plan
        velocities.write(self.folder, steps, result, plan.period)
        if result.clips:
            motions.write(self.folder, steps, plan, result, motions.counts_of_state(state))
        levels = self.trainer.levels(state)
        for name, level in levels.items():
            row["level" if len(levels) == 1 else f"level.{name}"] = float(level)
        row = {k: v if math.isfinite(v) else None for k, v in row.items()}
        if row not in rows(self.folder / EVALUATIONS):  # a run that had ended may be resumed
            with (self.folder / EVALUATIONS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return result

    def _after(self, state: State, steps: int) -> None:
        last = self.options.steps is not None and steps >= self.options.steps
        saves = self._due(steps, self.options.checkpoint_every)
        judges = self._due(steps, self.options.evaluate_every) and not last
        if not (saves or judges):
            return
        state = self.trainer.whole(state)
        if saves:
            self.save(state)
        if judges and self._writes:
            self.say(f"{steps:>11,} steps: {describe(self.evaluate(state), self.trainer.plan)}")

    def _due(self, steps: int, every: int) -> bool:
        before = steps - self.trainer.steps_per_iteration
        return bool(every) and steps // every != before // every

    def _non_finite(self, finding: nonfinite.Finding) -> bool:
        if not self._writes:
            return self.options.on_nan == "continue"
        path = nonfinite.write(self.folder / "dumps", finding)
        self.say(f"{finding.steps:>11,} steps: {finding}; see {path}")
        return self.options.on_nan == "continue"


def cut(path: Path, steps: int) -> None:
    """Drop the rows of a log after a number of steps."""
    if path.is_file():
        kept = [row for row in rows(path) if row["steps"] <= steps]
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))


def _last_seconds(path: Path) -> float:
    found = rows(path)
    return float(found[-1]["seconds"]) if found else 0.0
