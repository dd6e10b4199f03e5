"""What is packed: a packager finds everything that the tests and the documents speak of."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
needs_backend = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed"
)


def tracked() -> list[str]:
    """The files of the repository, by git; skipped outside of one."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git repository")
    return listed.stdout.split("\n")[:-1]


def test_the_source_distribution_has_all_that_is_tracked() -> None:
    included = set(CONFIG["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    tops = {"/" + name.split("/")[0] for name in tracked()}
    assert tops == included


def test_every_file_that_is_included_is_there() -> None:
    targets = CONFIG["tool"]["hatch"]["build"]["targets"]
    for name in (*targets["sdist"]["include"], *targets["wheel"]["only-include"]):
        assert (ROOT / name.strip("/")).exists(), name
    for name in (CONFIG["project"]["readme"], *CONFIG["project"]["license-files"]):
        assert (ROOT / name).is_file(), name


def build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


@needs_backend
def test_an_sdist(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(tracked()) <= names
    assert "PKG-INFO" in names


@needs_backend
def test_a_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", tmp_path)) as archive:
        names = set(archive.namelist())
    for name in tracked():
        top, _, rest = name.partition("/")
        moved = {
            "ksim_schema": name,
            "compiler": rest,
            "schemas": f"ksim_schema/_schemas/{rest}",
            "tasks": f"ksim_schema/_tasks/{rest}",
        }
        if top in moved:
            assert moved[top] in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {
        "ksim_schema",
        "ksim_compiler",
    }
