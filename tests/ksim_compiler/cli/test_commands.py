"""The commands as one: the same beginnings, completion in shells, pages for man."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ksim_compiler.cli import commands
from ksim_compiler.cli.common import version_of

ROOT = Path(__file__).parents[3]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m ksim_compiler`` with words after it."""
    return subprocess.run(
        [sys.executable, "-m", "ksim_compiler", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this checkout, whatever is installed."""
    names = {name.removeprefix("ksim-"): of.partition(":")[0] for name, of in SCRIPTS.items()}
    monkeypatch.setattr(commands, "modules", lambda: dict(sorted(names.items())))


def test_every_script_is_a_command_with_a_sentence() -> None:
    for name in commands.modules():
        assert re.fullmatch(r"[A-Z].*[^.]\.", commands.about(name)), name


def test_a_module_lists_the_commands_and_runs_them() -> None:
    listed = command().stdout
    assert "  compile  Check tasks" in listed
    assert "  run " in listed
    explained = command("compile", "--explain", "KS0109")
    assert explained.returncode == 0
    assert "KS0109" in explained.stdout


def test_a_command_that_is_none_is_told() -> None:
    wrong = command("pley")
    assert wrong.returncode == 2
    assert wrong.stderr.strip().endswith("there is no command 'pley'; did you mean 'play'?")


@pytest.mark.parametrize("name", [name.removeprefix("ksim-") for name in SCRIPTS])
def test_versions_are_told(name: str) -> None:
    told = command(name, "--version")
    assert told.returncode == 0
    assert told.stdout.startswith(f"ksim-{name} {version_of('ksim-schema')} (")
    assert f"mujoco {version_of('mujoco')}," in told.stdout


def test_a_shell_completes_options(tmp_path: Path) -> None:
    pytest.importorskip("argcomplete")
    answer = tmp_path / "answer"
    line = "ksim-run --evaluate"
    environment = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    assert command("run", **environment).returncode == 0
    assert answer.read_text().split() == ["--evaluate-every"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_all_commands(shell: str) -> None:
    pytest.importorskip("argcomplete")
    code = commands.completion(shell)
    assert all(name in code for name in SCRIPTS)


def test_pages_for_man_have_every_option(tmp_path: Path) -> None:
    pytest.importorskip("argparse_manpage")
    pages = {page.name: page.read_text() for page in commands.write_pages(tmp_path / "man")}
    assert set(pages) == {f"{name}.1" for name in SCRIPTS}
    page = pages["ksim-run.1"].replace("\\-", "-")
    for option in ("--engine", "--resume", "--checkpoint-every"):
        assert option in page
