"""Formulas: what they mean, and what is refused and where."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ksim_schema.formula import FormulaError, Quantity, evaluate, parse
from ksim_schema.quantity import ANGLE, LENGTH, NUMBER, SPEED, TIME

QUANTITIES = {
    "base.height": Quantity(LENGTH),
    "base.velocity": Quantity(SPEED, 3),
    "base.speed": Quantity(SPEED),
    "joint.knee": Quantity(ANGLE),
    "time": Quantity(TIME),
    "action": Quantity(NUMBER, 2),
    "command.forward": Quantity(None),
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
        ("'a'", "Constant is not part of the language", "'a'"),
        ("1 // 2", "only + - * / and **", "1 // 2"),
        ("clip(1, 2)", "clip takes 3 arguments", "clip(1, 2)"),
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
    assert message in str(caught.value)
    if place is not None:
        assert text[caught.value.start : caught.value.stop] == place


def test_a_number_takes_one_unit_throughout() -> None:
    # the unknown unit of the command follows from its first use, and must fit the second
    parse("exp(-(base.speed - command.forward)**2 / 0.25)", QUANTITIES)
    with pytest.raises(FormulaError, match="cannot subtract"):
        parse(
            "(base.speed - command.forward) / (base.height - command.forward)",
            {**QUANTITIES, "command.forward": Quantity(SPEED)},
        )
