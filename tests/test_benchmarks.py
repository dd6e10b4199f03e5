"""The benchmarks go with the code that they measure."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

SCRIPTS = sorted(Path(__file__).parents[1].joinpath("benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_all_that_a_benchmark_imports_is_there(script: Path) -> None:
    assert callable(importlib.import_module(f"benchmarks.{script.stem}").main)
