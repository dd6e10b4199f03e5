"""Values by patterns of names: one number for each joint, wherever one for all may stand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.lowering import rules
from ksim_compiler.lowering.binding import bind, extract, spread
from ksim_compiler.lowering.context import Context
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.plan.columns import inputs, outputs
from ksim_compiler.robot.model import ModelFiles, load
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from ksim_schema.vocabulary import Part, randomizer, reset
from ksim_schema.vocabulary.observation.joint import JointPosition
from ksim_schema.vocabulary.reward.joints import JointDeviation, JointTracking
from ksim_schema.vocabulary.state import Robot as RobotPart

MODEL = """
<mujoco><compiler angle="radian"/><option timestep="0.005" integrator="implicitfast"/>
<worldbody><body name="trunk" pos="0 0 1">
  <geom type="box" size=".1 .1 .1" mass="3"/>
  {legs}
</body></worldbody></mujoco>"""
LEG = """<body name="{s}_thigh" pos="0 {y} 0">
  <joint name="{s}_hip" axis="0 1 0" range="-2 2" damping=".1" armature=".02"/>
  <geom type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/>
  <body name="{s}_shin" pos="0 0 -.3">
    <joint name="{s}_knee" axis="0 1 0" range="-2 2" damping=".1" armature=".02"/>
    <geom type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass=".5"/></body></body>"""
LEGS = "".join(LEG.format(s=s, y=y) for s, y in (("left", 0.2), ("right", -0.2)))
FILES = ModelFiles("m.xml", {"m.xml": MODEL.format(legs=LEGS).encode()})
PART = RobotPart.model_validate({"model": "m.xml", "control": "20 ms"})
JOINTS = ("left_hip", "left_knee", "right_hip", "right_knee")
TASK = """
ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Observation: {q: {kind: joint_position%s}}
Action:
%s
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {alive: {kind: stay_alive, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 2, rollout: 8, minibatches: 1}
"""
ONE = """
  a:
    kind: position_target
    scale: {.*_hip: 0.5 rad, .*_knee: 20 deg}
    gains:
      .*_hip: {kp: 40 N*m/rad, kd: 2 N*m*s/rad}
      .*_knee: {kp: 30 N*m/rad, kd: 1 N*m*s/rad}
    torque_limit: {.*_hip: 20 N*m, left_knee: 12 N*m, right_knee: 12 N*m}
    clip: {.*_hip: [-1, 1], .*_knee: [-0.5, 0.7]}
    max_speed: {.*hip: 3 rad/s, .*knee: 2 rad/s}
"""
TWO = """
  a:
    kind: position_target
    joints: .*_hip
    scale: 0.5 rad
    gains: {kp: 40 N*m/rad, kd: 2 N*m*s/rad}
    torque_limit: 20 N*m
    clip: [-1, 1]
    max_speed: 3 rad/s
  b:
    kind: position_target
    joints: .*_knee
    scale: 20 deg
    gains: {kp: 30 N*m/rad, kd: 1 N*m*s/rad}
    torque_limit: 12 N*m
    clip: [-0.5, 0.7]
    max_speed: 2 rad/s
"""


def compiled(actions: str, observation: str = "", *settings: str) -> Compiled:
    problems = Sink()
    text = TASK % (observation, actions)
    if "  b:" in actions:
        text = text.replace("{actor: {", "{actor: {act: [a, b], ")
    document = parse(text, "t.yaml", problems)
    assert document is not None, list(problems)
    return compile_document(document, FILES, settings)


def planned(*given: str) -> Any:
    found = compiled(*given)
    assert found.plan is not None, found.diagnostics
    return found.plan


def rolled(plan: Any, order: list[int], engine: str = "native") -> np.ndarray:
    """Positions of 20 ticks of random actions, which come in an order."""
    env = Env(plan, engine, threads=1)
    state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
    random, found = np.random.default_rng(0), []
    for _ in range(20):
        action = random.uniform(-2, 2, (2, 4)).astype(np.float32)[:, order]
        state, _ = step(env.params, state, jnp.asarray(action))
        found.append(np.asarray(state.world["qpos"]))
    return np.stack(found)


@pytest.mark.parametrize("engine", ["native", pytest.param("mjx", marks=pytest.mark.slow)])
def test_one_action_with_values_by_pattern_is_two_with_one_value_each(engine: str) -> None:
    one, two = planned(ONE), planned(TWO)
    drives = {drive.joint: drive for drive in two.drives}
    assert {drive.joint: drive for drive in one.drives} == drives
    assert drives["right_knee"].limit == 12.0
    alike = rolled(one, [0, 1, 2, 3], engine), rolled(two, [0, 2, 1, 3], engine)
    np.testing.assert_allclose(*alike, atol=1e-6)
    assert np.abs(alike[0]).max() > 0.1


def test_the_values_of_each_joint_are_printed() -> None:
    text = planned(ONE).text()
    assert "Action.a.scale: left_hip 0.5 rad, left_knee 0.349066 rad, right_hip 0.5 rad" in text
    assert "Action.a.clip: left_hip -1 to 1, left_knee -0.5 to 0.7" in text
    assert "Action.a.gains: left_hip kp 40 N*m/rad kd 2 N*m*s/rad" in text


def test_the_meaning_does_not_depend_on_order_or_units() -> None:
    other = ONE.replace("{.*_hip: 0.5 rad, .*_knee: 20 deg}", "{.*_knee: 20 deg, .*_hip: 500 mrad}")
    assert other != ONE
    assert compiled(ONE).fingerprint == compiled(other).fingerprint
    assert compiled(ONE).fingerprint != compiled(ONE.replace("20 deg", "21 deg")).fingerprint


def test_the_columns_of_a_policy_know_what_each_action_sets() -> None:
    plan = planned(ONE, ", scale: {.*hip: 2, .*knee: 3}, history: 2")
    half, knee = 0.5, np.deg2rad(20.0)
    scales = outputs(plan)[0].scale
    np.testing.assert_allclose(scales, [1 / half, 1 / knee, 1 / half, 1 / knee])
    np.testing.assert_allclose(inputs(plan, plan.policy_input)[0].scale, [2, 3, 2, 3] * 2)


def test_the_numbers_are_arguments_of_the_compiled_program() -> None:
    first, second = (
        jax.tree.structure(Env(planned(text), "native", threads=1).params)
        for text in (ONE, ONE.replace("20 deg", "21 deg"))
    )
    assert first == second


ROBOT = load(PART, FILES)


def value(part: Part, qpos: Any = (0.0,) * 4, world: Any = None, seed: int = 0) -> Any:
    """What the rule of a part gives."""
    facts = ROBOT.facts
    zero = jnp.float32(0.0)
    state = {"qpos": jnp.array(qpos, jnp.float32), "qvel": jnp.zeros(facts.nv)}
    x = Context(facts, world or state, zero, 0.02, zero, jax.random.key(seed), jnp.zeros(4))
    lowered = spread(bind(part, extract(part)), facts)
    return rules.apply(lowered, x, ())[0]


def test_rewards_resets_and_randomizers_take_values_by_pattern() -> None:
    q = (0.1, 0.2, 0.3, 0.4)
    weighed = JointDeviation.model_validate(
        {
            "kind": "joint_deviation",
            "around": "zero",
            "weights": {".*hip": 2.0, ".*knee": 0.5},
            "targets": {"left.*": "0.1 rad", "right.*": "0.2 rad"},
        }
    )
    by_hand = (2 * 0.0) ** 2 + (0.5 * 0.1) ** 2 + (2 * 0.1) ** 2 + (0.5 * 0.2) ** 2
    assert float(value(weighed, q)) == pytest.approx(by_hand, rel=1e-5)
    tracking = JointTracking.model_validate(
        {
            "kind": "joint_tracking",
            "joints": "left.*",
            "target": {"left_hip": "0.1 rad", "left_knee": "0 rad"},
            "error_scale": "0.5 rad",
        }
    )
    assert float(value(tracking, q)) == pytest.approx(np.exp(-(0.2**2) / 0.25), rel=1e-5)
    positions = reset.ResetJointPosition.model_validate(
        {"kind": "joint_position", "range": {".*_hip": "0.3 rad", ".*_knee": "0 rad"}}
    )
    qpos = np.stack([value(positions, seed=seed)[0] for seed in range(40)])
    assert (qpos[:, [1, 3]] == 0.0).all()
    assert 0.2 < np.abs(qpos[:, [0, 2]]).max() <= 0.3
    damping = randomizer.JointDamping.model_validate(
        {"kind": "joint_damping", "factor": {".*_hip": (1, 1), ".*_knee": (2, 3)}}
    )
    own = {"dof_damping": jnp.asarray(ROBOT.model.dof_damping, jnp.float32)}
    drawn = np.asarray(value(damping, world=own)["dof_damping"])
    np.testing.assert_allclose(drawn[[0, 2]], 0.1, rtol=1e-6)
    assert ((drawn[[1, 3]] > 0.2) & (drawn[[1, 3]] < 0.3)).all()
    masses = randomizer.BodyMass.model_validate(
        {
            "kind": "body_mass",
            "body": ".*_.*",
            "add": {".*thigh": ("1 kg", "1 kg"), ".*shin": (0, 0)},
        }
    )
    world = {
        name: jnp.asarray(getattr(ROBOT.model, name), jnp.float32)
        for name in ("body_mass", "body_inertia", "body_ipos")
    }
    added = np.asarray(value(masses, world=world)["body_mass"]) - ROBOT.model.body_mass
    np.testing.assert_allclose(added, [0, 0, 1, 0, 1, 0], atol=1e-6)
    centres = randomizer.CentreOfMass.model_validate(
        {"kind": "centre_of_mass", "body": ".*_.*", "range": {".*thigh": "0 m", ".*shin": "1 cm"}}
    )
    moved = np.abs(np.asarray(value(centres, world=world)["body_ipos"]) - ROBOT.model.body_ipos)
    assert moved[[2, 4]].max() < 1e-7 < moved[[3, 5]].min()


def test_noise_and_scale_of_an_observation_are_each_joints_own() -> None:
    noisy = "{uniform: {.*hip: 0 rad, .*knee: 0.2 rad}}"
    plan = planned(ONE, f", noise: {noisy}, scale: {{.*hip: 10, .*knee: 1}}")
    env = Env(plan, "native", threads=1)
    seen = []
    for seed in range(20):
        state = env.init(env.params, jax.random.key(seed))
        seen.append(np.asarray(state.inputs.policy) - np.asarray(state.inputs.critic))
    errors = np.abs(np.concatenate(seen))
    assert errors[:, [0, 2]].max() == 0.0
    assert 0.1 < errors[:, [1, 3]].max() <= 0.2
    assert JointPosition.model_validate({"scale": {"a": 2.0}, "kind": "joint_position"}).scale


BAD = {
    "overlap": ("scale: {.*_hip: 1 rad, .*: 1 rad}", "KS0456", "left_hip"),
    "left out": ("scale: {.*_hip: 1 rad}", "KS0457", "'left_knee', 'right_knee'"),
    "misspelt": ("scale: {left_hipp: 1 rad, .*: 1 rad}", "KS0203", "left_hipp"),
    "no match": ("scale: {toe.*: 1 rad, .*: 1 rad}", "KS0210", "toe"),
    "of another": ("joints: .*hip, scale: {.*_knee: 1 rad, .*: 1 rad}", "KS0210", "knee"),
    "shell": ("scale: {'*_hip': 1 rad, .*_knee: 1 rad}", "KS0211", "regular expression"),
    "unit": ("scale: {.*_hip: 1 rad, .*_knee: 1}", "KS0110", "no unit"),
    "length": ("scale: {.*_hip: 1 rad, .*_knee: 1 m}", "KS0409", "takes an angle"),
    "negative": ("scale: {.*_hip: 1 rad, .*_knee: -1 rad}", "KS0107", "more than 0"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_a_mapping_of_patterns_that_does_not_fit_is_told_at_its_place(
    case: tuple[str, str, str],
) -> None:
    fields, code, words = case
    gains = "gains: {kp: 40 N*m/rad, kd: 2 N*m*s/rad}, torque_limit: 9 N*m"
    if "joints" not in fields:
        fields = f"joints: .*, {fields}"
    found = compiled(f"  a: {{kind: position_target, {fields}, {gains}}}")
    errors = [d for d in found.diagnostics if d.code == code]
    assert errors, found.diagnostics
    line = (TASK % ("", f"  a: {{kind: position_target, {fields}, {gains}}}")).split("\n")
    place = errors[0].where
    assert "kind: position_target" in line[place.line - 1]
    assert place.column > line[place.line - 1].index("scale")
    assert words in errors[0].message


def test_gains_that_a_joint_has_not_are_told() -> None:
    """Which joints an action moves is asked before each is known to have its values."""
    gains = "gains: {.*_hip: {kp: 40 N*m/rad, kd: 2 N*m*s/rad}}, torque_limit: 9 N*m"
    found = compiled(f"  a: {{kind: position_target, joints: .*, {gains}, scale: 1 rad}}")
    assert [d.code for d in found.diagnostics if d.severity == "error"] == ["KS0457"]


def test_the_elements_of_a_vector_have_no_names() -> None:
    found = compiled(ONE, "}, t: {kind: episode_time, scale: {a: 2}")
    assert [d.code for d in found.diagnostics if d.code == "KS0458"]


def test_targets_around_now_are_about_the_joints_of_each_tick() -> None:
    text = ONE.replace("kind: position_target", "kind: position_target\n    around: now")
    text = "\n".join(line for line in text.split("\n") if "max_speed" not in line)
    env = Env(planned(text), "native", threads=1)
    state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
    action = np.float32([[0.4, -0.2, 0.3, 0.5]] * 2)
    for _ in range(5):
        before = np.asarray(state.world["qpos"])
        state, _ = step(env.params, state, jnp.asarray(action))
        scale = np.array([0.5, np.deg2rad(20.0)] * 2)
        np.testing.assert_allclose(state.episode.controls, before + scale * action, atol=1e-6)
    assert np.abs(before).max() > 0.01
    meanings = [outputs(planned(t))[0].meaning for t in (text, ONE)]
    assert meanings[0] != meanings[1]  # a policy of one is not moved to the other as it is


def test_a_pattern_with_brackets_stands_in_quotes() -> None:
    found = Sink()
    assert parse("scale: {joint[1-4]: 0.1 rad, joint5: 0.2 rad}", "t.yaml", found) is None
    (problem,) = found
    assert "a name with '[' stands in quotes" in problem.message
    assert '"joint[1-4]"' in problem.help
