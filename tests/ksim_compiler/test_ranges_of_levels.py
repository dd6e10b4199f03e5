"""``--emit ranges`` says what follows the level of a curriculum."""

from __future__ import annotations

from pathlib import Path

from ksim_compiler.cli import emit
from ksim_compiler.pipeline import compile_file

TASKS = Path(__file__).parents[2] / "tasks"


def test_an_event_that_fades_with_the_level_is_told_so() -> None:
    plan = compile_file(TASKS / "walk_robust.yaml").plan
    assert plan is not None
    lines = [line for line in emit.ranges(plan).splitlines() if " Event." in line]
    fading = [line for line in lines if "Event.practice" in line]
    assert fading
    assert all("(x 1 to x 0 with the level)" in line for line in fading)
    assert not any("level" in line for line in lines if "Event.push" in line)
