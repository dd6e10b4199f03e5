"""The Python in README.md and docs/ runs, and gives what the pages say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ksim_compiler import load_run
from ksim_compiler.cli.compile import main as compile_command
from tests.support.samples import ROOT, sample, tasks


def test_python_reads_the_acset_of_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("acsets")
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    monkeypatch.chdir(tmp_path)
    assert compile_command(["--emit", "acset", str(tasks(tmp_path) / "walk.yaml")]) == 0
    (tmp_path / "tasks" / "walk.json").write_text(capsys.readouterr().out, encoding="utf-8")
    made: dict[str, Any] = {}
    exec(sample("docs/acsets.md", "import acsets"), made)
    task, schema = made["task"], made["schema"]
    rows = {table.name: task.nparts(table) for table in schema.obs}
    assert rows["Task"] == rows["Policy"] == 1
    assert rows["Reward"] > 5


def test_python_makes_environments_of_gymnasium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    made: dict[str, Any] = {}
    exec(sample("docs/python.md", "import gymnasium"), made)
    assert made["rewards"].shape == (4,)
    assert made["own"].env.task.name == "cartpole"


@pytest.mark.slow
def test_python_of_the_first_page(capsys: pytest.CaptureFixture[str]) -> None:
    exec(sample("README.md", "import ksim_compiler"), {})
    assert "return" in capsys.readouterr().out


@pytest.mark.slow
def test_a_training_goes_on_from_python_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    exec(sample("docs/python.md", "import ksim_compiler as ksim"), made)
    first = load_run("first")
    assert len(first.about["resumed"]) == 1
    assert 40_000 <= first.metrics["steps"][-1] < 50_000
    assert made["run"].about["from"] == "first"
    assert 20_000 <= made["run"].evaluations["steps"][-1] < 30_000


def test_python_loops_over_environments(capsys: pytest.CaptureFixture[str]) -> None:
    made: dict[str, Any] = {}
    exec(sample("docs/python.md", "import jax"), made)
    assert made["returns"].shape == (2,)
    assert min(made["returns"]) > 100.0  # a second of walking as it was trained to
    assert "(2, 3)" in capsys.readouterr().out


def test_python_compares_two_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    made: dict[str, Any] = {}
    exec(sample("docs/diff.md", "from pathlib import Path"), made)
    assert made["changes"].tier == "training"
    assert json.dumps(made["changes"].to_json())
