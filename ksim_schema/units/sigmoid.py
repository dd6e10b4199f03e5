"""How a tolerance falls beyond its bounds: the sigmoids of dm_control.

Source: ``rewards.tolerance`` of dm_control (Tassa et al., DeepMind Control Suite, 2018). Each is 1
at the bounds and has a given value at the margin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

GAUSSIAN = "gaussian"
"""The sigmoid of a tolerance that names none."""
VALUE_AT_MARGIN = 0.1
"""What a tolerance is, a margin beyond its bounds, where it says no other value."""
_STEEP = 700.0
"""A hyperbolic cosine of more is beyond every float."""


def _gaussian(x: Any, value: float, lib: Any) -> Any:
    return lib.exp(math.log(value) * x**2)


def _hyperbolic(x: Any, value: float, lib: Any) -> Any:
    return 1.0 / lib.cosh(lib.minimum(x * math.acosh(1.0 / value), _STEEP))


def _long_tail(x: Any, value: float, lib: Any) -> Any:
    return 1.0 / ((x * math.sqrt(1.0 / value - 1.0)) ** 2 + 1.0)


def _reciprocal(x: Any, value: float, lib: Any) -> Any:
    return 1.0 / (x * (1.0 / value - 1.0) + 1.0)


def _tanh_squared(x: Any, value: float, lib: Any) -> Any:
    return 1.0 - lib.tanh(x * math.atanh(math.sqrt(1.0 - value))) ** 2


def _linear(x: Any, value: float, lib: Any) -> Any:
    return 1.0 - lib.minimum(x * (1.0 - value), 1.0)


def _quadratic(x: Any, value: float, lib: Any) -> Any:
    return 1.0 - lib.minimum(x * math.sqrt(1.0 - value), 1.0) ** 2


def _cosine(x: Any, value: float, lib: Any) -> Any:
    return (1.0 + lib.cos(lib.minimum(x * math.acos(2.0 * value - 1.0), math.pi))) / 2.0


SIGMOIDS: dict[str, Callable[[Any, float, Any], Any]] = {
    GAUSSIAN: _gaussian,
    "linear": _linear,
    "quadratic": _quadratic,
    "cosine": _cosine,
    "hyperbolic": _hyperbolic,
    "long_tail": _long_tail,
    "reciprocal": _reciprocal,
    "tanh_squared": _tanh_squared,
}
"""Name -> function of a distance in margins (from 0 on), of the value at the margin (from 0 to 1,
0 of those in :data:`ENDING` alone), and of the library that computes it. None of them rises."""
ENDING = ("linear", "quadratic", "cosine")
"""Sigmoids that reach 0 at a finite distance."""
_NUMBERS = SimpleNamespace(exp=math.exp, cosh=math.cosh, cos=math.cos, tanh=math.tanh, minimum=min)
_FARTHEST = 1e150
"""A distance whose square is still a float; of every sigmoid, next to nothing is left there."""


def fallen(sigmoid: str, margins: float, at_margin: float) -> float:
    """What a sigmoid is so many margins (which may be infinitely many) from the bounds."""
    return SIGMOIDS[sigmoid](min(margins, _FARTHEST), at_margin, _NUMBERS)


__all__ = ["ENDING", "GAUSSIAN", "SIGMOIDS", "VALUE_AT_MARGIN", "fallen"]
