"""Diagnostics as text and as JSON."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest

from ksim_schema.diagnostics import (
    Diagnostic,
    Edit,
    Fix,
    Related,
    Sink,
    Span,
    did_you_mean,
    has_errors,
    in_order,
    render_json,
    render_text,
    summary,
)
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.diagnostics.codes.names import UNKNOWN_GEOM
from ksim_schema.diagnostics.codes.structure import WRONG_TYPE
from ksim_schema.diagnostics.codes.typed import UNUSED_PART


def shown(text: str, where: Span, *, message: str = "wrong", help: str = "") -> list[str]:
    diagnostic = Diagnostic(WRONG_TYPE, message, where, "A.b", help)
    return render_text([diagnostic], {"t": text}).split("\n")


def marked(lines: list[str]) -> str:
    """What the carets stand under, column by column."""
    source, carets = lines[1], lines[2]
    start = carets.index("^")
    return source[start : start + carets.count("^")]


def test_the_place_the_line_the_carets_and_the_help() -> None:
    lines = shown("a: 1\nb: two words\n", Span("t", 2, 4, 2, 13), help="write one word")
    assert lines == [
        "t:2:4: error KS0106: wrong in A.b",
        "    2 | b: two words",
        "      |    ^^^^^^^^^",
        "  help: write one word",
    ]


def test_the_path_is_not_said_twice() -> None:
    assert shown("a", Span("t"), message="nothing reads A.b")[0].endswith("nothing reads A.b")


def test_tabs_count_as_one_column() -> None:
    assert marked(shown("a:\t\tword", Span("t", 1, 5, 1, 9))) == "word"


def test_long_lines_are_cut_around_the_place() -> None:
    line = "x" * 500 + "word" + "y" * 500
    lines = shown(line, Span("t", 1, 501, 1, 505))
    assert marked(lines) == "word"
    assert max(map(len, lines)) < 200


def test_a_value_longer_than_the_line_shown() -> None:
    lines = shown("a: " + "x" * 5000, Span("t", 1, 4, 1, 5004))
    assert max(map(len, lines)) < 200


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    lines = shown("歩く: word", Span("t", 1, 5, 1, 9))
    assert lines[2] == "      |       ^^^^"
    lines = shown("a\u0301: word", Span("t", 1, 5, 1, 9))
    assert lines[2] == "      |    ^^^^"


def test_a_value_of_several_lines_is_marked_to_the_end_of_the_first() -> None:
    lines = shown("a: [x,\n    y]\n", Span("t", 1, 4, 2, 7))
    assert marked(lines) == "[x,"


def test_a_place_after_the_end_has_no_line() -> None:
    assert shown("a: 1", Span("t", 7, 1, 7, 2)) == ["t:7:1: error KS0106: wrong in A.b"]
    assert shown("", Span("t")) == ["t:1:1: error KS0106: wrong in A.b"]


def test_a_last_line_without_line_break() -> None:
    assert marked(shown("a: 1\nb: word", Span("t", 2, 4, 2, 8))) == "word"


def test_terminal_escapes_of_a_task_do_not_reach_the_terminal() -> None:
    text = "\n".join(shown("a: \x1b[31m", Span("t", 1, 4, 1, 9), message="bad '\x1b[2J\n'"))
    assert "\x1b" not in text
    assert len(text.split("\n")) == 3


def test_colours_only_when_asked_for() -> None:
    diagnostic = Diagnostic(UNUSED_PART, "unused", Span("t"))
    assert "\x1b" not in render_text([diagnostic], {"t": "a"})
    assert "\x1b[1;33mwarning\x1b[0m" in render_text([diagnostic], {"t": "a"}, colour=True)


def test_the_json_report() -> None:
    diagnostic = Diagnostic(UNKNOWN_GEOM, "unknown geom", Span("t", 2, 3, 2, 5), "A.b", "look")
    assert json.loads(render_json([diagnostic])) == {
        "diagnostics": [
            {
                "code": "KS0204",
                "severity": "error",
                "file": "t",
                "line": 2,
                "column": 3,
                "end_line": 2,
                "end_column": 5,
                "path": "A.b",
                "message": "unknown geom",
                "help": "look",
            }
        ]
    }


def test_order_and_summary() -> None:
    late = Diagnostic(WRONG_TYPE, "b", Span("t", 2))
    early = Diagnostic(UNUSED_PART, "a", Span("t", 1))
    assert in_order([late, early, late]) == [early, late]
    assert has_errors([late])
    assert not has_errors([early])
    assert summary([late, early]) == "1 error, 1 warning"
    assert summary([late, late]) == "2 errors"
    assert summary([]) == "no problems"


@pytest.mark.parametrize(
    ("name", "guess"),
    [("hip_lft", "hip_left"), ("HIP_LEFT", "hip_left"), ("kneeleft", "knee_left"), ("tail", "")],
)
def test_did_you_mean(name: str, guess: str) -> None:
    help = did_you_mean(name, ["hip_left", "knee_left"], of="joints")
    assert help.startswith(f"did you mean {guess!r}? " if guess else "joints: hip_left, knee_left")
    assert help.endswith("joints: hip_left, knee_left")


def test_of_many_choices_the_likeliest_are_listed() -> None:
    help = did_you_mean("joint_77", [f"joint_{i}" for i in range(1000)], limit=3)
    assert help.startswith("did you mean 'joint_77'? known: joint_77, ")
    assert help.endswith(", ... (1000 in all)")
    assert did_you_mean("x" * 1_000_000, ["y"]) == "known: y"
    assert did_you_mean("x", []) == ""


def test_each_entry_of_the_catalogue_reads_well() -> None:
    for code, entry in CATALOGUE.items():
        assert len(code) == 6
        assert code.startswith("KS")
        assert code[2:].isdigit()
        assert (entry.phrase == entry.phrase.strip() and entry.phrase[0].islower()) or "KS" in code
        assert entry.explanation.endswith(".")
        assert "  " not in entry.explanation
    assert len({entry.phrase for entry in CATALOGUE.values()}) == len(CATALOGUE)


def test_a_sink_sorts_once_and_drops_what_is_reported_twice() -> None:
    sink = Sink()
    sink.report(WRONG_TYPE, "b", Span("t", 2))
    sink.report(UNUSED_PART, "a", Span("t", 1))
    assert sink.failed
    late = Diagnostic(WRONG_TYPE, "b", Span("t", 2))
    sink.add([late, Diagnostic(WRONG_TYPE, "a", Span("t", 2))])
    assert [d.message for d in sink] == ["b", "a", "a"]
    assert [(d.code, d.where.line, d.message) for d in sink.in_order()] == [
        ("KS0307", 1, "a"),
        ("KS0106", 2, "a"),
        ("KS0106", 2, "b"),
    ]


def test_a_sink_of_warnings_has_not_failed() -> None:
    sink = Sink()
    assert not sink.failed
    sink.report(UNUSED_PART, "a", Span("t", 1))
    assert not sink.failed


FIX = Fix("write 'hip'", (Edit(Span("t", 2, 3, 2, 6), "hip"),), certain=True)
MENDED = Diagnostic(
    UNKNOWN_GEOM,
    "unknown geom",
    Span("t", 2, 3, 2, 6),
    fix=FIX,
    related=(Related(Span("u", 4, 1, 4, 5), "the model has it here"),),
)


def test_the_repair_and_other_places_in_the_json_report() -> None:
    (shown,) = json.loads(render_json([MENDED]))["diagnostics"]
    place = {"file": "t", "line": 2, "column": 3, "end_line": 2, "end_column": 6}
    assert shown["fixes"] == [
        {"title": "write 'hip'", "certain": True, "edits": [{**place, "replacement": "hip"}]}
    ]
    assert shown["related"] == [
        {
            "file": "u",
            "line": 4,
            "column": 1,
            "end_line": 4,
            "end_column": 5,
            "message": "the model has it here",
        }
    ]


def test_other_places_are_notes_for_people() -> None:
    lines = render_text([MENDED], {"t": "\nA hap\n"}).split("\n")
    assert lines[-1] == "  note: u:4:1: the model has it here"


def test_a_code_survives_a_copy() -> None:
    copied = pickle.loads(pickle.dumps(UNUSED_PART))
    assert (copied, copied.phrase, copied.severity) == ("KS0307", "unused part", "warning")


def test_codes_are_named_and_not_written_as_strings() -> None:
    """A wrong name is an error of the import; a wrong string would be one of the run."""
    root = Path(__file__).parents[2]
    written = {
        str(path.relative_to(root)): codes
        for folder in ("ksim_schema", "compiler")
        for path in (root / folder).rglob("*.py")
        if path.parent.name != "codes"
        and (codes := re.findall(r"""["'](KS\d{4})["']""", path.read_text(encoding="utf-8")))
    }
    assert written == {}


def test_a_name_with_its_words_turned_round_is_the_one_that_is_meant() -> None:
    said = did_you_mean("knee_l", ["l_hip", "l_knee", "r_hip", "r_knee"])
    assert said.startswith("did you mean 'l_knee'?")
