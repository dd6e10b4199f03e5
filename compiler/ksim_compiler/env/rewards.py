"""The terms of the reward of a tick, which add up to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.formula import begun, value_of
from ksim_compiler.lowering.scale import scaled
from ksim_schema.vocabulary.reward import Reward

Terms = dict[str, Float[Array, ""]]


def names(parts: Mapping[str, Reward]) -> tuple[str, ...]:
    """The terms in the order in which they are summed; of a reward with components each."""
    return tuple(term for name in order(parts) for term in _terms(name, parts[name]))


def order(parts: Mapping[str, Reward]) -> list[str]:
    """The rewards by name, and after them those that are about the sum of the others."""
    return sorted(parts, key=lambda name: (parts[name].of_total, name))


def total(terms: Terms) -> Float[Array, ""]:
    """The sum of some terms."""
    return sum(terms.values(), start=jnp.float32(0.0))


def first(part: Reward, x: Context) -> Any:
    """The memory of a reward at the start of an episode: of its kind, and of its gate."""
    memory = rules.initial(part, x)
    return memory if part.when is None else (memory, begun(part.when, x))


def following(
    parts: Mapping[str, Reward],
    sees: Callable[[str], Context],
    memory: Mapping[str, Any],
    finite: Bool[Array, ""],
) -> tuple[Terms, dict[str, Any]]:
    """The terms of a tick as they enter the total, and the memory of the rewards.

    Args:
        parts: the rewards by name.
        sees: what the rule of each sees of the tick.
        memory: of the ticks before.
        finite: whether the state is one of numbers; else all terms are 0.
    """
    terms: Terms = {}
    after: dict[str, Any] = {}
    for name in order(parts):
        part, x = parts[name], sees(name)
        if part.of_total:
            x = replace(x, total=total(terms))
        remembered = memory[name]
        counts = finite
        if part.when is None:
            value, after[name] = rules.apply(part, x, remembered)
        else:
            value, kept = rules.apply(part, x, remembered[0])
            gate, opened = value_of(part.when, x, remembered[1])
            counts, after[name] = finite & (gate > 0.0), (kept, opened)
        weight = scaled(part.scale, x.level) * (-1.0 if part.penalty else 1.0)
        weight = weight * (x.period if part.per_second else 1.0)
        values = [value[c] for c in part.components] if part.components else [value]
        for term, unscaled in zip(_terms(name, part), values, strict=True):
            terms[term] = jnp.where(counts, unscaled * weight, 0.0)
    return terms, after


def _terms(name: str, part: Reward) -> tuple[str, ...]:
    """The names of a reward's terms."""
    return tuple(f"{name}.{component}" for component in part.components) or (name,)
