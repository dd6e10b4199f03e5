"""Times in whole ticks. One rule: to the nearest, and halfway cases up (away from zero)."""

from __future__ import annotations

import math

NEAR = 1e-4
"""How far below a halfway or whole number of periods a quotient may lie and still count as it:
the rounding of single precision."""


def ticks(seconds: float, period: float) -> int:
    """How many periods a time is, to the nearest whole number, halfway cases up.

    Args:
        seconds: the time in s, not negative.
        period: of the control loop or of the physics, s.
    """
    return math.floor(seconds / period + 0.5 + NEAR)
