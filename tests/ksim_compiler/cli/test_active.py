"""The table of what is active, before a training."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from ksim_compiler.cli.active import print_active
from ksim_compiler.pipeline import compile_file

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("width", [80, 50])
def test_no_name_is_cut_off(width: int) -> None:
    plan = compile_file(ROOT / "tasks" / "walk.yaml").plan
    assert plan is not None
    out = io.StringIO()
    print_active(Console(file=out, width=width), plan, "native")
    text = out.getvalue()
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= width
    if width == 80:
        assert all(str(node) in text for node in plan.shapes if node.object == "Observation")
