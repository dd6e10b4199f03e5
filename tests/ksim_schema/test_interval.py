"""Intervals hold what exact arithmetic gives of numbers drawn from their operands."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import assume, given, strategies as st

from ksim_schema.units.interval import EVERYTHING, Interval

_NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-10.0, 10.0),
    st.integers(-3, 3).map(float),
)
_ENDS = st.one_of(_NUMBERS, st.sampled_from([math.inf, -math.inf]))


@st.composite
def _drawn(draw: st.DrawFn) -> tuple[Interval, float]:
    """An interval, perhaps infinite, and a finite number of it."""
    inside = draw(_NUMBERS)
    low, high = min(draw(_ENDS), inside), max(draw(_ENDS), inside)
    return Interval(low, high), inside


def _holds(interval: Interval, exact: Fraction) -> bool:
    return interval.low <= exact <= interval.high


@given(_drawn(), _drawn())
def test_arithmetic_holds_the_exact_results(
    left: tuple[Interval, float], right: tuple[Interval, float]
) -> None:
    (a, x), (b, y) = left, right
    exact_x, exact_y = Fraction(x), Fraction(y)
    assert _holds(a + b, exact_x + exact_y)
    assert _holds(a - b, exact_x - exact_y)
    assert _holds(a * b, exact_x * exact_y)
    assert _holds(-a, -exact_x)
    assert _holds(abs(a), abs(exact_x))
    assert _holds(a.min(b), min(exact_x, exact_y))
    assert _holds(a.max(b), max(exact_x, exact_y))
    if y:
        assert _holds(a / b, exact_x / exact_y)
        assert _holds(x / b, exact_x / exact_y)
    for number in (a + y, y + a, a - y, y - a, a * y, y * a):
        assert number.low <= number.high


@given(_drawn(), st.integers(-6, 6))
def test_whole_powers_hold_the_exact_results(drawn: tuple[Interval, float], n: int) -> None:
    interval, x = drawn
    assume(x or n >= 0)
    assert _holds(interval ** float(n), Fraction(x) ** n)


@given(_drawn(), st.sampled_from([0.5, 1.5, 0.25, -0.5]))
def test_broken_powers_hold_what_is_defined(drawn: tuple[Interval, float], n: float) -> None:
    interval, x = drawn
    assume(x > 0.0)
    try:
        value = math.pow(x, n)
    except OverflowError:
        value = math.inf
    power = interval**n
    assert power.low <= value <= power.high
    assert power.low >= 0.0


@given(drawn=_drawn())
@pytest.mark.parametrize(
    ("function", "of"),
    [
        (math.sin, Interval.sin),
        (math.cos, Interval.cos),
        (math.tanh, Interval.tanh),
        (math.exp, Interval.exp),
        (math.log, Interval.log),
        (math.sqrt, Interval.sqrt),
    ],
)
def test_functions_hold_the_values(
    drawn: tuple[Interval, float],
    function: Callable[[float], float],
    of: Callable[[Interval], Interval],
) -> None:
    interval, x = drawn
    result = of(interval)
    try:
        value = function(x)
    except OverflowError:
        value = math.inf
    except ValueError:
        return
    assert result.low <= value <= result.high


@given(_drawn(), _drawn(), _drawn())
def test_clips_and_sets(
    first: tuple[Interval, float], second: tuple[Interval, float], third: tuple[Interval, float]
) -> None:
    (a, x), (b, y), (c, z) = first, second, third
    assert a.clip(b, c).contains(min(max(x, y), z))
    assert a.hull(b).contains(a)
    assert a.hull(b).contains(b)
    common = a.intersect(b)
    assert b.contains(x) is (common is not None and common.contains(x))
    assert math.isfinite(a.middle)
    assert a.contains(a.middle)


@given(st.lists(_drawn(), min_size=1, max_size=5))
def test_vectors(drawn: list[tuple[Interval, float]]) -> None:
    interval = drawn[0][0]
    for other, _ in drawn:
        interval = interval.hull(other)
    values = [Fraction(x) for _, x in drawn]
    assert _holds(interval.sum(len(values)), sum(values, Fraction(0)))
    assert _holds(interval.mean(len(values)), sum(values, Fraction(0)) / len(values))
    norm = interval.norm(len(values))
    squares = sum((x * x for x in values), Fraction(0))
    assert _holds(norm.square(), squares)


def test_what_is_exact_stays_exact() -> None:
    assert Interval(0, 1) + Interval(0, 1) == Interval(0, 2)
    assert Interval(-1, 2).square() == Interval(0, 4)
    assert Interval(-1, 2) ** 3.0 == Interval(-1, 8)
    assert EVERYTHING.square() == Interval(0, math.inf)
    assert (-EVERYTHING.square()).exp() == Interval(0, 1)
    assert Interval(0, 0) * EVERYTHING == Interval(0, 0)
    assert Interval(1, 2) / Interval(0, 4) == Interval(0.25, math.inf)
    assert Interval(1, 2) / Interval(-1, 1) == EVERYTHING
    assert Interval(1, 2) / Interval(0, 0) == EVERYTHING
    assert Interval(0, math.pi).sin().high == 1.0
    assert Interval(0, 100).cos() == Interval(-1, 1)
    assert Interval(-2, -1).log() == EVERYTHING
    assert Interval(-2, -1).sqrt() == EVERYTHING
    assert Interval(-3, 5).norm(1) == Interval(0, 5)
    assert Interval(-3, 5).clip(-1, 1) == Interval(-1, 1)
    assert str(Interval(-math.inf, 0.1)) == "[-inf, 0.1]"


@pytest.mark.parametrize("ends", [(math.nan, 1.0), (1.0, 0.0), (math.inf, math.inf)])
def test_bounds_without_a_number_between_are_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no real number"):
        Interval(*ends)
