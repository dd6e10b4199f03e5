"""Rules of curricula: the level of each environment after a tick."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.custom.api import Custom
from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary import curriculum as v

Level = Float[Array, ""]


def first_level(c: v.Curriculum, key: Key[Array, ""], robot: RobotFacts) -> Any:
    """The level of an environment at the start of training."""
    if isinstance(c, v.TerrainLevel):
        levels = _levels(robot)
        row = jax.random.randint(key, (), 0, min(c.first_levels, levels))
        return row / max(levels - 1, 1)
    return jnp.float32(c.first_level())


def moved(c: v.Curriculum, x: Context, memory: Any) -> tuple[Level, Any]:
    """The level after a tick, and the memory of the curriculum."""
    level, memory = rules.apply(c, x, memory)
    if isinstance(c, Custom):  # what built-in ones give is a level
        level = jnp.clip(jnp.asarray(level, jnp.float32), 0.0, 1.0)
    return level, memory


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


class Way(NamedTuple):
    """What a level of tiles counts of the running episode.

    Attributes:
        start: x and y of the body after the first tick, m.
        asked: length of the way that was commanded so far, m.
    """

    start: Float[Array, "2"]
    asked: Float[Array, ""]


def _no_way(c: v.TerrainLevel, x: Context) -> Way:
    return Way(jnp.zeros(2), jnp.float32(0.0))


@lower(v.TerrainLevel, initial=_no_way)
def terrain_level(c: v.TerrainLevel, x: Context, memory: Way) -> tuple[Level, Way]:
    assert x.robot.grid is not None
    assert x.whole is not None
    here = x.sensor(c.sensors(x.robot)[0])[:2]
    fresh = x.time < 1.5 * x.period
    speed = jnp.linalg.norm(x.command(c.command, "forward", "sideways"))
    way = Way(
        start=jnp.where(fresh, here, memory.start),
        asked=jnp.where(fresh, 0.0, memory.asked) + speed * x.period,
    )
    come = jnp.linalg.norm(here - way.start)
    asked = way.asked * (x.limit / x.time if math.isfinite(x.limit) else 1.0)
    enough: Any = x.robot.grid.tile / 2 if c.raise_above is None else c.raise_above
    rise = come > enough
    fall = ~rise & (come < c.lower_below * asked)
    levels = _levels(x.robot)
    row = jnp.round(x.level * max(levels - 1, 1)).astype(jnp.int32) + rise - fall
    again = jax.random.randint(x.key, (), 0, levels)
    row = jnp.where(row >= levels, again, jnp.maximum(row, 0))
    return jnp.where(x.whole, row / max(levels - 1, 1), x.level), way


def _levels(robot: RobotFacts) -> int:
    return 1 if robot.grid is None else robot.grid.levels
