"""The trials of a study: who trains which, so that none is lost and none is done twice.

A trial of the budget waits in the storage until a worker claims it, which the storage grants to one
alone. As long as the worker lives it holds a lock on a file of the trial, and counts beats in the
storage. Where the lock is free, whoever gets it goes on with the trial. Where the file cannot be
seen, on another machine, a trial that is silent fails, and one of the same values waits in its
place. What several workers may add at the same moment is told apart by its number: of two that
stand for the same, the first one counts.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from ksim_compiler.sweep import sampling
from ksim_compiler.sweep.check import Ready, length_of
from ksim_compiler.sweep.locks import Locks
from ksim_compiler.sweep.storage import StorageError
from ksim_schema.study import Choices
from ksim_schema.study.model import Grid
from ksim_schema.study.values import combinations

BEAT = 10.0
"""Seconds between two signs of life of a worker."""
GRACE = 60.0
"""Seconds without one after which a worker of another machine is taken for gone."""
REFUSALS = 10
"""A study ends when so many times its budget was refused."""
OVER = (TrialState.COMPLETE, TrialState.PRUNED)


class Lost(Exception):
    """Another worker has taken a trial over."""


def identity(ready: Ready) -> dict[str, Any]:
    """What a study is, apart from how long it goes on and what it is called."""
    study, base = ready.study, ready.base
    assert study is not None
    assert base is not None
    return {
        "task": base.fingerprint,
        "search": repr(ready.spaces),
        "seeds": list(study.seeds),
        "goal": study.goal.model_dump(mode="json"),
        "steps": length_of(study, base),
        "sampler": study.sampler.model_dump(mode="json"),
    }


class Book:
    """The trials of a study in its storage.

    Attributes:
        study: Optuna's.
        ready: the study as it is written.
        grace: seconds without a sign of life of a worker on another machine.
    """

    def __init__(
        self, ready: Ready, storage: BaseStorage, folder: Path, grace: float = GRACE
    ) -> None:
        """Open a study, or begin it.

        Raises:
            StorageError: the storage has another study of this name.
        """
        assert ready.study is not None
        self.ready, self.storage, self.folder, self.grace = ready, storage, folder, grace
        name, goal = ready.study.study, ready.study.goal
        wanted = identity(ready)
        with suppress(DuplicatedStudyError):
            made = optuna.create_study(
                storage=storage,
                study_name=name,
                direction="maximize" if goal.up else "minimize",
            )
            made.set_user_attr("identity", wanted)
        self._name = name
        self.study = self._loaded()
        there = self._identity()
        if there != wanted:
            differs = [key for key in wanted if there.get(key) != wanted[key]]
            message = f"the storage has a study {name} already, which differs in {_listed(differs)}"
            raise StorageError(f"{message}: give this one another name, or another --out")
        self._distributions = sampling.distributions(ready.spaces)
        self._beats: dict[int, tuple[int, float]] = {}
        self._locks = Locks(folder / "workers")

    def _loaded(self) -> optuna.Study:
        assert self.ready.study is not None
        return optuna.load_study(
            storage=self.storage,
            study_name=self._name,
            sampler=sampling.sampler(self.ready.study),
            pruner=sampling.pruner(self.ready.study),
        )

    def _identity(self) -> dict[str, Any]:
        for _ in range(100):  # who has just made the study says next what it is
            found = self.study.user_attrs.get("identity")
            if found is not None:
                return found
            time.sleep(0.05)
        raise StorageError(f"the study {self.study.study_name} in the storage is not ksim-sweep's")

    @property
    def budget(self) -> int:
        """Trials that are to be trained."""
        assert self.ready.study is not None
        return self.ready.study.budget.trials

    def trials(self) -> list[FrozenTrial]:
        """Every trial of the storage that counts or was refused, in order of number.

        Those that were begun anew, and those that nobody needed, are left out.
        """
        every = self.study.get_trials(deepcopy=False)
        again = {t.user_attrs.get("again") for t in every}
        seen: set[tuple[str, int]] = set()
        found: list[FrozenTrial] = []
        for trial in every:
            if "surplus" in trial.user_attrs or trial.number in again:
                continue
            stands = _stands_for(trial)
            if stands is not None and stands in seen:
                continue
            if stands is not None:
                seen.add(stands)
            found.append(trial)
        return found

    def counted(self) -> list[FrozenTrial]:
        """The trials of the budget: waiting, running, or done. Refused ones are not among them."""
        return [t for t in self.trials() if "refused" not in t.user_attrs]

    def plan(self) -> None:
        """See that as many trials wait as the budget asks for, those to begin with first."""
        study = self.ready.study
        assert study is not None
        known = {space.path: space for space in self.ready.spaces}
        every = self.study.get_trials(deepcopy=False)
        there = {stands for t in every if (stands := _stands_for(t)) is not None}
        lost = [t for t in every if _is_lost(t, every)]
        for trial in lost:
            self._again(trial)
        left = self.budget - len(self.counted())
        for number, first in enumerate(study.first[: self.budget]):
            if ("first", number) not in there and left > 0:
                params = {p: sampling.drawn(known[p], v) for p, v in first.items()}
                self.study.enqueue_trial(params, {"first": number})
                left -= 1
        if isinstance(study.sampler, Grid):
            for number, cell in enumerate(self._cells()):
                if left <= 0:
                    return
                if ("cell", number) not in there:
                    self.study.enqueue_trial(cell, {"cell": number})
                    left -= 1
            return
        if self.refused() > max(100, REFUSALS * self.budget):
            return
        for _ in range(left):
            self.study.enqueue_trial({})

    def _cells(self) -> Iterable[dict[str, Any]]:
        """What Optuna would have drawn for each combination of a grid."""
        for texts in combinations(self.ready.spaces):
            yield {
                space.path: texts[space.path]
                if isinstance(space, Choices)
                else sampling.drawn(space, texts[space.path])
                for space in self.ready.spaces
            }

    def refused(self) -> int:
        """How many trials the checker has refused."""
        return sum("refused" in t.user_attrs for t in self.study.get_trials(deepcopy=False))

    def claim(self) -> optuna.Trial | None:
        """The next trial, which is this worker's from now on; None where none is left.

        One that another worker has left comes first, with what it has of checkpoints.
        """
        self.study = self._loaded()  # what is kept of the trials of others is old
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if self._is_left(frozen) and self._locks.hold(frozen.number):
                if self._state(frozen.number) == TrialState.RUNNING:
                    return self._owned(frozen.number)
                self._locks.let_go(frozen.number)  # its worker has just ended it
        self.plan()
        for frozen in self.trials():
            if frozen.state != TrialState.WAITING:
                continue
            identifier = self._id(frozen.number)
            with suppress(UpdateFinishedTrialError):
                if not self.storage.set_trial_state_values(identifier, TrialState.RUNNING):
                    continue  # another worker has it
                if not self._locks.hold(frozen.number):
                    continue
                counted = [t.number for t in self.counted()]
                if frozen.number in counted[: self.budget]:
                    return self._owned(frozen.number)
                self.storage.set_trial_user_attr(identifier, "surplus", True)
                self.study.tell(frozen.number, state=TrialState.FAIL)
                self._locks.let_go(frozen.number)
        return None

    def _owned(self, number: int) -> optuna.Trial:
        """A trial of this worker, with what is drawn of it."""
        identifier = self._id(number)
        self.storage.set_trial_user_attr(identifier, "owner", self._locks.here)
        self.storage.set_trial_user_attr(identifier, "left", False)
        trial = optuna.Trial(self.study, identifier)
        for name, distribution in self._distributions.items():
            sampling.draw(trial, name, distribution)
        return trial

    def waiting(self) -> bool:
        """Whether trials are left that another worker has, and may leave behind."""
        states = {t.state for t in self.counted()}
        return bool(states & {TrialState.RUNNING, TrialState.WAITING})

    def _is_left(self, trial: FrozenTrial) -> bool:
        """Whether this machine can see that nobody trains a trial; of others it fails the silent.

        A file that cannot be locked is held by its worker.
        """
        if self._locks.holds(trial.number):
            return False
        if trial.user_attrs.get("owner") == self._locks.here:
            return True
        beat, now = int(trial.user_attrs.get("beat", -1)), time.monotonic()
        last = self._beats.get(trial.number)
        if last is None or last[0] != beat:
            self._beats[trial.number] = (beat, now)
        elif now - last[1] > self.grace:
            self._fail(trial.number)
        return False

    def _fail(self, number: int) -> None:
        """Let a trial be begun anew, by whoever comes next."""
        identifier = self._id(number)
        try:
            self.storage.set_trial_user_attr(identifier, "lost", True)
            self.study.tell(number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):  # another worker was faster
            return
        self._again(self.storage.get_trial(identifier))

    def _again(self, trial: FrozenTrial) -> None:
        told = {"again": trial.number, "origin": origin(trial)}
        kept = {k: v for k, v in trial.user_attrs.items() if k in ("first", "cell", "results")}
        self.study.enqueue_trial(trial.params, {**kept, **told})

    def leave(self, trial: optuna.Trial) -> None:
        """Stop training a trial, which somebody goes on with later."""
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr("left", True)
        self._locks.let_go(trial.number)

    def let_go(self, trial: optuna.Trial) -> None:
        """Train a trial no longer."""
        self._locks.let_go(trial.number)

    def _state(self, number: int) -> TrialState:
        return self.storage.get_trial(self._id(number)).state

    def _id(self, number: int) -> int:
        study = self.storage.get_study_id_from_name(self.study.study_name)
        return self.storage.get_trial_id_from_study_id_trial_number(study, number)

    @contextmanager
    def beating(self, trial: optuna.Trial) -> Generator[Callable[[], bool]]:
        """Give signs of life of a trial; yields whether it was taken over by another worker."""
        done, lost = threading.Event(), threading.Event()

        def beat() -> None:
            identifier, count = self._id(trial.number), 0
            while not done.wait(BEAT):
                count += 1
                try:
                    self.storage.set_trial_user_attr(identifier, "beat", count)
                except UpdateFinishedTrialError:
                    lost.set()
                    return
                except Exception:  # a storage that is away for a while: the next beat may reach it
                    continue

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield lost.is_set
        finally:
            done.set()
            thread.join(BEAT)

    def tell(
        self, trial: optuna.Trial, value: float | None, *, pruned: bool = False, why: str = ""
    ) -> None:
        """Say how a trial ended.

        Args:
            trial: this worker's.
            value: what it is worth, where it was trained to its end.
            pruned: whether the pruner stopped it.
            why: why it has no value, else.

        Raises:
            Lost: another worker has taken it over.
        """
        try:
            if value is not None and math.isfinite(value):
                self.study.tell(trial, value)
                return
            if not pruned:
                trial.set_user_attr("failed", why or "its goal is not a number")
                self._avoid(trial)
            self.study.tell(trial, state=TrialState.PRUNED)
        except (UpdateFinishedTrialError, ValueError) as error:
            raise Lost(f"trial {origin(trial)} was taken over by another worker") from error
        finally:
            self._locks.let_go(trial.number)

    def refuse(self, trial: optuna.Trial, why: list[str]) -> None:
        """Say that the checker refuses a trial; another one of the budget takes its place."""
        trial.set_user_attr("refused", why)
        self._avoid(trial)
        self.study.tell(trial, state=TrialState.PRUNED)
        self._locks.let_go(trial.number)

    def _avoid(self, trial: optuna.Trial) -> None:
        """Tell the sampler to stay away. CMA-ES cannot be told, and leaves the trial out."""
        assert self.ready.study is not None
        if sampling.takes_refusals(self.ready.study):
            trial.set_constraint("trained", 1.0)

    def best(self) -> FrozenTrial | None:
        """The best trial that was trained to its end."""
        assert self.ready.study is not None
        done = [t for t in self.counted() if t.state == TrialState.COMPLETE]
        sign = 1.0 if self.ready.study.goal.up else -1.0
        return max(done, key=lambda t: (sign * (t.value or 0.0), -t.number), default=None)


def _listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def origin(trial: FrozenTrial | optuna.Trial) -> int:
    """The number by which a trial is called: its first one, when it was begun anew."""
    return int(trial.user_attrs.get("origin", trial.number))


def _stands_for(trial: FrozenTrial) -> tuple[str, int] | None:
    """What a trial is the only one of; None for one that is drawn."""
    for name in ("again", "first", "cell"):
        if name in trial.user_attrs:
            return name, int(trial.user_attrs[name])
    return None


def _is_lost(trial: FrozenTrial, every: Iterable[FrozenTrial]) -> bool:
    """Whether a trial was left by its worker and nobody has begun it anew."""
    left = trial.state == TrialState.FAIL and "lost" in trial.user_attrs
    return left and not any(t.user_attrs.get("again") == trial.number for t in every)
