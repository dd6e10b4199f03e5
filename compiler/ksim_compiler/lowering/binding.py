"""Numbers of a task as runtime arguments.

The compiled program takes every weight, range and noise level as an argument, so that changing
one of them re-uses it. :func:`extract` collects them; :func:`bind` puts them (or tracers in their
place) back into a component, which the rules then read as if it were the declared one.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary import Model, Part
from ksim_schema.vocabulary.apart import replaced
from ksim_schema.vocabulary.each import ByPattern, by_patterns

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=Part)
Parameters = dict[str, Any]
"""Nested dictionaries of float32 arrays: part -> field -> value."""


def extract(component: Model) -> Parameters:
    """The real numbers of a component, by field; static fields and whole numbers are left out."""
    static = component.static if isinstance(component, Part) else frozenset[str]()
    found: Parameters = {}
    for name in type(component).model_fields:
        if name not in static:
            value = _extract(getattr(component, name))
            if value is not None:
                found[name] = value
    return found


def _extract(value: Any) -> Any:
    if isinstance(value, float):
        return jnp.asarray(np.float32(value))
    if isinstance(value, Model):
        return extract(value) or None
    if isinstance(value, ByPattern):
        return tuple(_extract(member) for member in cast("ByPattern[Any]", value).values)
    if isinstance(value, tuple) and value:
        members = tuple(_extract(member) for member in value)
        return members if any(m is not None for m in members) else None
    return None


def bind(component: M, parameters: Parameters) -> M:
    """The component with these numbers in place of its own; the inverse of :func:`extract`."""
    values = {name: _bind(getattr(component, name), v) for name, v in parameters.items()}
    return component.model_copy(update=values)


def _bind(value: Any, parameter: Any) -> Any:
    if isinstance(value, Model):
        return bind(value, parameter)
    if isinstance(value, ByPattern):
        entries = zip(cast("ByPattern[Any]", value).entries, parameter, strict=True)
        return ByPattern(
            tuple((pattern, v if p is None else _bind(v, p)) for (pattern, v), p in entries)
        )
    if isinstance(value, tuple):
        return tuple(v if p is None else _bind(v, p) for v, p in zip(value, parameter, strict=True))
    return parameter


def spread(part: P, robot: RobotFacts) -> P:
    """The part with an array in place of each value by patterns: one number for each thing.

    A range becomes two arrays, and a mapping one with arrays for its numbers. The rules need not
    know of patterns: an array takes part in their arithmetic as one number for all does.
    """
    for path, each, value in by_patterns(part):
        names = part.things(each.field, robot) or ()
        rows = [value.entries[value.index(name)][1] for name in names]
        part = replaced(part, path, _stacked(rows))
    return part


def _stacked(rows: list[Any]) -> Any:
    first = rows[0]
    if isinstance(first, Model):
        fields = type(first).model_fields
        return first.model_copy(
            update={name: _stacked([getattr(row, name) for row in rows]) for name in fields}
        )
    if isinstance(first, tuple):
        return tuple(_stacked(list(column)) for column in zip(*rows, strict=True))
    numeric = isinstance(first, (float, int, jax.Array, np.ndarray))
    return jnp.stack([jnp.float32(row) for row in rows]) if numeric else first
