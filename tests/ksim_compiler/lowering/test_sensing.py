"""What a sensor makes of a value: noise, bias, scale, clip, delay, history; and its memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.lowering import sensing
from ksim_compiler.lowering.context import Context
from ksim_compiler.robot.model import ModelFiles, load
from ksim_schema.robot import Sensor
from ksim_schema.units import Measured
from ksim_schema.vocabulary.observation.joint import JointPosition
from ksim_schema.vocabulary.observation.trunk import ProjectedGravity
from ksim_schema.vocabulary.state import Robot as RobotPart
from tests.ksim_compiler.lowering.observing import CASES, compile_text, plan_of, task_text

CARTPOLE = CASES["cartpole"]
XML = """
<mujoco>
  <worldbody>
    <body name="b"><joint name="j" type="hinge"/><geom size="0.1"/></body>
    <body name="c"><joint name="k" type="hinge"/><geom size="0.1"/></body>
  </worldbody>
</mujoco>
"""
ROBOT = load(
    RobotPart.model_validate({"model": "m.xml", "control": "20 ms"}),
    ModelFiles("m.xml", {"m.xml": XML.encode()}),
).facts
DRAWS = 4000


def observation(**fields: Any) -> JointPosition:
    return JointPosition.model_validate({"kind": "joint_position", **fields})


def seen(qpos: Any, seed: int = 0) -> Context:
    return context(jnp.asarray(qpos, jnp.float32), jax.random.key(seed))


def context(qpos: jax.Array, key: jax.Array, level: float = 1.0) -> Context:
    zero = jnp.float32(0.0)
    return Context(ROBOT, {"qpos": qpos}, zero, 0.02, jnp.float32(level), key, jnp.zeros(0))


def errors(c: JointPosition, qpos: tuple[float, float], level: float = 1.0) -> np.ndarray:
    """Noisy minus clean, of many draws of the first tick."""

    def read(key: jax.Array) -> jax.Array:
        reading, _ = sensing.first(c, context(jnp.array(qpos), key, level))
        return reading.noisy - reading.clean

    return np.asarray(jax.vmap(read)(jax.random.split(jax.random.key(1), DRAWS)))


@pytest.mark.parametrize("what", ["noise", "bias"])
def test_errors_have_the_distribution_that_is_declared(what: str) -> None:
    """Standard deviations of 4000 draws are within 5 % (4 sigma are 4.5 %)."""
    found = errors(observation(**{what: {"uniform": "0.3 rad"}}), (1.0, -2.0))
    assert np.abs(found).max() < 0.3
    np.testing.assert_allclose(found.std(axis=0), 0.3 / 3**0.5, rtol=0.05)
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.06  # each element has its own draw
    found = errors(observation(**{what: {"gaussian": "0.3 rad", "mean": "0.5 rad"}}), (1.0, -2.0))
    np.testing.assert_allclose(found.std(axis=0), 0.3, rtol=0.05)
    np.testing.assert_allclose(found.mean(axis=0), 0.5, atol=0.02)
    relative = {"gaussian": 0.1, "mode": "multiplicative"}
    found = errors(observation(**{what: relative}), (1.0, -2.0))
    np.testing.assert_allclose(found.std(axis=0), [0.1, 0.2], rtol=0.05)
    relative["uniform"] = relative.pop("gaussian")
    found = errors(observation(**{what: relative}), (1.0, -2.0))
    assert np.abs(found).max(axis=0) == pytest.approx([0.1, 0.2], rel=0.01)


def test_a_chain_applies_one_after_the_other() -> None:
    """(q + 1) * (1 + 0.5) and (q * (1 + 0.5)) + 1, without chance."""
    add = {"uniform": "0 rad", "mean": "1 rad"}
    multiply = {"gaussian": 0.0, "mean": 0.5, "mode": "multiplicative"}
    first = errors(observation(noise=(add, multiply)), (2.0, 4.0))[0]
    np.testing.assert_allclose(first, [3 * 1.5 - 2, 5 * 1.5 - 4])
    second = errors(observation(bias=(multiply, add)), (2.0, 4.0))[0]
    np.testing.assert_allclose(second, [2 * 1.5 + 1 - 2, 4 * 1.5 + 1 - 4])


@pytest.mark.parametrize("what", ["noise", "bias"])
def test_errors_follow_the_curriculum(what: str) -> None:
    ramp = {"uniform": "0.3 rad", "scale": {"linear": {"from": 0.0, "to": 1.0}}}
    c = observation(**{what: ramp})
    np.testing.assert_array_equal(errors(c, (1.0, 2.0), level=0.0), 0.0)
    np.testing.assert_allclose(np.abs(errors(c, (1.0, 2.0), level=0.5)).max(), 0.15, rtol=0.01)


def test_a_quantity_alone_is_the_largest_bias_of_a_uniform_draw() -> None:
    assert observation(bias="3 deg") == observation(bias={"uniform": "3 deg"})
    assert isinstance(observation(bias="3 deg").bias[0].uniform, Measured)
    assert observation().bias == ()


def test_a_bias_holds_for_the_episode_and_a_noise_for_the_tick() -> None:
    for fields, constant in (({"bias": "1 rad"}, True), ({"noise": {"uniform": "1 rad"}}, False)):
        c = observation(**fields)
        reading, memory = sensing.first(c, seen([0.0, 0.0]))
        later, memory = sensing.following(c, seen([5.0, 6.0], seed=1), memory)
        same = np.allclose(later.noisy - later.clean, reading.noisy - reading.clean, atol=1e-6)
        assert same == constant
        assert np.abs(reading.noisy).min() > 1e-3
        again, _ = sensing.first(c, seen([0.0, 0.0], seed=2))
        assert not np.allclose(again.noisy, reading.noisy)


def test_the_clean_value_is_clipped_and_scaled_but_has_no_error_and_no_delay() -> None:
    c = observation(
        noise={"uniform": "3 rad"},
        bias="2 rad",
        delay="40 ms",
        scale=10.0,
        clip=("-1 rad", "1 rad"),
    )
    _, memory = sensing.first(c, seen([0.25, 0.5]))
    reading, _ = sensing.following(c, seen([0.75, 4.0], seed=1), memory)
    np.testing.assert_allclose(reading.clean, [7.5, 10.0])
    assert np.abs(reading.noisy).max() <= 10.0
    assert not np.allclose(reading.noisy, reading.clean)


def test_gravity_has_a_misaligned_imu_and_a_lag() -> None:
    """Without chance in the lag: x_1 = 0.75 g_0 + 0.25 g_1, both turned by the same bias."""
    c = ProjectedGravity.model_validate(
        {"kind": "projected_gravity", "body": "b", "bias": "10 deg", "lag": (0.75, 0.75)}
    )
    plain = ProjectedGravity.model_validate({"kind": "projected_gravity", "body": "b"})
    request = c.sensors(ROBOT)[0]

    def at(quat: Any, seed: int) -> Context:
        robot = replace(ROBOT, sensors={request.name: Sensor(request.name, "framequat", 0, 4)})
        return replace(seen([0.0, 0.0], seed), robot=robot, world={"sensordata": jnp.array(quat)})

    half = 0.5**0.5
    level, tipped = [1.0, 0.0, 0.0, 0.0], [half, half, 0.0, 0.0]  # a quarter turn about x
    first, memory = sensing.first(c, at(level, 0))
    np.testing.assert_allclose(first.clean, [0, 0, -1], atol=1e-6)
    assert 0.01 < np.linalg.norm(first.noisy - first.clean) < 3**0.5 * np.deg2rad(10)
    np.testing.assert_allclose(np.linalg.norm(first.noisy), 1.0, atol=1e-6)
    second, _ = sensing.following(c, at(tipped, 1), memory)
    np.testing.assert_allclose(second.clean, [0, -1, 0], atol=1e-6)
    fresh, _ = sensing.first(c, at(tipped, 0))  # the same draws of another pose
    np.testing.assert_allclose(second.noisy, 0.75 * first.noisy + 0.25 * fresh.noisy, atol=1e-6)
    np.testing.assert_allclose(sensing.first(plain, at(tipped, 0))[0].noisy, [0, -1, 0], atol=1e-6)


TICKS, EPISODE, DELAY, HISTORY = 17, 5, 2, 3


@pytest.fixture(scope="module")
def rollout() -> dict[str, np.ndarray]:
    """Every reading of three environments whose episodes of five ticks end at different times.

    Each row is of the state that the policy sees: after the tick, or after the reset if it ended.
    """
    parts = {
        "now": "{kind: joint_position, joints: slide}",
        "late": "{kind: joint_position, joints: slide, delay: 40 ms}",
        "stack": "{kind: joint_position, joints: slide, history: 3}",
        "both": "{kind: joint_position, joints: slide, delay: 40 ms, history: 3, "
        "noise: {uniform: 0 m}}",
        "rounded": "{kind: joint_position, joints: slide, delay: 26 ms}",
        "action": "{kind: last_action, history: 2}",
        "time": "{kind: episode_time}",
        "clock": "{kind: phase_clock, period: 80 ms}",
        "told": "{kind: command, command: velocity, delay: 20 ms}",
    }
    ends = """
Termination:
  limit: {kind: episode_length, after: 100 ms}
  off: {kind: joint_outside, joints: slide, range: [-15 mm, 15 mm]}
Reset:
  slide: {kind: joint_position, joints: slide, range: 5 mm}
Command:
  velocity: {kind: planar_velocity, forward: [0 m/s, 1 m/s], resample: [20 ms, 60 ms]}
"""
    text = task_text(CARTPOLE, parts, "50 Hz", ends)
    names = ", ".join(parts)
    first = next(iter(parts))
    text = text.replace(f"read: [{first}]", f"read: [{names}], obey: velocity")
    plan = plan_of(text, CARTPOLE.files)
    env = Env(plan, "native", envs=3)
    step, state = jax.jit(env.step), jax.jit(env.init)(env.params, jax.random.key(4))
    rng = np.random.default_rng(0)
    rows, actions, done = [state.policy_input], [np.zeros((3, 1), np.float32)], [np.ones(3, bool)]
    for _ in range(TICKS):
        action = rng.uniform([[-0.1], [0.5], [-0.1]], [[0.1], [1.0], [1.0]]).astype(np.float32)
        state, out = step(env.params, state, jnp.asarray(action))
        rows.append(state.policy_input)
        actions.append(action)
        done.append(np.asarray(out.done))
    table = np.stack(rows)
    read = {c.source.name: table[..., c.start : c.stop] for c in plan.policy_input[: len(parts)]}
    obeyed = plan.policy_input[-1]
    read["velocity"] = table[..., obeyed.start : obeyed.stop]
    return {**read, "actions": np.stack(actions), "began": np.stack(done)}


def age(rollout: dict[str, np.ndarray]) -> np.ndarray:
    """Ticks since the start of the episode, (ticks, environments)."""
    began, ages = rollout["began"], np.zeros((TICKS + 1, 3), int)
    for tick in range(1, TICKS + 1):
        ages[tick] = np.where(began[tick], 0, ages[tick - 1] + 1)
    return ages


def before(rollout: dict[str, np.ndarray], name: str, ticks: int) -> np.ndarray:
    """The value of some ticks ago in the same episode, or its first."""
    values, ages = rollout[name], age(rollout)
    source = np.arange(TICKS + 1)[:, None] - np.minimum(ages, ticks)
    return np.take_along_axis(values, source[..., None], axis=0)


def test_the_rollout_has_resets_within_and_at_different_times(
    rollout: dict[str, np.ndarray],
) -> None:
    began = rollout["began"][1:]
    assert (began.sum(axis=0) >= 3).all()
    assert (began.any(axis=1) & ~began.all(axis=1)).any()
    assert len(np.unique(rollout["now"])) == rollout["now"].size


def test_a_delay_gives_exactly_the_value_of_that_many_ticks_ago(
    rollout: dict[str, np.ndarray],
) -> None:
    np.testing.assert_array_equal(rollout["late"], before(rollout, "now", DELAY))
    np.testing.assert_array_equal(rollout["rounded"], before(rollout, "now", 1))
    np.testing.assert_array_equal(rollout["told"], before(rollout, "velocity", 1))


def test_a_history_gives_exactly_the_latest_values_oldest_first(
    rollout: dict[str, np.ndarray],
) -> None:
    stack = [before(rollout, "now", HISTORY - 1 - k) for k in range(HISTORY)]
    np.testing.assert_array_equal(rollout["stack"], np.concatenate(stack, axis=-1))
    late = [before(rollout, "late", HISTORY - 1 - k) for k in range(HISTORY)]
    np.testing.assert_array_equal(rollout["both"], np.concatenate(late, axis=-1))


def test_the_last_action_and_the_clocks_start_afresh(rollout: dict[str, np.ndarray]) -> None:
    ages = age(rollout)[..., None]
    last = np.where(ages == 0, 0.0, rollout["actions"])
    previous = np.where(ages <= 1, 0.0, np.roll(rollout["actions"], 1, axis=0))
    np.testing.assert_array_equal(rollout["action"], np.concatenate([previous, last], axis=-1))
    np.testing.assert_allclose(rollout["time"], 0.02 * ages, rtol=1e-6)
    turn = np.pi / 2 * ages  # 80 ms are four ticks
    clock = np.concatenate([np.sin(turn), np.cos(turn)], axis=-1)
    np.testing.assert_allclose(rollout["clock"], clock, atol=1e-5)


@pytest.mark.parametrize(
    ("part", "code", "text"),
    [
        ("{kind: joint_velocity, joints: pole, noise: {uniform: 2 deg}}", "KS0403", "2 deg"),
        ("{kind: joint_velocity, joints: pole, bias: 2 m/s}", "KS0403", "2 m/s"),
        ("{kind: joint_velocity, joints: pole, bias: [{gaussian: 2 m/s}]}", "KS0403", "2 m/s"),
        ("{kind: projected_gravity, body: pole, bias: 2}", "KS0403", "2"),
        (
            "{kind: projected_gravity, body: pole, bias: {uniform: 2, mode: multiplicative}}",
            "KS0414",
            "{uniform",
        ),
        ("{kind: commanded_joint_position, joints: slide}", "KS0414", "part"),
        ("{kind: height_scan}", "KS0414", "part"),
        ("{kind: height_scan, geoms: cart}", "KS0414", "cart"),
        ("{kind: feet_contact, geoms: cart}", "KS0414", "part"),
        ("{kind: contact, bodies: cart, with: floor}", "KS0414", "cart"),
        ("{kind: contact, with: floor}", "KS0106", "{kind"),
        ("{kind: body_position, bodies: [cart, pool]}", "KS0205", "pool"),
        ("{kind: site_position, sites: t.*x}", "KS0210", "t.*x"),
    ],
)
def test_what_cannot_be_observed_is_said_where_it_is_written(
    part: str, code: str, text: str
) -> None:
    source = task_text(CARTPOLE, {"part": part}, "50 Hz")
    plan, found, report = compile_text(source, CARTPOLE.files)
    assert plan is None
    problem = next(d for d in found if d.code != "KS0408")
    assert problem.code == code, report
    line = source.splitlines()[problem.where.line - 1]
    assert line.lstrip().startswith("part:"), report
    assert line[problem.where.column - 1 :].startswith(text), report


def test_a_policy_that_reads_what_no_robot_senses_is_warned() -> None:
    case = CASES["humanoid"]
    privileged = {
        "{kind: base_linear_velocity}",
        "{kind: base_position}",
        "{kind: body_position, bodies: pelvis}",
        "{kind: body_velocity, bodies: pelvis}",
        "{kind: center_of_mass_inertia}",
        "{kind: sensor, sensor: velocity}",
    }
    sensed = {
        "{kind: height_scan}",
        "{kind: feet_contact, geoms: foot_left}",
        "{kind: feet_position, sites: sole_left}",
        "{kind: joint_position}",
        "{kind: sensor, sensor: imu_gyro}",
        "{kind: base_angular_velocity}",
        "{kind: projected_gravity}",
    }
    files = case.files
    root = files.content["humanoid.xml"].replace(
        b"<sensor>", b'<sensor><velocimeter name="velocity" site="imu"/>'
    )
    files = ModelFiles(files.root, {**files.content, "humanoid.xml": root})
    for part in privileged | sensed:
        _, found, _ = compile_text(task_text(case, {"part": part}, "50 Hz"), files)
        codes = [d.code for d in found if d.code != "KS0320"]  # its alive reward is idle
        assert codes == (["KS0408"] if part in privileged else []), part
