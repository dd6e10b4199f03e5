"""examples/drive.py, on a robot's original file, does what ksim-play does."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from ksim_compiler.deploy.contract import bound, contract, contract_path
from ksim_compiler.deploy.graph import build
from ksim_compiler.deploy.targets import ExportError
from ksim_compiler.learn.run.policy import Policy, fresh_policy
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.play.record import record
from ksim_schema.vocabulary import KINDS
from tests.support.example import drive

ROOT = Path(__file__).parents[3]
HOSTILE = """<default><motor gear="50" ctrlrange="-.4 .4"/>
  <position gear="3" ctrlrange="-1 1" forcerange="-2 2"/><general gear="7"/></default>"""
ROBOT = """<mujoco><compiler angle="radian"/><option timestep="0.004"/>{default}
<worldbody>
  <geom type="plane" size="9 9 .1"/>
  <body name="trunk" pos="0 0 .6">{root}<site name="imu"/>
    <geom type="box" size=".2 .1 .05" mass="3"/>
    <body name="leg" pos=".1 0 -.05"><joint name="hip" axis="0 1 0" damping=".2" range="-1 1"/>
      <geom type="capsule" fromto="0 0 0 0 0 -.2" size=".03" mass=".5"/>
      <body name="foot" pos="0 0 -.2"><joint name="knee" axis="0 1 0" damping=".2"/>
        <geom name="sole" type="capsule" fromto="0 0 0 0 0 -.2" size=".03" mass=".3"/>
        <site name="toe" pos="0 0 -.2"/></body></body>
    <body name="arm" pos="-.1 0 .1"><joint name="shoulder" axis="0 1 0" damping=".2"/>
      <geom type="capsule" fromto="0 0 0 0 0 .2" size=".03" mass=".4"/></body>
  </body>
</worldbody>
<actuator>
  <position name="own_hip" joint="hip" kp="30"/>
  <position joint="shoulder" kp="8" kv=".5" gear="1" ctrlrange="-3 3" forcerange="-50 50"/>
  <motor name="own_knee" joint="knee" ctrlrange="-1 1" gear="10"/>
</actuator>
<sensor><gyro name="gyro" site="imu"/></sensor>
<keyframe>{empty}<key name="stand" qpos="{base}.2 -.4 1.1" ctrl="0 1.2 0"/></keyframe>
</mujoco>"""
FLOATING = {"root": "<freejoint/>", "base": "0 0 30 1 0 0 0 "}  # it falls for 2 s, touching nothing
FIXED = {"root": "", "base": ""}
GAINS = "gains: {kp: 20 N*m/rad, kd: 0.7 N*m*s/rad}"
ACTIONS = {
    "position": f"kind: position_target, scale: 0.5 rad, {GAINS}, torque_limit: 4 N*m",
    "velocity": "kind: velocity_target, scale: 2 rad/s, gain: 0.3 N*m*s/rad, torque_limit: 0.5 N*m",
    "torque": "kind: torque, scale: 3 N*m, torque_limit: 2 N*m",
    "late": f"kind: position_target, scale: 0.5 rad, {GAINS}, latency: [8 ms, 8 ms], "
    "update: 100 Hz, low_pass: 5 Hz, torque_limit: 3 N*m, "
    "torque_speed: {stall: 5 N*m, no_load_speed: 6 rad/s}",
    "by pattern": "kind: position_target, scale: {hip: 0.5 rad, knee: 20 deg}, "
    "gains: {hip: {kp: 20 N*m/rad, kd: 0.7 N*m*s/rad}, knee: {kp: 9 N*m/rad, kd: 0.4 N*m*s/rad}}, "
    "clip: {hip: [-1, 1], knee: [-0.3, 0.5]}, torque_limit: {hip: 4 N*m, knee: 2 N*m}",
    "now": f"kind: position_target, around: now, scale: 0.4 rad, {GAINS}, torque_limit: 4 N*m, "
    "clip_to_limits: true",
    "last": f"kind: position_target, around: last, scale: 0.1 rad, {GAINS}, torque_limit: 4 N*m, "
    "clip_to_limits: true",
    "both": f"kind: position_velocity_target, scale: 1 rad, velocity_scale: 2 rad/s, {GAINS}, "
    "clip_to_limits: true, velocity_noise: {gaussian: 0 rad/s}",
}
TASK = """
ksim: 1
task: t
PhysicsState:
  r: {{model: robot.xml, control: 50 Hz, home: {{keyframe: stand}}, solver: {{iterations: 7}}}}
Observation:
  q: {{kind: joint_position, relative_to: home, history: 3, delay: 50 ms}}
  dq: {{kind: joint_velocity, scale: 0.1, clip: [-5 rad/s, 5 rad/s]}}
  down: {{kind: projected_gravity}}
  turn: {{kind: base_angular_velocity}}
  gyro: {{kind: sensor, sensor: gyro}}
  last: {{kind: last_action}}
Action: {{a: {{joints: [hip, knee], {action}}}}}
Policy: {{actor: {{read: [q, dq, down, turn, gyro, last], network: {network}}}}}
Critic: {{critic: {{judge: {{clean: [q]}}, network: {{kind: mlp, hidden: [8]}}}}}}
Reward: {{alive: {{kind: stay_alive}}}}
Termination: {{time: {{kind: episode_length, after: 50 s}}}}
PPO: {{envs: 2, rollout: 8, minibatches: 1, normalize_observations: false}}
"""


def planned(task: Path, *settings: str) -> Plan:
    compiled = compile_file(task, settings)
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


def exported(plan: Plan, policy: Policy, path: Path) -> Path:
    graph, text = bound(build(plan, policy), contract(plan, policy, ""), path)
    path.write_bytes(graph)
    contract_path(path).write_text(text)
    return path


def stirred(plan: Plan) -> Policy:
    """A policy with large random weights."""
    fresh, rng = fresh_policy(plan, 1), np.random.default_rng(1)
    dynamic, static = eqx.partition(fresh.actor, eqx.is_inexact_array)
    moved = jax.tree.map(
        lambda x: jnp.asarray(x + 0.2 * rng.normal(size=x.shape), x.dtype), dynamic
    )
    return Policy(eqx.combine(moved, static), fresh.normalizer, 0)


def compared(
    example: Any,
    plan: Plan,
    path: Path,
    scene: Path,
    ticks: int,
    commands: dict[str, Any],
    policy: Policy | None = None,
) -> tuple[Any, Any, list[tuple[np.ndarray, dict[str, np.ndarray]]]]:
    """What the simulation recorded, the contract, and the pose and inputs of drive.py each tick."""
    policy = policy or fresh_policy(plan, 1)
    recording = record(plan, policy, seed=0, ticks=ticks)
    terms = example.read_contract(exported(plan, policy, path))
    robot = example.Robot(scene, terms)
    driver, rows = example.Driver(path, terms, commands), []
    for _ in range(ticks):
        pose = robot.data.qpos.copy()
        targets = driver.step(robot)
        rows.append((pose, driver.values))
        robot.drive(targets)
    return recording, terms, rows


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


KIND_TASK = """
ksim: 1
task: kinds
PhysicsState:
  robot: {model: scene.xml, control: 50 Hz, home: {keyframe: home}}
Observation: {q: {kind: joint_position}}
Action:
  a: {kind: position_target, scale: 0.4 rad, gains: {kp: 120 N*m/rad, kd: 5 N*m*s/rad}}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {alive: {kind: stay_alive}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 2, rollout: 8, minibatches: 1, normalize_observations: false}
"""
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
