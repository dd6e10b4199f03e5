"""Tasks as others write them, on robots of others: unusual, and nothing is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from tests.zoo.models import not_at_hand

TASKS = sorted((Path(__file__).parent / "valid").glob("*.yaml"))


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_nothing_is_told_of_a_valid_task(path: Path) -> None:
    if reason := not_at_hand(path):
        pytest.skip(reason)
    told = [d for d in compile_file(path, name=path.name).diagnostics if d.severity != "info"]
    assert not told, [f"{d.where.line}: {d.code}: {d.message}" for d in told]
