"""Functions that rewards share: kernels, norms, and differences in time."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_schema.vocabulary.reward import Kernel, Norm, Normed, Reduce

Value = Float[Array, ""]
Values = Float[Array, "..."]
Components = dict[str, Value]


def exp_kernel(squared_error: Values, error_scale: Any) -> Values:
    """``exp(-e^2 / error_scale^2)``: 1 without error, 1/e at an error of ``error_scale``."""
    return jnp.exp(-squared_error / error_scale**2)


def exp_kernel_with_penalty(error: Values, error_scale: Any, sq_scale: Any, abs_scale: Any) -> Any:
    """``exp(-e^2 / error_scale^2) - abs_scale |e| - sq_scale e^2``.

    The penalties pull where the exponential is flat (ksim's function of the same name, whose
    exponential is ``exp(-e^2 / (2 scale^2))``).
    """
    squared = jnp.square(error)
    return exp_kernel(squared, error_scale) - abs_scale * jnp.abs(error) - sq_scale * squared


def kernel(c: Kernel, error: Values) -> Any:
    """A declared kernel of an error."""
    return exp_kernel_with_penalty(error, c.error_scale, c.sq_scale, c.abs_scale)


def norm(values: Values, kind: Norm) -> Values:
    """Element by element: absolute values (l1) or squares (l2)."""
    return jnp.abs(values) if kind == "l1" else jnp.square(values)


def reduced(values: Values, kind: Reduce) -> Value:
    """The sum or the mean of all elements."""
    return jnp.sum(values) if kind == "sum" else jnp.mean(values)


def normed(c: Normed, values: Values) -> Value:
    """The sum or mean of the absolute values or squares, as declared."""
    return reduced(norm(values, c.norm), c.reduce)


Past = Float[Array, "order size"]


def constant_past(value: Float[Array, " size"], order: int) -> Past:
    """The last ``order`` values of a signal that has not changed, oldest first."""
    return jnp.tile(value, (order, 1))


def difference(value: Float[Array, " size"], past: Past) -> tuple[Float[Array, " size"], Past]:
    """The backward difference of the order that the past has values, and the new past."""
    series = jnp.concatenate([past, value[None]])
    return jnp.diff(series, n=len(past), axis=0)[0], series[1:]
