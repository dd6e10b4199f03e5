"""Policies that were trained: what acts on observations, and how well."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ksim_compiler.api.env import Observation
from ksim_compiler.api.table import Table
from ksim_compiler.api.task import PathLike, Task, compile
from ksim_compiler.api.trained import PolicyError as PolicyError, find, trained_task
from ksim_compiler.learn.run import policy as learned
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.figures import figures
from ksim_compiler.learn.run.judge import judge

Carry = Any
"""What a recurrent policy remembers: a pytree; () for one that remembers nothing."""


@dataclass(frozen=True, eq=False)
class Policy:
    """What a training has learned. Called on observations, it says what to do.

    Attributes:
        task: the task that it was trained in.
        name: how to call it.
        steps: environment steps that it was trained for.
        level: where the curriculum stood; of several that of each, by name.
    """

    task: Task
    name: str
    _learned: learned.Policy = field(repr=False)

    @property
    def steps(self) -> int:
        """Environment steps that it was trained for."""
        return self._learned.steps

    @property
    def level(self) -> float | Mapping[str, float]:
        """Where the curriculum stood."""
        return self._learned.level

    @property
    def recurrent(self) -> bool:
        """Whether it remembers what it read before."""
        return self._learned.actor.network.recurrent

    def initial_carry(self, envs: int) -> Carry:
        """What it remembers at the start of an episode, of each of some environments."""
        return self._learned.actor.network.initial_carry(envs)

    def __call__(
        self,
        observation: Observation | Float[Any, "... inputs"],
        carry: Carry = None,
        start: Any = None,
    ) -> tuple[Float[Array, "... actions"], Carry]:
        """What it does when it does not explore. Pure; to be jitted by whoever calls it often.

        Args:
            observation: of a state of the environments, by part or as one array: (envs, inputs), or
                (inputs,) for one alone.
            carry: what it remembers; that of the start of an episode by default.
            start: (envs,) where an episode begins, so that what it remembers is forgotten:
                ``step.done`` of the tick before.

        Returns:
            (envs, actions), or (actions,) for one alone, and what it remembers after.
        """
        if isinstance(observation, Mapping):
            parts = [jnp.asarray(observation[name]) for name in self.task.observations]
            observation = jnp.concatenate(parts, axis=-1)
        seen = jnp.asarray(observation, jnp.float32)
        wanted = sum(self.task.observations.values())
        if seen.shape[-1] != wanted:
            raise ValueError(f"{self.name} reads {wanted} numbers, and not {seen.shape[-1]}")
        alone, rows = seen.ndim == 1, jnp.atleast_2d(seen)
        carry = self.initial_carry(len(rows)) if carry is None else carry
        begins = jnp.zeros(len(rows)) if start is None else jnp.asarray(start, jnp.float32)
        begins = jnp.broadcast_to(begins, (len(rows),))
        action, carry = _act(self._learned.actor, self._learned.normalizer, rows, carry, begins)
        return (action[0] if alone else action), carry


@jax.jit
def _act(actor: Any, normalizer: Any, rows: Any, carry: Any, start: Any) -> tuple[Any, Any]:
    return actor.mode(normalizer, rows, carry, start)


def load_policy(source: PathLike, *, task: Task | None = None, trust: bool = False) -> Policy:
    """The policy of a run's newest checkpoint, of a policy file, or one that ships.

    Args:
        source: a run or its folder, a ``.ksimp`` file, or ``"pretrained:NAME"``.
        task: the task to act in, where it is another than it was trained in; what it reads and
            sets has to be the same.
        trust: whether the Python files that come with it may run.

    Raises:
        PolicyError: there is none, it is damaged, or it cannot act in the task.
        CompileError: its task has errors here.
    """
    place, name = find(source)
    own = trained_task(place, name, trust)
    try:
        found = learned.load_policy(place, own.plan)
    except CheckpointError as error:
        raise PolicyError(str(error)) from error
    if task is not None:
        _fits(own, task, name)
    return Policy(task or own, name, found)


def _fits(own: Task, other: Task, name: str) -> None:
    """See that a policy can act in another task.

    Raises:
        PolicyError: it reads or sets something else.
    """
    for verb, before, now in (
        ("reads", own.observations, other.observations),
        ("sets", own.actions, other.actions),
    ):
        if list(before.items()) != list(now.items()):
            parts = ", ".join(f"{part} ({size})" for part, size in before.items())
            raise PolicyError(f"{name} cannot act in {other.name}: it {verb} {parts}")


class Evaluation(Table):
    """How policies did: a row for each of them, with the figures that ``ksim-eval`` prints.

    Columns: ``policy``; ``episodes``; ``return``, the mean of the sums of rewards; ``length`` in s;
    ``failed``, the share in percent that ended in a failure; ``success``, where the task says what
    that is; ``ended by ...``, the share that each termination ended; ``error of ...``, the mean
    error of a commanded velocity; the task's metrics; ``<clip> completed``, ``<clip> body error``
    and others of each clip of a recorded motion; ``reward ...``, the mean of a term over the
    ticks. ``units`` has the unit of each.

    Attributes:
        figures: a table with a row for each figure of each policy: ``policy``, ``figure``,
            ``unit``, ``value``, ``std`` over the episodes, ``low`` and ``high``, an interval of 95%
            for the mean, None where that is not known; ``clip``, that it is of, "" for most.
        episodes: a table with a row for each episode: ``policy``, ``return``, ``length`` in ticks,
            ``failed``, and the task's metrics.
    """

    def __init__(self, figures: Table, episodes: Table, count: int, title: str) -> None:
        rows = dict[str, dict[str, Any]]()
        for figure in figures:
            row = rows.setdefault(figure["policy"], {"policy": figure["policy"], "episodes": count})
            row[figure["figure"]] = figure["value"]
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        columns = {name: [row.get(name) for row in rows.values()] for name in names}
        units = {figure["figure"]: figure["unit"] for figure in figures}
        super().__init__(columns, title, units)
        self.figures, self.episodes = figures, episodes


def evaluate(
    policy: PathLike | Policy | Sequence[PathLike | Policy],
    task: PathLike | Task | None = None,
    episodes: int = 64,
    seed: int = 0,
    *,
    trust: bool = False,
) -> Evaluation:
    """Let policies act in whole episodes, with the mode of their distribution.

    Args:
        policy: one policy, or several: each a :class:`Policy` or what :func:`load_policy` takes.
        task: the task that they are judged in; that which each was trained in by default. Its
            curriculum stands where each policy's stood.
        episodes: how many, at the same time.
        seed: of what is drawn; the same for all.
        trust: whether the Python files that come with policies may run.

    Raises:
        PolicyError, CompileError: as for :func:`load_policy`.
    """
    several = [policy] if isinstance(policy, str | os.PathLike | Policy) else list(policy)
    where = None if task is None else compile(task)
    rows, every = list[dict[str, Any]](), list[dict[str, Any]]()
    loaded = [p if isinstance(p, Policy) else load_policy(p, trust=trust) for p in several]
    for name, acts in zip(_told_apart([acts.name for acts in loaded]), loaded, strict=True):
        own = where or acts.task
        _fits(acts.task, own, acts.name)
        found = judge(own.plan, acts._learned, episodes, seed)  # pyright: ignore[reportPrivateUsage]
        rows += [
            {"policy": name, "figure": figure.pop("name"), **figure}
            for figure in map(asdict, figures(found, own.plan))
        ]
        columns: dict[str, Any] = {"return": found.returns, "length": found.lengths}
        columns |= {"failed": found.failed, **found.measures}
        values = {name: np.asarray(column).tolist() for name, column in columns.items()}
        every += [
            {"policy": name, **{column: each[index] for column, each in values.items()}}
            for index in range(episodes)
        ]
    title = f"{where.name}, seed {seed}" if where else f"seed {seed}"
    return Evaluation(Table.of_rows(rows), Table.of_rows(every), episodes, title)


def _told_apart(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that were there before."""
    counts = [names[: index + 1].count(name) for index, name in enumerate(names)]
    return [f"{n} ({count})" if count > 1 else n for n, count in zip(names, counts, strict=True)]
