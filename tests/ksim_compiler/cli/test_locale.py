"""Commands under a locale that knows ASCII alone, on files and texts that are not ASCII."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAME = "w\u00e4gen \u65e5\u672c"
ABOUT = "W\u00e4gelchen \U0001f600"
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("LC_") and k != "LANG"},
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LC_ALL": "C",
    "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "compiler"))),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good and a bad task, whose names and texts are not ASCII."""
    here = tmp_path_factory.mktemp("locale") / "\u00fc\u65e5"
    shutil.copytree(ROOT / "tasks" / "robots" / "cartpole", here / "r\u00f6bot")
    text = (ROOT / "tasks" / "cartpole.yaml").read_text(encoding="utf-8")
    text = text.replace("robots/cartpole/", "r\u00f6bot/")
    lines = [f'about: "{ABOUT}"' if line.startswith("about") else line for line in text.split("\n")]
    text = "\n".join(lines)
    assert ABOUT in text
    (here / f"{NAME}.yaml").write_text(text, encoding="utf-8")
    bad = text.replace("kind: stay_alive", "kind: stay_\u00e4live")
    (here / f"{NAME}_bad.yaml").write_text(bad, encoding="utf-8")
    return here


def run(folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    module = f"ksim_compiler.cli.{command}"
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True
    )


GOOD, BAD = f"{NAME}.yaml", f"{NAME}_bad.yaml"
COMMANDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "check": (0, ("compile", "--check", GOOD)),
    "check a bad one": (1, ("compile", "--check", BAD)),
    "check what is not there": (1, ("compile", "--check", "\u00f6.yaml")),
    "compile": (0, ("compile", GOOD, "-o", f"{NAME}.ksim")),
    "emit": (0, ("compile", "--emit", "effective", GOOD)),
    "graph": (0, ("compile", "--emit", "graph", GOOD)),
    "format": (0, ("compile", "--fmt", "--check", GOOD)),
    "explain": (2, ("compile", "--explain", "\u00f6")),
    "diff": (0, ("diff", GOOD, GOOD)),
    "diff with a bad one": (1, ("diff", GOOD, BAD)),
    "diff to a file": (0, ("diff", GOOD, GOOD, "--format", "html", "-o", "\u00f6.html")),
    "a run that is none": (2, ("play", "\u00f6")),
    "no run to export": (2, ("export", "\u00f6", "-o", "\u00e4.onnx")),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_no_command_fails_for_the_encoding(case: str, folder: Path) -> None:
    status, arguments = COMMANDS[case]
    done = run(folder, *arguments)
    assert b"Traceback" not in done.stderr + done.stdout
    assert done.returncode == status, done.stderr
    (done.stdout + done.stderr).decode("utf-8")


def test_what_machines_read_is_utf8(folder: Path) -> None:
    found = json.loads(run(folder, "compile", "--check", "--format", "json", BAD).stdout)
    assert found["diagnostics"][0]["file"] == BAD
    assert "stay_\u00e4live" in found["diagnostics"][0]["message"]
    assert ABOUT in run(folder, "compile", "--emit", "graph", GOOD).stdout.decode("utf-8")
    assert run(folder, "compile", GOOD, "-o", "x.ksim").returncode == 0
    with zipfile.ZipFile(folder / "x.ksim") as archive:
        assert json.loads(archive.read("task.json").decode("utf-8"))["about"] == ABOUT


def test_a_terminal_shows_escapes(folder: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "ksim_compiler.cli.compile", "--check", BAD]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, stdout=follower, stderr=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 10_000)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert shown.isascii()
    assert rb"stay_\xe4live" in shown
    assert b"Traceback" not in shown
