"""A look before training: what the policy would read, and what each reward term would weigh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ksim_compiler.env import Env
from ksim_compiler.lowering.context import name_key
from ksim_compiler.plan import Plan

ENVS, TICKS = 64, 100
LARGE, SMALL = 10.0, 1e-3
"""A column whose standard deviation is beyond these is out of scale for a network."""
DOMINANT = 0.8
"""Share of the reward's size from which on a term hides the others."""


@dataclass(frozen=True)
class Probe:
    """What a short rollout saw.

    Attributes:
        columns: part -> (ticks * envs, size) as the policy would read it.
        terms: reward term -> (ticks * envs,).
        lengths: mean length of the episodes that ended, in ticks, or None when none did.
    """

    columns: Mapping[str, np.ndarray]
    terms: Mapping[str, np.ndarray]
    lengths: float | None


def probe(plan: Plan, engine: str, std: float, seed: int = 0, threads: int = 0) -> Probe:
    """Roll random actions out.

    Args:
        plan: the task.
        engine: as for :class:`~ksim_compiler.env.Env`.
        std: standard deviation of the actions; 0 for zero actions.
        seed: of all random numbers.
        threads: of a CPU engine.
    """
    env = Env(plan, engine, envs=ENVS, threads=threads)

    def tick(state: Any, key: jax.Array) -> tuple[Any, Any]:
        action = std * jax.random.normal(key, (ENVS, env.action_size))
        after, step = env.step(env.params, state, action)
        return after, (state.policy_input, step.reward_terms, step.done)

    @jax.jit
    def run(key: jax.Array) -> Any:
        keys = jax.random.split(name_key(key, "actions"), TICKS)
        return jax.lax.scan(tick, env.init(env.params, name_key(key, "probe")), keys)[1]

    inputs, terms, done = jax.device_get(run(jax.random.key(seed)))
    flat = np.asarray(inputs).reshape(TICKS * ENVS, -1)
    columns = {str(c.source): flat[:, c.start : c.stop] for c in plan.policy_input}
    ends = int(np.sum(done))
    return Probe(
        columns,
        {name: np.asarray(value).ravel() for name, value in terms.items()},
        TICKS * ENVS / ends if ends else None,
    )


def warnings(found: Probe, normalized: bool) -> Iterator[str]:
    """What is out of scale.

    Args:
        found: the rollout.
        normalized: whether the inputs are normalized in training, so that their scale is no matter.
    """
    for name, values in found.columns.items():
        if not np.isfinite(values).all():
            yield f"{name} is not finite"
            continue
        spread = values.std(axis=0)
        if not normalized and spread.max(initial=0.0) > LARGE:
            yield f"{name} varies by {spread.max():.3g}; give it a scale, or normalize observations"
        if spread.size and spread.max() < SMALL:
            yield f"{name} hardly changes: it varies by {spread.max():.2g}"
    sizes = {name: float(np.abs(values).mean()) for name, values in found.terms.items()}
    total = sum(sizes.values())
    for name, values in found.terms.items():
        if not np.isfinite(values).all():
            yield f"the reward term {name} is not finite"
        elif total and sizes[name] / total > DOMINANT and len(sizes) > 1:
            yield f"the reward term {name} is {sizes[name] / total:.0%} of the reward's size"
        elif not sizes[name]:
            yield f"the reward term {name} is always 0 here"


def table(found: Probe) -> Iterator[tuple[str, ...]]:
    """Rows to print: first the inputs, then the reward terms."""
    yield ("input", "size", "least", "mean", "most", "std")
    for name, values in found.columns.items():
        numbers = (values.min(), values.mean(), values.max(), values.std(axis=0).max(initial=0.0))
        yield (name, str(values.shape[1]), *(f"{float(number) + 0.0:.3g}" for number in numbers))
    total = sum(float(np.abs(v).mean()) for v in found.terms.values()) or 1.0
    yield ("reward term", "share", "least", "mean", "most", "std")
    for name, values in found.terms.items():
        share = float(np.abs(values).mean()) / total
        numbers = (values.min(), values.mean(), values.max(), values.std())
        yield (name, f"{share:.0%}", *(f"{float(number) + 0.0:.3g}" for number in numbers))
