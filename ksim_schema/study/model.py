"""What a study may say, as records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ksim_schema.source.plain import is_list
from ksim_schema.units import AnyQuantity, Time
from ksim_schema.vocabulary.base import Model, PositiveInt, one_of

_COUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kM])")
_FACTOR = {"k": 1_000, "M": 1_000_000}


def _count(value: Any) -> Any:
    """``300k`` and ``1.5M`` are whole numbers too."""
    match = _COUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        if isinstance(value, str):
            raise PydanticCustomError(
                "count",
                "expected a whole number, not {given}",
                {"given": repr(value[:40]), "help": "write for example 300000, 300k or 1.5M"},
            )
        return value
    number = float(match[1]) * _FACTOR[match[2]]
    return int(number) if number.is_integer() else number


def _listed(value: Any) -> Any:
    """A number of seeds stands for the first so many."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return tuple(range(value)) if whole and 0 < value <= 1000 else value


def _named(value: Any) -> Any:
    """A kind alone stands for it with its defaults."""
    return {"kind": value} if isinstance(value, str) else value


Count = Annotated[int, BeforeValidator(_count, json_schema_input_type=int | str), Gt(0)]
Seed = Annotated[int, Ge(0), Le(2**32 - 1)]


class Range(Model):
    """Values from one end to the other, both included."""

    from_: AnyQuantity = Field(alias="from", description="The lowest value, with its unit.")
    to: AnyQuantity = Field(description="The highest value.")
    log: bool = Field(
        default=False, description="Search orders of magnitude: each is as likely as the next."
    )
    step: AnyQuantity | None = Field(
        default=None, description="Only values this far apart, from the lowest on."
    )


class Listed(Model):
    """Values one by one: numbers, texts, lists, or whole parts."""

    choices: Annotated[tuple[Any, ...], MinLen(2)] = Field(description="What is tried.")


class Goal(Model):
    """What a trial is worth: a number of the evaluation at the end of each of its trainings."""

    maximize: str | None = Field(default=None, description="What should become large.")
    minimize: str | None = Field(default=None, description="What should become small.")
    over_seeds: Literal["median", "mean", "worst", "interquartile_mean"] = Field(
        default="median",
        description="How the trainings of a trial, one a seed, become one number. The"
        " interquartile mean leaves out the best and the worst fourth.",
    )
    episodes: PositiveInt = Field(default=32, description="Episodes of an evaluation.")

    @property
    def name(self) -> str:
        """The number."""
        return self.maximize or self.minimize or ""

    @property
    def up(self) -> bool:
        """Whether more of it is better."""
        return self.maximize is not None


class Budget(Model):
    """When a study is done."""

    trials: Count = Field(
        description="Trials that are trained, pruned ones included; one that the checker refuses"
        " costs nothing and does not count."
    )
    steps: Count | None = Field(
        default=None,
        description="Environment steps of each training; those of the task by default.",
    )
    time: Annotated[Time, Gt(0.0)] | None = Field(
        default=None, description="A worker begins no trial after this time. No limit by default."
    )


class Median(Model):
    """Stop a training that is below the median of the others at the same steps."""

    kind: Literal["median"]
    after: Annotated[Count, Ge(0)] = Field(
        default=1, description="Environment steps before anything is stopped."
    )
    startup: PositiveInt = Field(
        default=5, description="Trials that end before anything is stopped."
    )


class Halving(Model):
    """Let the better share of the trainings go on at each rung, Li et al. 2020 (ASHA).

    https://arxiv.org/abs/1810.05934
    """

    kind: Literal["halving"]
    after: Count = Field(description="Environment steps of the first rung.")
    factor: Annotated[int, Ge(2)] = Field(
        default=3, description="One of this many goes on; the next rung is this much longer."
    )


class Never(Model):
    """Train each trial to its end."""

    kind: Literal["none"]


class _Seeded(Model):
    seed: Seed = Field(default=0, description="Of what is drawn.")


class Tpe(_Seeded):
    """Tree-structured Parzen estimator: it learns where good trials are, and what is refused."""

    kind: Literal["tpe"]
    startup: PositiveInt = Field(default=10, description="Trials that are drawn at random first.")


class Random(_Seeded):
    """Drawn evenly, each trial without regard to the others."""

    kind: Literal["random"]


class Grid(Model):
    """Every combination of the choices and of the steps of the ranges, in order."""

    kind: Literal["grid"]


class CmaEs(_Seeded):
    """Covariance matrix adaptation, for three and more ranges of numbers."""

    kind: Literal["cmaes"]


PRUNERS: Mapping[str, type[Model]] = {"median": Median, "halving": Halving, "none": Never}
SAMPLERS: Mapping[str, type[Model]] = {
    "tpe": Tpe,
    "random": Random,
    "grid": Grid,
    "cmaes": CmaEs,
}


if TYPE_CHECKING:
    PrunerValue = Median | Halving | Never
    SamplerValue = Tpe | Random | Grid | CmaEs
else:
    _pruner, _sampler = one_of(PRUNERS), one_of(SAMPLERS)
    PrunerValue = Annotated[_pruner, BeforeValidator(_named, json_schema_input_type=str | _pruner)]
    SamplerValue = Annotated[
        _sampler, BeforeValidator(_named, json_schema_input_type=str | _sampler)
    ]


class Study(Model):
    """A study as it is written.

    The values below ``set``, ``search`` and ``first`` are the task's to check.
    """

    study: str = Field(description="Its name.")
    about: str = Field(default="", description="A sentence that says what it is.")
    task: str = Field(
        description="The task file, relative to this one; a shipped task's name, or package:task."
    )
    set: dict[str, Any] = Field(
        default_factory=dict, description="Values that differ from the task's in all trials."
    )
    search: dict[str, Any] = Field(description="Path of a value -> what is tried of it.")
    first: tuple[dict[str, Any], ...] = Field(
        default=(), description="Trials to begin with; what they do not say is drawn."
    )
    seeds: Annotated[
        tuple[Seed, ...], BeforeValidator(_listed, json_schema_input_type=int | tuple[Seed, ...])
    ] = Field(
        default=(0,),
        min_length=1,
        description="Of the trainings of a trial: a list, or how many (3 is [0, 1, 2]).",
    )
    goal: Goal = Field(description="What a trial is worth.")
    budget: Budget = Field(description="When the study is done.")
    pruner: PrunerValue = Field(
        default=Never(kind="none"), description="What stops trainings that lead nowhere."
    )
    sampler: SamplerValue = Field(
        default=Tpe(kind="tpe"), description="What decides on the next trial."
    )


def kinds_of(written: Any) -> type[Model]:
    """What is written for a searched path: a range, or a list of choices."""
    return Listed if is_list(written) or (written and "choices" in written) else Range
