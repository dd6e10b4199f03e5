"""examples/drive.py does every kind as the simulation does, or says that it does not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ksim_compiler.deploy.targets import ExportError
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary import KINDS
from tests.ksim_compiler.deploy.driving import KIND_TASK, ROOT, compared, planned
from tests.support.example import drive

TOLD = {
    "float_vector": ({"ranges": [[0.3, 0.3], [1, 1]], "switch": 0}, [0.3, 1.0]),
    "integer_vector": ({"ranges": [[2, 2]], "zero": 0}, [2.0]),
    "planar_velocity": (
        {"forward": ["0.5 m/s"] * 2, "turn": ["0.2 rad/s"] * 2, "heading": None},
        [0.5, 0.0, 0.2],
    ),
    "linear_velocity": (
        {"speed": ["0.5 m/s"] * 2, "direction": "0 deg", "backward": 0, "stand_still": 0},
        [0.5, 0.0],
    ),
    "angular_velocity": ({"turn": ["0.2 rad/s"] * 2, "either_way": False}, [0.2]),
    "base_height": ({"range": ["0.9 m"] * 2}, [0.9]),
    "cartesian_coordinate": (
        {"x": ["0.1 m"] * 2, "y": ["0.2 m"] * 2, "z": ["0.3 m"] * 2, "on_arrival": False},
        [0.1, 0.2, 0.3],
    ),
    "pose": (
        {"in": {"z": ["0.3 m"] * 2, "roll": ["90 deg"] * 2}}
        | dict.fromkeys(("redraw", "within", "within_angle")),
        [0.0, 0.0, 0.3, math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0],
    ),
    "phase": ({"period": "0.7 s", "start": 0.25}, None),
    "sinusoidal_gait": ({}, None),
    "start_position": ({}, None),
    "start_orientation": ({}, None),
}
"""What makes each command a certain one, and what drive.py is told."""
REFUSED = {
    "height_scan": "cannot read height_scan, a height_scan",
    "formula": "cannot read formula, a formula",
    "air_time": "cannot read air_time, a air_time",
    "drawn": "cannot read drawn, a drawn",
}
"""Observations that drive.py says it does not do."""
RANDOM = ("noise", "bias", "drop", "velocity_noise", "faults")


def kinds_of(object: str) -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "tests" / "kinds" / f"{object}.yaml").read_text())
    assert set(found) == set(KINDS[object])
    return found


def kind_plan(tmp_path: Path, task: dict[str, Any], robot: str) -> tuple[Plan, Path]:
    scene = ROOT / "tasks" / "robots" / robot / "scene.xml"
    task["PhysicsState"]["robot"]["model"] = str(scene)
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(task, sort_keys=False))
    return planned(tmp_path / "t.yaml"), scene


def agrees(plan: Plan, scene: Path, tmp_path: Path, commands: dict[str, Any]) -> None:
    """The inputs of the networks are those of the simulation while the poses are."""
    recording, _, rows = compared(drive(), plan, tmp_path / "p.onnx", scene, 12, commands)
    for tick, (pose, values) in enumerate(rows):
        np.testing.assert_allclose(pose, recording.qpos[tick], atol=1e-5)
        for column in plan.policy_input:
            part: Any = plan.task.of(column.source.object)[column.source.name]
            value = values[column.source.name]
            if column.source.object == "Observation":
                value = np.clip(value, *(part.clip or (-np.inf, np.inf))) * part.scale
            right = recording.inputs[str(column.source)][tick]
            scale = max(1.0, float(np.abs(right).max()))
            np.testing.assert_allclose(
                value / scale, right / scale, atol=1e-5, err_msg=f"{column.source} at {tick}"
            )


def test_drive_reads_every_kind_of_observation_as_the_simulation_does(tmp_path: Path) -> None:
    task, refused = yaml.safe_load(KIND_TASK), []
    for kind, example in kinds_of("Observation").items():
        part = {k: v for k, v in example["part"].items() if k not in RANDOM}
        if kind == "projected_gravity":
            part["lag"] = [0.3, 0.3]
        if kind.startswith("motion_"):
            continue  # test_drive_motion
        if kind in REFUSED:
            refused.append((kind, part, example.get("needs", {})))
            continue
        for section, parts in example.get("needs", {}).items():
            for name, needed in parts.items():
                fixed = {"forward": ["0.5 m/s", "0.5 m/s"], "acceleration": "1 m/s^2"}
                if needed["kind"] == "pose":
                    fixed = {"in": {"x": ["0.1 m"] * 2, "yaw": ["60 deg"] * 2}}
                task.setdefault(section, {})[name] = needed | (
                    fixed if section == "Command" else {}
                )
        task["Observation"][kind] = part
        task["Policy"]["actor"]["read"].append(kind)
    plan, scene = kind_plan(tmp_path, task, "humanoid")
    goal = np.array([0.1, 0.0, 0.0, math.cos(math.pi / 6), 0.0, 0.0, math.sin(math.pi / 6)])
    agrees(plan, scene, tmp_path, {"velocity": np.array([0.5, 0.0, 0.0]), "goal": goal})
    for kind, part, needed in refused:
        task = yaml.safe_load(KIND_TASK)
        for section, parts in needed.items():
            task.setdefault(section, {}).update(parts)
        task["Observation"][kind] = part
        task["Policy"]["actor"]["read"].append(kind)
        plan, scene = kind_plan(tmp_path, task, "humanoid")
        with pytest.raises(SystemExit, match=REFUSED[kind]):
            agrees(plan, scene, tmp_path, {})


def test_drive_tells_every_kind_of_command_as_the_simulation_does(tmp_path: Path) -> None:
    task, told = yaml.safe_load(KIND_TASK), {}
    for kind, example in kinds_of("Command").items():
        if kind not in TOLD:
            continue
        change, numbers = TOLD[kind]
        task.setdefault("Command", {})[kind] = example["part"] | change
        task["Policy"]["actor"].setdefault("obey", []).append(kind)
        if numbers is not None:
            told[kind] = np.array(numbers)
    plan, scene = kind_plan(tmp_path, task, "humanoid")
    agrees(plan, scene, tmp_path, told)
    missing = set(KINDS["Command"]) - set(TOLD)
    assert missing == {"joint_position", "motion"}  # of the motion: test_drive_motion
    task["Command"] = {"path": kinds_of("Command")["joint_position"]["part"]}
    task["Policy"]["actor"]["obey"] = ["path"]
    plan, scene = kind_plan(tmp_path, task, "humanoid")
    with pytest.raises(SystemExit, match=r"give the command path \(a joint_position\) 4 numbers"):
        agrees(plan, scene, tmp_path, {})


@pytest.mark.parametrize("kind", KINDS["Action"])
def test_drive_does_every_kind_of_action_or_the_export_refuses_it(
    kind: str, tmp_path: Path
) -> None:
    task = yaml.safe_load(KIND_TASK)
    part = {k: v for k, v in kinds_of("Action")[kind]["part"].items() if k not in RANDOM}
    if "latency" in part:
        part["latency"] = ["8 ms", "8 ms"]
    part = {k: v for k, v in part.items() if not k.startswith("max_") or "integrated" in kind}
    task["Action"] = {kind: part}
    robot = kinds_of("Action")[kind].get("robot", "humanoid")
    if robot == "quadrotor":  # it has no joints
        task["Observation"]["q"] = {"kind": "projected_gravity"}
    plan, scene = kind_plan(tmp_path, task, robot)
    if kind.startswith("integrated"):
        with pytest.raises(ExportError, match=f"Action.{kind}: {kind} integrates"):
            agrees(plan, scene, tmp_path, {})
    elif kind == "inverse_kinematics":
        with pytest.raises(ExportError, match="needs the robot's model"):
            agrees(plan, scene, tmp_path, {})
    else:
        agrees(plan, scene, tmp_path, {})
