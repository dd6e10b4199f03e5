"""Tasks as others write them, on robots of others: unusual, and nothing is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from tests.zoo.models import menagerie, wheel

TASKS = sorted((Path(__file__).parent / "valid").glob("*.yaml"))
PACKAGES = {"package:gymnasium": "gymnasium", "package:dm_control": "dm_control"}


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_nothing_is_told_of_a_valid_task(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for source, package in PACKAGES.items():
        if source in text and wheel(package) is None:
            pytest.skip(f"{package} is not installed")
    if ("menagerie:" in text or "go1.yaml" in text) and menagerie() is None:
        pytest.skip("MENAGERIE_ROOT is not set")
    told = [d for d in compile_file(path, name=path.name).diagnostics if d.severity != "info"]
    assert not told, [f"{d.where.line}: {d.code}: {d.message}" for d in told]
