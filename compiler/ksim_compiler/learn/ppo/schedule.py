"""Hyperparameters that change during a run, from how much of it is done."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_schema.vocabulary.learner.ppo import PPO

SETTLED = 0.05
"""Share of the learning rate that is left at the end of a run that anneals it."""


def annealed(ppo: PPO, done: Float[Array, ""]) -> Float[Array, ""]:
    """What the learning rate is multiplied with after ``done`` environment steps.

    It falls linearly from 1 to ``SETTLED`` over the last share of the run.
    """
    share = ppo.learning_rate.anneal
    if not share or ppo.steps is None:
        return jnp.float32(1.0)
    return jnp.clip((1.0 - done / ppo.steps) / share, SETTLED, 1.0)


def discount(ppo: PPO, done: Float[Array, ""]) -> Float[Array, ""] | float:
    """The discount per control tick after ``done`` environment steps.

    It goes linearly from its start to its end between two shares of the run.
    """
    gamma = ppo.gamma
    if gamma.end is None or ppo.steps is None:
        return gamma.start
    first, last = (share * ppo.steps for share in gamma.between)
    way = jnp.clip((done - first) / max(last - first, 1.0), 0.0, 1.0)
    return gamma.start + (gamma.end - gamma.start) * way
