"""Evaluation: whole episodes with the mode of the policy, apart from training."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from ksim_compiler.learn.learner import Env, Networks, Params, S
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.run.tracking import Watch, Watched


class Evaluation(NamedTuple):
    """The first episode of each environment of a batch.

    Attributes:
        returns: sum of the rewards.
        lengths: in ticks.
        failed: whether it ended in a failure.
        finished: whether it ended at all within the ticks that were run.
        terms: reward term -> mean over the ticks of the episodes.
        alive: (ticks, envs) whether the episode was going on, the tick in which it ended aside.
        watched: what was asked to be watched, (ticks, envs) each.
        tracking: velocity -> mean absolute error; see
            :func:`ksim_compiler.learn.run.tracking.errors`.
    """

    returns: Float[Array, " envs"]
    lengths: Int[Array, " envs"]
    failed: Bool[Array, " envs"]
    finished: Bool[Array, " envs"]
    terms: dict[str, Float[Array, ""]]
    alive: Bool[Array, "ticks envs"]
    watched: Watched
    tracking: dict[str, float]

    def summary(self) -> dict[str, float]:
        """The means, for logs."""
        return {
            "return": float(self.returns.mean()),
            "length": float(self.lengths.mean()),
            "failed": float(self.failed.mean()),
            **{f"tracking/{name}": error for name, error in self.tracking.items()},
            **{f"reward/{name}": float(value) for name, value in self.terms.items()},
        }


def evaluate(
    env: Env[S],
    params: Params,
    networks: Networks,
    normalizer: Normalizer | None,
    key: Key[Array, ""],
    ticks: int,
    watch: Watch[S] = lambda before, after: {},
) -> Evaluation:
    """Run one episode in each environment; jittable.

    Args:
        env: a batch apart from the training's, of as many environments as episodes.
        params: runtime parameters of the environments.
        networks: whose actor is evaluated.
        normalizer: of the policy's input.
        key: of the episodes.
        ticks: longest episode.
        watch: what to keep of each tick.
    """

    def tick(loop: tuple, _: None) -> tuple[tuple, tuple]:
        state, carry, alive, start = loop
        action, carry = networks.actor.mode(normalizer, state.policy_input, carry, start)
        before = state
        state, step = env.step(params, state, action)
        counted = alive.astype(jnp.float32)
        row = (
            step.reward * counted,
            {name: term * counted for name, term in step.reward_terms.items()},
            alive,
            step.failure & alive,
            step.done & alive,
            alive & ~step.done,
            watch(before, state),
        )
        return (state, carry, alive & ~step.done, step.done.astype(jnp.float32)), row

    n = env.num_envs
    first = (
        env.init(params, key),
        networks.actor.network.initial_carry(n),
        jnp.ones(n, bool),
        jnp.zeros(n),
    )
    _, (reward, terms, alive, failed, done, going, watched) = jax.lax.scan(
        tick, first, None, length=ticks
    )
    total = jnp.maximum(jnp.sum(alive), 1)
    return Evaluation(
        returns=jnp.sum(reward, axis=0),
        lengths=jnp.sum(alive, axis=0, dtype=jnp.int32),
        failed=jnp.any(failed, axis=0),
        finished=jnp.any(done, axis=0),
        terms={name: jnp.sum(term) / total for name, term in terms.items()},
        alive=going,
        watched=watched,
        tracking={},
    )
