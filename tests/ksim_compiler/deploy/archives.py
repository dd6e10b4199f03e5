"""Policies as kinfer archives, and what runs them."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import yaml

from ksim_compiler.deploy.contract import contract
from ksim_compiler.deploy.graph import build
from ksim_compiler.deploy.kinfer import Archive
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.plan import Plan
from tests.support import example

ROBOT = Path(__file__).parents[2] / "invalid" / "robots" / "biped.xml"
TICKS = 12
TASK = """ksim: 1
task: walk
PhysicsState: {biped: {model: biped.xml, control: 50 Hz, home: {keyframe: home}}}
Command:
  velocity:
    {kind: planar_velocity, forward: [0 m/s, 1 m/s], turn: [-1 rad/s, 1 rad/s],
     acceleration: 20 m/s^2}
  along: {kind: linear_velocity, speed: [0 m/s, 1 m/s], direction: 1 rad}
  beat: {kind: phase, period: 0.7 s, start: 0.2, offsets: [0, 0.5]}
  free: {kind: float_vector, ranges: [[0, 1], [-1, 1]]}
  began: {kind: start_position}
Observation:
  joints: {kind: joint_position, relative_to: home}
  speeds: {kind: joint_velocity, scale: 0.1}
  gravity: {kind: projected_gravity}
  gyro: {kind: sensor, sensor: imu_gyro, scale: 0.3, clip: [-1 rad/s, 1 rad/s]}
  last: {kind: last_action}
  clock: {kind: phase_clock, period: 0.8 s}
  turning: {kind: base_angular_velocity, body: trunk}
  elsewhere: {kind: base_angular_velocity, body: leg_left}
  told: {kind: command, command: velocity, delay: 20 ms, history: 2}
  hips: {kind: joint_position, joints: "hip_.*"}
  velocity_of_base: {kind: base_linear_velocity}
  feet: {kind: contact, geoms: [foot_left, foot_right], with: floor}
Action:
  aims:
    kind: position_target
    torque_limit: {"(hip|tail).*": 50 N*m, "knee.*": 500 N}
    scale: {"(hip|tail).*": 0.5 rad, "knee.*": 10 cm}
    gains:
      "(hip|tail).*": {kp: 50 N*m/rad, kd: 1 N*m*s/rad}
      "knee.*": {kp: 900 N/m, kd: 9 N*s/m}
Policy:
  actor:
    read: [joints, speeds, gravity, gyro, last, clock]
    obey: [velocity]
    network: {kind: mlp, hidden: [16, 16]}
Critic: {critic: {judge: {clean: [joints], obey: [velocity]}}}
Reward: {alive: {kind: stay_alive}}
Termination: {time: {kind: episode_length, after: 20 s}}
"""
HIPS = {
    "kind": "position_target",
    "joints": "(hip|tail).*",
    "scale": "0.5 rad",
    "torque_limit": "50 N*m",
    "gains": {"kp": "50 N*m/rad", "kd": "1 N*m*s/rad"},
}
KNEES = {
    **HIPS,
    "joints": "knee.*",
    "scale": "10 cm",
    "torque_limit": "500 N",
    "gains": {"kp": "900 N/m", "kd": "9 N*s/m"},
}
PULLS = {"kind": "torque", "joints": "hip.*", "scale": "9 N*m"}
CASES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "a network with a memory": {
        "Policy": {"actor": {"network": {"kind": "lstm", "hidden": 12, "depth": 2}}}
    },
    "history, delay and lag": {
        "Observation": {
            "joints": {"history": 3},
            "speeds": {"delay": "40 ms"},
            "gravity": {"lag": [0.2, 0.4]},
            "last": {"delay": "20 ms", "history": 2},
        }
    },
    "a filter, and the present pose": {
        "Action": {
            "aims": {"low_pass": "5 Hz", "around": "now", "clip_to_limits": True, "squash": "tanh"}
        }
    },
    "an IMU in the trunk, and a command that is seen late": {
        "Policy": {"actor": {"read": ["turning", "told", "hips", "clock"], "obey": None}}
    },
    "commands of several kinds": {
        "Policy": {"actor": {"obey": ["velocity", "along", "beat", "free"]}}
    },
    "several actions, not in the order of the joints": {
        "Action": {"aims": None, "knees": KNEES, "hips": HIPS},
        "Policy": {"actor": {"act": ["knees", "hips"]}},
    },
}


def changed(base: Any, changes: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    merged = base | {key: changed(base.get(key), value) for key, value in changes.items()}
    return {key: value for key, value in merged.items() if value is not None}


def compiled_of(folder: Path, changes: dict[str, Any]) -> Compiled:
    shutil.copy(ROBOT, folder)
    text = yaml.safe_dump(changed(yaml.safe_load(TASK), changes), sort_keys=False)
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    return compile_file(folder / "task.yaml", name="task.yaml")


def plan_of(folder: Path, changes: dict[str, Any]) -> Plan:
    compiled = compiled_of(folder, changes)
    assert compiled.plan is not None, [d for d in compiled.diagnostics if d.severity == "error"]
    return compiled.plan


class Body:
    """A robot that measures something else at each tick."""

    def __init__(self, plan: Plan, terms: dict[str, Any], archive: Archive) -> None:
        self.plan, self.archive = plan, archive
        self.outputs = terms["outputs"][1:]
        self.frames = {s["name"] for s in terms["sensors"] if s["type"] == "framequat"}
        self.turning = {s["name"] for s in terms["sensors"] if s["type"] == "frameangvel"}
        self.rng = np.random.default_rng(5)

    def tick(self) -> None:
        joints = [joint.name for joint in self.plan.robot.facts.motion_joints]
        self.joints = {
            what: dict(zip(joints, self.rng.normal(0, 0.5, len(joints)), strict=True))
            for what in ("qpos", "qvel")
        }
        self.quaternion = self.rng.normal(size=4)
        self.quaternion /= np.linalg.norm(self.quaternion)
        self.gyro = self.rng.normal(0, 2, 3)

    def of_joints(self, what: str, names: Sequence[str]) -> np.ndarray:
        return np.array([self.joints[what][name] for name in names])

    def sensor(self, name: str) -> np.ndarray:
        if name in self.frames:
            return self.quaternion
        if name in self.turning:  # MuJoCo's is in the world's axes
            return self.rotation() @ self.gyro
        assert name == "imu_gyro"
        return self.gyro

    def rotation(self) -> np.ndarray:
        w, x, y, z = self.quaternion
        return np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )

    def given(self, commands: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What kinfer's provider reads of it."""
        return {
            "joint_angles": self.of_joints("qpos", self.archive.joints),
            "joint_angular_velocities": self.of_joints("qvel", self.archive.joints),
            "projected_gravity": self.rotation().T @ [0.0, 0.0, -9.81],
            "gyroscope": self.gyro,
            "command": np.concatenate([np.zeros(0), *commands.values()]),
        }


def parts_of(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore[union-attr]


def by_onnxruntime(data: bytes, given: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    """What the archive's models give, run as kinfer runs them."""
    parts = parts_of(data)
    init = onnxruntime.InferenceSession(parts["init_fn.onnx"])
    step = onnxruntime.InferenceSession(parts["step_fn.onnx"])
    (carry,) = init.run(None, {})
    names = [entry.name for entry in step.get_inputs()]
    actions = []
    for values in given:
        feed = {n: np.float32(values[n]) for n in names if n != "carry"}
        action, carry = step.run(None, feed | {"carry": carry})
        actions.append(action)
    return actions


def by_kinfer(path: Path, given: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    """What kinfer sends, which reads the archive by itself."""
    from kinfer.rust_bindings import ModelProviderABC, PyModelRunner

    actions: list[np.ndarray] = []

    class Provider(ModelProviderABC):
        def get_inputs(self, input_types: Sequence[str], metadata: Any) -> dict[str, np.ndarray]:
            values = given[len(actions)]
            return {name: np.float32(values[name]) for name in input_types}

        def take_action(self, action: np.ndarray, metadata: Any) -> None:
            actions.append(np.array(action))

    PyModelRunner(str(path), Provider(), None).run(timedelta(milliseconds=1), None, len(given))
    return actions


def driven(
    folder: Path, plan: Plan, policy: Policy, parts: Archive
) -> tuple[list[dict[str, np.ndarray]], list[np.ndarray]]:
    """What a robot measures in some ticks, and what the example's program then sets."""
    (folder / "policy.onnx").write_bytes(build(plan, policy).SerializeToString())
    terms = json.loads(json.dumps(contract(plan, policy, "")))
    drive, rng = example.drive(), np.random.default_rng(2)
    sizes: dict[str, int] = {}
    for label in parts.commands:
        name = label.partition(".")[0] if "." in label else "velocity"
        sizes[name] = sizes.get(name, 0) + 1
    commands = {name: np.zeros(size) for name, size in sizes.items()}
    driver = drive.Driver(folder / "policy.onnx", terms, commands)
    body, given, wanted = Body(plan, terms, parts), [], []
    for tick in range(TICKS):
        if tick % 4 == 0:
            for value in commands.values():
                value[:] = rng.normal(size=value.size)
        body.tick()
        given.append(body.given(commands))
        aims, found = driver.step(body), {}
        for output in body.outputs:
            found |= dict(zip(output["joints"], aims[output["name"]], strict=True))
        wanted.append(np.array([found[name] for name in parts.joints]))
    return given, wanted
