"""The metrics of an episode, by their names in logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ksim_compiler.lowering import metric as metrics
from ksim_compiler.lowering.context import Context
from ksim_compiler.plan.logged import METRIC as METRIC, SUCCESS as SUCCESS
from ksim_schema.vocabulary.metric import Metric


def names(parts: Mapping[str, Metric]) -> tuple[str, ...]:
    """The metrics as they are called in logs, and ``success`` where one is of it."""
    succeeds = any(part.success for part in parts.values())
    return (*(METRIC + name for name in parts), *((SUCCESS,) if succeeds else ()))


def following(
    parts: Mapping[str, Metric],
    sees: Callable[[str], Context],
    memory: Mapping[str, metrics.Memory],
    finite: Bool[Array, ""],
) -> tuple[dict[str, Float[Array, ""]], dict[str, metrics.Memory]]:
    """The metrics of the episode so far, and their memory.

    Args:
        parts: the metrics by name.
        sees: what the rule of each sees of the tick.
        memory: of the ticks before.
        finite: whether the state is one of numbers.
    """
    found: dict[str, Float[Array, ""]] = {}
    after: dict[str, metrics.Memory] = {}
    for name, part in parts.items():
        found[METRIC + name], after[name] = metrics.following(
            part, sees(name), memory[name], finite
        )
    successes = [found[METRIC + name] for name, part in parts.items() if part.success]
    if successes:
        found[SUCCESS] = jnp.min(jnp.stack(successes))
    return found, after
