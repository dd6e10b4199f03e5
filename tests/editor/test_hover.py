"""What is said under the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.editor import Editor


@pytest.mark.parametrize(
    ("around", "said"),
    [
        ("kind: flat_|body", ("**Reward: flat_body**", "Cosine of the tilt", "| `scale` |")),
        ("init_|std: 0.5", ("**init_std**",)),
        ("timestep: 5| ms", ("`5 ms` = 0.005 s", "**timestep**")),
        ("range: 3 d|eg", ("`3 deg` = 0.0523599 rad",)),
        ("Rew|ard:", ("**Reward**", "Kinds: `action_velocity`")),
        ("body: tor|so, noise", ("**torso**: body", "mass: 16.3 kg", "joints: root")),
        ("sensor: imu_|gyro", ("**imu_gyro**: sensor", "type: gyro")),
        ("joints: .|*", ("matches 20 of the robot", "abdomen_yaw")),
        ("read: [joint_pos|ition", ("**joint_position**: Observation of kind `joint_position`",)),
        ("  fall|en:", ("base.height", "lasts in  at least 0.75 m", "**Termination: min_height**")),
        ("network: {kind: m|lp", ("**mlp**",)),
        ("model: robots/hum|anoid", ("20 joints, 46.5 kg",)),
        ("lam|: 0.95", ("**lam**",)),
        ("P|PO:", ("**PPO**", "`gamma`")),
    ],
)
def test_what_the_walk_says(
    editor: Editor, folder: Path, around: str, said: tuple[str, ...]
) -> None:
    path = folder / "walk.yaml"
    editor.open(path)
    text = editor.hover(path, around)
    assert all(part in text for part in said), text


def test_a_joint_is_told_with_its_limits(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    text = path.read_text(encoding="utf-8").replace("joints: hip_.*", "joints: hip_left")
    editor.open(path, text)
    said = editor.hover(path, "joints: hip|_left")
    assert "**hip_left**: hinge joint" in said
    assert "limits: -57.3 to 57.3 deg" in said
    assert "largest torque: 50 N\\*m" in said or "largest torque: 50 N*m" in said


def test_a_value_that_is_changed_is_told_with_what_it_was(editor: Editor, folder: Path) -> None:
    path = folder / "hop_far.yaml"
    editor.open(path)
    said = editor.hover(path, "Reward.moving.error|_scale: 0.5 m/s")
    assert "**error_scale**" in said
    assert "In `hop.yaml:25`: `0.3 m/s`" in said
    assert "In `hop.yaml:29`" in editor.hover(path, "Reward.high.expr|ession")
    assert "In `hop.yaml:26`" in editor.hover(path, "remove: [Reward.up|right]")


def test_a_kind_of_the_task_s_own_is_explained(editor: Editor, folder: Path) -> None:
    path = folder / "hop_far.yaml"
    editor.open(path)
    said = editor.hover(path, "kind: crou|ched")
    assert "**Reward: crouched**" in said
    assert "1 at the height `height`" in said
    assert "| `height` | m | 0.8 m |" in said


def test_a_formula_is_explained_word_by_word(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    assert "tolerance" in editor.hover(path, "expression: toler|ance")
    assert "**base.height**" in editor.hover(path, "base.hei|ght")
    assert "Command of kind `planar_velocity`" in editor.hover(path, "command.spe|ed.forward")
    assert "(forward, sideways, turn)" in editor.hover(path, "command.spe|ed.forward")


def test_a_code_in_a_comment_is_explained(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    text = path.read_text(encoding="utf-8")
    editor.open(
        path, text.replace("{kind: flat_body}", "{kind: flat_body}  # ksim: ignore[KS0307]")
    )
    assert "**KS0307**: unused part (warning)" in editor.hover(path, "ignore[KS03|07]")


@pytest.mark.parametrize("around", ["about: A hum|anoid", "  # what a robot can| sense", "\n|\n"])
def test_where_there_is_nothing_to_say_nothing_is_said(
    editor: Editor, folder: Path, around: str
) -> None:
    path = folder / "walk.yaml"
    editor.open(path)
    assert editor.hover(path, around) == ""
