"""What a change causes in a base is reported at the change, with the base's line beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.source.repair import repair

TASKS = Path(__file__).parents[2] / "tasks"
HEAD = "ksim: 1\ntask: child\nextends: base.yaml\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "robots").symlink_to(TASKS / "robots")
    (tmp_path / "base.yaml").symlink_to(TASKS / "walk.yaml")
    return tmp_path


def told(folder: Path, text: str) -> list[Diagnostic]:
    path = folder / "child.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return [d for d in compile_file(path, name="child.yaml").diagnostics if d.severity != "info"]


def test_what_a_base_names_and_a_task_removes(folder: Path) -> None:
    (found,) = told(folder, "remove: [Reward.torque, Observation.gyro]\n")
    assert (found.code, found.where.file, found.where.line) == ("KS0201", "child.yaml", 4)
    assert found.where.column == len("remove: [Reward.torque, ") + 1
    assert found.message.startswith("Observation.gyro is removed here, and so in base.yaml:")
    text = (folder / "base.yaml").read_text(encoding="utf-8").splitlines()
    assert len(found.related) == 2
    for place in found.related:
        assert place.where.file == "base.yaml"
        named = text[place.where.line - 1][place.where.column - 1 : place.where.end_column - 1]
        assert named == "gyro"


def test_another_kind_takes_other_fields(folder: Path) -> None:
    (found,) = told(folder, "set:\n  PPO.epochs: 4\n  Action.joint_targets.kind: torque\n")
    assert (found.where.file, found.where.line) == ("child.yaml", 6)
    assert len(found.related) >= 3
    assert {place.where.file for place in found.related} == {"base.yaml"}


def test_names_of_another_robot(folder: Path) -> None:
    """The base names what its robot has: the model of another is the cause."""
    found = told(folder, "set:\n  PhysicsState.humanoid.model: robots/arm/scene.xml\n")
    (cause,) = (d for d in found if d.related)
    assert {(d.where.file, d.where.line) for d in found} == {("child.yaml", 5)}
    assert len(cause.related) >= 5


def test_a_mistake_of_the_base_stays_there(folder: Path) -> None:
    text = (folder / "base.yaml").read_text(encoding="utf-8")
    (folder / "base.yaml").unlink()
    (folder / "base.yaml").write_text(text.replace("error_scale: 0.5 m/s", "error_scale: 0.5"))
    found = told(folder, "set:\n  PPO.epochs: 4\n")
    assert [(d.code, d.where.file) for d in found] == [("KS0110", "base.yaml")]


@pytest.mark.parametrize("setting", ["PPO: {steps: 1000000}", "Command: {}"])
def test_a_section_that_is_replaced_is_told(folder: Path, setting: str) -> None:
    found = told(folder, f"set:\n  {setting}\n")
    assert ("KS0119", 5) in [(d.code, d.where.line) for d in found]


def test_a_part_may_be_replaced_by_one_of_another_kind(folder: Path) -> None:
    found = told(folder, "set:\n  Reward.linvel: {kind: stay_alive, scale: 1}\n")
    assert not {"KS0103", "KS0119"} & {d.code for d in found}


def test_one_value_of_a_replaced_part_is_told_to_be_set_by_its_path(folder: Path) -> None:
    (found,) = told(folder, "set:\n  Reward.linvel: {scale: 3}\n")
    assert (found.code, found.where.line) == ("KS0103", 5)
    assert "Reward.linvel.scale" in found.help


def test_one_wrong_ending_of_many_names_is_one_mistake(folder: Path) -> None:
    text = (TASKS / "walk.yaml").read_text(encoding="utf-8")
    path = folder / "child.yaml"
    names = ("foot_left", "foot_right", "sole_left", "sole_right", "imu_gyro", "torso")
    for name in names:
        text = text.replace(f"{name}]", f"{name}_link]").replace(f"{name},", f"{name}_link,")
    path.write_text(text, encoding="utf-8")
    found = compile_file(path).diagnostics
    assert len(found) == 1
    assert found[0].message.endswith("more: the model's names are without '_link'")
    assert len(found[0].related) == text.count("_link") - 1
    assert repair(text, str(path), lambda new: compile_file(path, text=new).diagnostics).text == (
        TASKS / "walk.yaml"
    ).read_text(encoding="utf-8")


def test_what_comes_of_a_replaced_section_is_not_told_again(folder: Path) -> None:
    (found,) = told(folder, "set:\n  Reward: {alive: {kind: stay_alive}}\n")
    assert (found.code, found.where.line) == ("KS0119", 5)


def test_the_value_of_a_field_that_is_none_is_not_judged(folder: Path) -> None:
    (found,) = told(folder, "set:\n  PPO.step: 15000000\n")
    assert (found.code, found.where.line) == ("KS0104", 5)


def test_joints_of_both_types_in_one_action_are_one_mistake(tmp_path: Path) -> None:
    text = (TASKS / "cartpole.yaml").read_text(encoding="utf-8")
    first, rest = text.split("Action:\n", 1)
    old = rest.split("\nPolicy:")[0]
    servo = "  motor:\n    kind: position_target\n    joints: .*\n    scale: 0.2 rad\n"
    servo += "    torque_limit: 10 N*m\n    gains: {kp: 100 N*m/rad, kd: 10 N*m*s/rad}\n"
    path = tmp_path / "cart.yaml"
    path.write_text(first + "Action:\n" + rest.replace(old, servo), encoding="utf-8")
    (tmp_path / "robots").symlink_to(TASKS / "robots")
    found = [d for d in compile_file(path, name="cart.yaml").diagnostics if d.code == "KS0409"]
    assert len(found) == 1
    assert len(found[0].related) == 3


def test_what_a_setting_of_the_command_line_causes_stands_at_the_setting(folder: Path) -> None:
    path = folder / "base.yaml"
    settings = ["PPO.epochs=4", "PPO.steps=20000", "Action.joint_targets.kind=torque"]
    found = compile_file(path, settings, name="base.yaml").diagnostics
    (kind,) = (d for d in found if d.severity == "error")
    assert (kind.where.file, kind.where.line) == ("--set", 3)
    assert kind.message.startswith("Action.joint_targets.kind is set here, and so in base.yaml:")
    assert {place.where.file for place in kind.related} == {"base.yaml"}


def test_a_mistake_of_the_file_stays_there_under_any_setting(folder: Path) -> None:
    path = folder / "child.yaml"
    path.write_text(HEAD + "Metric:\n  m: {kind: formula, expression: 1 + 1}\n", encoding="utf-8")
    found = compile_file(path, ["PPO.epochs=4"], name="child.yaml").diagnostics
    assert [(d.where.file, d.where.line) for d in found if d.severity != "info"] == [
        ("child.yaml", 5)
    ]
