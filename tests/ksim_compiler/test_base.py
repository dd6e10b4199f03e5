"""Which body is the robot's base, and what is about another body."""

from __future__ import annotations

from pathlib import Path

import jax
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.play.video import follow
from ksim_compiler.robot.bases import candidates

BALL = """<body name="ball" pos="1 0 .1"><freejoint name="ball"/>
<geom name="ball" type="sphere" size=".1" mass=".3"/></body>"""
DOG = """<body name="{0}trunk" pos="0 0 .5"><freejoint name="{0}root"/>
<geom name="{0}trunk" type="box" size=".2 .1 .1" mass="5"/><body name="{0}leg">
<joint name="{0}hip" axis="0 1 0" actuatorfrcrange="-5 5" range="-1 1"/>
<geom name="{0}leg" type="capsule" fromto="0 0 -.1 0 0 -.3" size=".03" mass="1"/></body></body>"""
ARM = """<body name="{0}pedestal" pos="0 {1} 0">
<geom name="{0}pedestal" type="box" size=".1 .1 .1"/>
<body name="{0}link" pos="0 0 .2"><joint name="{0}j1" actuatorfrcrange="-5 5" range="-2 2"/>
<geom name="{0}link" type="capsule" fromto="0 0 0 .3 0 0" size=".03" mass="1"/></body></body>"""
MODEL = """<mujoco><compiler angle="radian"/><option timestep="0.005"/><worldbody>
<geom name="floor" type="plane" size="0 0 1"/>{}</worldbody>{}</mujoco>"""
TASK = """ksim: 1
task: t
PhysicsState: {{r: {{model: m.xml, control: 50 Hz{base}}}}}
Observation:
  q: {{kind: joint_position, joints: "{joints}"}}
  {observation}
Action: {{a: {{kind: torque, joints: "{joints}", scale: 1 N*m}}}}
Policy: {{actor: {{read: [q], network: {{kind: mlp, hidden: [8]}}}}}}
Critic: {{critic: {{judge: {{clean: [{seen}]}}, network: {{kind: mlp, hidden: [8]}}}}}}
Reward: {{e: {{kind: torque_penalty, joints: "{joints}", scale: 0.1}}}}
Termination: {{time: {{kind: episode_length, after: 1 s}}}}
{more}
PPO: {{envs: 16, rollout: 8, minibatches: 2}}
"""
HEIGHT = "h: {kind: base_height}"


def compiled(
    folder: Path,
    *bodies: str,
    joints: str = ".*",
    base: str = "",
    observation: str = HEIGHT,
    more: str = "",
    rest: str = "",
) -> Compiled:
    (folder / "m.xml").write_text(MODEL.format("".join(bodies), rest))
    base = base and f", base: {base}"
    seen = "h" if observation else "q"
    names = {"joints": joints, "base": base, "observation": observation, "seen": seen, "more": more}
    (folder / "t.yaml").write_text(TASK.format(**names))
    return compile_file(folder / "t.yaml")


def codes(found: Compiled) -> list[str]:
    return [d.code for d in found.diagnostics if d.severity == "error"]


@pytest.mark.parametrize(
    ("bodies", "joints", "base", "floats"),
    [
        ((BALL, DOG.format("")), ".*", "trunk", True),
        ((DOG.format(""), BALL), ".*", "trunk", True),
        ((ARM.format("", 0), BALL), ".*", "pedestal", False),
        ((BALL, ARM.format("", 0)), ".*", "pedestal", False),
        ((DOG.format("a_"), DOG.format("b_")), "b_.*", "b_trunk", True),
        ((DOG.format("a_"), ARM.format("", 2)), "j1", "pedestal", False),
    ],
)
def test_the_base_carries_the_driven_joints(
    tmp_path: Path, bodies: tuple[str, ...], joints: str, base: str, floats: bool
) -> None:
    plan = compiled(tmp_path, *bodies, joints=joints).plan
    assert plan is not None
    facts, model = plan.robot.facts, plan.robot.model
    assert facts.root == base
    assert (facts.base is not None) == floats
    if facts.base is not None:
        assert facts.base.qpos == model.jnt_qposadr[model.body_jntadr[facts.body_id(base)]]
    assert f"base {base} ({'floats' if floats else 'does not float'})" in plan.text()
    camera = mujoco.MjvCamera()
    assert follow(camera, model, facts.body_id(facts.root)) == floats
    assert not floats or camera.trackbodyid == facts.body_id(base)
    env = Env(plan, "native", threads=1)
    height = jax.jit(env.init)(env.params, jax.random.key(0)).critic_input
    np.testing.assert_allclose(height, 0.5 if floats else 0.0, atol=1e-6)


def test_motors_of_the_model_decide_before_joints_do() -> None:
    motor = '<actuator><motor joint="j1"/></actuator>'
    tendon = """<tendon><fixed name="t"><joint joint="j1" coef="1"/></fixed></tendon>
    <actuator><motor tendon="t"/></actuator>"""
    for rest in (motor, tendon):
        model = mujoco.MjModel.from_xml_string(
            MODEL.format(DOG.format("") + BALL + ARM.format("", 2), rest)
        )
        assert [model.body(i).name for i in candidates(model)] == ["pedestal"]
        assert [model.body(i).name for i in candidates(model, ["hip"])] == ["trunk"]


def test_two_floating_robots_need_a_name_for_the_base(tmp_path: Path) -> None:
    dogs = (DOG.format("a_"), DOG.format("b_"))
    found = compiled(tmp_path, *dogs)
    assert codes(found) == ["KS0220"]
    assert all(name in found.diagnostics[0].message for name in ("a_trunk", "b_trunk"))
    plan = compiled(tmp_path, *dogs, base="b_trunk").plan
    assert plan is not None
    assert plan.robot.facts.root == "b_trunk"
    assert plan.robot.facts.base is not None
    assert plan.robot.facts.base.name == "b_root"


def test_two_arms_need_one_only_where_the_base_matters(tmp_path: Path) -> None:
    arms = (ARM.format("a_", 0), ARM.format("b_", 2))
    assert codes(compiled(tmp_path, *arms)) == ["KS0220"]
    assert codes(compiled(tmp_path, *arms, observation="")) == []
    assert (
        codes(compiled(tmp_path, *arms, observation="h: {kind: base_height, body: a_link}")) == []
    )
    plan = compiled(tmp_path, *arms, base="b_pedestal").plan
    assert plan is not None
    assert plan.robot.facts.root == "b_pedestal"


FREE = {
    "Reset": (
        "heading, {}range: 10 deg",
        "height, {}range: [0 m, 1 m]",
        "base_velocity, {}horizontal: 1 m/s",
        "pitch_and_roll, {}pitch: 5 deg",
        "plane_position, {}x: 1 m",
    ),
    "Event": (
        "linear_push, {}speed: 1 m/s, every: [1 s, 2 s]",
        "angular_push, {}rate: 1 rad/s, every: [1 s, 2 s]",
        "jump, {}speed: 1 m/s, every: [1 s, 2 s]",
    ),
    "Termination": ("bad_velocity, {}max_speed: 9 m/s", "far_from_origin, {}distance: 9 m"),
}


@pytest.mark.parametrize(
    ("object", "part"), [(object, part) for object, parts in FREE.items() for part in parts]
)
def test_what_is_about_a_free_joint_needs_a_body_that_floats(
    tmp_path: Path, object: str, part: str
) -> None:
    def errors(body: str) -> list[str]:
        line = "x: {kind: " + part.format(body) + "}"
        more = "" if object == "Termination" else f"{object}: {{{line}}}"
        found = compiled(tmp_path, ARM.format("", 0), BALL, more=more)
        if object == "Termination":
            path = tmp_path / "t.yaml"
            path.write_text(path.read_text().replace("Termination: {", f"Termination: {{{line}, "))
            found = compile_file(path)
        return codes(found)

    assert errors("") == ["KS0404"]
    # what ends an episode may be about any body that moves
    assert errors("body: link, ") == ([] if object == "Termination" else ["KS0455"])
    assert errors("body: ball, ") == []


def test_a_reset_of_another_body_moves_that_body_alone(tmp_path: Path) -> None:
    more = """Reset:
  a: {kind: plane_position, body: ball, x: 30 cm, y: 30 cm}
  b: {kind: base_velocity, body: ball, vertical: 1 m/s}"""
    plan = compiled(tmp_path, DOG.format(""), BALL, more=more).plan
    assert plan is not None
    env = Env(plan, "native", threads=1)
    world = jax.jit(env.init)(env.params, jax.random.key(0)).world
    qpos, qvel = np.asarray(world["qpos"]), np.asarray(world["qvel"])
    home = np.asarray(plan.robot.model.qpos0, np.float32)
    moved, fast = np.ptp(qpos, axis=0) > 0, np.ptp(qvel, axis=0) > 0
    assert np.flatnonzero(moved).tolist() == [8, 9]
    assert np.flatnonzero(fast).tolist() == [9]
    np.testing.assert_array_equal(qpos[:, :8], np.tile(home[:8], (16, 1)))


def test_a_base_without_a_name_is_observed(tmp_path: Path) -> None:
    plan = compiled(tmp_path, BALL, DOG.format("").replace('name="trunk" pos', "pos")).plan
    assert plan is not None
    assert plan.robot.facts.body_id(plan.robot.facts.root) == 2
    env = Env(plan, "native", threads=1)
    height = jax.jit(env.init)(env.params, jax.random.key(0)).critic_input
    np.testing.assert_allclose(height, 0.5, atol=1e-6)


def test_a_velocity_is_followed_by_a_body_without_a_free_joint(tmp_path: Path) -> None:
    more = """Command: {go: {kind: planar_velocity, forward: [1 m/s, 1 m/s]}}"""
    bodies = ARM.format("", 0)
    compiled(tmp_path, bodies, more=more)
    path = tmp_path / "t.yaml"
    text = path.read_text()
    reward = "Reward: {v: {kind: track_linear_velocity, command: go, error_scale: 1 m/s%s}, "
    path.write_text(text.replace("Reward: {", reward % ""))
    assert codes(compile_file(path)) == ["KS0404"]
    path.write_text(text.replace("Reward: {", reward % ", body: link"))
    plan = compile_file(path).plan
    assert plan is not None
    env = Env(plan, "native", threads=1)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    _, row = jax.jit(env.step)(env.params, state, np.zeros((16, 1), np.float32))
    np.testing.assert_allclose(
        row.reward_terms["v"], np.exp(-1.0), rtol=1e-4
    )  # at rest, told 1 m/s


@pytest.mark.parametrize("engine", ["native", pytest.param("mjx", marks=pytest.mark.slow)])
def test_the_centre_of_mass_of_a_simple_body_moves(tmp_path: Path, engine: str) -> None:
    """A free ball: MuJoCo takes its inertia matrix as diagonal unless it is told otherwise."""
    more = "Randomizer: {com: {kind: centre_of_mass, body: ball, range: 3 cm}}"
    plan = compiled(tmp_path, ARM.format("", 0), BALL, more=more).plan
    assert plan is not None
    model = plan.robot.model
    env = Env(plan, engine, threads=1)  # type: ignore[arg-type]
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    moved = np.asarray(state.physics.model["body_ipos"])
    assert np.ptp(moved[:, -1], axis=0).min() > 0.02
    for _ in range(3):
        state, _ = jax.jit(env.step)(env.params, state, np.zeros((16, 1), np.float32))
    for i in range(4):
        model.body_ipos[-1] = moved[i, -1]
        data = mujoco.MjData(model)
        mujoco.mj_setConst(model, data)
        mujoco.mj_step(model, data, nstep=3 * plan.substeps)
        np.testing.assert_allclose(state.world["qpos"][i], data.qpos, atol=2e-4)
        np.testing.assert_allclose(state.world["qvel"][i], data.qvel, atol=2e-2)
