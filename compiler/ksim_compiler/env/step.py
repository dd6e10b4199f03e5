"""What a batch of environments gives to a learner."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Array, Bool, Float

from ksim_compiler.lowering.following import Followed


class Step(NamedTuple):
    """The outcome of one control tick, for each environment of a batch.

    Attributes:
        reward: the sum of the reward terms.
        reward_terms: each term by name, scaled, as it enters the sum.
        failure: the episode ended, and what would have followed is worth nothing.
        timeout: the episode was cut off, and what would have followed is still worth its value.
        terminations: each termination by name.
        next_critic_input: the critic's input of the state in which the tick ended, before any
            reset. It equals the next tick's critic input where the episode goes on.
        measures: each metric of the task over the episode so far, by its name in logs; where an
            episode ends, that of the episode.
        metrics: further numbers to log, such as the curriculum's level or tracking errors.
        motions: how the recorded motion of each command is followed, where that is asked for.
        next_policy_input: the policy's input as ``next_critic_input`` is the critic's; None where
            nobody asks for it.
    """

    reward: Float[Array, " envs"]
    reward_terms: dict[str, Float[Array, " envs"]]
    failure: Bool[Array, " envs"]
    timeout: Bool[Array, " envs"]
    terminations: dict[str, Bool[Array, " envs"]]
    next_critic_input: Float[Array, "envs critic"]
    metrics: dict[str, Float[Array, " envs"]]
    measures: dict[str, Float[Array, " envs"]] = {}  # noqa: RUF012
    motions: dict[str, Followed] = {}  # noqa: RUF012
    next_policy_input: Float[Array, "envs policy"] | None = None

    @property
    def done(self) -> Bool[Array, "*batch envs"]:
        """Whether the episode ended, in whatever way."""
        return self.failure | self.timeout
