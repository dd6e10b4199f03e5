"""The clipped PPO loss, Schulman et al. 2017, https://arxiv.org/abs/1707.06347."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.learn.nets.distributions import Head, divergence
from ksim_compiler.learn.ppo.types import Carry, Networks, Samples
from ksim_schema.vocabulary.learner.ppo import PPO


class Losses(NamedTuple):
    """Means over a minibatch.

    Attributes:
        policy: clipped surrogate, to be minimized.
        value: squared error of the values, in units of the normalized return.
        entropy: of the policy, in nats.
        kl: KL(old || new) of the policy, in nats; over the samples that are not mirror images, 0
            where there are none.
        clipped: share of the samples whose probability ratio is outside of the clip range.
    """

    policy: Float[Array, ""]
    value: Float[Array, ""]
    entropy: Float[Array, ""]
    kl: Float[Array, ""]
    clipped: Float[Array, ""]


def moved_by(networks: Networks, old: Head, samples: Samples, carry: Carry) -> Float[Array, ""]:
    """KL(old || new) of the policy in nats, the mean over samples that are not mirror images."""
    output = networks.actor.network.run(samples.policy_input, carry.actor, samples.start)
    return jnp.mean(divergence(old(samples.output), networks.actor.head(output)))


def ppo_loss(
    networks: Networks, old: Head, samples: Samples, carry: Carry, ppo: PPO
) -> tuple[Float[Array, ""], Losses]:
    """The loss of a minibatch.

    Args:
        networks: what is trained.
        old: the head of the policy that acted.
        samples: (samples, ...) for feedforward networks, (ticks, envs, ...) for recurrent ones.
        carry: the networks' memories before the first tick.
        ppo: coefficients.
    """
    output = networks.actor.network.run(samples.policy_input, carry.actor, samples.start)
    new = networks.actor.head(output)
    ratio = jnp.exp(new.log_prob(samples.latent) - samples.log_prob)
    kept = jnp.clip(ratio, 1.0 - ppo.clip, 1.0 + ppo.clip)
    surrogate = jnp.minimum(ratio * samples.advantage, kept * samples.advantage)

    value = networks.critic.run(samples.critic_input, carry.critic, samples.start)
    error = (value - samples.target) ** 2
    if ppo.value_clip is not None:
        moved = jnp.clip(value - samples.value, -ppo.value_clip, ppo.value_clip)
        error = jnp.maximum(error, (samples.value + moved - samples.target) ** 2)

    losses = Losses(
        policy=-jnp.mean(surrogate),
        value=jnp.mean(error),
        entropy=jnp.mean(new.entropy()),
        kl=_mean(divergence(old(samples.output), new), samples.own),
        clipped=jnp.mean(jnp.abs(ratio - 1.0) > ppo.clip),
    )
    total = losses.policy + ppo.value_coefficient * losses.value - ppo.entropy * losses.entropy
    return total, losses


def _mean(values: Float[Array, "*batch"], weight: Float[Array, "*batch"] | None) -> Array:
    if weight is None:
        return jnp.mean(values)
    return jnp.sum(values * weight) / jnp.maximum(jnp.sum(weight), 1.0)
