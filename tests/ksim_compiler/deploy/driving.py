"""A robot, tasks on it, and what examples/drive.py does with a policy beside the simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ksim_compiler.deploy.contract import bound, contract, contract_path
from ksim_compiler.deploy.graph import build
from ksim_compiler.learn.run.policy import Policy, fresh_policy
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.play.record import record

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
