"""Layout: the same meaning, the same comments, and nothing left to do the second time."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from ksim_compiler.cli.compile import main
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from ksim_schema.task.format import format_text

TASKS = sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml"))
INVALID = sorted((Path(__file__).parents[1] / "invalid").glob("KS02*.yaml"))


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_shipped_tasks_are_laid_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    sink = Sink()
    assert format_text(text, path.name, sink) == text
    assert not sink


@pytest.mark.parametrize("path", [*TASKS, *INVALID], ids=lambda path: path.stem)
def test_a_layout_keeps_what_is_said_and_every_comment(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    once = format_text(text, path.name, Sink())
    assert once is not None
    assert format_text(once, path.name, Sink()) == once
    before, after = (parse(t, path.name, Sink()) for t in (text, once))
    assert before is not None
    assert after is not None
    assert before.data == after.data
    comments = [
        sorted(line.strip() for line in t.splitlines() if "#" in line) for t in (text, once)
    ]
    assert len(comments[0]) == len(comments[1])


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_sections_come_in_order_whatever_the_order_was(data: st.DataObject) -> None:
    text = TASKS[-2].read_text(encoding="utf-8")
    head, *sections = text.split("\n\n")
    shuffled = data.draw(st.permutations(sections))
    blank = data.draw(st.sampled_from(["\n", "\n\n", "\n\n\n\n"]))
    mixed = blank.join([head.rstrip(), *(section.rstrip() + "  " for section in shuffled)])
    assert format_text(mixed, "task.yaml", Sink()) == text


def test_a_kind_comes_first() -> None:
    text = (
        "task: a\nksim: 1\nReward:\n  # why\n  alive: {scale: 2, kind: stay_alive} # here\n"
        "  other:\n    scale: 1\n    kind: termination\n"
    )
    wanted = (
        "ksim: 1\ntask: a\n\nReward:\n  # why\n  alive: {kind: stay_alive, scale: 2} # here\n"
        "  other:\n    kind: termination\n    scale: 1\n"
    )
    assert format_text(text, "a.yaml", Sink()) == wanted


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "task.yaml"
    text = TASKS[0].read_text(encoding="utf-8")
    path.write_text(text.replace("\n\n", "\n\n\n"), encoding="utf-8")
    path.chmod(0o640)
    assert main(["--fmt", "--check", str(path)]) == 1
    assert path.read_text(encoding="utf-8") != text
    assert "would be laid out" in capsys.readouterr().out
    assert main(["--fmt", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == text
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["task.yaml"]
    assert main(["--fmt", "--check", str(path)]) == 0
    path.write_text("a: [", encoding="utf-8")
    assert main(["--fmt", str(path)]) == 1
    assert path.read_text(encoding="utf-8") == "a: ["


def test_a_new_task_checks_clean_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--init", "balance"]) == 0
    assert main(["--check", "--strict", "balance.yaml"]) == 0
    assert main(["--fmt", "--check", "balance.yaml"]) == 0
    assert (tmp_path / ".ksim" / "task.schema.json").is_file()
    assert main(["--init", "balance"]) == 2
    assert "there already" in capsys.readouterr().err
    robot = Path(__file__).parents[2] / "tasks" / "robots" / "arm" / "scene.xml"
    assert main(["--init", "reach", "--robot", str(robot)]) == 0
    assert main(["--check", "--strict", "reach.yaml"]) == 0
    assert main(["--init", "x y"]) == 2
    assert main(["--init", "z", "--robot", "no.xml"]) == 2
