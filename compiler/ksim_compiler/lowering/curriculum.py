"""Rules of curricula: the level of each environment after a tick."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary import curriculum as v

Level = Float[Array, ""]


def first_level(c: v.Curriculum | None) -> ArrayLike:
    """The level at the start of training; 0 without a curriculum."""
    return 0.0 if c is None else c.first_level()


@lower(v.ConstantLevel)
def constant(c: v.ConstantLevel, x: Context) -> Level:
    return jnp.zeros_like(x.level) + c.level


def _no_ticks(c: v.LinearLevel, x: Context) -> Int[Array, ""]:
    return jnp.int32(0)


@lower(v.LinearLevel, initial=_no_ticks)
def linear(c: v.LinearLevel, x: Context, ticks: Int[Array, ""]) -> tuple[Level, Int[Array, ""]]:
    ticks = jnp.minimum(ticks + 1, c.after + c.ticks)  # never overflows
    share = jnp.maximum(ticks - c.after, 0) / c.ticks
    if c.levels is not None:
        share = jnp.floor(share * c.levels + 1e-5) / c.levels
    return c.min_level + (1.0 - c.min_level) * share, ticks


class Memory(NamedTuple):
    """What a stepwise curriculum counts, from episode to episode.

    Attributes:
        reached: the measure of the running episode, where it grows with the episode.
        average: moving average of the measure.
        episodes: number of episodes that have ended.
        waited: episodes since the level last changed.
    """

    reached: Float[Array, ""]
    average: Float[Array, ""]
    episodes: Int[Array, ""]
    waited: Int[Array, ""]


def _nothing(c: v.Stepwise, x: Context) -> Memory:
    return Memory(jnp.float32(0.0), jnp.float32(0.0), jnp.int32(0), jnp.int32(c.wait))


def _step(
    c: v.Stepwise, x: Context, memory: Memory, measure: Float[Array, ""], ups: Any, downs: Any
) -> tuple[Level, Memory]:
    """The level after the tick: moved when an episode has ended and enough of them have passed.

    ``ups`` and ``downs`` tell from an average whether the level rises or falls. An episode that
    was cut off early, to stagger the environments, is forgotten.
    """
    assert x.done is not None
    assert x.whole is not None
    first = memory.episodes == 0
    average = c.smoothing * memory.average + (1.0 - c.smoothing) * measure
    average = jnp.where(first, measure, average)
    waited = memory.waited + 1
    may = waited >= c.wait
    rise, fall = may & ups(average), may & downs(average)
    step = (rise.astype(jnp.float32) - fall.astype(jnp.float32)) / c.levels
    level = jnp.clip(x.level + step, c.min_level, 1.0)
    ended = Memory(
        reached=jnp.float32(0.0),
        average=average,
        episodes=memory.episodes + 1,
        waited=jnp.where(rise | fall, 0, waited),
    )
    running = memory._replace(reached=jnp.where(x.done, 0.0, measure))
    return jnp.where(x.whole, level, x.level), _choose(x.whole, ended, running)


def _choose(condition: Bool[Array, ""], this: Memory, other: Memory) -> Memory:
    return Memory(*(jnp.where(condition, a, b) for a, b in zip(this, other, strict=True)))


@lower(v.EpisodeLengthLevel, initial=_nothing)
def episode_length(c: v.EpisodeLengthLevel, x: Context, memory: Memory) -> tuple[Level, Memory]:
    return _step(c, x, memory, x.time, lambda m: m > c.raise_above, lambda m: m < c.lower_below)


@lower(v.DistanceFromOriginLevel, initial=_nothing)
def distance_from_origin(
    c: v.DistanceFromOriginLevel, x: Context, memory: Memory
) -> tuple[Level, Memory]:
    distance = jnp.linalg.norm(x.sensor(c.sensors(x.robot)[0])[:2])
    # a state that is not a number must not poison what outlives the episode
    farthest = jnp.fmax(memory.reached, distance)
    return _step(c, x, memory, farthest, lambda m: m > c.raise_above, lambda m: m < c.lower_below)


@lower(v.StepWhenSaturated, initial=_nothing)
def step_when_saturated(c: v.StepWhenSaturated, x: Context, memory: Memory) -> tuple[Level, Memory]:
    assert x.failure is not None
    failed = x.failure.astype(jnp.float32)
    return _step(c, x, memory, failed, lambda m: m < c.raise_below, lambda m: m > c.lower_above)
