"""What a command can tell, against the formula in its docstring at all that it can draw."""

from __future__ import annotations

import itertools
import math

import pytest

from ksim_schema.units.interval import ZERO, Interval
from ksim_schema.vocabulary.command.velocity import LinearVelocity
from ksim_schema.vocabulary.scale import constant_scale


@pytest.mark.parametrize("direction", [0.0, 0.4, 2.0, 4.0])
@pytest.mark.parametrize("backward", [None, 0.5])
@pytest.mark.parametrize("still", [None, 0.1])
def test_a_speed_along_a_direction(
    direction: float, backward: float | None, still: float | None
) -> None:
    command = LinearVelocity(
        speed=("0.5 m/s", "2 m/s"),
        direction=f"{direction} rad",
        backward=backward,
        stand_still=still,
        scale=constant_scale(0.5),
    )
    signs = (1.0, -1.0) if backward else (1.0,)
    speeds = [s * v for s in signs for v in (0.25, 0.5, 0.75, 1.0)] + [0.0] * bool(still)
    turns = [direction * i / 1000.0 for i in range(-1000, 1001)]
    told = {
        "speed": speeds,
        "direction": turns,
        "forward": [v * math.cos(d) for v, d in itertools.product(speeds, turns)],
        "sideways": [v * math.sin(d) for v, d in itertools.product(speeds, turns)],
    }
    drawn = {"speed": Interval(0.5, 2.0), "direction": Interval(-direction, direction)}
    for element, values in told.items():
        within = command.told_of(element, drawn.get(element, ZERO))
        low, high = min(values), max(values)
        assert (within.low, within.high) == pytest.approx((low, high), abs=1e-5), element
        assert within.low <= low <= high <= within.high
