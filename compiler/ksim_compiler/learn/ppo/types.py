"""Names of what the algorithm handles: its samples and its state."""

from __future__ import annotations

from typing import NamedTuple

import optax
from jaxtyping import Array, Float, Int, Key, PyTree

from ksim_compiler.learn.learner import EnvState, Episodes
from ksim_compiler.learn.nets.actor_critic import Actor, Critic
from ksim_compiler.learn.nets.normalizer import Normalizer


class Samples(NamedTuple):
    """What the update learns from; fields lead with (ticks, envs), or (samples,) when flattened.

    Attributes:
        policy_input, critic_input: normalized inputs.
        latent: the sampled action before the distribution's squashing.
        output: the policy network's output when it acted: the old distribution's parameters.
        log_prob: log-probability of the action when it was taken.
        value: the critic's estimate when the action was taken.
        advantage, target: by :func:`ksim_compiler.learn.ppo.gae.gae`.
        start: 1.0 where an episode begins with this tick, so that memories are reset before it.
        own: 0.0 where the sample is a mirror image; None when none is.
    """

    policy_input: Float[Array, "*batch policy"]
    critic_input: Float[Array, "*batch critic"]
    latent: Float[Array, "*batch actions"]
    output: Float[Array, "*batch outputs"]
    log_prob: Float[Array, "*batch"]
    value: Float[Array, "*batch"]
    advantage: Float[Array, "*batch"]
    target: Float[Array, "*batch"]
    start: Float[Array, "*batch"]
    own: Float[Array, "*batch"] | None = None


class Carry(NamedTuple):
    """Memories of the networks, one per environment; empty for feedforward networks."""

    actor: PyTree[Float[Array, "..."]]
    critic: PyTree[Float[Array, "..."]]


class Networks(NamedTuple):
    """All that is trained."""

    actor: Actor
    critic: Critic


class TrainState(NamedTuple):
    """Everything that one iteration passes to the next; saving it makes a resume exact.

    Attributes:
        networks: the actor and the critic.
        optimizer: Adam's moments.
        learning_rate: the current one.
        policy_normalizer, critic_normalizer: None when inputs are not normalized.
        value_normalizer: statistics of the returns; the critic's output is normalized by them.
        env: state of the environments.
        carry: memories of the networks.
        start: 1.0 where an episode begins with the next tick.
        episodes: episode statistics.
        key: base key; every random number of the training is derived from it, the iteration and
            a name.
        iteration: number of iterations done.
        rollbacks: number of iterations that were thrown away because a number in them was not
            finite. It enters the random numbers, so that the next attempt is another one.
    """

    networks: Networks
    optimizer: optax.OptState
    learning_rate: Float[Array, ""]
    policy_normalizer: Normalizer | None
    critic_normalizer: Normalizer | None
    value_normalizer: Normalizer | None
    env: EnvState
    carry: Carry
    start: Float[Array, " envs"]
    episodes: Episodes
    key: Key[Array, ""]
    iteration: Int[Array, ""]
    rollbacks: Int[Array, ""]
