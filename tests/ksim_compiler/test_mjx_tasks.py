"""What tasks ask of the physics means the same on MJX: an arm, a box, a ball on tiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from tests.support.engines import agree

MODEL = """
<mujoco>
  <option timestep="0.005" integrator="implicitfast"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 .1" friction=".6"/>
    <body name="upper" pos="0 0 .4">
      <joint name="shoulder" axis="0 1 0" range="-120 120"/>
      <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03" mass=".5" contype="0" conaffinity="0"/>
      <body name="lower" pos=".3 0 0">
        <joint name="elbow" axis="0 1 0" range="-120 120"/>
        <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03" mass=".3" contype="0"
          conaffinity="0"/>
        <geom name="tip" pos=".3 0 0" size=".03" mass=".1"/>
        <site name="tip" pos=".3 0 0"/>
      </body>
    </body>
    <body name="box" pos=".5 0 .099"><freejoint/>
      <geom name="box" type="box" size=".1 .1 .1" mass="1"/><site name="top" pos="0 0 .1"/></body>
  </worldbody>
  <sensor><accelerometer name="bump" site="top"/><force name="wrist" site="tip"/></sensor>
  <keyframe><key name="home" qpos=".3 .8  .5 0 .099 1 0 0 0"/></keyframe>
</mujoco>"""
TASK = """
ksim: 1
task: arm
PhysicsState:
  arm: {model: arm.xml, control: 50 Hz, home: {keyframe: home}, settle: 40 ms}
Observation:
  joints: {kind: joint_position}
  box: {kind: body_position, bodies: box}
  bump: {kind: sensor, sensor: bump}
  wrist: {kind: sensor, sensor: wrist}
Action:
  hand:
    kind: inverse_kinematics
    site: tip
    scale: 2 cm
    gains: {kp: 60 N*m/rad, kd: 3 N*m*s/rad}
    torque_limit: 30 N*m
    clip: [-1, 1]
Policy:
  actor: {act: hand, read: [joints, box]}
Critic:
  critic: {judge: {clean: [joints, box, bump, wrist]}}
Reward:
  touched: {kind: formula, expression: contact.tip.box + 2 * contact.box.floor}
  pressed: {kind: formula, expression: contact.box.floor.force / (10*N)}
  loaded: {kind: formula, expression: body.box.external_force.z / (10*N)}
  pulled: {kind: formula, expression: "exp(-(norm(sensor.wrist) / (10*N))**2)"}
  carried: {kind: formula, expression: body.upper.com_velocity.z / (1*m/s)}
  thrown: {kind: formula, expression: body.box.com_velocity.x / (1*m/s) + body.box.height / (1*m)}
Termination:
  time_limit: {kind: episode_length, after: 20 s}
Reset:
  place: {kind: body_pose, body: box, x: [-2 cm, 2 cm], z: [0 cm, 1 cm], yaw: [-90 deg, 90 deg]}
Event:
  nudge: {kind: linear_push, body: box, speed: [0.1 m/s, 0.3 m/s], every: [20 ms, 40 ms]}
  pull: {kind: force_push, body: box, force: 3 N, duration: 40 ms, every: [20 ms, 60 ms]}
Randomizer:
  grip: {kind: geom_friction, geoms: box, sliding: [0.4, 1.6]}
  size: {kind: collision_geometry, geoms: tip, factor: [0.95, 1.05]}
  mass: {kind: body_mass, body: box, factor: [0.5, 2]}
  rub: {kind: static_friction, add: [0 N*m, 0.1 N*m]}
  heavy: {kind: gravity, z: [-0.3 m/s^2, 0 m/s^2]}
"""


def compiled(folder: Path, task: str, model: str) -> Plan:
    (folder / "arm.xml").write_text(model)
    (folder / "task.yaml").write_text(task)
    found = compile_file(folder / "task.yaml")
    assert found.plan is not None, found.diagnostics
    return found.plan


@pytest.mark.slow  # a minute of XLA
def test_an_arm_and_a_box_do_on_mjx_what_they_do_on_native(tmp_path: Path) -> None:
    """Inverse kinematics, formulas of loads, poses, pushes, randomizers, and time to settle."""
    agree(compiled(tmp_path, TASK, MODEL), ticks=3, then=60)


TILES = """
ksim: 1
task: tiles
Command:
  way: {kind: linear_velocity, speed: [0 m/s, 1 m/s]}
PhysicsState:
  ball:
    model: arm.xml
    control: 50 Hz
    terrain:
      kind: grid
      levels: 2
      tile: 2 m
      resolution: 20 cm
      flat: 60 cm
      border: 1 m
      tiles: {rough: {height: [1 cm, 8 cm], spacing: 20 cm}, slope_up: {angle: [5 deg, 20 deg]}}
Observation:
  position: {kind: joint_position}
Action:
  torque: {kind: torque, scale: 1 N*m, torque_limit: 1 N*m}
Policy:
  actor: {act: torque, read: [position], obey: way}
Critic:
  critic: {judge: {clean: [position], obey: way}}
Reward:
  alive: {kind: stay_alive, scale: 1}
  high: {kind: formula, expression: base.height / (1*m)}
Termination:
  edge: {kind: off_terrain}
  time_limit: {kind: episode_length, after: 200 ms}
Reset:
  tile: {kind: terrain_tile}
Curriculum:
  level: {kind: terrain_level, command: way, first_levels: 2}
"""
BALL = """
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 .1"/>
    <body name="ball" pos="0 0 .095"><freejoint/><geom name="ball" size=".1" mass="1"/>
      <body><joint name="spin" axis="0 1 0"/><geom size=".02" mass=".1" contype="0"/></body></body>
  </worldbody>
</mujoco>"""


@pytest.mark.slow  # a minute of XLA
def test_a_ball_on_tiles_with_levels_does_on_mjx_what_it_does_on_native(tmp_path: Path) -> None:
    env = agree(compiled(tmp_path, TILES, BALL), ticks=2, then=25)
    assert env.engine.name == "mjx"
