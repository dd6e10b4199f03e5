"""Units as robots' data sheets have them."""

from __future__ import annotations

import math

import pytest

from ksim_schema.units import ANGULAR_SPEED, SPEED, TIME, Dimension, parse


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("36 km/h", 10.0, SPEED),
        ("60 rpm", 2 * math.pi, ANGULAR_SPEED),
        ("1.5 h", 5400.0, TIME),
        ("30 rev/min", math.pi, ANGULAR_SPEED),
    ],
)
def test_units_of_data_sheets(text: str, value: float, dimension: Dimension) -> None:
    found = parse(text)
    assert float(found) == pytest.approx(value, rel=1e-15)
    assert found.dimension == dimension
