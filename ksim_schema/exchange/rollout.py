"""A recorded rollout as an ACSet over SchRollout: states, observations, actions, rewards as rows.

Where a task's graph is a drawing over its schema, a rollout has exactly one wire per label and
row, so it is an ordinary instance: ``step``, ``observe`` and ``reward`` are columns, and the
equations of the schema say that the recording is consistent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ksim_schema.acset import Instance, SchemaError, sch_rollout
from ksim_schema.records import dataclass

Vector = Sequence[float]


@dataclass(frozen=True)
class Episode:
    """One recorded episode of n control ticks. Entry t of a list belongs to tick t.

    Attributes:
        qpos: n + 1 generalized positions, each (nq,), the last being the state it ended in.
        qvel: n + 1 generalized velocities, each (nv,).
        observations: n + 1 observations as the policy reads them, each (inputs,).
        actions: n actions as the policy gave them, each (outputs,).
        rewards: n totals of the reward.
    """

    qpos: Sequence[Vector]
    qvel: Sequence[Vector]
    observations: Sequence[Vector]
    actions: Sequence[Vector]
    rewards: Sequence[float]


def rollout_instance(episodes: Iterable[Episode], control: float) -> Instance:
    """Recorded episodes as an instance of SchRollout.

    Args:
        episodes: the episodes, in order. No state is shared between two of them.
        control: the control period in s.

    Returns:
        An instance that keeps the laws of its schema.

    Raises:
        SchemaError: lists whose lengths do not fit together, numbers that JSON cannot hold
            (infinite or not a number), or a law of the schema that is broken.
    """
    result = Instance(sch_rollout())
    for number, episode in enumerate(episodes, start=1):
        _add(result, number, episode, control)
    problems = result.problems()
    if problems:
        raise SchemaError(problems[0])
    return result


def _add(result: Instance, number: int, episode: Episode, control: float) -> None:
    ticks = len(episode.actions)
    for name, more in (("qpos", 1), ("qvel", 1), ("observations", 1), ("rewards", 0)):
        length = len(getattr(episode, name))
        if length != ticks + more:
            message = f"{ticks} actions need {ticks + more} {name}, not {length}"
            raise SchemaError(f"episode {number}: {message}")

    def floats(what: str, values: Vector, tick: int) -> list[float]:
        found = [float(value) for value in values]
        if not all(map(math.isfinite, found)):
            raise SchemaError(
                f"episode {number}, tick {tick}: {what} has a value that is not a number"
            )
        return found

    states: list[int] = []
    seen: list[int] = []
    for t in range(ticks + 1):
        vector = floats("an observation", episode.observations[t], t + 1)
        seen.append(result.add("Observation", observation=vector))
        states.append(
            result.add(
                "PhysicsState",
                observe=seen[t],
                qpos=floats("qpos", episode.qpos[t], t + 1),
                qvel=floats("qvel", episode.qvel[t], t + 1),
                time=t * control,
            )
        )
    for t in range(ticks):
        vector = floats("an action", episode.actions[t], t + 1)
        action = result.add("Action", action=vector, step=states[t + 1], chosen_by=seen[t])
        (total,) = floats("a reward", [episode.rewards[t]], t + 1)
        result.add(
            "Trajectory",
            reward=result.add("Reward", reward_value=total),
            began=states[t],
            ended=states[t + 1],
            acted=action,
            episode=float(number),
            tick=float(t + 1),
        )
