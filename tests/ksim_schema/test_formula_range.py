"""The range of a formula holds each value of it, and its text reads as the same formula."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from ksim_schema.units import NUMBER
from ksim_schema.units.formula import Quantity, evaluate, parse
from ksim_schema.units.formula_range import range_of, value_of, written
from ksim_schema.units.formula_tree import tolerance
from ksim_schema.units.interval import Interval

QUANTITIES = {"x": Quantity(NUMBER), "y": Quantity(NUMBER), "v": Quantity(NUMBER, 3)}
KNOWN = {"x": Interval(-1.5, 2.0), "y": Interval(0.5, 4.0), "v": Interval(-1.0, 3.0)}


def _each(function: Any) -> Any:
    """A function of numbers, for each element of a vector."""

    def apply(*values: Any) -> Any:
        if not any(isinstance(value, list) for value in values):
            return function(*values)
        rows = [value if isinstance(value, list) else [value] * 3 for value in values]
        return [function(*row) for row in zip(*rows, strict=True)]

    return apply


FUNCTIONS: dict[str, Any] = {
    "+": _each(lambda a, b: a + b),
    "-": _each(lambda a, b: a - b),
    "*": _each(lambda a, b: a * b),
    "/": _each(lambda a, b: a / b),
    "**": _each(lambda a, b: a**b),
    "neg": _each(lambda a: -a),
    "exp": _each(math.exp),
    "log": _each(math.log),
    "sin": _each(math.sin),
    "cos": _each(math.cos),
    "tanh": _each(math.tanh),
    "sqrt": _each(math.sqrt),
    "square": _each(lambda a: a * a),
    "abs": _each(abs),
    "min": _each(min),
    "max": _each(max),
    "clip": _each(lambda a, low, high: min(max(a, low), high)),
    "<": _each(lambda a, b: float(a < b)),
    "<=": _each(lambda a, b: float(a <= b)),
    ">": _each(lambda a, b: float(a > b)),
    ">=": _each(lambda a, b: float(a >= b)),
    "and": _each(min),
    "or": _each(max),
    "not": _each(lambda a: 1.0 - a),
    "where": _each(lambda c, a, b: a if c else b),
    "atan2": _each(math.atan2),
    "tolerance": _each(tolerance),
    "reduce_sum": sum,
    "reduce_mean": lambda values: sum(values) / len(values),
    "reduce_norm": lambda values: math.hypot(*values),
    "reduce_min": min,
    "reduce_max": max,
}
FORMULAS = [
    "exp(-((x - 0.5) / 0.3)**2)",
    "x * x - y / (1 + x * x)",
    "sin(3 * x) * cos(y) + tanh(x - y)",
    "log(y) + sqrt(y + 1.5) - abs(x)**3",
    "min(x, y, 1) + max(x, 0.2) - clip(x, -0.5, 0.5)",
    "sum(v) - mean(v) * norm(v) + max(v) - min(v)",
    "sum(square(v - x)) + norm(v * y - 1)",
    "y**-2 + y**0.5 - -x**2",
    "x - (y - x) - (x - y) / (y / (x + 2))",
    "(-x)**2 + (x * y)**2 - (-(x + y)) * 2",
    "where(x > 0.2, y, -x) + 2 * (0 < x <= y)",
    "(x < 0 and y > 1) + (x < 0 or not y > 1) * y - (not (x > 0 and y < 3))",
    "(atan2(x, y) + atan2(y, x) - 2 * atan2(y, -x) + atan2(x, x - y)) / rad",
    "tolerance(x, 0, 1, 0.5) + tolerance(y, 1, inf) - tolerance(y, -inf, x, 2)",
    "any(v > x) + all(v > x and v < y) + distance(v, 2 * v) + sum(where(v > 0, v, x))",
    "(x + y > 1 and x - (y + x) < y * x or x > y) * (x - (y - x)) - ((x > 0) > (y > 1))",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_range_holds_every_value(text: str) -> None:
    tree = parse(text, QUANTITIES)
    bounds = range_of(tree, KNOWN)
    draw = random.Random(1)
    for _ in range(300):
        values: dict[str, Any] = {n: draw.uniform(KNOWN[n].low, KNOWN[n].high) for n in "xy"}
        values["v"] = [draw.uniform(-1.0, 3.0) for _ in range(3)]
        value = evaluate(tree, values.__getitem__, FUNCTIONS)
        assert bounds.low - 1e-12 <= float(str(value)) <= bounds.high + 1e-12
        point = {"x": values["x"], "y": values["y"], "v": values["v"][0]}
        even = evaluate(tree, {**point, "v": [point["v"]] * 3}.__getitem__, FUNCTIONS)
        assert value_of(tree, point).middle == pytest.approx(even, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("text", FORMULAS)
def test_what_is_written_means_the_same(text: str) -> None:
    tree = parse(text, QUANTITIES)
    assert parse(written(tree), QUANTITIES) == tree


def test_ranges_are_tight_where_it_counts() -> None:
    for text, wanted in {
        "exp(-x**2)": (math.exp(-4.0), 1.0),
        "x * x": (0.0, 4.0),
        "x - x": (0.0, 0.0),
        "tanh(y + 40)": (1.0, 1.0),
        "clip(x, 3, 4)": (3.0, 3.0),
        "norm(v)": (0.0, math.sqrt(27.0)),
        "x > 3": (0.0, 0.0),
        "y >= 0.5": (1.0, 1.0),
        "0 < x < 3": (0.0, 1.0),
        "where(y > 0.4, x, 9)": (-1.5, 2.0),
        "atan2(y, 1) / rad": (math.atan(0.5), math.atan(4.0)),
        "tolerance(y, -1, 5, 1)": (1.0, 1.0),
        "tolerance(x, 4, inf, 2)": (0.1 ** (5.5 / 2) ** 2, 0.1),
        "tolerance(x, 4, inf)": (0.0, 0.0),
    }.items():
        found = range_of(parse(text, QUANTITIES), KNOWN)
        assert (found.low, found.high) == pytest.approx(wanted, abs=1e-9), text
