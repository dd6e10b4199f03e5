"""examples/drive.py, on a robot's original file, does what ksim-play does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from ksim_compiler.deploy.contract import contract_path
from ksim_compiler.learn.run.policy import fresh_policy
from tests.ksim_compiler.deploy.driving import (
    ACTIONS,
    FIXED,
    FLOATING,
    HOSTILE,
    KIND_TASK,
    ROBOT,
    ROOT,
    TASK,
    compared,
    exported,
    planned,
    stirred,
)
from tests.support.example import drive

CASES = [(a, b, "mlp") for a in ACTIONS for b in ("floating", "fixed")] + [
    ("position", "floating", "gru")
]


@pytest.mark.parametrize(("action", "base", "network"), CASES)
def test_drive_moves_the_joints_as_play_does(
    action: str, base: str, network: str, tmp_path: Path
) -> None:
    values = FLOATING if base == "floating" else FIXED
    scene, task = tmp_path / "robot.xml", tmp_path / "t.yaml"
    scene.write_text(ROBOT.format(default=HOSTILE, empty='<key name="other"/>', **values))
    net = "{kind: mlp, hidden: [8]}" if network == "mlp" else "{kind: gru, hidden: 8}"
    task.write_text(TASK.format(action=ACTIONS[action], network=net))
    plan = planned(task)
    recording, terms, rows = compared(
        drive(), plan, tmp_path / "p.onnx", scene, 100, {}, stirred(plan)
    )
    poses = np.array([pose for pose, _ in rows])
    moved = np.ptp(poses[:, -3:-1], axis=0)
    assert moved.max() > 0.05
    np.testing.assert_allclose(poses[0], recording.qpos[0], atol=1e-6)
    np.testing.assert_allclose(poses, recording.qpos[:100], atol=1e-3)
    assert abs(poses[:, -1] - 1.1).max() < 0.6  # the arm that nothing drives is held
    assert [a["use"] for a in terms["actuators"]] == ["removed", "held", "removed"]
    assert (terms["home"]["base"] is None) == (base == "fixed")
    down = next(e for e in terms["inputs"] if e["name"] == "down")
    assert down["reads"]["body"] == down["parameters"]["body"] == terms["base"]
    assert terms["options"] == {"iterations": 7}


def test_drive_touches_what_play_touches(tmp_path: Path) -> None:
    """The trunk sinks through the floor, and the sole does not: only that touches things."""
    scene, task = tmp_path / "robot.xml", tmp_path / "t.yaml"
    low = {"root": "<freejoint/>", "base": "0 0 .42 1 0 0 0 "}
    scene.write_text(ROBOT.format(default=HOSTILE, empty="", **low))
    text = TASK.format(action=ACTIONS["position"], network="{kind: mlp, hidden: [8]}")
    task.write_text(text)
    options = "{method: pgs, iterations: 9, cone: pyramidal, integrator: euler}"
    own = "{geoms: [sole], condim: 1, solref: [9 ms, 2], solimp: [0.8, 0.99, 2 mm, 0.4, 1]}"
    joints = "{damping: {hip: 1 N*m*s/rad, 'knee|shoulder': 0.1 N*m*s/rad}, friction: 0.2 N*m}"
    settings = {"solver": options, "collide": own, "joint_dynamics": joints}
    plan = planned(task, *(f"PhysicsState.r.{name}={value}" for name, value in settings.items()))
    path = tmp_path / "p.onnx"
    recording, terms, rows = compared(drive(), plan, path, scene, 40, {}, stirred(plan))
    poses = np.array([pose for pose, _ in rows])
    np.testing.assert_allclose(poses, recording.qpos[:40], atol=1e-3)
    assert poses[:, 2].min() < 0.0
    contacts = {"condim": 1, "solref": [0.009, 2.0], "solimp": [0.8, 0.99, 0.002, 0.4, 1.0]}
    assert terms["collide"] == {"geoms": ["sole"], **contacts}
    assert terms["options"] == {"solver": 0, "iterations": 9, "cone": 0, "integrator": 0}
    assert terms["joint_dynamics"]["hip"] == {"damping": 1.0, "frictionloss": 0.2}
    free = {**terms, "collide": None}
    robot = drive().Robot(scene, free)
    assert (robot.model.geom_contype != 0).sum() == 5
    assert (plan.robot.model.geom_contype != 0).sum() == 2


OWN = {
    "actuator": "kind: actuator, actuators: own_.*, scale: {own_hip: 0.6 rad, own_knee: 0.7}",
    "by joint": "kind: actuator, actuators: [shoulder, own_hip], scale: 0.3 rad, low_pass: 9 Hz",
    "middle": "kind: actuator, actuators: [shoulder, own_knee], around: middle",
    "last": "kind: actuator, actuators: own_.*, around: last, "
    "scale: {own_hip: 0.08 rad, own_knee: 0.1}",
    "binary": "kind: binary, actuators: own_.*, open: {own_hip: 0.5 rad, own_knee: 0.3}, "
    "closed: {own_hip: -0.5 rad, own_knee: -0.2}",
    "binary joints": "kind: binary, joints: hip, open: 0.5 rad, closed: -0.4 rad, "
    "torque_limit: 4 N*m, gains: {kp: 20 N*m/rad, kd: 0.7 N*m*s/rad}",
}


@pytest.mark.parametrize("action", OWN.values(), ids=OWN)
def test_drive_tells_the_robots_own_actuators_as_play_does(action: str, tmp_path: Path) -> None:
    scene, task = tmp_path / "robot.xml", tmp_path / "t.yaml"
    scene.write_text(ROBOT.format(default=HOSTILE, empty="", **FIXED))
    text = TASK.format(action=action, network="{kind: mlp, hidden: [8]}")
    task.write_text(text.replace("joints: [hip, knee], ", ""))
    plan, path = planned(task), tmp_path / "p.onnx"
    recording, terms, rows = compared(drive(), plan, path, scene, 60, {}, stirred(plan))
    poses = np.array([pose for pose, _ in rows])
    assert np.ptp(poses, axis=0).max() > 0.02
    np.testing.assert_allclose(poses, recording.qpos[:60], atol=1e-3)
    own = [a["name"] for a in terms["actuators"] if a["use"] == "told"]
    assert own == [n for n in ("own_hip", "shoulder", "own_knee") if n in plan.controls]


GRIPPER = """<mujoco><option gravity="0 0 0"/><worldbody>
  <body><joint name="left" type="slide" damping="9" range="0 9" actuatorfrcrange="-30 30"/>
    <geom size=".1" mass=".3"/></body>
  <body pos="1 0 0"><joint name="right" type="slide" damping="9" actuatorfrcrange="-8 8"/>
    <geom size=".1" mass=".3"/></body></worldbody>
  <tendon><fixed name="t"><joint joint="left" coef=".5"/><joint joint="right" coef=".5"/></fixed>
  </tendon><equality><joint joint1="left" joint2="right"/></equality>
  <actuator><position name="grip" tendon="t" kp="90" forcerange="-100 100"/></actuator></mujoco>"""


def test_drive_gives_a_pair_the_force_of_both_joints(tmp_path: Path) -> None:
    """One of two tied fingers is driven, with more than the model lets motors give that one."""
    (tmp_path / "robot.xml").write_text(GRIPPER, encoding="utf-8")
    task = yaml.safe_load(KIND_TASK)
    task["PhysicsState"]["robot"] = {"model": "robot.xml", "control": "50 Hz"}
    gains = {"kp": "900 N/m", "kd": "20 N*s/m"}
    task["Action"]["a"] |= {"joints": "left", "scale": "1 m", "gains": gains}
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    plan = planned(tmp_path / "t.yaml")
    path, scene = tmp_path / "p.onnx", tmp_path / "robot.xml"
    recording, terms, rows = compared(drive(), plan, path, scene, 50, {}, stirred(plan))
    np.testing.assert_allclose([pose for pose, _ in rows], recording.qpos[:50], atol=1e-4)
    assert terms["outputs"][1]["torque_limit"] == [30.0 + 8.0]
    robot = drive().Robot(scene, terms)
    robot.drive({"a": np.array([100.0])})
    np.testing.assert_allclose(robot.data.qfrc_actuator, [38.0, 0.0])


def test_each_policy_of_a_folder_has_its_own_contract(tmp_path: Path) -> None:
    (tmp_path / "robot.xml").write_text(ROBOT.format(default="", empty="", **FIXED))
    example, paths = drive(), [tmp_path / name for name in ("tiny.onnx", "legs.onnx")]
    for path, action in zip(paths, ("torque", "velocity"), strict=True):
        task = tmp_path / "t.yaml"
        task.write_text(TASK.format(action=ACTIONS[action], network="{kind: mlp, hidden: [8]}"))
        plan = planned(task)
        exported(plan, fresh_policy(plan), path)
    kinds = [example.read_contract(path)["outputs"][1]["kind"] for path in paths]
    assert kinds == ["torque", "velocity_target"]
    assert contract_path(tmp_path / "policy.onnx").name == "contract.json"
    other = contract_path(paths[1])
    with pytest.raises(SystemExit, match="the contract of another policy"):
        example.read_contract(paths[0], other)
    other.unlink()
    with pytest.raises(SystemExit, match=r"there is no .*legs\.contract\.json"):
        example.read_contract(paths[1])
    terms = example.read_contract(paths[0])
    with pytest.raises(SystemExit, match="no joint 'hip'"):
        example.Robot(ROOT / "tasks" / "robots" / "cartpole" / "scene.xml", terms)
    with pytest.raises(SystemExit, match="no command 'speed'"):
        example.read_commands(terms, ["speed=1"])
    old = json.loads(contract_path(paths[0]).read_text()) | {"format": "ksim-contract-1"}
    contract_path(paths[0]).write_text(json.dumps(old))
    with pytest.raises(SystemExit, match="export the policy again"):
        example.read_contract(paths[0])


def test_a_command_that_is_not_given_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    driver = drive().Driver.__new__(drive().Driver)
    driver.contract = {"outputs": [{"size": 1}], "memory": [], "control_period": 0.02}
    driver.commands = {"goal": np.array([1.0, 2.0, 3.0])}
    driver.begin()
    reads = {"relative_to": "world"}
    point = {"kind": "cartesian_coordinate", "size": 3, "elements": ["x", "y", "z"], "reads": reads}
    np.testing.assert_array_equal(driver._command(point | {"name": "goal"}, None), [1, 2, 3])
    assert capsys.readouterr().out == ""
    for _ in range(2):
        np.testing.assert_array_equal(driver._command(point | {"name": "other"}, None), [0, 0, 0])
    told = "no other=NUMBERS is given: it is x 0, y 0, z 0\n"
    assert capsys.readouterr().out == told
