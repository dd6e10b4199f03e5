"""Names that are not of the thing that a field asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file

TASKS = Path(__file__).parents[2] / "tasks"


@pytest.mark.parametrize(
    ("setting", "help"),
    [
        (
            "Reward.steps.sites=[foot_left, sole_right]",
            "'foot_left' is a geom and a body here, no site; did you mean 'sole_left'?",
        ),
        ("Termination.fallen.body=knee_left", "'knee_left' is a joint and a geom here, no body; "),
        ("Action.joint_targets.joints=torso", "'torso' is a geom and a body here, no joint; "),
    ],
)
def test_a_name_of_something_else_is_told(setting: str, help: str) -> None:
    found = [d for d in compile_file(TASKS / "walk.yaml", (setting,)).diagnostics if d.help]
    assert [d for d in found if d.help.startswith(help)], found
