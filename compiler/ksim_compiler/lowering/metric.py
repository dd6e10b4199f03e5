"""Metrics: what each measures at a tick, and the one number that an episode makes of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context
from ksim_schema.vocabulary.metric import Metric


class Memory(NamedTuple):
    """What a metric carries from tick to tick of an episode.

    Attributes:
        rule: memory of its rule.
        ticks: how many ticks counted.
        value: the sum of their values, or their last, largest or smallest.
    """

    rule: Any
    ticks: Int[Array, ""]
    value: Float[Array, ""]


def first(c: Metric, x: Context) -> Memory:
    """The memory at the start of an episode."""
    return Memory(rules.initial(c, x), jnp.int32(0), jnp.float32(0.0))


def following(
    c: Metric, x: Context, memory: Memory, finite: Bool[Array, ""]
) -> tuple[Float[Array, ""], Memory]:
    """The metric of the episode so far, and the memory for the next tick.

    A tick whose value is not a number does not count, so that a simulation that diverged in its
    last tick leaves the mean what it was; where a condition is needed, it does not hold there.

    Args:
        c: the metric.
        x: the record of the tick.
        memory: of the ticks before.
        finite: whether the state is one of numbers.

    Returns:
        NaN where no tick has counted.
    """
    value, rule = rules.apply(c, x, memory.rule)
    value = jnp.asarray(value, jnp.float32)
    counts = finite & jnp.isfinite(value)
    if c.holds:
        value, counts = jnp.where(counts & (value > 0.0), 1.0, 0.0), jnp.bool_(True)
    fresh = memory.ticks == 0
    match c.taken:
        case "mean" | "sum":
            taken = memory.value + value
        case "last":
            taken = value
        case "max" | "any":
            taken = jnp.where(fresh, value, jnp.maximum(memory.value, value))
        case "min" | "all":
            taken = jnp.where(fresh, value, jnp.minimum(memory.value, value))
    kept = jnp.where(counts, taken, memory.value)
    ticks = memory.ticks + counts
    whole = kept / jnp.maximum(ticks, 1) if c.taken == "mean" else kept
    return jnp.where(ticks > 0, whole, jnp.nan), Memory(rule, ticks, kept)
