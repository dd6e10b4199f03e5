"""Every diagnostic of studies has one that is reported with it, at the right place and alone."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from ksim_compiler.sweep.check import Ready, check
from ksim_schema.diagnostics.catalogue import CATALOGUE

FILES = sorted((Path(__file__).parent / "studies").glob("KS*.yaml"))


def expected(path: Path) -> tuple[str, int, int]:
    """Code, line and column, from the file's first line: ``# expect: KS0621 5:29``."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    match = re.fullmatch(r"# expect: (KS\d{4}) (\d+):(\d+)", first)
    assert match is not None
    return match[1], int(match[2]), int(match[3])


@cache
def checked(path: Path) -> Ready:
    return check(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_mistake_is_reported_where_it_is_and_nothing_else(path: Path) -> None:
    ready, (code, line, column) = checked(path), expected(path)
    assert path.stem.startswith(f"{code}_")
    found = [(d.code, d.where.line, d.where.column) for d in ready.diagnostics]
    assert found == [(code, line, column)]
    assert ready.diagnostics[0].where.file == str(path)
    assert (ready.study is None) == (CATALOGUE[code].severity == "error")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_are_in_the_words_of_the_author(path: Path) -> None:
    leaks = r"Input should|validation error|Field required|NoneType|<class|Traceback|Optuna"
    for diagnostic in checked(path).diagnostics:
        text = diagnostic.message + diagnostic.help
        assert not re.search(leaks, text), text
        assert "\n" not in text


def test_every_code_of_studies_has_a_file() -> None:
    codes = {code for code in CATALOGUE if "KS0620" <= code <= "KS0639"}
    assert {expected(path)[0] for path in FILES} >= codes
