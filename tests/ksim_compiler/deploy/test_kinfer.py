"""Archives of kinfer: K-Scale's engine is given what a robot measures, and sends our targets."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.cli.export import main
from ksim_compiler.deploy.kinfer import archive
from ksim_compiler.deploy.kinfer.archive import _packed
from ksim_compiler.learn.run.policy import load_policy
from ksim_schema.diagnostics import TaskError
from tests.ksim_compiler.deploy.archives import (
    CASES,
    HIPS,
    PULLS,
    by_kinfer,
    by_onnxruntime,
    compiled_of,
    driven,
    parts_of,
    plan_of,
)
from tests.ksim_compiler.deploy.test_export import policy_of
from tests.support.runs import run_folder


@pytest.mark.parametrize("case", CASES)
def test_an_archive_gives_the_targets_of_the_policy(case: str, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, CASES[case])
    policy = policy_of(plan)
    parts = archive(plan, policy, {})
    data = parts.packed()
    (tmp_path / "policy.kinfer").write_bytes(data)
    told = json.loads(parts_of(data)["metadata.json"])
    assert told == parts.metadata
    assert len(told["joint_names"]) == plan.action_size == 5
    given, wanted = driven(tmp_path, plan, policy, parts)
    np.testing.assert_allclose(by_onnxruntime(data, given), wanted, rtol=1e-5, atol=1e-5)
    assert np.ptp(wanted, axis=0).min() > 1e-2, "nothing that is given matters"
    if importlib.util.find_spec("kinfer") is not None:
        sent = by_kinfer(tmp_path / "policy.kinfer", given)
        np.testing.assert_allclose(sent, wanted, rtol=1e-5, atol=1e-5)


def test_the_first_targets_are_those_of_jax(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {})
    policy, facts = policy_of(plan), plan.robot.facts
    parts = archive(plan, policy, {})
    rng = np.random.default_rng(3)
    body = {name: rng.normal(size=5) for name in ("joint_angles", "joint_angular_velocities")}
    gravity, body["gyroscope"] = rng.normal(size=3), rng.normal(size=3)
    body["projected_gravity"] = 9.81 * gravity / np.linalg.norm(gravity)
    body["command"] = np.array([0.5, 0.1, 0.3])
    home = np.array([joint.home[0] for joint in facts.motion_joints])
    now = {
        "joints": body["joint_angles"] - home,
        "speeds": 0.1 * body["joint_angular_velocities"],
        "gravity": gravity / np.linalg.norm(gravity),
        "gyro": 0.3 * np.clip(body["gyroscope"], -1, 1),
        "last": np.zeros(5),
        "clock": np.array([0.0, 1.0]),
        "velocity": [0.0, 0.0, 0.3],  # its speeds begin at rest: the task limits their change
    }
    row = np.concatenate([now[column.source.name] for column in plan.policy_input])
    assert policy.normalizer is not None
    carry = policy.actor.network.initial_carry(1)
    distribution, _ = policy.actor(policy.normalizer(jnp.float32(row[None])), carry)
    action = np.asarray(distribution.mode()[0])
    assert parts.joints == ("hip_left", "knee_left", "hip_right", "knee_right", "tail")
    wanted = home + np.array([0.5, 0.1, 0.5, 0.1, 0.5]) * action
    (sent,) = by_onnxruntime(parts.packed(), [body])
    np.testing.assert_allclose(sent, wanted, rtol=1e-5, atol=1e-5)


def test_without_kinfer_the_archive_is_the_same(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {})
    parts = archive(plan, policy_of(plan), {})
    first, second = (_packed(archive(plan, policy_of(plan), {})) for _ in range(2))
    assert first == second
    assert parts_of(first) == {
        "init_fn.onnx": parts.init.SerializeToString(),
        "step_fn.onnx": parts.step.SerializeToString(),
        "metadata.json": json.dumps(parts.metadata).encode(),
    }
    if importlib.util.find_spec("kinfer") is not None:
        theirs, ours = parts_of(parts.packed()), parts_of(first)
        assert json.loads(theirs.pop("metadata.json")) == json.loads(ours.pop("metadata.json"))
        assert theirs == ours


WRONG: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "a base velocity": (
        {"Policy": {"actor": {"read": ["joints", "velocity_of_base"]}}},
        "KS0655",
        "kinfer cannot give what the policy reads as 'velocity_of_base' (base_linear_velocity)",
        "Observation.velocity_of_base.kind",
    ),
    "contacts": (
        {"Policy": {"actor": {"read": ["joints", "feet"]}}},
        "KS0655",
        "kinfer cannot give what the policy reads as 'feet' (contact)",
        "Observation.feet.kind",
    ),
    "two gyroscopes": (
        {"Policy": {"actor": {"read": ["turning", "elsewhere"]}}},
        "KS0655",
        "'elsewhere' needs a second gyroscope, besides 'turning'",
        "Observation.elsewhere.kind",
    ),
    "a joint without a target": (
        {"Action": {"aims": None, "hips": HIPS}, "Policy": {"actor": {"read": ["joints"]}}},
        "KS0655",
        "the policy reads 'knee_left' and sets no target of it",
        "Observation.joints.kind",
    ),
    "torques": (
        {
            "Action": {"aims": None, "pulls": PULLS},
            "Policy": {"actor": {"read": ["hips"]}},
        },
        "KS0656",
        "kinfer sends no torque of 'pulls'",
        "Action.pulls.kind",
    ),
    "where an episode began": (
        {"Policy": {"actor": {"obey": ["velocity", "began"]}}},
        "KS0655",
        "the command 'began' (start_position) depends on where the robot is",
        "Command.began.kind",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_kinfer_cannot_do_is_said_at_its_line(case: str, tmp_path: Path) -> None:
    changes, code, message, path = WRONG[case]
    plan = plan_of(tmp_path, changes)
    with pytest.raises(TaskError) as raised:
        archive(plan, policy_of(plan), {})
    (found,) = raised.value.diagnostics
    assert (found.code, found.message, found.path) == (code, message, path)
    part = path.split(".")[1]
    line = (tmp_path / "task.yaml").read_text().splitlines()[found.where.line - 1]
    above = (tmp_path / "task.yaml").read_text().splitlines()[found.where.line - 2]
    assert line.strip().startswith("kind:")
    assert above.strip() == f"{part}:"


def test_the_command_writes_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled = run_folder(tmp_path / "run", compiled_of(tmp_path, {}), checkpoints=[10])
    assert compiled.plan is not None
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--format", "kinfer"]) == 0
    out = capsys.readouterr().out
    assert "command: xvel, yvel, yawrate" in out
    assert "note: the projected gravity is read in the axes of body trunk" in out
    told = json.loads((tmp_path / "policy.kinfer.json").read_text())
    assert told["kinfer"]["metadata"]["command_names"] == ["xvel", "yvel", "yawrate"]
    policy = load_policy(tmp_path / "run", compiled.plan)
    parts = archive(compiled.plan, policy, {})
    data = (tmp_path / "policy.kinfer").read_bytes()
    assert parts_of(data)["step_fn.onnx"] == parts.step.SerializeToString()
    assert main(["run", "--format", "kinfer", "-o", "policy.onnx"]) == 2
    assert "the name of a kinfer file ends in .kinfer" in capsys.readouterr().err
    assert main(["run", "-o", "legs.kinfer", "--episodes", "3"]) == 2

    blind = compiled_of(tmp_path, {"Policy": {"actor": {"read": ["joints", "feet"]}}})
    run_folder(tmp_path / "blind", blind, checkpoints=[10])
    capsys.readouterr()
    assert main(["blind", "-o", "legs.kinfer"]) == 1
    err = capsys.readouterr().err
    assert "error KS0655: kinfer cannot give what the policy reads as 'feet'" in err
    assert "task.json:" in err, "the place in the task that the run keeps"
    assert not (tmp_path / "legs.kinfer").exists()
