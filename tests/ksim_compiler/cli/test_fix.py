"""``ksim-compile --fix`` as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ksim_compiler.cli import compile
from ksim_compiler.cli.common import ERRORS, OK, USAGE

TASKS = Path(__file__).parents[3] / "tasks"
GOOD = (TASKS / "cartpole.yaml").read_text(encoding="utf-8")

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    Path("robots").symlink_to(TASKS / "robots")


def broken(*changes: tuple[str, str]) -> Path:
    path = Path("task.yaml")
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


def test_slips_are_put_right_and_shown(capsys: Output) -> None:
    path = broken(("Termination:", "Terminaton:"), ("control: 50 Hz", "control: 50 hz"))
    assert compile.main(["--fix", str(path)]) == OK
    assert path.read_text(encoding="utf-8") == GOOD
    printed = capsys.readouterr().out
    assert "-Terminaton:\n+Termination:\n" in printed
    assert "task.yaml: repaired 2, left: no problems" in printed


def test_a_dry_run_writes_nothing(capsys: Output) -> None:
    path = broken(("control: 50 Hz", "control: 50 hz"))
    before = path.read_bytes()
    assert compile.main(["--fix", "--check", str(path)]) == ERRORS
    assert path.read_bytes() == before
    assert "would repair 1" in capsys.readouterr().out


def test_what_is_not_certain_is_left_and_reported(capsys: Output) -> None:
    path = broken(("control: 50 Hz", "control: 50"), ("Termination:", "Terminaton:"))
    assert compile.main(["--fix", str(path)]) == ERRORS
    assert "control: 50\n" in path.read_text(encoding="utf-8").replace(",", "\n")
    captured = capsys.readouterr()
    assert "KS0110" in captured.err
    assert "left: 1 error" in captured.out


def test_line_ends_marks_and_comments_stay() -> None:
    path = broken(("control: 50 Hz", "control: 50 hz"))
    text = path.read_text(encoding="utf-8").replace("\n", "\r\n") + "# last  "
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert compile.main(["--fix", str(path)]) == OK
    assert path.read_bytes() == b"\xef\xbb\xbf" + text.replace("50 hz", "50 Hz").encode()


def test_a_good_task_is_not_written() -> None:
    path = broken()
    path.chmod(0o444)
    before = path.stat().st_mtime_ns
    assert compile.main(["--fix", str(path)]) == OK
    assert path.stat().st_mtime_ns == before


def test_a_syntax_error_whose_repair_shows_more_errors_stays(capsys: Output) -> None:
    path = broken(("control: 50 Hz", "control:50"), ("kind: mlp", "kind: 7"))
    before = path.read_bytes()
    assert compile.main(["--fix", str(path)]) == ERRORS
    assert path.read_bytes() == before
    assert "KS0014" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--fmt", "--set=PPO.envs=4", "--out=x", "--format=json"])
def test_fix_stands_alone(option: str) -> None:
    assert compile.main(["--fix", option, str(broken())]) == USAGE


def test_json_says_where_to_write_what(capsys: Output) -> None:
    path = broken(("control: 50 Hz", "control: 50 hz"))
    compile.main(["--check", "--format", "json", str(path)])
    (found,) = json.loads(capsys.readouterr().out)["diagnostics"]
    (fix,) = found["fixes"]
    (edit,) = fix["edits"]
    assert fix["certain"] is True
    assert edit["replacement"] == "50 Hz"
    assert (edit["line"], edit["column"]) == (found["line"], found["column"])


CHILD = "ksim: 1\ntask: child\nextends: task.yaml\nset:\n  PPO.epochs: 4\n"


def test_a_slip_in_what_a_task_extends_is_put_right_there(capsys: Output) -> None:
    base = broken(("control: 50 Hz", "control: 50 hz"))
    child = Path("child.yaml")
    child.write_text(CHILD.replace("4", "4e0"), encoding="utf-8")
    assert compile.main(["--fix", "--check", str(child)]) == ERRORS
    assert "50 hz" in base.read_text(encoding="utf-8")
    capsys.readouterr()
    assert compile.main(["--fix", str(child)]) == OK
    assert base.read_text(encoding="utf-8") == GOOD
    printed = capsys.readouterr().out
    assert "task.yaml: repaired 1, left: no problems" in printed
    assert "child.yaml: no problems" in printed


def test_a_base_that_cannot_be_written_is_named(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = broken(("control: 50 Hz", "control: 50 hz"))
    child = Path("child.yaml")
    child.write_text(CHILD, encoding="utf-8")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert compile.main(["--fix", str(child)]) == ERRORS
    assert "50 hz" in base.read_text(encoding="utf-8")
    assert "task.yaml:" in capsys.readouterr().err
