"""Statistics of the episodes of a training, and what every learner logs of a rollout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ksim_compiler.env.across import ALONE, Across
from ksim_compiler.env.step import Step
from ksim_compiler.learn.learner.protocol import Metrics


class Episodes(NamedTuple):
    """Episode statistics.

    Attributes:
        running_return, running_length: of the episodes under way, one per environment.
        mean_return, mean_length: of the episodes that ended last; 0 before any has ended.
        measures: the means of the metrics of the episodes that ended last, by their names in logs;
            NaN before any has ended.
    """

    running_return: Float[Array, " envs"]
    running_length: Int[Array, " envs"]
    mean_return: Float[Array, ""]
    mean_length: Float[Array, ""]
    measures: dict[str, Float[Array, ""]] = {}  # noqa: RUF012

    @classmethod
    def none(cls, envs: int, measures: Iterable[str] = ()) -> Episodes:
        """Before the first tick.

        Args:
            envs: number of environments.
            measures: the metrics of an episode, as they are called in logs.
        """
        zero = jnp.float32(0.0)
        lengths = jnp.zeros(envs, jnp.int32)
        return cls(
            jnp.zeros(envs), lengths, zero, zero, {n: jnp.float32(jnp.nan) for n in measures}
        )

    def after(self, step: Step, across: Across = ALONE) -> tuple[Episodes, Float[Array, ""]]:
        """The statistics after a rollout, (ticks, envs), and how many episodes ended in it.

        ``across`` are the shards that the environments are cut into.
        """

        def tick(
            running: tuple, row: tuple[Array, Array]
        ) -> tuple[tuple, tuple[Array, Array, Array]]:
            reward, done = row
            returns, lengths = running[0] + reward, running[1] + 1
            ended = jnp.sum(done), jnp.sum(returns * done), jnp.sum(lengths * done)
            return (jnp.where(done, 0.0, returns), jnp.where(done, 0, lengths)), ended

        running = (self.running_return, self.running_length)
        running, (count, returns, lengths) = jax.lax.scan(tick, running, (step.reward, step.done))
        counted = {name: _counted(step.measures[name], step.done) for name in self.measures}
        all_count, all_returns, all_lengths, counted = across.sum(
            (jnp.sum(count), jnp.sum(returns), jnp.sum(lengths), counted)
        )
        finished = all_count.astype(jnp.float32)
        share = 1.0 / jnp.maximum(finished, 1.0)
        mean_return = jnp.where(finished > 0, all_returns * share, self.mean_return)
        mean_length = jnp.where(finished > 0, all_lengths * share, self.mean_length)
        measures = {
            name: jnp.where(ended > 0, total / jnp.maximum(ended, 1), self.measures[name])
            for name, (total, ended) in counted.items()
        }
        return Episodes(*running, mean_return, mean_length, measures), finished


def _counted(
    values: Float[Array, "ticks envs"], ended: Bool[Array, "ticks envs"]
) -> tuple[Float[Array, ""], Int[Array, ""]]:
    """The sum of the values at which episodes ended, and how many these are."""
    counted = ended & jnp.isfinite(values)
    return jnp.sum(jnp.where(counted, values, 0.0)), jnp.sum(counted)


_MEASURED = {"success": "episode/success"}
"""What is logged under another name during training."""


def logged(
    episodes: Episodes, finished: Float[Array, ""], step: Step, across: Across = ALONE
) -> Metrics:
    """What every learner logs of a rollout.

    Args:
        episodes, finished: as :meth:`Episodes.after` gives them.
        step: (ticks, envs).
        across: the shards that the environments are cut into.
    """
    ever = episodes.mean_length > 0.0
    means = {
        "reward/total": jnp.mean(step.reward),
        **{f"reward/{name}": jnp.mean(term) for name, term in step.reward_terms.items()},
        **{
            f"termination/{name}": jnp.mean(ends.astype(jnp.float32))
            for name, ends in step.terminations.items()
        },
        **{f"task/{name}": jnp.mean(value) for name, value in step.metrics.items()},
    }
    return {
        "episode/return": jnp.where(ever, episodes.mean_return, jnp.nan),
        "episode/length": jnp.where(ever, episodes.mean_length, jnp.nan),
        "episode/finished": finished,
        **{_MEASURED.get(name, name): mean for name, mean in episodes.measures.items()},
        **across.mean(means),
    }
