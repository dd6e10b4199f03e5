"""Comments that leave out warnings."""

from __future__ import annotations

import pytest

from ksim_schema.diagnostics import Diagnostic, Span
from ksim_schema.ignores import ignore
from ksim_schema.source import parse


def left(text: str, *found: Diagnostic, complete: bool = True) -> list[tuple[str, int, int]]:
    document, problems = parse(text, "t.yaml")
    assert document is not None, problems
    rest = ignore(document, found, complete=complete)
    return [(d.code, d.where.line, d.where.column) for d in rest]


def at(code: str, line: int) -> Diagnostic:
    return Diagnostic(code, "x", Span("t.yaml", line, 1, line, 2))


def test_warnings_of_that_code_in_that_line_go() -> None:
    text = "a: 1  # ksim: ignore[KS0307, KS0408]\nb: 2\n"
    assert left(text, at("KS0307", 1), at("KS0408", 1)) == []
    assert left(text, at("KS0307", 2), complete=False) == [("KS0307", 2, 1)]
    assert left(text, at("KS0407", 1), complete=False) == [("KS0407", 1, 1)]


def test_an_error_stays_and_the_comment_is_told_so() -> None:
    text = "a: 1  # ksim: ignore[KS0204]\n"
    assert left(text, at("KS0204", 1)) == [("KS0204", 1, 1), ("KS0310", 1, 22)]


def test_a_comment_without_effect_is_reported_when_every_check_has_run() -> None:
    text = "a: 1  # ksim: ignore[KS0307]\n"
    assert left(text) == [("KS0310", 1, 22)]
    assert left(text, complete=False) == []


@pytest.mark.parametrize("comment", ["# ksim: ignore", "# ksim: ignore[]", "#ksim:ignore[KS9999]"])
def test_a_comment_that_names_no_code(comment: str) -> None:
    ((code, line, _),) = left(f"a: 1  {comment}\n")
    assert (code, line) == ("KS0310", 1)


@pytest.mark.parametrize(
    "text",
    [
        'a: "x # ksim: ignore[KS0307]"\n',
        "a: |\n  x # ksim: ignore[KS0307]\n",
        "a: x#ksim:ignore[KS0307]\n",
    ],
)
def test_what_stands_in_a_text_is_no_comment(text: str) -> None:
    assert left(text, at("KS0307", 1)) == [("KS0307", 1, 1)]
