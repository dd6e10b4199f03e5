"""The extension for VS Code: built and packed as its page says, where npm and its registry are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "editors/vscode"
NPM = shutil.which("npm")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """npm, with words after it."""
    return subprocess.run(
        [str(NPM), *words], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.slow
@pytest.mark.skipif(NPM is None, reason="no npm on the path")
def test_the_extension_is_built_and_packed(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("node_modules", "dist", "*.vsix")
    folder = Path(shutil.copytree(FOLDER, tmp_path / "vscode", ignore=ignored))
    installed = run(folder, "install", "--no-package-lock", "--no-audit", "--no-fund")
    if re.search("ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ECONNREFUSED", installed.stderr):
        pytest.skip("npm reaches no registry")
    assert installed.returncode == 0, installed.stderr
    packed = run(folder, "run", "package")
    assert packed.returncode == 0, packed.stdout + packed.stderr
    with zipfile.ZipFile(folder / "ksim.vsix") as archive:
        names = set(archive.namelist())
        program = archive.read("extension/dist/extension.js").decode()
        manifest = json.loads(archive.read("extension/package.json"))
    assert {"extension/readme.md", "extension/LICENSE.txt"} <= names
    assert not any("node_modules" in name or name.endswith(".ts") for name in names)
    assert manifest["main"] == "./dist/extension.js"
    assert "ksim-lsp" in program


def test_the_licence_is_the_project_s_and_no_address_of_a_registry_is_kept() -> None:
    project = FOLDER.parents[1] / "LICENSE"
    assert (FOLDER / "LICENSE").read_bytes() == project.read_bytes()
    assert not (FOLDER / "package-lock.json").exists()
    assert "registry" not in (FOLDER / "package.json").read_text(encoding="utf-8")


def test_what_the_extension_declares_is_what_it_does() -> None:
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    program = (FOLDER / "src/extension.ts").read_text(encoding="utf-8")
    for command in package["contributes"]["commands"]:
        assert f'registerCommand("{command["command"]}"' in program
    for setting in package["contributes"]["configuration"]["properties"]:
        name = setting.removeprefix("ksim.")
        assert f'"{name}"' in program or name == "trace.server"  # the client itself reads that
    for name in ("language-configuration.json", "ksim.tmLanguage.json"):
        assert json.loads((FOLDER / name).read_text(encoding="utf-8"))
