"""What each operation of a formula computes on arrays, with numpy or a library like it."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from ksim_schema.units.sigmoid import SIGMOIDS


def operations(xp: Any) -> dict[str, Callable[..., Any]]:
    """What :func:`~ksim_schema.units.formula.evaluate` folds a formula with.

    Args:
        xp: the module of the arrays: numpy, or jax.numpy.
    """

    def truth(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """A comparison as 1 or 0: a condition counts where a number stands."""
        return lambda left, right: xp.where(compare(xp.asarray(left), xp.asarray(right)), 1.0, 0.0)

    def tolerance(
        value: Any, low: Any, high: Any, margin: Any, sigmoid: str, at_margin: float
    ) -> Any:
        """As :func:`ksim_schema.units.formula_tree.tolerance`."""
        beyond = xp.maximum(xp.maximum(low - value, value - high), 0.0)
        wide = xp.asarray(margin) > 0.0
        share = beyond / xp.where(wide, margin, 1.0)
        outside = xp.where(wide, SIGMOIDS[sigmoid](share, at_margin, xp), 0.0)
        return xp.where(beyond > 0.0, outside, 1.0)

    def power(base: Any, n: float) -> Any:
        return xp.asarray(base) ** (int(n) if n.is_integer() else n)

    def negation(condition: Any) -> Any:
        return 1.0 - condition

    def choice(condition: Any, holds: Any, otherwise: Any) -> Any:
        return xp.where(condition > 0.0, holds, otherwise)

    return {
        "+": xp.add,
        "-": xp.subtract,
        "*": xp.multiply,
        "/": xp.divide,
        "**": power,
        "neg": xp.negative,
        "exp": xp.exp,
        "log": xp.log,
        "sin": xp.sin,
        "cos": xp.cos,
        "tanh": xp.tanh,
        "sqrt": xp.sqrt,
        "square": xp.square,
        "abs": xp.abs,
        "clip": xp.clip,
        "<": truth(xp.less),
        "<=": truth(xp.less_equal),
        ">": truth(xp.greater),
        ">=": truth(xp.greater_equal),
        "and": xp.minimum,
        "or": xp.maximum,
        "not": negation,
        "where": choice,
        "atan2": xp.arctan2,
        "tolerance": tolerance,
        "list": lambda *parts: xp.concatenate([xp.atleast_1d(part) for part in parts]),
        "min": lambda *values: reduce(xp.minimum, values),
        "max": lambda *values: reduce(xp.maximum, values),
        "reduce_sum": xp.sum,
        "reduce_mean": xp.mean,
        "reduce_norm": xp.linalg.norm,
        "reduce_min": xp.min,
        "reduce_max": xp.max,
    }
