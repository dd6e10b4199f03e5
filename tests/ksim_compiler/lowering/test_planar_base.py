"""Velocities of a base that does not float: a rover on two slides and a hinge, against MuJoCo."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import mujoco
import numpy as np
import pytest
import yaml

from ksim_compiler.env import Env
from ksim_compiler.learn.run.tracking import watch
from ksim_compiler.pipeline import Compiled, compile_file

MODEL = """<mujoco><option timestep="0.005" gravity="0 0 -9.81"/><worldbody>
<geom name="floor" type="plane" size="0 0 1"/>
<body name="chassis" pos="0 0 0.2">
<joint name="x" type="slide" axis="1 0 0" damping="1"/>
<joint name="y" type="slide" axis="0 1 0" damping="1"/>
<joint name="yaw" axis="0 0 1" damping="1"/>
<geom name="box" type="box" size=".2 .1 .05" mass="5"/>
<body name="arm" pos="0.1 0 0.1"><joint name="shoulder" axis="0 1 0" damping=".5"/>
<geom name="link" type="capsule" fromto="0 0 0 .3 0 0" size=".02" mass="1"/></body></body>
</worldbody></mujoco>"""
TASK = """
ksim: 1
task: rover
PhysicsState: {rover: {model: m.xml, control: 50 Hz}}
Command:
  velocity: {kind: planar_velocity, forward: [0.4 m/s, 0.4 m/s], sideways: [0.1 m/s, 0.1 m/s],
             turn: [0.2 rad/s, 0.2 rad/s]}
Observation:
  q: {kind: joint_position}
  v: {kind: base_linear_velocity}
Action: {a: {kind: torque, joints: .*, scale: 4, torque_limit: 20}}
Policy: {actor: {read: [q, v], obey: velocity, network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q], obey: velocity}, network: {kind: mlp, hidden: [8]}}}
Reward:
  along: {kind: track_linear_velocity, command: velocity, error_scale: 0.5 m/s}
  own: {kind: track_linear_velocity, command: velocity, error_scale: 0.5 m/s, frame: robot}
  world: {kind: track_linear_velocity, command: velocity, error_scale: 0.5 m/s, frame: world}
  turn: {kind: track_angular_velocity, command: velocity, error_scale: 0.5 rad/s}
  ksim: {kind: linear_velocity, command: velocity}
  ahead: {kind: velocity_along, direction: [0, 2, 0]}
  mass: {kind: velocity_along, of: center_of_mass, direction: [0.6, 0.8, 0]}
Termination:
  time: {kind: episode_length, after: 2 s}
  fast: {kind: bad_velocity, max_speed: 0.25 m/s}
  far: {kind: far_from_origin, distance: 3 cm}
PPO: {envs: 4, rollout: 8, minibatches: 2}
"""


def made(folder: Path, model: str = MODEL, task: str = TASK) -> Compiled:
    (folder / "m.xml").write_text(model)
    task = yaml.safe_load(task)
    for name in ("x", "y"):
        task["Action"]["a"]["joints"] = ["shoulder", "yaw"]
        push = {"kind": "torque", "joints": name, "scale": "4 N", "torque_limit": "20 N"}
        task["Action"][name] = push
    task["Policy"]["actor"]["act"] = ["a", "x", "y"]
    task["Action"]["a"] |= {"scale": "2 N*m", "torque_limit": "20 N*m"}
    (folder / "t.yaml").write_text(yaml.safe_dump(task, sort_keys=False))
    return compile_file(folder / "t.yaml")


def test_velocities_are_those_of_mujoco(tmp_path: Path) -> None:
    compiled = made(tmp_path)
    assert compiled.plan is not None, compiled.diagnostics
    env = Env(compiled.plan, "native", threads=1)
    assert env.robot.root == "chassis"
    state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
    model = compiled.plan.robot.model
    random, measure = np.random.default_rng(3), watch(env)
    judged = 0
    for _ in range(12):
        action = random.uniform(-1, 1, (4, env.action_size)).astype(np.float32)
        state, out = step(env.params, state, action)
        judged += _checked(model, state, out)
    assert judged > 20
    told = measure(state, state)
    assert set(told) == {"velocity.forward", "velocity.sideways", "velocity.turn"}


def _checked(model: Any, state: Any, out: Any) -> int:
    """Compare the rewards of a tick with what follows from MuJoCo's sensors; how many it were."""
    data: Any = mujoco.MjData(model)
    place, speed = np.asarray(state.world["qpos"]), np.asarray(state.world["qvel"])
    judged = 0
    sensors = np.asarray(state.world["sensordata"])
    for row in range(len(place)):
        if bool(out.failure[row]) or bool(out.timeout[row]):
            continue
        judged += 1
        data.qpos[:], data.qvel[:] = place[row], speed[row]
        mujoco.mj_forward(model, data)
        terms = {name: float(values[row]) for name, values in out.reward_terms.items()}
        linear = _sensor(model, sensors[row], "ksim/framelinvel/xbody/chassis")
        angular = _sensor(model, sensors[row], "ksim/frameangvel/xbody/chassis")
        mass = _sensor(model, sensors[row], "ksim/subtreelinvel/body/chassis")
        # one physics step later, the velocities of the bodies differ by that step's change
        found = np.zeros(6)
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, 1, found, 0)
        np.testing.assert_allclose(linear, found[3:], atol=0.05)
        np.testing.assert_allclose(angular, found[:3], atol=0.3)
        yaw = 2 * math.atan2(*_sensor(model, sensors[row], "ksim/framequat/xbody/chassis")[[3, 0]])
        own = (
            np.array([[math.cos(yaw), math.sin(yaw)], [-math.sin(yaw), math.cos(yaw)]]) @ linear[:2]
        )
        told = np.array([0.4, 0.1])
        kernel = lambda error: math.exp(-float(np.sum(error**2)) / 0.25)  # noqa: E731
        assert terms["along"] == pytest.approx(kernel(own - told), abs=1e-5)
        assert terms["own"] == pytest.approx(kernel(own - told), abs=1e-5)
        assert terms["world"] == pytest.approx(kernel(linear[:2] - told), abs=1e-5)
        assert terms["turn"] == pytest.approx(kernel(angular[2] - 0.2), abs=1e-5)
        assert terms["ahead"] == pytest.approx(2 * linear[1], abs=1e-5)
        assert terms["mass"] == pytest.approx(mass @ [0.6, 0.8, 0], abs=1e-5)
    return judged


def _sensor(model: Any, row: np.ndarray, name: str) -> np.ndarray:
    sensor = model.sensor(name)
    return row[sensor.adr[0] : sensor.adr[0] + sensor.dim[0]].astype(float)


def test_an_episode_ends_where_a_base_that_does_not_float_is_far_or_fast(tmp_path: Path) -> None:
    compiled = made(tmp_path)
    assert compiled.plan is not None
    env = Env(compiled.plan, "native", threads=1)
    state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
    ended = {"fast": 0, "far": 0}
    for _ in range(40):
        action = np.zeros((4, env.action_size), np.float32)
        action[:, -2:] = np.array([[1, 0], [0, 1], [1, 1], [0.02, 0]])
        before = np.asarray(state.world["qpos"])[:, :2]
        state, out = step(env.params, state, action)
        for name in ended:
            ended[name] += int(np.asarray(out.terminations[name]).sum())
        slow = ~np.asarray(out.terminations["far"])
        assert (np.hypot(*before[slow].T) <= 0.03 + 1e-6).all()
    assert ended["fast"] >= 3
    assert ended["far"] >= 1


def test_a_base_that_cannot_move_is_told(tmp_path: Path) -> None:
    fixed = MODEL.replace('<joint name="x" type="slide" axis="1 0 0" damping="1"/>', "")
    fixed = fixed.replace('<joint name="y" type="slide" axis="0 1 0" damping="1"/>', "")
    fixed = fixed.replace('<joint name="yaw" axis="0 0 1" damping="1"/>', "")
    (tmp_path / "m.xml").write_text(fixed)
    task = yaml.safe_load(TASK)
    task["Action"]["a"] |= {"scale": "2 N*m", "torque_limit": "20 N*m"}
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(task, sort_keys=False))
    told = (d for d in compile_file(tmp_path / "t.yaml").diagnostics if d.code == "KS0404")
    said = {d.path.split(".")[1] for d in told}
    assert {"along", "own", "world", "turn", "ksim", "fast", "far"} <= said
