"""A study as its folder holds it: trials, what was drawn, what it was worth, what mattered.

The trials are those of Optuna's storage; the runs of a trial are in the folder's ``trials``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ksim_compiler.sweep.storage import (
    DATABASE,
    INSTALL,
    JOURNAL,
    StorageError,
    open_storage,
    quiet,
)

if TYPE_CHECKING:
    from optuna.study import Study as OptunaStudy
    from optuna.trial import FrozenTrial

TRIALS = "trials"


class StudyError(Exception):
    """A study that cannot be read; the message says why."""


@dataclass(frozen=True)
class Param:
    """What was searched.

    Attributes:
        path: of the value in the task.
        log: whether it was drawn by its logarithm.
        choices: what it was chosen from, as written; none of a number.
        unit: of a number, as the study has it; "" of one that has none.
    """

    path: str
    log: bool = False
    choices: tuple[str, ...] = ()
    unit: str = ""

    @property
    def named(self) -> str:
        """The path, with the unit of its numbers."""
        return f"{self.path} ({self.unit})" if self.unit else self.path


@dataclass(frozen=True)
class Trial:
    """A trial.

    Attributes:
        number: as ksim-sweep tells it.
        state: done, pruned, refused, failed, training or waiting.
        value: what it was worth; None where it was not trained to its end.
        drawn: path -> what was drawn: a number, or the text of a choice.
        results: seed -> the goal's number.
        seconds: that it took.
        why: why it has no value.
    """

    number: int
    state: str
    value: float | None
    drawn: dict[str, Any]
    results: dict[str, float]
    seconds: float | None
    why: str


@dataclass(frozen=True)
class StudyData:
    """A study.

    Attributes:
        name: of it.
        folder: where it is.
        goal: what its trials are worth by.
        up: whether more is better.
        params: what was searched.
        trials: in order of their numbers; those that were begun anew count once.
        importance: path -> its share in how much the trials differ, largest first; empty where too
            few trials were trained to their end.
        why_no_importance: a sentence, where it is empty.
    """

    name: str
    folder: Path
    goal: str
    up: bool
    params: tuple[Param, ...]
    trials: tuple[Trial, ...]
    importance: dict[str, float]
    why_no_importance: str = ""

    @property
    def unit(self) -> str:
        """Of the goal, where it is known here."""
        return "ticks" if self.goal == "length" else ""

    @property
    def best(self) -> list[Trial]:
        """The trials that were trained to their end, the best first."""
        done = [trial for trial in self.trials if trial.value is not None]
        return sorted(done, key=lambda t: (t.value or 0.0) * (-1 if self.up else 1))

    def counts(self) -> str:
        """How many trials are in which state."""
        order = ("done", "pruned", "failed", "refused", "training", "waiting")
        states = [trial.state for trial in self.trials]
        return ", ".join(f"{states.count(s)} {s}" for s in order if s in states)


def storage_in(folder: Path) -> Path | None:
    """The file in a folder that holds a study's trials; None where there is none."""
    return next((folder / n for n in (DATABASE, JOURNAL) if (folder / n).is_file()), None)


def read_study(folder: Path, storage: str | None = None) -> StudyData:
    """Read a study.

    Args:
        folder: that ksim-sweep wrote.
        storage: where its trials are, when not in the folder.

    Raises:
        StudyError: it cannot be read, or Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise StudyError(INSTALL) from error
    quiet()
    where = storage or storage_in(folder)
    if where is None:
        raise StudyError(f"there is no {DATABASE} and no {JOURNAL} in {folder}")
    try:
        opened = open_storage(str(where))
        names = optuna.get_all_study_names(opened)
        name = folder.resolve().name if folder.resolve().name in names else None
        if name is None and len(names) != 1:
            raise StudyError(f"{where} holds {len(names)} studies, none of which is {folder.name}")
        study = optuna.load_study(study_name=name or names[0], storage=opened)
        found = study.get_trials(deepcopy=False)
    except StorageError as error:
        raise StudyError(str(error)) from error
    except StudyError:
        raise
    except Exception as error:  # whatever a damaged database or another version gives
        reason = " ".join(str(error).split())[:200]
        raise StudyError(f"{where} cannot be read: {reason}") from error
    identity = study.user_attrs.get("identity") or {}
    goal = identity.get("goal") or {}
    up = study.direction == optuna.study.StudyDirection.MAXIMIZE
    importance, why = _importance(study)
    return StudyData(
        study.study_name,
        folder,
        str(goal.get("maximize") or goal.get("minimize") or goal.get("name") or "goal"),
        up,
        tuple(_params(found)),
        tuple(sorted(_trials(found), key=lambda trial: trial.number)),
        importance,
        why,
    )


def _params(trials: Sequence[FrozenTrial]) -> Iterator[Param]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    known = {path: space for trial in trials for path, space in trial.distributions.items()}
    for path, space in known.items():
        if isinstance(space, CategoricalDistribution):
            yield Param(path, choices=tuple(map(str, space.choices)))
        else:
            log = isinstance(space, FloatDistribution | IntDistribution) and space.log
            yield Param(path, log, unit=_unit(path, trials))


def _unit(path: str, trials: Sequence[FrozenTrial]) -> str:
    """The unit of what was drawn, from how a trial set it: ``path=46.8 cm``."""
    for trial in trials:
        for text in trial.user_attrs.get("settings") or ():
            if str(text).startswith(f"{path}="):
                return str(text).partition("=")[2].partition(" ")[2].strip()
    return ""


def _trials(trials: Sequence[FrozenTrial]) -> Iterator[Trial]:
    """Each trial once: one that was lost with its worker was begun anew under another number."""
    from optuna.trial import TrialState

    words = {
        TrialState.WAITING: "waiting",
        TrialState.RUNNING: "training",
        TrialState.COMPLETE: "done",
        TrialState.PRUNED: "pruned",
        TrialState.FAIL: "waiting",
    }
    again = {trial.user_attrs.get("again") for trial in trials}
    for trial in trials:
        told = trial.user_attrs
        if "surplus" in told or trial.number in again or not trial.params:
            continue
        state = "refused" if "refused" in told else "failed" if "failed" in told else ""
        yield Trial(
            int(told.get("origin", trial.number)),
            state or words[trial.state],
            trial.value if trial.state == TrialState.COMPLETE else None,
            dict(trial.params),
            {str(seed): float(value) for seed, value in (told.get("results") or {}).items()},
            told.get("seconds"),
            str(told.get("failed") or "; ".join(told.get("refused") or ())),
        )


def _importance(study: OptunaStudy) -> tuple[dict[str, float], str]:
    """What mattered, by PED-ANOVA (Watanabe et al. 2023), and why nothing is known of it."""
    import optuna

    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        return {}, f"not known yet: {' '.join(str(error).split())[:160]}"
    if not found or not all(value >= 0.0 for value in found.values()):
        return {}, "not known yet: too few trials were trained to their end"
    return dict(sorted(found.items(), key=lambda item: -item[1])), ""
