"""Repairs in paths of 'set', in formulas and of decimal commas write what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksim_compiler.cli.compile import main

TASKS = Path(__file__).parents[2] / "tasks"
UPRIGHT = "upright: {kind: flat_body, scale: 0.5}"


def repaired(folder: Path, text: str) -> tuple[int, str]:
    (folder / "robots").symlink_to(TASKS / "robots")
    (folder / "base.yaml").symlink_to(TASKS / "walk.yaml")
    path = folder / "task.yaml"
    path.write_text(text, encoding="utf-8")
    status = main(["--fix", str(path)])
    return status, path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (
            "Action.joint_target.latency: [0 ms, 10 ms]",
            "Action.joint_targets.latency: [0 ms, 10 ms]",
        ),
        ("Rewards.linvel.scale: 1", "Reward.linvel.scale: 1"),
        ("Termination.fallen.heigth: 0.7 m", "Termination.fallen.height: 0.7 m"),
    ],
)
def test_a_path_of_set_is_spelt_right(tmp_path: Path, wrong: str, right: str) -> None:
    head = "ksim: 1\ntask: child\nextends: base.yaml\nset:\n  "
    assert repaired(tmp_path, f"{head}{wrong}\n") == (0, f"{head}{right}\n")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("-0.01 * square(joint.kne_left / (1*rad))", "-0.01 * square(joint.knee_left / (1*rad))"),
        ("tolerance(base.hieght, 0.9, inf, 0.3)", "tolerance(base.height, 0.9, inf, 0.3)"),
        (
            "tolerance(base.height, 0.9*meters, inf, 0.3*m)",
            "tolerance(base.height, 0.9*m, inf, 0.3*m)",
        ),
    ],
)
def test_a_name_in_a_formula_is_spelt_right(tmp_path: Path, wrong: str, right: str) -> None:
    text = (TASKS / "walk.yaml").read_text(encoding="utf-8")
    part = 'upright: {{kind: formula, expression: "{}", scale: 0.5}}'
    status, found = repaired(tmp_path, text.replace(UPRIGHT, part.format(wrong)))
    assert status == 0
    assert found == text.replace(UPRIGHT, part.format(right))


def test_another_side_is_no_slip(tmp_path: Path) -> None:
    text = (TASKS / "walk.yaml").read_text(encoding="utf-8")
    part = 'upright: {kind: formula, expression: "-0.1 * square(joint.knee_l / (1*rad))"}'
    status, found = repaired(tmp_path, text.replace(UPRIGHT, part))
    assert status == 1
    assert found == text.replace(UPRIGHT, part)


def test_decimal_commas_in_a_range(tmp_path: Path) -> None:
    text = (TASKS / "walk.yaml").read_text(encoding="utf-8")
    right = "turn: [-0.5 rad/s, 0.5 rad/s]"
    assert right in text
    wrong = text.replace(right, "turn: [-0,5 rad/s, 0,5 rad/s]")
    assert repaired(tmp_path, wrong) == (0, text)
