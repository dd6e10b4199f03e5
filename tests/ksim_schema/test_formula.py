"""Formulas: what they mean, and what is refused and where."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from ksim_schema.units import ANGLE, LENGTH, NUMBER, SPEED, TIME
from ksim_schema.units.formula import (
    FormulaError,
    Quantity,
    evaluate,
    measure,
    names_in,
    parse,
    spelt,
)
from ksim_schema.units.formula_tree import tolerance

QUANTITIES = {
    "base.height": Quantity(LENGTH),
    "base.velocity": Quantity(SPEED, 3),
    "base.speed": Quantity(SPEED),
    "joint.knee": Quantity(ANGLE),
    "time": Quantity(TIME),
    "action": Quantity(NUMBER, 2),
    "command.forward": Quantity(None),
    "joint.all.velocity": Quantity(None, wrong="no joint is called so"),
}
VALUES: dict[str, Any] = {"base.height": 1.2, "base.speed": 0.5, "joint.knee": 0.3, "time": 2.0}
PYTHON: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    "exp": math.exp,
    "sin": math.sin,
    "max": max,
    "clip": lambda a, low, high: min(max(a, low), high),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "and": min,
    "or": max,
    "not": lambda a: 1.0 - a,
    "where": lambda c, a, b: a if c else b,
    "atan2": math.atan2,
    "tolerance": tolerance,
    "list": lambda *parts: list(parts),
    "reduce_max": max,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("exp(-((base.height - 1.1)/0.1)**2)", math.exp(-1)),
        ("exp(-((base.height - 110*cm)/(10*cm))**2)", math.exp(-1)),
        ("2 - 3 * 4 / 8 + -1", -0.5),
        ("sin(joint.knee)", math.sin(0.3)),
        ("base.height / (base.speed * time)", 1.2),
        ("max(base.height, 1.5*m) / 1", 1.5),
        ("clip(base.speed, 0, 20*cm/s) / 0.1", 2.0),
        ("joint.knee / (30 * deg)", 0.3 / math.radians(30)),
        ("(base.height > 1) + (base.height > 130*cm)", 1.0),
        ("2 * (0.2 < joint.knee < 20*deg) - (not time > 3)", 1.0),
        ("where(base.speed > 1 or time > 1 and joint.knee < 1, base.height, 0) / m", 1.2),
        ("atan2(base.height, 0.5*m) / rad", math.atan2(1.2, 0.5)),
        ("tolerance(base.height, 0.5, 1.0, 0.4)", 0.1**0.25),  # half a margin beyond: 0.1^(1/4)
        ("tolerance(base.height, 1.6*m, inf, 40*cm)", 0.1),
        ("tolerance(base.height, 1.6*m, inf, 0.8, 'linear', 0)", 0.5),
        ("max([base.height, 2, time * (1*m/s)]) / m", 2.0),
        ("tolerance(base.height, -inf, 1.2) + tolerance(base.height, 1.21*m, 2*m)", 1.0),
    ],
)
def test_values(text: str, value: float) -> None:
    tree = parse(text, QUANTITIES)
    assert evaluate(tree, VALUES.__getitem__, PYTHON) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("base.height + time", "cannot add: 'm' and 's'", "base.height + time"),
        ("exp(base.height)", "exp takes a plain number: 'm' and '1'", "base.height"),
        ("sin(time)", "sin takes an angle: 's' and 'rad'", "time"),
        ("base.hieght / 1", "unknown quantity 'base.hieght'", "base.hieght"),
        ("1 + action", "has 2 elements", "1 + action"),
        ("base.height", "not a plain number: 'm' and '1'", "base.height"),
        ("sum(action * base.velocity / 1)", "2 elements and 3 elements", "action * base.velocity"),
        ("norm(base.speed) / 1", "norm of one number", "norm(base.speed)"),
        ("eval(1)", "unknown function 'eval'", "eval(1)"),
        ("__import__('os')", "unknown function '__import__'", "__import__('os')"),
        ("(1).__class__", "unknown quantity", "(1).__class__"),
        ("[x for x in y]", "ListComp is not part of the language", "[x for x in y]"),
        ("1 if 2 else 3", "IfExp is not part of the language", "1 if 2 else 3"),
        ("2**time", "an exponent is a number", "time"),
        ("9**9**9", "an exponent is a number from -8 to 8", "9"),
        ("1e999", "too large", "1e999"),
        ("base.height / (1" + "0" * 400 + "*m)", "too large", "1" + "0" * 400),
        ("1e39 * base.height / m", "too large", "1e39"),
        ("1e30 * 1e30 * base.height / m", "not a finite number", "1e30 * 1e30"),
        ("base.height / m + 1 / (1 - 1)", "not a finite number", "1 / (1 - 1)"),
        ("log(0) + time / s", "not a finite number", "log(0)"),
        ("0 ** -1 + time / s", "not a finite number", "0 ** -1"),
        ("(-1) ** 0.5 + time / s", "not a finite number", "(-1) ** 0.5"),
        ("exp(-(joint.knee / rad) ** m)", "an exponent is a plain number", "m"),
        ("joint.knee / rad * 2 ** kg", "an exponent is a plain number", "kg"),
        ("(time / s) ** (2*m)", "an exponent is a plain number", "2*m"),
        ("joint['hip']", "unknown quantity \"joint['hip']\"", "joint['hip']"),
        ("  base.hieght / 1", "unknown quantity", "base.hieght"),
        ("joint['k\u00f6'] + base.hieght", "unknown quantity", "joint['k\u00f6']"),
        ("time / s + joint.k\u00f6 / rad + 1 * hieght", "unknown quantity", "joint.k\u00f6"),
        ("'a'", "Constant is not part of the language", "'a'"),
        ("1 // 2", "only + - * / and **", "1 // 2"),
        ("clip(1, 2)", "clip takes 3 arguments", "clip(1, 2)"),
        ("base.height > time", "cannot compare: 'm' and 's'", "base.height > time"),
        ("base.height == 1", "only <, <=, > and >= compare", "base.height == 1"),
        ("not base.height", "not takes conditions, and this is a number", "base.height"),
        ("time > 1 and 2", "and takes conditions, and this is a number", "2"),
        ("where(time, 1, 2)", "where takes conditions, and this is a number", "time"),
        ("where(time > 1, time, joint.knee)", "where of different units: 's' and 'rad'", None),
        ("any(time > 1)", "any of one condition", "any(time > 1)"),
        ("any(action)", "any takes conditions, and this is a number", "action"),
        ("action > 1", "reduce it by any or all", None),
        ("atan2(time, base.height)", "atan2 of different units: 's' and 'm'", "base.height"),
        ("distance(base.height, 1)", "distance of two numbers", "distance(base.height, 1)"),
        ("distance(base.velocity, action)", "distance of different units: 'm/s' and '1'", "action"),
        ("distance(base.velocity, base.velocity)", "not a plain number: 'm/s' and '1'", None),
        ("tolerance(time, 1*m, 2*m)", "tolerance of different units: 's' and 'm'", "1*m"),
        ("tolerance(time, 2, 1, 1)", "the lowest value is above the highest", None),
        ("tolerance(time, 1, 2, -1)", "a margin is not negative", "-1"),
        ("tolerance(time, 1)", "tolerance takes 3 to 6 arguments", None),
        ("base.height / inf", "inf is a bound of tolerance only", "inf"),
        ("tolerance(time, 1, 2, 1, 'linea')", "unknown sigmoid 'linea'", "'linea'"),
        ("tolerance(time, 1, 2, 1, 0.5)", "the fifth argument is the name of a sigmoid", "0.5"),
        ("tolerance(time, 1, 2, 1, 'linear', 1)", "from 0 to below 1", "1"),
        ("tolerance(time, 1, 2, 1, 'gaussian', 0)", "gaussian is never 0 at a margin", "0"),
        ("tolerance(time, 1, 2, 1, 'linear', 1*m)", "is not a plain number", "1*m"),
        ("sum([time, base.height])", "a list of different units: 's' and 'm'", "base.height"),
        ("previous(2*m) / m", "this has no value of the tick before", "2*m"),
        ("previous(previous(base.height)) / m", "has no value of the tick before", None),
        ("ever(base.height) / m", "ever takes conditions, and this is a number", "base.height"),
        ("norm(previous(action))", "'action' is not measured of the robot", "action"),
        ("[base.height / 1, 2]", "has 2 elements, and one is needed", None),
        ("joint.all.velocity", "no joint is called so", "joint.all.velocity"),
        ("1 +", "not an arithmetic expression", None),
        ("(" * 300 + "1" + ")" * 300, "not an arithmetic expression", None),
        ("1" + "+1" * 400, "at most 300 terms", None),
        ("1" * 2000, "at most 1000 characters", None),
    ],
)
def test_what_has_no_meaning_is_refused_at_its_place(
    text: str, message: str, place: str | None
) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text, QUANTITIES)
    assert message in f"{caught.value}: {caught.value.help}"
    if place is not None:
        assert text[caught.value.start : caught.value.stop] == place


def test_what_a_formula_stands_for() -> None:
    parse("base.height < 0.3 or norm(base.velocity) > 9", QUANTITIES, "condition")
    parse("where(time > 1, base.height < 0.3, time > 2)", QUANTITIES, "condition")
    for text in ("base.height", "tolerance(base.height, 1, 2)", "-(time > 1)", "max(time > 1, 1)"):
        with pytest.raises(FormulaError, match="is a number, and a condition is needed"):
            parse(text, QUANTITIES, "condition")
    tree, units = measure("2 * (base.velocity - base.speed)", QUANTITIES)
    assert (tree.length, str(units)) == (3, "m/s")
    assert str(measure("distance(base.velocity, 0*m/s) * time", QUANTITIES)[1]) == "m"


@pytest.mark.parametrize(
    "text",
    [
        # beside a quantity, a bare number takes its unit
        "exp(-((base.height - 1.1) / 0.1)**2)",
        "exp(-(base.speed - 1)**2 / 0.25)",
        "min(base.height, 1.0) / 1",
        "sqrt(base.speed**2 + 0.01) / 1",
        "1 / (1 + ((base.height - 1) / 0.1)**2)",
        "clip(base.speed, 0, command.forward) / command.forward",
        "exp(-4 * abs(base.speed - command.forward))",
        # a weight, or a scale
        "0.5 * base.speed",
        "base.height / 2",
        "time / 2",
        "(joint.knee - 0.1) * 3",
        "1 - joint.knee / 1.5",
        "base.speed * time * 0.5",
        "0.5 * base.speed * time",
        "0.5 * base.speed - 0.1 * joint.knee**2",
        "exp(-(base.height - 1)**2 / (2 * 0.25**2))",
        "exp(-0.5 * ((base.height - 1) / 0.1)**2)",
        "exp(-5 * (base.height - 1)**2)",
        "1e-3 * abs(joint.knee) * base.speed",
        # its own unit
        "(1.5*rad - joint.knee) / rad",
        "exp(-(base.height - 1)**2 / (2 * (0.25*m)**2))",
        "0.5 * base.height / (1*m)",
        "base.speed / m * s",
        # a plain number is an angle in rad
        "sin(2 * pi * time / 0.8)",
        "sin(pi * time / (0.8*s))",
        # plain numbers throughout
        "-0.1 * sum(action**2)",
        "2 * 0.1",
        "max(action) / 3 + 1",
    ],
)
def test_units_that_a_number_may_take(text: str) -> None:
    parse(text, QUANTITIES)


@pytest.mark.parametrize(
    ("text", "message", "place", "help"),
    [
        (
            "tanh((joint.knee + 1.1*m) / 0.2)",
            "cannot add: 'rad' and 'm'",
            "joint.knee + 1.1*m",
            "give the number in 'rad', or without a unit",
        ),
        (
            "(base.height - 30*deg) / 1",
            "cannot subtract: 'm' and 'rad'",
            "base.height - 30*deg",
            "give the number in 'm'",
        ),
        ("max(base.height, 10*deg) / 1", "'m' and 'rad'", "10*deg", "give the number in 'm'"),
        (
            "joint.knee + 0.5 * base.height",
            "cannot add: 'rad' and 'm'",
            "joint.knee + 0.5 * base.height",
            "a scale of its own",
        ),
        ("base.height / 0.1 - joint.knee", "'m' and 'rad'", None, "a scale of its own"),
        ("base.height / (30*deg)", "'m/rad' and '1'", None, "divide it by its scale"),
        ("tanh(base.speed)", "tanh takes a plain number", "base.speed", "base.speed / (1*m/s)"),
        ("base.height - 1", "not a plain number: 'm'", None, "(base.height - 1) / (1*m)"),
        ("0.5 * m * base.height", "'m^2' and '1'", None, "(1*m**2)"),
        ("exp(-(base.height / 0.1*m))", "'m^2' and '1'", None, "write '/ (0.1*m)'"),
        ("2*m", "not a plain number: 'm' and '1'", "2*m", "(2*m) / (1*m)"),
    ],
)
def test_a_unit_is_worth_something(text: str, message: str, place: str | None, help: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text, QUANTITIES)
    assert message in str(caught.value)
    assert help in caught.value.help
    if place is not None:
        assert text[caught.value.start : caught.value.stop] == place


@pytest.mark.parametrize(
    "text",
    [
        "exp(-(base.speed - command.forward)**2 / 0.25)",
        "0.5 * base.speed - command.forward",
        "0.5 * base.height - command.forward / (1*m/s)",
        "(base.height - command.forward * time) / (2*m)",
    ],
)
def test_a_quantity_whose_unit_is_not_known_fits_as_what_it_is(text: str) -> None:
    """What is accepted of a speed, or a number, is accepted of what may be one."""
    plain = "0.5 * base.speed" in text
    parse(text, {**QUANTITIES, "command.forward": Quantity(NUMBER if plain else SPEED)})
    parse(text, QUANTITIES)


def test_the_unit_of_a_command_counts() -> None:
    with pytest.raises(FormulaError, match="cannot subtract"):
        parse(
            "(base.height - command.forward) / 1",
            {**QUANTITIES, "command.forward": Quantity(SPEED)},
        )


ODD = {
    "joint.left/knee": Quantity(ANGLE),
    "joint.left/knee.velocity": Quantity(ANGLE),
    "joint.2": Quantity(ANGLE),
    "body.class.x": Quantity(LENGTH),
    "command.my-walk.foot 0": Quantity(NUMBER),
}


@pytest.mark.parametrize("name", ODD)
def test_any_name_can_be_written(name: str) -> None:
    written = spelt(name)
    assert parse(f"sum(0 * action) + {written} * 0 / {written}", {**QUANTITIES, **ODD})
    assert name in names_in(f"1 + {written}")
    tree = parse(f"{written} / ({written})", ODD)
    assert tree.quantities() == (name,)


@pytest.mark.parametrize("text", ["joint.left/knee", "joint.2 / rad", "command.my-walk.foot / 1"])
def test_a_name_that_needs_quotes_is_shown_with_them(text: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text, ODD)
    assert "[" in caught.value.help or "not an arithmetic expression" in str(caught.value)


PIECES = (
    *QUANTITIES,
    *"+-*/()[],.'\"=:;#\\ \n\t0189_jxe\u00f6\x00",
    *("**", "//", ":=", "...", "m", "kg", "deg", "pi", "min", "1e999", "1j", "True", "None"),
    *("lambda", "if", "else", "not"),
    *("exp(", "max(", "sum(", "9" * 400, "joint['a b']", "(1).x", "f'{1}'", "b''", " if ", "m ** "),
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=24).map("".join)))
def test_any_text_is_a_formula_or_refused_in_words(text: str) -> None:
    names_in(text)
    refused: list[FormulaError] = []
    try:
        tree = parse(text, QUANTITIES)
    except FormulaError as error:
        refused.append(error)
    else:
        assert set(tree.quantities()) <= set(QUANTITIES)
    for error in refused:
        assert str(error)
        assert 0 <= error.start < error.stop
