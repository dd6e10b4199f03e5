"""Generalized advantage estimation, Schulman et al. 2016, https://arxiv.org/abs/1506.02438."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def gae(
    reward: Float[Array, "ticks envs"],
    value: Float[Array, "ticks envs"],
    next_value: Float[Array, "ticks envs"],
    failure: Bool[Array, "ticks envs"],
    done: Bool[Array, "ticks envs"],
    gamma: Float[Array, ""] | float,
    lam: Float[Array, ""] | float,
) -> tuple[Float[Array, "ticks envs"], Float[Array, "ticks envs"]]:
    """Advantages and the critic's targets.

    ``delta = reward + gamma * next_value - value``, with next_value 0 after a failure, and
    ``advantage[t] = delta[t] + gamma * lam * advantage[t + 1]``, where the sum ends with the
    episode. A time-out ends the episode too, but is not a failure: its value goes on.

    Args:
        reward: of each tick.
        value: of the state before the tick.
        next_value: of the state in which the tick ended, before any reset.
        failure: the episode ended and nothing follows.
        done: the episode ended by failure or by time-out.
        gamma: discount per tick.
        lam: 0 for one-step temporal differences, 1 for Monte-Carlo returns.

    Returns:
        Advantages, and advantages + value.
    """
    delta = reward + gamma * jnp.where(failure, 0.0, next_value) - value
    decay = jnp.where(done, 0.0, gamma * lam)

    def tick(advantage: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
        delta, decay = row
        advantage = delta + decay * advantage
        return advantage, advantage

    _, advantage = jax.lax.scan(tick, jnp.zeros_like(delta[0]), (delta, decay), reverse=True)
    return advantage, advantage + value
