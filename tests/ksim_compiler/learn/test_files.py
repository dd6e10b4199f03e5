"""The logs of a run, read again in whatever state they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ksim_compiler.compare.runs import read_rows as numbers
from ksim_compiler.learn.run.files import read_rows, rows

WHOLE = [{"steps": 8, "loss": 0.5, "note": "x"}, {"steps": 16, "loss": None}]
NEXT = {"steps": 24, "loss": 1.0}
LINES = [json.dumps(row) for row in (*WHOLE, NEXT)]
DAMAGED = {
    "half-written": LINES[2][:-3],
    "no object": "[1, 2]",
    "no steps": '{"loss": 1.0}',
    "steps that are no number": '{"steps": "24"}',
    "steps that are not finite": '{"steps": NaN}',
    "not text": "\udcff\udcfe",
    "too deep": "[" * 100_000,
    "empty": " ",
}


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8", errors="surrogateescape")
    return path


@pytest.mark.parametrize("what", DAMAGED)
def test_every_reader_of_a_log_stops_at_the_same_line(what: str, tmp_path: Path) -> None:
    last = write(tmp_path / "last.jsonl", *LINES[:2], DAMAGED[what])
    assert read_rows(last) == (WHOLE, "the last line of last.jsonl is half-written, and left out")
    amid = write(tmp_path / "amid.jsonl", *LINES[:2], DAMAGED[what], LINES[2])
    told = "amid.jsonl is damaged from line 3 on: what follows is left out"
    assert read_rows(amid) == (WHOLE, told)
    for path in (last, amid):
        assert rows(path) == WHOLE
        assert numbers(path)[0] == [{"steps": 8, "loss": 0.5}, {"steps": 16}]
        assert numbers(path)[1] == read_rows(path)[1]


def test_a_log_that_is_whole_or_not_there(tmp_path: Path) -> None:
    assert read_rows(write(tmp_path / "a.jsonl", *LINES)) == ([*WHOLE, NEXT], "")
    assert read_rows(tmp_path / "none.jsonl") == ([], "")
