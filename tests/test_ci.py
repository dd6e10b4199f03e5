"""The GitHub Action and the pre-commit hooks: what they run, and that it is a command line."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ksim_compiler.cli import compile

REPOSITORY = Path(__file__).parents[1]
STUB = f"""#!{sys.executable}
import json, os, sys
json.dump(sys.argv[1:], open(os.environ["SEEN"], "w"))
sys.exit(int(os.environ["STATUS"]))
"""


def load(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def check(tmp_path: Path, status: int = 0, **inputs: str) -> tuple[int, list[str]]:
    """Run the action's last step with a ksim-compile that records its arguments."""
    action = load("action.yml")
    step = action["runs"]["steps"][-1]
    given = {name: str(about["default"]) for name, about in action["inputs"].items()} | inputs
    variables = {
        variable: given[text.removeprefix("${{ inputs.").removesuffix(" }}")]
        for variable, text in step["env"].items()
    }
    binaries = tmp_path / "ksim-schema" / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    (binaries / "ksim-compile").write_text(STUB)
    (binaries / "ksim-compile").chmod(0o755)
    seen = tmp_path / "seen.json"
    base = {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path), "SEEN": str(seen)}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", step["run"]],
        env={**base, "STATUS": str(status), **variables},
        cwd=tmp_path,
        check=False,
    )
    return done.returncode, json.loads(seen.read_text())


def test_the_action_checks_the_folder_of_tasks(tmp_path: Path) -> None:
    assert check(tmp_path) == (0, ["--check", "--format", "github", "tasks"])


def test_the_action_passes_on_its_inputs(tmp_path: Path) -> None:
    files = "tasks/walk.yaml\n\n  a folder/$(touch owned)/x.yaml  \n"
    status, seen = check(tmp_path, files=files, strict="true", format="text")
    assert seen[:4] == ["--check", "--format", "text", "--strict"]
    assert seen[4:] == ["tasks/walk.yaml", "a folder/$(touch owned)/x.yaml"]
    assert status == 0
    assert not (tmp_path / "owned").exists()
    options = compile.parser().parse_args(seen)
    assert options.check
    assert options.strict
    assert [str(path) for path in options.paths] == seen[4:]


@pytest.mark.parametrize("status", [1, 2])
def test_the_action_fails_as_the_check_does(tmp_path: Path, status: int) -> None:
    assert check(tmp_path, status)[0] == status


def test_no_text_of_an_input_is_put_into_a_script() -> None:
    for step in load("action.yml")["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_hooks_run_ksim_compile_on_tasks() -> None:
    hooks = {hook["id"]: hook for hook in load(".pre-commit-hooks.yaml")}
    assert set(hooks) == {"ksim-check", "ksim-fmt"}
    program, *arguments = shlex.split(hooks["ksim-check"]["entry"])
    assert program == "ksim-compile"
    assert compile.parser().parse_args([*arguments, "tasks/walk.yaml"]).check
    assert hooks["ksim-fmt"]["entry"] == "ksim-compile --fmt"


def test_the_docs_list_the_inputs_and_the_hooks() -> None:
    text = (REPOSITORY / "docs" / "ci-and-editors.md").read_text(encoding="utf-8")
    for name, about in load("action.yml")["inputs"].items():
        assert f"| `{name}` | `{about['default']}` |" in text
    for hook in load(".pre-commit-hooks.yaml"):
        assert f"id: {hook['id']}" in text
