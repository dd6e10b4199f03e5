"""What one environment's tick hands on: to the next tick, to the networks, and to the learner."""

from __future__ import annotations

from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float, Int

from ksim_compiler.lowering.following import Followed
from ksim_compiler.lowering.scale import Levels


class Episode(NamedTuple):
    """What one environment remembers from tick to tick, apart from its physics.

    Attributes:
        age: ticks since the episode began.
        level: the curriculum's level; of several curricula, that of each, by name.
        action: the last action.
        controls: the actuators' controls of the last tick.
        memory: object -> part -> memory.
    """

    age: Int[Array, ""]
    level: Levels
    action: Float[Array, " actions"]
    controls: Float[Array, " drives"]
    memory: dict[str, dict[str, Any]]


class Inputs(NamedTuple):
    """What the networks read."""

    policy: Float[Array, " policy"]
    critic: Float[Array, " critic"]


class CutOff(NamedTuple):
    """Whether the training, and nothing of the task, ends the episode with this tick.

    Attributes:
        length: it has had the length of a training episode.
        stagger: the environment's first episode ends early, so that not all begin together.
    """

    length: Bool[Array, "*envs"]
    stagger: Bool[Array, "*envs"]


class Judgement(NamedTuple):
    """What the record of a tick says."""

    terms: dict[str, Float[Array, ""]]
    reward: Float[Array, ""]
    terminations: dict[str, Bool[Array, ""]]
    failure: Bool[Array, ""]
    timeout: Bool[Array, ""]
    measures: dict[str, Float[Array, ""]]
    motions: dict[str, Followed]
