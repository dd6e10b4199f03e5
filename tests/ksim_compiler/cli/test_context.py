"""The page of all that one needs to write or mend a task."""

from __future__ import annotations

import math
from pathlib import Path

import mujoco
import pytest

from ksim_compiler.cli import compile as command
from ksim_schema.vocabulary import KINDS

ROOT = Path(__file__).parents[3]
TASKS = ROOT / "tasks"
INVALID = ROOT / "tests" / "invalid"


def page(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = command.main(["--emit", "context", *arguments])
    return status, capsys.readouterr().out


def test_a_task_with_its_robot_and_the_kinds_that_fit(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = page(capsys, str(TASKS / "cartpole.yaml"))
    assert status == 0
    model = mujoco.MjModel.from_xml_path(str(TASKS / "robots" / "cartpole" / "scene.xml"))
    for index in range(model.njnt):
        joint = model.joint(index)
        line = next(line for line in text.splitlines() if line.startswith(f"* `{joint.name}`"))
        if joint.limited[0] and joint.type[0] == mujoco.mjtJoint.mjJNT_SLIDE:
            low, high = joint.range
            assert f"{low:.4g} to {high:.4g} m" in line
    assert "finds no problems" in text
    assert "## What the task says of each quantity" in text
    kinds = text[text.index("## Kinds") : text.index("This robot has not")]
    for kind in ("joint_position", "joint_outside", "joint_tracking"):
        assert f"* `{kind}`(" in kinds
    for kind in ("linear_push", "pitch_and_roll"):  # they need a floating base
        assert kind in KINDS["Event"] or kind in KINDS["Reset"]
        assert f"* `{kind}`(" not in kinds


def test_geoms_without_a_name_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = """<body pos="0 0 1"><joint name="j" range="-90 90"/><geom size=".1"/>
      <geom name="tip" pos="0 0 .3" size=".1"/><geom pos="0 0 .6" size=".1" contype="0"
      conaffinity="0"/><geom pos="1 0 0" size=".1"/></body>"""
    motor = '<actuator><motor joint="j" ctrlrange="-9 9"/></actuator>'
    scene = tmp_path / "scene.xml"
    scene.write_text(f"<mujoco><worldbody>{body}</worldbody>{motor}</mujoco>")
    _, text = page(capsys, str(scene))
    assert "geoms that collide: tip, 2 without a name\n" in text


def test_a_task_with_mistakes_comes_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = page(capsys, str(INVALID / "KS0204_unknown_geom.yaml"))
    assert status == 1
    assert "error KS0204" in text
    assert "## The robot" in text
    assert "foot_left" in text


def test_a_robot_comes_with_a_task_to_begin_with(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = page(capsys, str(INVALID / "robots" / "biped.xml"))
    assert status == 0
    assert "base `trunk` (floats)" in text
    assert f"{math.degrees(1):.4g} deg; 0 deg; 50 N*m" in text
    assert "## A task to begin with" in text
    assert "kind: position_target" in text


def test_a_robot_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--emit", "context", "nowhere.xml"]) == 2
    assert "there is no model nowhere.xml" in capsys.readouterr().err
