"""Numbers of a task as runtime arguments.

The compiled program takes every weight, range and noise level as an argument, so that changing
one of them re-uses it. :func:`extract` collects them; :func:`bind` puts them (or tracers in their
place) back into a component, which the rules then read as if it were the declared one.
"""

from __future__ import annotations

from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np

from ksim_schema.vocabulary import Model, Part

M = TypeVar("M", bound=Model)
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
    if isinstance(value, tuple):
        return tuple(v if p is None else _bind(v, p) for v, p in zip(value, parameter, strict=True))
    return parameter
