"""Evaluation: whole episodes with the mode of the policy, apart from training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from ksim_compiler.env.measures import SUCCESS
from ksim_compiler.learn.learner import Env, Networks, Params, S
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.run.attempts import ByClip
from ksim_compiler.learn.run.tracking import Watch, Watched
from ksim_compiler.lowering.following import Followed


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
        measures: metric, by its name in logs -> its value of each episode; NaN where it has none.
        tracking: velocity -> mean absolute error; see
            :func:`ksim_compiler.learn.run.tracking.errors`.
        ends: termination -> whether it held in the tick in which the episode ended.
        followed: command -> how its recorded motion was followed, (ticks, envs) each.
        clips: the same clip by clip.
    """

    returns: Float[Array, " envs"]
    lengths: Int[Array, " envs"]
    failed: Bool[Array, " envs"]
    finished: Bool[Array, " envs"]
    terms: dict[str, Float[Array, ""]]
    alive: Bool[Array, "ticks envs"]
    watched: Watched
    measures: dict[str, Float[Array, " envs"]]
    tracking: dict[str, float]
    ends: dict[str, Bool[Array, " envs"]] = {}  # noqa: RUF012  # a tuple's field
    followed: dict[str, Followed] = {}  # noqa: RUF012
    clips: tuple[ByClip, ...] = ()

    def summary(self) -> dict[str, float]:
        """The means, for logs."""
        return {
            "return": float(self.returns.mean()),
            "length": float(self.lengths.mean()),
            "failed": float(self.failed.mean()),
            **self._measured(),
            **{f"ended/{name}": float(np.mean(held)) for name, held in self.ends.items()},
            **{f"tracking/{name}": error for name, error in self.tracking.items()},
            **{name: v for clip in self.clips for name, v in clip.summary().items()},
            **{f"reward/{name}": float(value) for name, value in self.terms.items()},
        }

    def _measured(self) -> dict[str, float]:
        """The mean of each metric, and its spread: the standard deviation over the episodes."""
        found: dict[str, float] = {}
        for name, values in self.measures.items():
            known = values[np.isfinite(values)]
            found[name] = float(known.mean()) if known.size else math.nan
            if name != SUCCESS:
                found[f"{name}/spread"] = float(known.std()) if known.size else math.nan
        return found


def evaluate(
    env: Env[S],
    params: Params,
    networks: Networks,
    normalizer: Normalizer | None,
    key: Key[Array, ""],
    ticks: int,
    watch: Watch[S] = lambda before, after: {},
) -> Evaluation:
    """Run one episode in each environment, until all have ended; jittable.

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
        state, carry, alive, start, measures = loop
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
            {name: held & step.done & alive for name, held in step.terminations.items()},
            step.motions,
        )
        measures = {n: jnp.where(alive, step.measures[n], m) for n, m in measures.items()}
        return (state, carry, alive & ~step.done, step.done.astype(jnp.float32), measures), row

    n = env.num_envs
    first = (
        env.init(params, key),
        networks.actor.network.initial_carry(n),
        jnp.ones(n, bool),
        jnp.zeros(n),
        {name: jnp.full(n, jnp.nan) for name in env.measure_names},
    )
    (*_, measures), rows = _until_over(tick, first, ticks)
    reward, terms, alive, failed, done, going, watched, ends, followed = rows
    total = jnp.maximum(jnp.sum(alive), 1)
    return Evaluation(
        returns=jnp.sum(reward, axis=0),
        lengths=jnp.sum(alive, axis=0, dtype=jnp.int32),
        failed=jnp.any(failed, axis=0),
        finished=jnp.any(done, axis=0),
        terms={name: jnp.sum(term) / total for name, term in terms.items()},
        alive=going,
        watched=watched,
        measures=measures,
        tracking={},
        ends={name: jnp.any(held, axis=0) for name, held in ends.items()},
        followed=followed,
    )


def _until_over(tick: Callable[[tuple, None], tuple[tuple, Any]], first: tuple, ticks: int) -> Any:
    """What a scan of ``tick`` gives; rows of ticks after which no episode goes on are zeros."""
    shapes = jax.eval_shape(tick, first, None)[1]
    empty = jax.tree.map(lambda row: jnp.zeros((ticks, *row.shape), row.dtype), shapes)

    def goes_on(loop: tuple[Any, Any, Any]) -> Any:
        done, (_, _, alive, *_), _ = loop
        return (done < ticks) & jnp.any(alive)

    def once(loop: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        done, before, rows = loop
        after, row = tick(before, None)
        rows = jax.tree.map(lambda all, one: all.at[done].set(one), rows, row)
        return done + 1, after, rows

    return jax.lax.while_loop(goes_on, once, (jnp.int32(0), first, empty))[1:]
