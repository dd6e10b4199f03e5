"""A package that brings tasks and kinds by entry points, as examples/package does."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import pytest

import ksim_compiler as ksim
from ksim_compiler.cli import compile as ksim_compile, diff as ksim_diff, sweep as ksim_sweep

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "package"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as pip would install it: its folder on the path, with its entry points."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path / "site"
    about = site / "ksim_pendulum-0.1.dist-info"
    about.mkdir(parents=True)
    lines = [f"Name: {project['name']}", f"Version: {project['version']}"]
    (about / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")
    groups = project["entry-points"].items()
    texts = [f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in e.items()) for group, e in groups]
    (about / "entry_points.txt").write_text("\n".join(texts))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.syspath_prepend(str(PACKAGE))
    monkeypatch.chdir(tmp_path)


def test_its_task_is_named_on_command_lines_and_nothing_of_it_is_imported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ksim_compile.main(["--check", "pendulum:swing_up"]) == 0
    assert ksim_diff.main(["pendulum:swing_up", "pendulum:swing_up"]) == 0
    assert "equal" in capsys.readouterr().out
    assert ksim.compile("pendulum:swing_up").actions == {"Action.torque": 1}
    assert "ksim_pendulum" not in sys.modules


def test_a_study_names_its_task_as_a_command_line_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "study: s\ntask: TASK\nsearch:\n  PPO.entropy: {from: 0.0, to: 0.01}\n"
    text += "goal: {maximize: length}\nbudget: {trials: 2, steps: 10k}\n"
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "walk").mkdir()  # a folder is no task, and hides none
    study = tmp_path / "studies" / "s.yaml"
    own = PACKAGE / "ksim_pendulum" / "tasks"
    relative = os.path.relpath(own / "swing_up.yaml", study.parent)
    for task in ("pendulum:swing_up", "walk", relative):
        study.write_text(text.replace("TASK", task), encoding="utf-8")
        assert ksim_sweep.main(["--check", str(study)]) == 0, capsys.readouterr().err
    capsys.readouterr()
    for task, told in (
        ("pendulum:swing", "'pendulum' has no 'swing' among its tasks; there are swing_up"),
        ("hopper:jump", "no package 'hopper' brings tasks here; installed are"),
        ("wlak", "did you mean 'walk'"),
    ):
        study.write_text(text.replace("TASK", task), encoding="utf-8")
        assert ksim_sweep.main(["--check", str(study)]) == 1
        printed = capsys.readouterr().err
        assert f"{study}:2:7: " in printed
        assert told in printed


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pendulum:swing", "'pendulum' has no 'swing' among its tasks; there are swing_up"),
        ("hopper:jump", "no package 'hopper' brings tasks here; installed are"),
    ],
)
def test_what_is_not_there_is_said(
    name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ksim_compile.main(["--check", name])
    assert told in capsys.readouterr().err
    with pytest.raises(ksim.CompileError, match=told[:20]):
        ksim.compile(name)


def test_its_kind_is_used_by_other_tasks_and_travels_with_them(tmp_path: Path) -> None:
    base = "task: other\nksim: 1\nextends: up.yaml\nset: {Reward.energy.width: 0.25}\n"
    own = PACKAGE / "ksim_pendulum" / "tasks"
    (tmp_path / "sub").mkdir()
    text = (own / "swing_up.yaml").read_text(encoding="utf-8")
    text = text.replace("robots/pendulum.xml", f"{own}/robots/pendulum.xml")
    (tmp_path / "sub" / "up.yaml").write_text(text)
    (tmp_path / "sub" / "other.yaml").write_text(base)
    task = ksim.compile(tmp_path / "sub" / "other.yaml")
    saved = task.save(tmp_path / "other.ksim")
    with pytest.raises(ksim.CompileError, match="--trust"):
        ksim.compile(saved)
    assert ksim.compile(saved, trust=True).fingerprint == task.fingerprint


def test_a_component_of_no_package_is_said_where_it_stands(tmp_path: Path) -> None:
    text = (PACKAGE / "ksim_pendulum" / "tasks" / "swing_up.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text.replace("pendulum:energy", "pendulum:work"))
    with pytest.raises(ksim.CompileError) as caught:
        ksim.compile(tmp_path / "a.yaml")
    (found,) = (d for d in caught.value.errors if "work" in d.message)
    assert found.message == "'pendulum' has no 'work' among its components; there are energy"
    assert (found.where.line, found.where.column) == (4, 14)


def test_fields_of_its_kind_are_checked() -> None:
    with pytest.raises(ksim.CompileError, match="unknown field 'depth'"):
        ksim.compile("pendulum:swing_up", set={"Reward.energy.depth": 3})
