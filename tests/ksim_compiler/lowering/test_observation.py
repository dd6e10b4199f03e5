"""Every observation equals MuJoCo's own value of it, on both engines and several robots.

The reference is ``mj_step`` of plain MuJoCo and what it leaves in MjData: positions, velocities and
forces of the last physics step's beginning, joint positions and velocities of its end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, make_engine
from ksim_compiler.engine.mjx import MjxState
from ksim_compiler.env import Env
from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import ModelFiles, Robot, equip, load
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.feet import Contact, FeetContact
from ksim_schema.vocabulary.observation.terrain import HeightScan
from ksim_schema.vocabulary.state import Robot as RobotPart
from tests.ksim_compiler.lowering.observing import (
    CASES,
    Case,
    Seen,
    everything,
    plan_with,
)

OF_THE_CONTROLLER = {"last_action", "command", "phase_clock", "episode_time"}


def case_of(robot: str) -> Case:
    case = CASES[robot]
    if isinstance(case.model, Path) and not case.model.exists():
        pytest.skip("the golden data are not here")
    return case


def compare(
    name: str, got: Any, seen: Seen, m: mujoco.MjModel, d: mujoco.MjData, atol: float
) -> None:
    got, want = np.ravel(np.asarray(got)), np.ravel(np.asarray(seen.value(m, d)))
    assert got.shape == want.shape, name
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=atol, err_msg=name)


def disturbed_start(plan: Plan) -> mujoco.MjData:
    """Home, turned, moving, and about to touch the ground."""
    m, rng = plan.robot.model, np.random.default_rng(1)
    d = mujoco.MjData(m)
    d.qpos[:] = plan.robot.facts.home
    d.qvel[:] = 0.3 * rng.standard_normal(m.nv)
    if plan.robot.facts.base is not None:
        d.qpos[3:7] = [0.9, 0.05, -0.05, 0.4]
        d.qpos[3:7] /= np.linalg.norm(d.qpos[3:7])
    return d


@pytest.mark.parametrize("robot", list(CASES))
def test_native_gives_the_values_of_mj_step(robot: str) -> None:
    """After a reset, and after each of three ticks of five physics steps."""
    case = case_of(robot)
    parts = everything(case)
    plan = plan_with(case, parts, "50 Hz")
    m, d = plan.robot.model, disturbed_start(plan)
    engine = make_engine("native", EngineSpec(m, 1, plan.substeps, plan.fields))
    d.ctrl[:] = _zero_action(plan)
    state, world = engine.reset(d.qpos[None], d.qvel[None], ctrl=d.ctrl[None])
    d.qpos[:], d.qvel[:] = d.qpos.astype(np.float32), d.qvel.astype(np.float32)
    mujoco.mj_forward(m, d)
    values = jax.jit(lambda world: _values(plan, world))
    rng = np.random.default_rng(0)
    for tick in range(4):
        if tick:
            d.ctrl[:] = _zero_action(plan) + 0.2 * rng.standard_normal(m.nu).astype(np.float32)
            state, world = engine.step(state, d.ctrl[None])
            mujoco.mj_step(m, d, nstep=plan.substeps)
        got = values({name: value[0] for name, value in world.items()})
        for name, seen in parts.items():
            # the boundary rounds to float32
            compare(name, got[name], seen, m, d, max(1e-5, 1e-3 * seen.atol))


@pytest.mark.parametrize(
    "robot",
    [
        "arm",
        pytest.param("walker", marks=pytest.mark.slow),
        pytest.param("cartpole", marks=pytest.mark.slow),
        pytest.param("humanoid", marks=pytest.mark.slow),
        pytest.param("quadruped", marks=pytest.mark.slow),
    ],
)
def test_mjx_gives_the_values_of_mj_step(robot: str) -> None:
    """One physics step from a state in motion and in contact; the solver starts cold in both."""
    case = case_of(robot)
    parts = everything(case)
    plan = plan_with(case, parts, "4 ms")
    m, d = plan.robot.model, disturbed_start(plan)
    d.ctrl[:] = _zero_action(plan)
    mujoco.mj_step(m, d, nstep=40)
    while case.feet and not any(parts["feet_contact"].value(m, d)):
        assert d.time < 1.0
        mujoco.mj_step(m, d)
    d.qpos[:], d.qvel[:] = d.qpos.astype(np.float32), d.qvel.astype(np.float32)
    d.qacc_warmstart[:] = 0.0
    engine = make_engine("mjx", EngineSpec(m, 1, 1, plan.fields))
    qpos, qvel = (jnp.array(v[None], jnp.float32) for v in (d.qpos, d.qvel))
    cold = (jnp.zeros((1, size)) for size in (m.na, m.nhistory, m.nv, m.nu))
    state = MjxState(jnp.zeros(1), qpos, qvel, *cold, model={})
    _, world = jax.jit(engine.step)(state, d.ctrl[None])
    mujoco.mj_step(m, d)
    values = _values(plan, {name: value[0] for name, value in world.items()})
    for name, seen in parts.items():
        compare(name, values[name], seen, m, d, seen.atol)


def _values(plan: Plan, world: dict[str, jax.Array]) -> dict[str, jax.Array]:
    zero = jnp.zeros(plan.action_size)
    x = Context(
        plan.robot.facts, world, jnp.float32(0.0), plan.period, jnp.float32(0.0),
        jax.random.key(0), zero, zero,
    )  # fmt: skip
    return {name: rules.apply(part, x, ())[0] for name, part in plan.parts(Observation).items()}


def _zero_action(plan: Plan) -> np.ndarray:
    """The controls of a zero action: the targets at home, or no force."""
    facts = plan.robot.facts
    joints = {joint.name: joint for joint in facts.motion_joints}
    return np.array([joints[d.joint].home[0] if d.kp else 0.0 for d in plan.drives], np.float32)


def test_every_kind_is_compared() -> None:
    case = CASES["humanoid"]
    parts = plan_with(case, everything(case), "50 Hz").parts(Observation).values()
    kinds = {part.kind_name for part in parts}
    # test_formula, test_pose, test_relative, test_drawn; test_following of recorded motions
    elsewhere = {"formula", "pose_error", "site_velocity", "drawn", "air_time"}
    elsewhere |= {kind for kind in KINDS["Observation"] if kind.startswith("motion_")}
    assert kinds | OF_THE_CONTROLLER | elsewhere == set(KINDS["Observation"])


def test_the_commanded_position_is_the_target_of_the_last_action() -> None:
    """From the first reading on, which is that of a zero action."""
    case = CASES["arm"]
    part = "{kind: commanded_joint_position, joints: [elbow, wrist_pitch]}"
    plan = plan_with(case, {"target": Seen(part, lambda m, d: ())}, "20 ms")
    env = Env(plan, "native", envs=1)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    np.testing.assert_allclose(state.critic_input, [[1.3, 0.8]], rtol=1e-6)  # home
    action = jnp.arange(7.0)[None] / 10
    state, _ = jax.jit(env.step)(env.params, state, action)
    np.testing.assert_allclose(state.critic_input, [[1.3 + 0.4 * 0.3, 0.8 + 0.4 * 0.5]], rtol=1e-6)


ELEVATION = " ".join(f"{h:.4f}" for h in np.random.default_rng(3).uniform(size=20))
HILLS = f"""
<mujoco>
  <asset>
    <hfield name="hills" nrow="5" ncol="4" size="2 1.5 0.8 0.1" elevation="{ELEVATION}"/>
  </asset>
  <worldbody>
    <geom name="plane" type="plane" size="0 0 1" pos="0 0 -0.3" euler="0 8 0"/>
    <geom name="hills" type="hfield" hfield="hills" pos="0.3 -0.2 0.1" euler="0 0 25"/>
    <geom name="ramp" type="box" size="0.6 0.5 0.2" pos="1.5 1 0.5" euler="20 -15 40"/>
    <body name="robot" pos="0.4 0.3 3">
      <freejoint/>
      <geom name="roof" type="box" size="3 3 0.01" pos="0 0 0.5" mass="1"/>
    </body>
  </worldbody>
</mujoco>
"""


def robot_of(xml: str, parts: tuple[Observation, ...]) -> Robot:
    """A robot with the sensors of some observations."""
    part = RobotPart.model_validate({"model": "robot.xml", "control": "20 ms"})
    robot = load(part, ModelFiles("robot.xml", {"robot.xml": xml.encode()}))
    return equip(robot, [s for c in parts for s in c.sensors(robot.facts)], ())


def seen_by(robot: Robot, d: mujoco.MjData, **known: Any) -> Context:
    """The context of plain MuJoCo's data."""
    world = {"sensordata": jnp.array(d.sensordata, jnp.float32)}
    values = {"key": jax.random.key(0), "time": jnp.float32(0.0), "level": jnp.float32(0.0)}
    return Context(robot.facts, world, period=0.02, action=jnp.zeros(0), **{**values, **known})


def test_a_height_scan_meets_the_ground_where_the_rays_of_mujoco_do() -> None:
    """A plane that is tilted, a height field that is turned, a box that is both; not the robot."""
    c = HeightScan.model_validate(
        {"body": "robot", "length": "5 m", "width": "4 m", "points": (23, 17), "ahead": "0.3 m"}
        | {"offset": "0.5 m", "reach": "6 m"}
    )
    robot = robot_of(HILLS, (c,))
    m, d, turn = robot.model, mujoco.MjData(robot.model), 0.7
    d.qpos[3:7] = [np.cos(turn / 2), 0, 0, np.sin(turn / 2)]
    mujoco.mj_forward(m, d)
    scan = rules.apply(c, seen_by(robot, d), ())[0]
    want = np.zeros(scan.shape)
    down, body, hit = np.array([0.0, 0.0, -1.0]), m.body("robot").id, np.zeros(1, np.int32)
    hits = set()
    for i, forward in enumerate(np.linspace(-2.2, 2.8, 23)):
        for j, sideways in enumerate(np.linspace(-2, 2, 17)):
            x = 0.4 + np.cos(turn) * forward - np.sin(turn) * sideways
            y = 0.3 + np.sin(turn) * forward + np.cos(turn) * sideways
            ray = mujoco.mj_ray(m, d, np.array([x, y, 20.0]), down, None, 1, body, hit)
            hits.add(m.geom(int(hit[0])).name)
            want[i, j] = min(3.0 - (20.0 - ray), 6.0) - 0.5
    assert hits == {"plane", "hills", "ramp"}
    np.testing.assert_allclose(scan, want, atol=1e-4)


def test_where_there_is_no_ground_a_height_scan_gives_its_reach() -> None:
    fields = {"geoms": "ramp", "width": "8 m", "points": (1, 3), "reach": "2.5 m"}
    c = HeightScan.model_validate(fields)
    robot = robot_of(HILLS, (c,))
    d = mujoco.MjData(robot.model)
    d.qpos[:2] = [1.5, 1.0]
    mujoco.mj_forward(robot.model, d)
    scan = np.asarray(rules.apply(c, seen_by(robot, d), ())[0])
    np.testing.assert_array_equal(scan[0, [0, 2]], 2.5)
    assert 2.0 < scan[0, 1] < 2.5


TOUCHING = """
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1"/>
    <body name="foot" pos="0 0 0.09">
      <freejoint/>
      <geom name="heel" size="0.1"/>
      <geom size="0.1" pos="0 1 0"/>
      <geom name="toe" size="0.1" pos="1 0 0.5"/>
    </body>
    <body name="ball" pos="1.15 0 0.59"><freejoint/><geom name="ball" size="0.1"/></body>
  </worldbody>
</mujoco>
"""


@pytest.mark.parametrize(
    ("want", "fields"),
    [
        ([1, 1, 1], {"geoms": ("heel", "toe", "ball")}),
        ([1, 0, 0], {"geoms": ("heel", "toe", "ball"), "with": "floor"}),
        ([1, 0], {"geoms": ("toe", "heel"), "with": "ball"}),
        ([1, 0], {"bodies": ("foot", "ball"), "with": "floor"}),
        ([1, 1, 0], {"bodies": "foot", "with": "floor", "each": "geom"}),
        ([1], {"geoms": ("heel", "ball"), "with": "floor", "each": "group"}),
        ([0], {"geoms": "heel", "with": ("ball", "toe"), "each": "group"}),
        ([0, 1], {"geoms": ("ball", "toe", "heel"), "with": "floor", "each": "body"}),
        ([1, 0], {"kind": "feet_contact", "bodies": ("foot", "ball")}),
    ],
)
def test_contacts_of_geoms_bodies_and_groups(want: list[float], fields: dict[str, Any]) -> None:
    """The heel and a geom without a name touch the floor, the toe touches the ball."""
    kind = FeetContact if "kind" in fields else Contact
    c = kind.model_validate({"kind": kind.kind_name, **fields})
    robot = robot_of(TOUCHING, (c,))
    d = mujoco.MjData(robot.model)
    mujoco.mj_forward(robot.model, d)
    got = rules.apply(c, seen_by(robot, d), ())[0]
    np.testing.assert_array_equal(got, want)
