# ruff: noqa: RUF001 - such characters are what this is about
"""YAML and numbers as people write them: each slip is named, with what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from ksim_schema.diagnostics import Sink
from ksim_schema.diagnostics.lookalikes import explained, plain
from ksim_schema.frontend import check_document
from ksim_schema.source import parse
from ksim_schema.source.accidents import regular
from ksim_schema.units import LENGTH, TIME, QuantityError, Unit
from ksim_schema.units.quantity import parse as quantity
from ksim_schema.units.readings import first_reading, range_meant, truth, unit_meant


def reads(text: str) -> bool:
    try:
        quantity(text)
    except QuantityError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "data"),
    [
        ("a: {b: 4,096, c: 1}", "KS0015", 1, 8, {"a": {"b": 4096, "c": 1}}),
        ("a: {b: 0,97}", "KS0015", 1, 8, {"a": {"b": 0.97}}),
        ("a: {b: 1,000,000, c: 1}", "KS0015", 1, 8, {"a": {"b": 1000000, "c": 1}}),
        ("a: {b: 0,5 m/s, c: 1}", "KS0015", 1, 8, {"a": {"b": "0.5 m/s", "c": 1}}),
        ("a: {b: 0.5, 1.2}", "KS0015", 1, 8, {"a": {"b": (0.5, 1.2)}}),
        ("a: {kind:mlp, b: 1}", "KS0014", 1, 5, {"a": {"kind": "mlp", "b": 1}}),
        ("a: {b:0.5}", "KS0014", 1, 5, {"a": {"b": 0.5}}),
        ("a:\n  scale:0.5\n  kind: x\n", "KS0014", 2, 8, None),
        ("a:\n  kind: x\n  scale:0.5", "KS0014", 3, 8, None),
        ("a: *_hip", "KS0017", 1, 4, {"a": ".*_hip"}),
        ("a: [*_hip, b]", "KS0017", 1, 5, {"a": (".*_hip", "b")}),
        ("a: {b: *left*}", "KS0017", 1, 8, None),
        ("a: *\nb: 1", "KS0017", 1, 4, None),
        ('a: "C:\\robots\\dog.xml"', "KS0013", 1, 4, None),
        ('a: "robots\\biped.xml"', "KS0013", 1, 4, {"a": "robots/biped.xml"}),
        ('a: "new\\table.xml"', "KS0013", 1, 4, {"a": "new/table.xml"}),
        ('a: ".*\\.knee"', "KS0013", 1, 4, None),
        ("a: [0, 1] m/s\nb: 1", "KS0016", 1, 4, None),
        ("a: {b: [-1, 1] rad, c: 1}", "KS0016", 1, 8, None),
        ("a:\u00a00.5", "KS0011", 1, 3, {"a": 0.5}),
        ("a:\n\u00a0\u00a0b: 1", "KS0011", 2, 1, {"a": {"b": 1}}),
        ("a: 0.5\u00a0# half", "KS0011", 1, 7, {"a": 0.5}),
        ("a： 0.5", "KS0011", 1, 2, {"a": 0.5}),
        ("a: [1， 2]", "KS0011", 1, 6, {"a": (1, 2)}),
        ("– a\n", "KS0011", 1, 1, ("a",)),
    ],
)
def test_a_slip_of_yaml_is_named_and_read_as_it_was_meant(
    text: str, code: str, line: int, column: int, data: Any
) -> None:
    sink = Sink()
    document = parse(text, "task.yaml", sink)
    problems = list(sink)
    assert [(p.code, p.where.line, p.where.column) for p in problems] == [(code, line, column)]
    assert (document.data if document else None) == data
    assert problems[0].help
    assert problems[0].fix is not None


def test_typographic_quotes_are_quotes() -> None:
    sink = Sink()
    document = parse("a: “x, y”\nb: ‘z’\n", "task.yaml", sink)
    problems = list(sink)
    assert document is not None
    assert document.data == {"a": "x, y", "b": "z"}
    assert {p.code for p in problems} == {"KS0011"}


@pytest.mark.parametrize(
    "text",
    [
        "about: “Stand – up”，at 20\u00a0°C\n  and more： text\n",
        "a: 'x\u00a0y'  # 20\u00a0ms， “so”\n",
        "a: |\n  no\u00a0break： here\nb: 1\n",
        "a: [0,1]\n",
        "a: {b, c}\n",
        "a: &x 1\nb: *x\n",
        'a: "tab\\tand\\nline"\n',
        "a: https://example.org/x\n",
        "a: Gelenk_Hüfte\n",
    ],
)
def test_what_is_no_slip_stays(text: str) -> None:
    sink = Sink()
    document = parse(text, "task.yaml", sink)
    problems = list(sink)
    assert document is not None
    assert problems == []


def test_one_character_is_told_once() -> None:
    sink = Sink()
    parse("a:\n\u00a0\u00a0b:\u00a01\n\u00a0\u00a0c: 2\n", "task.yaml", sink)
    problems = list(sink)
    assert len(problems) == 1
    assert problems[0].help == "write a space, also in line 3"
    assert problems[0].fix is not None
    assert len(problems[0].fix.edits) == 5


@pytest.mark.parametrize(
    ("text", "code", "meant", "certain"),
    [
        ("−0.3 m/s", "KS0011", "-0.3 m/s", True),
        ("20\u00a0ms", "KS0011", "20 ms", True),
        ("１２ ms", "KS0011", "12 ms", True),
        ("2°", "KS0011", "2 deg", True),
        ("9.81 m/s²", "KS0011", "9.81 m/s^2", True),
        ("3 N·m/rad", "KS0011", "3 N*m/rad", True),
        ("0.7 м", "KS0011", "0.7 m", True),
        ("O.5 m", "KS0011", "0.5 m", True),
        ("0.5 m# half", "KS0012", "0.5 m", True),
        ("4_096", "KS0116", "4096", True),
        ("4 096", "KS0116", "4096", True),
        ("4'096", "KS0116", "4096", True),
        ("4,096", "KS0116", "4096", False),
        ("4,096,000", "KS0116", "4096000", True),
        ("0,5 m", "KS0116", "0.5 m", True),
        ("12:30", "KS0116", "750 s", False),
        ("1:02:03", "KS0116", "3723 s", False),
        ("2^12", "KS0116", "4096", True),
        ("pi/2", "KS0116", "90 deg", True),
        ("0x10", "KS0116", "16", True),
        ("- 0.5 m", "KS0116", "-0.5 m", True),
        ("20 sec", "KS0108", "20 s", True),
        ("50 hz", "KS0108", "50 Hz", True),
        ("9.81 m/s2", "KS0108", "9.81 m/s^2", True),
        ("3 Newton metres per radian", "KS0108", "3 N*m/rad", True),
    ],
)
def test_a_number_written_otherwise_is_read(
    text: str, code: str, meant: str, certain: bool
) -> None:
    reading = first_reading(text, reads)
    assert reading is not None
    assert (reading.code, reading.text, reading.certain) == (code, meant, certain)


@pytest.mark.parametrize("text", ["fast", "3 parsec", "", "1.2.3", "hip_left", "m"])
def test_what_is_no_number_has_no_reading(text: str) -> None:
    assert first_reading(text, reads) is None


def test_a_comma_in_a_whole_number_stands_between_thousands() -> None:
    reading = first_reading("4,096", str.isdigit, whole=True)
    assert reading is not None
    assert (reading.text, reading.certain) == ("4096", True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0.5..1.2", "[0.5, 1.2]"),
        ("(0, 1) m/s", "[0 m/s, 1 m/s]"),
        ("-1 m to 1 m", "[-1 m, 1 m]"),
        ("0.5-1.2", "[0.5, 1.2]"),
        ("±2 deg", "[-2 deg, 2 deg]"),
        ("[0, 1]", "[0, 1]"),
        ("0 to 1 metres", "[0 m, 1 m]"),
    ],
)
def test_a_range_as_text_is_a_list(text: str, meant: str) -> None:
    reading = range_meant(text)
    assert reading is not None
    assert reading.text == meant


@pytest.mark.parametrize("text", ["1e-3 m", "0.5 m", "fast", "a-b"])
def test_a_value_is_no_range(text: str) -> None:
    assert range_meant(text) is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [("off", "false"), ("on", "true"), ("No", "false"), ("YES", "true"), (1, "true"), (0, "false")],
)
def test_words_for_true_and_false(word: object, meant: str) -> None:
    reading = truth(word)
    assert reading is not None
    assert reading.text == meant


def test_units_by_their_names() -> None:
    assert unit_meant("degrees/sec") == "deg/s"
    assert unit_meant("N m s/rad") == "N*m*s/rad"
    assert unit_meant("parsec") == "parsec"


def test_look_alikes_are_named() -> None:
    assert plain("sc\u0430le") == "scale"
    assert explained("sc\u0430le") == "'\u0430' is a Cyrillic letter (U+0430), write 'a'"
    assert explained("0.5\u00a0m") == "there is a no-break space (U+00A0), write a space"
    assert explained("a\u200bb") == "there is a zero width space (U+200B), take it out"


def test_patterns_of_shells() -> None:
    assert regular("*_hip") == ".*_hip"
    assert regular("left_*") == "left_.*"
    for pattern in (".*", "joint[1-7]*", r"\w*_hip", "(a|b)*", "hip_?", ".*_hip", "(?!a|b).*"):
        assert regular(pattern) == pattern


@pytest.mark.parametrize(
    ("unit", "text", "help"),
    [
        (Unit((TIME,)), "20 zz", "write '20 s' or '20 ms'"),
        (Unit((TIME,)), "20 N m?", "write '20 s' or '20 ms'"),
        (Unit((LENGTH,)), "3 parsec", "write '3 m'"),
        (Unit((TIME,)), "20 sec", "did you mean 's'?"),
    ],
)
def test_the_help_for_a_unit_is_of_the_field(unit: Unit, text: str, help: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        unit.validate(text)
    assert (caught.value.context or {})["help"] == help


def test_a_unit_is_meant_before_a_million_is() -> None:
    found = Sink()
    text = "ksim: 1\ntask: t\nReset:\n  cart: {kind: joint_position, joints: a, range: 0.5 M}\n"
    document = parse(text, "t.yaml", found)
    assert document is not None
    (told,) = [d for d in check_document(document, Path()).diagnostics if d.where.line == 4]
    assert "'m'" in told.help or "0.5 m" in told.help
    assert "500000" not in told.help


@pytest.mark.parametrize("text", ["50 ms Hz", "20 Hz ms", "3 deg rad"])
def test_of_two_units_beside_each_other_one_is_meant(text: str) -> None:
    number, first, second = text.split()
    reading = first_reading(text, reads)
    assert reading is not None
    assert reading.message == f"{text!r} has two units"
    assert reading.help == f"write '{number} {first}' or '{number} {second}'"
    assert not reading.certain


def test_units_beside_each_other_may_be_multiplied() -> None:
    reading = first_reading("3 N m", reads)
    assert reading is not None
    assert reading.text == "3 N*m"
