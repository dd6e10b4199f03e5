"""A randomizer that is said to do nothing does nothing in MuJoCo, and the others do something."""

from __future__ import annotations

import copy
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, make_engine
from ksim_compiler.engine.base import model_value
from ksim_compiler.env.tick import Tick
from ksim_compiler.pipeline import compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse

MODEL = """
<mujoco>
  <option timestep="0.005"/>
  <asset><mesh name="tetra" vertex="0 0 0 .1 0 0 0 .1 0 0 0 .1"/></asset>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1" friction="0.5"/>
    <geom name="carpet" type="plane" size="0 0 1" pos="0 0 -1"/>
    <body name="still" pos="5 0 1"><geom name="wall" type="box" size=".1 .1 .1" mass="1"/></body>
    <body name="lossy" pos="0 0 2">
      <joint name="a" axis="0 1 0" damping="1" frictionloss="0.1" armature="0.1"
        actuatorfrcrange="-5 5"/>
      <geom name="ghost" type="sphere" size="0.1" pos="0.3 0 0" mass="1" contype="0"
        conaffinity="0"/>
      <site name="imu"/>
    </body>
    <body name="bare" pos="0 1 2">
      <joint name="b" axis="0 1 0" actuatorfrcrange="-5 5"/>
      <geom name="shell" type="mesh" mesh="tetra" mass="1" friction="0.1"/>
    </body>
    <body name="sled" pos="0 3 0.1">
      <freejoint/>
      <geom name="runner" type="box" size=".1 .1 .1" mass="1" friction="0.1"/>
    </body>
    <body name="paired" pos="0 5 0.1">
      <freejoint/>
      <geom name="foot" type="box" size=".1 .1 .1" mass="1" contype="0" conaffinity="0"/>
    </body>
  </worldbody>
  <contact>PAIR</contact>
  <sensor><accelerometer name="imu" site="imu"/></sensor>
</mujoco>
"""
PAIR = '<pair geom1="foot" geom2="floor" friction="0.6 0.6"/>'
TASK = """
ksim: 1
task: inert
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Observation: {q: {kind: joint_position, joints: a}}
Action:
  s: {kind: position_target, joints: a, scale: 1 rad, gains: {kp: 5 N*m/rad, kd: 0.1 N*m*s/rad}}
Policy: {actor: {read: [q]}}
Critic: {critic: {judge: {clean: [q]}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {limit: {kind: episode_length, after: 1 s}}
Randomizer: {x: {kind: PART}}
"""
WORKS = (
    "static_friction, joints: a, factor: [0.5, 2]",
    "joint_damping, joints: a, factor: [0.5, 2]",
    "armature, joints: a, factor: [0.5, 2]",
    "servo_gains, joints: a, kp: [0.5, 2]",
    "servo_gains, joints: a, kd: [0.5, 2]",
    "motor_strength, joints: a, factor: [0.5, 2]",
    "body_mass, body: lossy, factor: [0.5, 2]",
    "body_mass, body: lossy, add: [0.1 kg, 0.2 kg]",
    "centre_of_mass, body: lossy, range: 2 cm",
    "inertia, body: lossy, factor: [0.5, 2]",
    "imu_alignment, site: imu, tilt: 5 deg",
    "collision_geometry, geoms: runner, factor: [0.5, 0.9]",
    "floor_friction, range: [0.2, 0.9]",
    "gravity, vertical: 1 m/s^2",
    "joint_zero, joints: a, range: 5 deg",
)
INERT = (
    "static_friction, joints: b, factor: [0.5, 2]",
    "joint_damping, joints: b, factor: [0.5, 2]",
    "armature, joints: b, factor: [0.5, 2]",
    "servo_gains, joints: b, kp: [0.5, 2], kd: [0.5, 2]",
    "servo_gains, joints: a",
    "motor_strength, joints: b, factor: [0.5, 2]",
    "motor_strength, joints: a, factor: [1, 1]",
    "body_mass, body: still, factor: [0.5, 2]",
    "body_mass, body: lossy",
    "centre_of_mass, body: still, range: 2 cm",
    "centre_of_mass, body: lossy, range: 0 cm",
    "inertia, body: still, factor: [0.5, 2]",
    "imu_alignment, site: imu, tilt: 0 deg",
    "collision_geometry, geoms: ghost, factor: [0.5, 2]",
    "collision_geometry, geoms: shell, factor: [0.5, 2]",
    "floor_friction, range: [0.02, 0.05]",
    "floor_friction, geom: carpet, range: [0.02, 0.05]",
    "gravity",
    "joint_zero, joints: a, range: 0 deg",
)


def compiled(part: str, pair: str = "") -> tuple[Plan, list[str]]:
    found = Sink()
    document = parse(TASK.replace("PART", part), "test.yaml", found)
    assert document is not None, found
    files = ModelFiles("m.xml", {"m.xml": MODEL.replace("PAIR", pair).encode()})
    result = compile_document(document, files)
    assert result.plan is not None, [d.message for d in result.diagnostics]
    return result.plan, [d.code for d in result.diagnostics]


def trajectory(plan: Plan, seed: int) -> np.ndarray:
    """Velocities and sensors during 0.5 s of plain MuJoCo with the values of one draw."""
    own = {n: model_value(plan.robot.model, n) for n in plan.model_fields}
    single = {n: jnp.asarray(value, jnp.float32) for n, value in own.items()}
    tick = Tick(plan, single)
    keys = jax.random.key(seed), jax.random.key(0)
    *_, drawn = tick.start(tick.parts, *keys, jnp.float32(1), jnp.int32(0), {})
    model = copy.copy(plan.robot.model)
    for name, value in own.items():
        same = np.asarray(drawn[name]) == np.asarray(single[name])
        model_value(model, name)[...] = np.where(same, value, np.asarray(drawn[name]))
    data = mujoco.MjData(model)
    mujoco.mj_setConst(model, data)
    mujoco.mj_resetData(model, data)
    for name, speed in (("sled", 1.0), ("paired", 1.0)):
        data.qvel[model.body(name).dofadr[0]] = speed
    data.ctrl[:] = 0.5
    rows = []
    for _ in range(100):
        mujoco.mj_step(model, data)
        rows.append(np.concatenate([data.qvel, data.sensordata]))
    return np.array(rows)


@pytest.mark.parametrize("part", WORKS)
def test_a_randomizer_that_works_is_not_warned_of(part: str) -> None:
    plan, codes = compiled(part)
    assert "KS0467" not in codes
    assert np.abs(trajectory(plan, 1) - trajectory(plan, 2)).max() > 1e-4


@pytest.mark.parametrize("part", INERT)
def test_a_randomizer_without_effect_is_warned_of(part: str) -> None:
    plan, codes = compiled(part)
    assert "KS0467" in codes
    np.testing.assert_array_equal(trajectory(plan, 1), trajectory(plan, 2))


@pytest.mark.parametrize("engine", ["native", pytest.param("mjx", marks=pytest.mark.slow)])
def test_the_friction_of_a_pair_of_the_ground_is_drawn_too(engine: str) -> None:
    plan, codes = compiled("floor_friction, range: [0.2, 0.7]", PAIR)
    assert "KS0467" not in codes
    assert plan.model_fields == ("geom_friction", "pair_friction")
    own = {n: model_value(plan.robot.model, n) for n in plan.model_fields}
    single = {n: jnp.asarray(value, jnp.float32) for n, value in own.items()}
    tick = Tick(plan, single)
    keys = jax.random.split(jax.random.key(0), 3)
    start = jax.vmap(lambda key: tick.start(tick.parts, key, key, jnp.float32(1), jnp.int32(0), {}))
    *_, drawn = start(keys)
    friction = np.asarray(drawn["pair_friction"])[:, 0, :2]
    assert friction.std(axis=0).min() > 0.05
    np.testing.assert_array_equal(friction[:, 0], friction[:, 1])
    model = plan.robot.model
    built = make_engine(engine, EngineSpec(model, 3, 1, ("qvel",), plan.model_fields))
    dof = int(model.body("paired").dofadr[0])
    speed = np.zeros((3, model.nv), np.float32)
    speed[:, dof] = 1.0
    place = np.broadcast_to(model.qpos0.astype(np.float32), (3, model.nq))
    state, _ = built.reset(place, speed, drawn)
    step = jax.jit(built.step)
    for _ in range(20):
        state, world = step(state, np.zeros((3, model.nu), np.float32))
    expected = []
    for row in friction:
        plain = copy.copy(model)
        plain.pair_friction[0, :2] = row
        data = mujoco.MjData(plain)
        data.qvel[dof] = 1.0
        for _ in range(20):
            mujoco.mj_step(plain, data)
        expected.append(data.qvel[dof])
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(np.asarray(world["qvel"])[:, dof], expected, atol=1e-5)


CROWDED = """
<mujoco>
  <worldbody>
    <geom name="floor" type="box" size="1 1 .1" pos="0 0 -.1"/>
    <geom name="far" type="box" size=".1 .1 .1" pos="3 0 0"/>
    <body pos="0 0 .15"><freejoint/>
      <geom name="s" type="sphere" size=".1"/><geom type="sphere" size=".05" pos="0 0 .3"/></body>
    <body pos=".5 0 .15"><freejoint/><geom name="t" type="sphere" size=".1"/></body>
  </worldbody>
</mujoco>
"""


def test_geoms_that_grow_touch_as_in_a_model_that_was_written_so() -> None:
    model: Any = mujoco.MjModel.from_xml_string(CROWDED)
    written = CROWDED.replace('type="sphere" size=".1"', 'type="sphere" size=".3" mass="MASS"')
    mass = float(model.body_mass[2])
    grown = {"geom_size": model.geom_size.copy(), "geom_rbound": model.geom_rbound.copy()}
    for name in ("s", "t"):
        for value in grown.values():
            value[model.geom(name).id] *= 3
    engine = make_engine("native", EngineSpec(model, 1, 1, ("qvel",), tuple(grown)))
    values = {name: jnp.asarray(value[None], jnp.float32) for name, value in grown.items()}
    state, _ = engine.reset(model.qpos0[None], np.zeros((1, model.nv)), values)
    _, world = engine.step(state, np.zeros((1, 0)))
    reference: Any = mujoco.MjModel.from_xml_string(written.replace("MASS", repr(mass)))
    for field in ("body_mass", "body_inertia", "body_ipos", "body_iquat"):
        getattr(reference, field)[:] = getattr(model, field)
    data = mujoco.MjData(reference)
    mujoco.mj_setConst(reference, data)
    mujoco.mj_step(reference, data)
    assert data.ncon == 3
    np.testing.assert_allclose(np.asarray(world["qvel"])[0], data.qvel, rtol=1e-4, atol=1e-4)
