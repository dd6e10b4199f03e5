"""The model's own actuators, of any transmission and kind, told what the policy says: by MuJoCo."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.robot.mirror import Mirror
from ksim_schema.source import parse

QUADROTOR = """
<mujoco model="quadrotor"><option timestep="0.005" density="1.2"/>
<worldbody><geom name="floor" type="plane" size="5 5 .1"/>
  <body name="frame" pos="0 0 1"><freejoint/>
    <geom type="box" size=".1 .1 .02" mass=".6"/>
    <site name="fl" pos=".1 .1 0"/><site name="fr" pos=".1 -.1 0"/>
    <site name="bl" pos="-.1 .1 0"/><site name="br" pos="-.1 -.1 0"/></body></worldbody>
<actuator>
  <motor name="thrust_fl" site="fl" gear="0 0 1 0 0 -.02" ctrllimited="true" ctrlrange="0 4"/>
  <motor name="thrust_fr" site="fr" gear="0 0 1 0 0 .02" ctrllimited="true" ctrlrange="0 4"/>
  <motor name="thrust_bl" site="bl" gear="0 0 1 0 0 .02" ctrllimited="true" ctrlrange="0 4"/>
  <motor name="thrust_br" site="br" gear="0 0 1 0 0 -.02" ctrllimited="true" ctrlrange="0 4"/>
</actuator>
<keyframe><key name="hover" qpos="0 0 1 1 0 0 0" ctrl="1.5 1.5 1.5 1.5"/></keyframe></mujoco>"""
FINGER = """<body name="{n}1" pos="{x} 0 0">
  <joint name="{n}a" axis="0 1 0" range="-1 1" damping=".1"/>
  <geom type="capsule" fromto="0 0 0 0 0 -.1" size=".01" mass=".05"/>
  <body pos="0 0 -.1"><joint name="{n}b" axis="0 1 0" range="-1 1" damping=".1"/>
    <geom type="capsule" fromto="0 0 0 0 0 -.1" size=".01" mass=".05"/></body></body>"""
HAND = f"""
<mujoco model="hand"><compiler angle="radian"/><option timestep="0.005"/>
<worldbody><body name="palm" pos="0 0 1"><geom type="box" size=".1 .1 .02" mass="1"/>
  {"".join(FINGER.format(n=n, x=x) for n, x in (("i", 0.05), ("m", 0.0), ("t", -0.05)))}
</body></worldbody>
<tendon>
  <fixed name="index"><joint joint="ia" coef="1"/><joint joint="ib" coef=".5"/></fixed>
  <fixed name="middle"><joint joint="ma" coef="1"/><joint joint="mb" coef="1"/></fixed>
</tendon>
<actuator>
  <position name="pull_index" tendon="index" kp="2" kv=".05" ctrllimited="true" ctrlrange="-1 1"/>
  <general name="pull_middle" tendon="middle" dyntype="filter" dynprm=".04" gainprm=".7"
    biastype="affine" biasprm="0 -2 -.05" ctrllimited="true" ctrlrange="0 255"/>
  <intvelocity name="roll" joint="ta" kp="3" kv=".1" actrange="-1 1" ctrllimited="true"
    ctrlrange="-2 2"/>
  <velocity joint="tb" kv=".2" ctrllimited="true" ctrlrange="-3 3"/>
</actuator></mujoco>"""
LEG = """
<mujoco model="leg"><compiler angle="radian"/><option timestep="0.005"/>
<worldbody><body name="trunk" pos="0 0 1"><joint name="rail" type="slide" axis="1 0 0"/>
  <geom type="box" size=".1 .1 .1" mass="2"/><site name="origin"/>
  <body name="thigh"><joint name="hip" axis="0 1 0" range="-2 2" damping=".5"/>
    <geom type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/>
    <site name="above" pos=".05 0 -.1"/>
    <body name="shin" pos="0 0 -.3"><joint name="knee" axis="0 1 0" range="-2 2" damping=".5"/>
      <geom type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass=".5"/>
      <site name="below" pos=".05 0 -.1"/></body></body></body></worldbody>
<tendon><spatial name="biceps"><site site="above"/><site site="below"/></spatial></tendon>
<actuator>
  <motor joint="hip" gear="20" ctrllimited="true" ctrlrange="-1 1"/>
  <muscle name="muscle" tendon="biceps" ctrllimited="true" ctrlrange="0 1" force="80"
    lengthrange=".05 .6"/>
  <motor name="push" joint="rail" ctrllimited="true" ctrlrange="-30 20"/>
</actuator></mujoco>"""
TASK = """
ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz, base: %s%s}}
Observation: {t: {kind: episode_time}}
Action:
  a: {%s}
Policy: {actor: {read: [t], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [t]}, network: {kind: mlp, hidden: [8]}}}
Reward: {alive: {kind: stay_alive, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 2, rollout: 8, minibatches: 1}
"""
HOVER = ("frame", ", home: {keyframe: hover}")


def compiled(model: str, base: tuple[str, str], action: str) -> Compiled:
    problems = Sink()
    document = parse(TASK % (*base, action), "t.yaml", problems)
    assert document is not None, list(problems)
    return compile_document(document, ModelFiles("m.xml", {"m.xml": model.encode()}))


def planned(model: str, base: tuple[str, str], action: str) -> Any:
    found = compiled(model, base, action)
    assert found.plan is not None, found.diagnostics
    return found.plan


def plain(model: str, keyframe: bool) -> tuple[mujoco.MjModel, Any]:
    """The file as it is, in MuJoCo alone."""
    own = mujoco.MjModel.from_xml_string(model)
    data: Any = mujoco.MjData(own)
    if keyframe:
        mujoco.mj_resetDataKeyframe(own, data, 0)
    return own, data


CASES = {
    "sites": (
        QUADROTOR,
        HOVER,
        "kind: actuator, actuators: thrust_.*, scale: 3 N",
        [(1.5, 3.0)] * 4,
    ),
    "tendons": (
        HAND,
        ("palm", ""),
        "kind: actuator, scale: {.*index: 0.8 rad, .*middle: 100, roll: 3 rad/s, tb: 2 rad/s}",
        [(0.0, 0.8), (0.0, 100.0), (0.0, 3.0), (0.0, 2.0)],
    ),
    "half of the range": (
        LEG,
        ("trunk", ""),
        "kind: actuator, around: middle",
        [(0.0, 1.0), (0.5, 0.5), (-5.0, 25.0)],
    ),
    "zero": (
        LEG,
        ("trunk", ""),
        "kind: actuator, actuators: [hip, push], around: zero, scale: {hip: 0.7, push: 9 N}",
        [(0.0, 0.7), None, (0.0, 9.0)],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_controls_in_and_trajectory_out_as_in_plain_mujoco(case: Any) -> None:
    model, base, action, formula = case
    plan = planned(model, base, action)
    env = Env(plan, "native", threads=1)
    own, data = plain(model, bool(base[1]))
    told = [i for i, pair in enumerate(formula) if pair is not None]
    assert env.action_size == len(told)
    zero, one = np.array([formula[i] for i in told]).T
    low, high = own.actuator_ctrlrange[told].T
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    step, random = jax.jit(env.step), np.random.default_rng(0)
    seen: Any = mujoco.MjData(plan.robot.model)
    for _ in range(60):
        given = random.uniform(-1.5, 1.5, (2, len(told))).astype(np.float32)
        state, _ = step(env.params, state, jnp.asarray(given))
        controls = np.asarray(state.episode.controls[0], np.float64)
        np.testing.assert_allclose(controls, np.clip(zero + one * given[0], low, high), 1e-6, 1e-6)
        data.ctrl[told] = controls
        mujoco.mj_step(own, data, 4)
        row = np.asarray(env.engine.rows(state.physics)[0])
        mujoco.mj_setState(plan.robot.model, seen, row, mujoco.mjtState.mjSTATE_INTEGRATION)
        for name in ("qpos", "qvel", "act", "ctrl"):
            np.testing.assert_allclose(getattr(seen, name), getattr(data, name), atol=1e-9)
    assert np.ptp(data.qpos - own.qpos0) > 1e-2


def test_steps_from_the_last_control_add_up_within_its_range() -> None:
    plan = planned(QUADROTOR, HOVER, "kind: actuator, around: last, scale: 0.8 N")
    env = Env(plan, "native", threads=1)
    state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
    random, control = np.random.default_rng(0), np.full((2, 4), 1.5)
    lowest = highest = 1.5
    for tick in range(40):
        given = random.uniform(-1.0, 1.0, (2, 4)) + np.sin(tick / 5.0)
        state, _ = step(env.params, state, jnp.asarray(given, jnp.float32))
        control = np.clip(control + 0.8 * given, 0.0, 4.0)
        np.testing.assert_allclose(state.episode.controls, control, atol=1e-4)
        lowest, highest = min(lowest, control.min()), max(highest, control.max())
    assert (lowest, highest) == (0.0, 4.0)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["sites", "half of the range"])
def test_both_engines_tell_the_same(case: str) -> None:
    model, base, action, _ = CASES[case]
    if case == "half of the range":  # MJX has no muscle on a spatial tendon of sites alone
        model = model.replace(
            '<muscle name="muscle" tendon="biceps"', '<muscle name="muscle" joint="knee"'
        )
    ends = []
    for engine in ("native", "mjx"):
        env = Env(planned(model, base, action), engine, threads=1)
        state, step = env.init(env.params, jax.random.key(0)), jax.jit(env.step)
        random = np.random.default_rng(0)
        for _ in range(10):
            given = random.uniform(-1, 1, (2, env.action_size)).astype(np.float32)
            state, _ = step(env.params, state, jnp.asarray(given))
        ends.append(np.asarray(state.world["qpos"]))
    np.testing.assert_allclose(*ends, atol=2e-4)


def test_what_the_plan_says() -> None:
    text = planned(QUADROTOR, HOVER, "kind: actuator, scale: 3 N").text()
    assert "tell thrust_fl 0 to 4 N, home 1.5" in text
    assert "  hold " not in text
    some = planned(QUADROTOR, HOVER, "kind: actuator, actuators: .*l, scale: 3 N")
    assert some.robot.held == {"thrust_fr": 1.5, "thrust_br": 1.5}
    assert some.controls == ("thrust_fl", "thrust_bl")


GRIPPER = "kind: binary, actuators: pull.*, open: {.*index: -0.9 rad, .*middle: 250}, closed: 0"


def test_a_gripper_is_open_or_closed_by_the_sign() -> None:
    env = Env(planned(HAND, ("palm", ""), GRIPPER), "native", threads=1)
    state, step = env.init(env.params, jax.random.key(0)), jax.jit(env.step)
    np.testing.assert_allclose(state.episode.controls[0], [-0.9, 250.0])
    for given, right in ((-0.01, [0.0, 0.0]), (0.3, [-0.9, 250.0]), (-5.0, [0.0, 0.0])):
        state, _ = step(env.params, state, jnp.full((2, 1), given))
        np.testing.assert_allclose(state.episode.controls[0], right, rtol=1e-6)


def test_joints_are_open_or_closed_too() -> None:
    gains = "gains: {kp: 3 N*m/rad, kd: 0.1 N*m*s/rad}, torque_limit: 2 N*m"
    action = (
        f"kind: binary, joints: i., open: 0.2 rad, closed: {{ia: -0.1 rad, ib: -0.3 rad}}, {gains}"
    )
    plan = planned(HAND, ("palm", ""), action)
    assert [(d.joint, d.kp, d.kd, d.limit) for d in plan.drives] == [
        ("ia", 3.0, 0.1, 2.0),
        ("ib", 3.0, 0.1, 2.0),
    ]
    assert "pull_index" not in plan.robot.facts.actuators
    env = Env(plan, "native", threads=1)
    state, step = env.init(env.params, jax.random.key(0)), jax.jit(env.step)
    for given, right in ((1.0, [0.2, 0.2]), (-1.0, [-0.1, -0.3])):
        state, _ = step(env.params, state, jnp.full((2, 1), given))
        np.testing.assert_allclose(state.episode.controls[0], right, rtol=1e-6)


SIDES = """<mujoco><worldbody><body name="trunk" pos="0 0 1"><freejoint/><geom size=".1" mass="2"/>
  <body pos="0 .1 0"><joint name="left_roll" axis="1 0 0"/><geom size=".05" mass=".3"/>
    <body><joint name="left_hip" axis="0 1 0"/><geom size=".05" mass=".3"/></body></body>
  <body pos="0 -.1 0"><joint name="right_roll" axis="1 0 0"/><geom size=".05" mass=".3"/>
    <body><joint name="right_hip" axis="0 1 0"/><geom size=".05" mass=".3"/></body></body>
</body></worldbody><actuator>
  <motor name="left_r" joint="left_roll" ctrllimited="true" ctrlrange="-1 1"/>
  <motor name="left_h" joint="left_hip" gear="2" ctrllimited="true" ctrlrange="-1 1"/>
  <motor name="right_r" joint="right_roll" ctrllimited="true" ctrlrange="-1 1"/>
  <motor name="right_h" joint="right_hip" gear="-2" ctrllimited="true" ctrlrange="-1 1"/>
</actuator></mujoco>"""


def test_actuators_of_joints_have_a_mirror_image() -> None:
    plan = planned(SIDES, ("trunk", ""), "kind: actuator")
    part, mirror = plan.task.of("Action")["a"], Mirror(plan.robot.facts, ("left",), ("right",))
    # a roll changes its sign in the mirror, a pitch does not, and here its gear does
    assert part.mirrored(mirror) == ((2, -1.0), (3, -1.0), (0, -1.0), (1, -1.0))
    rotors = planned(QUADROTOR, HOVER, "kind: actuator, scale: 3 N")
    other = Mirror(rotors.robot.facts, ("l",), ("r",))
    assert rotors.task.of("Action")["a"].mirrored(other) is None


SERVO = "kind: position_target, joints: ia, scale: 1 rad, torque_limit: 1 N*m, "
SERVO += "gains: {kp: 1 N*m/rad, kd: 0.1 N*m*s/rad}"
BAD = {
    "unknown": (QUADROTOR, "kind: actuator, actuators: trust_fl, scale: 3 N", "KS0208", "trust_fl"),
    "unit": (QUADROTOR, "kind: actuator, scale: 3 N*m", "KS0484", "takes a force, not a torque"),
    "no unit": (QUADROTOR, "kind: actuator, scale: 3", "KS0484", "takes a force"),
    "a unit": (HAND, "kind: actuator, actuators: pull_middle, scale: 3 rad", "KS0484", "without"),
    "by pattern": (
        HAND,
        "kind: actuator, actuators: pull.*, scale: {.*x: 1 rad, .*e: 1 rad}",
        "KS0484",
        "pull_middle",
    ),
    "no range": (
        LEG.replace('ctrllimited="true" ctrlrange="-30 20"', ""),
        "kind: actuator",
        "KS0415",
        "'push' has no ctrlrange",
    ),
    "beyond": (HAND, GRIPPER.replace("250", "300"), "KS0483", "0 to 255"),
    "replaced": (
        HAND,
        "kind: actuator, actuators: pull.*}\n  b: {" + SERVO,
        "KS0459",
        "pull_index",
    ),
    "twice": (
        LEG,
        "kind: actuator, actuators: push}\n  b: {kind: actuator, actuators: .*",
        "KS0459",
        "'push' is told by Action.a",
    ),
    "disabled": (
        LEG.replace('name="push"', 'name="push" group="2"').replace(
            "<option ", '<option actuatorgroupdisable="2" '
        ),
        "kind: actuator, actuators: push, scale: 1 N",
        "KS0483",
        "disable",
    ),
    "neither": (HAND, "kind: binary, open: 1, closed: 0", "KS0106", "actuators"),
    "both": (
        HAND,
        "kind: binary, actuators: roll, joints: ia, open: 1 rad, closed: 0",
        "KS0106",
        "actuators",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_what_is_refused(case: tuple[str, str, str, str]) -> None:
    model, action, code, words = case
    base = HOVER if model == QUADROTOR else ("trunk" if "trunk" in model else "palm", "")
    text = TASK % (*base, action)
    if "  b:" in action:
        text = text.replace("{actor: {", "{actor: {act: [a, b], ")
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None, list(problems)
    found = compile_document(document, ModelFiles("m.xml", {"m.xml": model.encode()}))
    assert found.plan is None
    messages = [d.message for d in found.diagnostics if d.code == code]
    assert any(words in message for message in messages), found.diagnostics


@pytest.mark.parametrize(
    ("scale", "words"),
    [("40 N", "most are at its ends"), ("0.003 N", "of each other"), ("2 N", "")],
)
def test_controls_out_of_proportion_to_their_range(scale: str, words: str) -> None:
    found = compiled(QUADROTOR, HOVER, f"kind: actuator, scale: {scale}")
    told = [d.message for d in found.diagnostics if d.code == "KS0478" and "controls" in d.message]
    assert ([words in message for message in told] == [True]) == bool(words), found.diagnostics


ARM = """
<mujoco model="arm"><compiler angle="radian"/><option timestep="0.005" gravity="0 0 0"/>
<worldbody><body name="post"><geom type="box" size=".05 .05 .05"/>
  <body name="upper" pos="0 0 .1"><joint name="shoulder" axis="0 1 0" range="-2 2"/>
    <geom type="capsule" fromto="0 0 0 .3 0 0" size=".02" mass="1"/>
    <body name="lower" pos=".3 0 0"><joint name="elbow" axis="0 1 0" range="-2 2"/>
      <geom type="capsule" fromto="0 0 0 .3 0 0" size=".02" mass=".5"/></body></body></body>
</worldbody>
<actuator><position name="s" joint="shoulder" kp="20" kv="2" ctrlrange="-2 2"/>
  <position joint="elbow" kp="10" kv="1" ctrlrange="-2 2"/></actuator></mujoco>"""


def test_own_servos_have_targets_that_are_observed_and_gains_that_are_drawn() -> None:
    """As those of a position_target; they move as MuJoCo's with these kp and kv."""
    text = TASK % ("post", "", "kind: actuator, scale: 0.5 rad") + (
        "Randomizer: {g: {kind: servo_gains, kp: [2, 2], kd: [3, 3]}}\n"
    )
    seen = "{c: {kind: commanded_joint_position}, f: {kind: formula, expression: "
    seen += "\"joints['.*'] - joints['.*'].target\"}}"
    text = text.replace("{t: {kind: episode_time}}", seen).replace("read: [t]", "read: [c, f]")
    document = parse(text.replace("clean: [t]", "clean: [c, f]"), "t.yaml", Sink())
    assert document is not None
    found = compile_document(document, ModelFiles("m.xml", {"m.xml": ARM.encode()}))
    assert found.plan is not None, found.diagnostics
    env = Env(found.plan, "native", envs=2)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    np.testing.assert_allclose(state.critic_input, 0.0)
    state, _ = jax.jit(env.step)(env.params, state, jnp.array([[1.0, -0.4]] * 2))
    target = np.array([[0.5, -0.2]] * 2)
    np.testing.assert_allclose(state.critic_input[:, :2], target, rtol=1e-6)
    qpos = np.asarray(state.world["qpos"])
    np.testing.assert_allclose(state.critic_input[:, 2:], qpos - target, atol=1e-6)
    strong = ARM.replace('kp="20" kv="2"', 'kp="40" kv="6"')
    model, data = plain(strong.replace('kp="10" kv="1"', 'kp="20" kv="3"'), keyframe=False)
    data.ctrl[:] = target[0]
    mujoco.mj_step(model, data, nstep=4)
    np.testing.assert_allclose(qpos, [data.qpos] * 2, rtol=1e-4)
