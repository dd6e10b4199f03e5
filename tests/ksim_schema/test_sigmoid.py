"""The sigmoids of a tolerance, against those of dm_control, and what the checker takes them for."""

from __future__ import annotations

import pytest

from ksim_schema.units.formula import evaluate, parse
from ksim_schema.units.formula_range import range_of
from ksim_schema.units.formula_tree import Quantity, tolerance
from ksim_schema.units.interval import Interval
from ksim_schema.units.quantity import NUMBER
from ksim_schema.units.sigmoid import ENDING, SIGMOIDS

WHERE = (-3.0, -0.4, 0.9, 1.0, 1.5, 2.0, 2.1, 2.6, 4.0, 40.0)


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize("at_margin", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("bounds", [(1.0, 2.0), (2.0, float("inf")), (float("-inf"), 1.0)])
def test_a_tolerance_is_that_of_dm_control(
    sigmoid: str, at_margin: float, bounds: tuple[float, float]
) -> None:
    rewards = pytest.importorskip("dm_control.utils.rewards")
    if not at_margin and sigmoid not in ENDING:
        pytest.skip("never 0")
    for x in WHERE:
        theirs = rewards.tolerance(x, bounds, 0.8, sigmoid, at_margin)
        assert tolerance(x, *bounds, 0.8, sigmoid, at_margin) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_values_at_the_bounds_and_the_margin(sigmoid: str) -> None:
    assert tolerance(1.0, 1.0, 2.0, 0.5, sigmoid, 0.3) == 1.0
    assert tolerance(2.5, 1.0, 2.0, 0.5, sigmoid, 0.3) == pytest.approx(0.3)
    assert tolerance(0.5, 1.0, 2.0, 0.5, sigmoid, 0.3) == pytest.approx(0.3)
    assert tolerance(2.4, 1.0, 2.0, 0.0, sigmoid, 0.3) == 0.0


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@pytest.mark.parametrize(
    "known", [Interval(-1.0, 5.0), Interval(2.2, 2.6), Interval(1.2, 1.4), Interval(-1e300, 1e300)]
)
def test_a_range_holds_every_value(sigmoid: str, known: Interval) -> None:
    tree = parse(f"tolerance(x, 1, 2, 0.8, '{sigmoid}', 0.3)", {"x": Quantity(NUMBER)})
    bounds = range_of(tree, {"x": known})
    for share in (0.0, 0.1, 0.4, 0.5, 0.8, 1.0):
        x = known.low + share * known.width
        value = evaluate(tree, lambda _, x=x: x, {"tolerance": tolerance})
        assert bounds.contains(value)
    assert 0.0 <= bounds.low <= bounds.high <= 1.0
