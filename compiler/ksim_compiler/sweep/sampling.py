"""What a study says of its search, in Optuna's terms."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from ksim_schema.study import Choices, Searched, Study
from ksim_schema.study.model import CmaEs, Grid, Halving, Median, Random, Tpe
from ksim_schema.study.values import number_of, text_of


def distributions(spaces: Sequence[Searched]) -> dict[str, BaseDistribution]:
    """What Optuna draws of each path."""
    return {space.path: _distribution(space) for space in spaces}


def _distribution(space: Searched) -> BaseDistribution:
    if isinstance(space, Choices):
        return CategoricalDistribution(space.texts())
    if space.whole:
        step = round(space.step or 1)
        return IntDistribution(round(space.low), round(space.high), space.log, step)
    return FloatDistribution(space.low, space.high, space.log, space.step)


def texts(spaces: Sequence[Searched], params: Mapping[str, Any]) -> dict[str, str]:
    """What Optuna drew as it is written in a setting, by path."""
    return {
        space.path: params[space.path]
        if isinstance(space, Choices)
        else space.text(params[space.path])
        for space in spaces
    }


def drawn(space: Searched, written: Any) -> Any:
    """A value as it is written, as Optuna would have drawn it."""
    if isinstance(space, Choices):
        return text_of(written)
    number = number_of(written, space.unit)[0] if written else 0.0
    return round(number) if space.whole else number


def draw(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> None:
    """Let the sampler decide on a value of a trial, unless it has one."""
    match distribution:
        case CategoricalDistribution():
            trial.suggest_categorical(name, distribution.choices)
        case IntDistribution():
            low, high, step = distribution.low, distribution.high, distribution.step
            trial.suggest_int(name, low, high, step=step, log=distribution.log)
        case FloatDistribution():
            low, high, step = distribution.low, distribution.high, distribution.step
            trial.suggest_float(name, low, high, step=step, log=distribution.log)
        case _:
            raise TypeError(f"nothing is drawn of {distribution}")


def sampler(study: Study) -> BaseSampler:
    """What decides on the next trial."""
    return Seeded(study)


def _own(study: Study, number: int) -> BaseSampler:
    """The sampler of one trial: its random numbers follow from the seed and the trial alone."""
    kind = study.sampler
    seed = int.from_bytes(
        hashlib.sha256(f"{0 if isinstance(kind, Grid) else kind.seed}/{number}".encode()).digest()[
            :4
        ]
    )
    match kind:
        case Tpe():
            return TPESampler(n_startup_trials=kind.startup, seed=seed)
        case CmaEs():
            return CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case Random() | _:
            return RandomSampler(seed)


class Seeded(BaseSampler):
    """A sampler whose draws for a trial depend on the seed, the trial and those before it.

    So a study that was stopped and goes on draws what it would have drawn, and workers that draw at
    the same time draw different values.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._last: tuple[int, BaseSampler] | None = None

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if self._last is None or self._last[0] != trial.number:
            self._last = (trial.number, _own(self._study, trial.number))
        return self._last[1]

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the sampler of the trial."""
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler of the trial."""
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As the sampler of the trial."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the sampler of the trial."""
        self._of(trial).before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """As the sampler of the trial."""
        self._of(trial).after_trial(study, trial, state, values)


def pruner(study: Study) -> BasePruner:
    """What stops trainings that lead nowhere."""
    match study.pruner:
        case Median() as kind:
            return MedianPruner(n_startup_trials=kind.startup, n_warmup_steps=kind.after)
        case Halving() as kind:
            return SuccessiveHalvingPruner(kind.after, kind.factor)
        case _:
            return NopPruner()


def takes_refusals(study: Study) -> bool:
    """Whether the sampler learns of what is refused; the others leave such trials out."""
    return isinstance(study.sampler, Tpe)
