"""Actions: numbers worked by hand, what MuJoCo's actuators give, and memory across resets."""

from __future__ import annotations

import copy
import math
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from mujoco import mjx

from ksim_compiler.lowering import action as actions, rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import ModelFiles, Robot, equip, load, read_files
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.source import parse
from ksim_schema.vocabulary import action as v, randomizer
from ksim_schema.vocabulary.state import Robot as RobotPart
from tests.ksim_compiler.test_env import CARTPOLE, ROBOTS, edited, start

MODEL = """
<mujoco>
  <option timestep="0.005" integrator="implicitfast" gravity="0 0 0"/>
  <worldbody>
    <body>
      <joint name="hip" type="hinge" axis="0 1 0" range="-30 90" armature="0.5"/>
      <inertial mass="1" pos="0 0 0" diaginertia="0.5 0.5 0.5"/>
      <body pos="0 0 -1">
        <joint name="knee" type="hinge" axis="0 1 0"/>
        <inertial mass="1" pos="0 0 0" diaginertia="0.1 0.1 0.1"/>
      </body>
    </body>
    <body pos="0 3 0">
      <joint name="rail" type="slide" axis="1 0 0"/>
      <inertial mass="1" pos="0 0 0" diaginertia="0.1 0.1 0.1"/>
    </body>
  </worldbody>
  <keyframe><key name="home" qpos="0.2 -0.4 0"/></keyframe>
</mujoco>
"""
PLAIN = load(
    RobotPart.model_validate({"model": "m.xml", "control": "20 ms", "home": {"keyframe": "home"}}),
    ModelFiles("m.xml", {"m.xml": MODEL.encode()}),
)
PERIOD = 0.02
GAINS = {"kp": "50 N*m/rad", "kd": "2 N*m*s/rad"}


def part(kind: type[v.Action], **fields: Any) -> Any:
    """A part that drives the two hinges."""
    given = {"joints": ("hip", "knee"), "torque_limit": "20 N*m", **fields}
    return kind.model_validate(given)


def context(tick: int = 0, action: Any = (), level: float = 1.0, seed: int = 0) -> Context:
    world = {"qpos": jnp.array([0.5, 0.1, 0.0])}
    key = jax.random.fold_in(jax.random.key(seed), tick)
    return Context(
        PLAIN.facts,
        world,
        jnp.float32(tick * PERIOD),
        PERIOD,
        jnp.float32(level),
        key,
        jnp.asarray(action, jnp.float32),
    )


def run(c: v.Action, outputs: Any, level: float = 1.0, seed: int = 0) -> tuple[Any, Any]:
    """Targets (ticks + 1, joints), the first those at the start, and (ticks, substeps, joints)."""
    targets, memory = actions.first(c, context(level=level, seed=seed))
    told, each = [targets], []
    for tick, output in enumerate(np.atleast_2d(np.asarray(outputs, np.float32))):
        x = context(tick, output, level, seed)
        targets, physics, memory = actions.following(c, x, memory)
        told.append(targets)
        each.append(physics)
    return np.array(told), np.array(each)


def column(values: Any, count: int = 2) -> np.ndarray:
    """The same action for each joint."""
    return np.repeat(np.asarray(values, np.float32)[:, None], count, axis=1)


def test_squash_comes_before_clip_and_clip_before_the_scale() -> None:
    c = part(v.Torque, scale="4 N*m", squash="tanh", clip=(-0.5, 2.0))
    targets, _ = run(c, column([0.3, 10.0, -10.0]))
    np.testing.assert_allclose(targets[:, 0], [0, 4 * math.tanh(0.3), 4.0, -2.0], rtol=1e-6)


def test_a_target_is_measured_from_home_or_from_the_middle_of_the_range() -> None:
    around = part(v.PositionTarget, scale="0.5 rad", gains=GAINS)
    np.testing.assert_allclose(run(around, column([1.0]))[0], [[0.2, -0.4], [0.7, 0.1]], rtol=1e-6)
    whole = part(v.PositionTarget, joints=("hip",), gains=GAINS, around="middle", squash="tanh")
    targets, _ = run(whole, column([30.0, -30.0], 1))  # of -30 to 90 degrees
    np.testing.assert_allclose(np.rad2deg(targets[:, 0]), [30, 90, -30], rtol=1e-5)
    kept = part(v.PositionTarget, scale="5 rad", gains=GAINS, clip_to_limits=True)
    targets, _ = run(kept, column([1.0]))
    np.testing.assert_allclose(targets[1], [math.pi / 2, 4.6], rtol=1e-6)  # the knee has none


def test_the_low_pass_filter_halves_the_step_where_its_time_constant_is_the_period() -> None:
    cut_off = f"{1 / (2 * math.pi * PERIOD)!r} Hz"
    targets, _ = run(part(v.Torque, scale="8 N*m", low_pass=cut_off), column([1, 1, 1, 0]))
    np.testing.assert_allclose(targets[:, 1], [0, 4, 6, 7, 3.5], rtol=1e-6)


def test_limits_of_the_targets_motion() -> None:
    fields = {"scale": "1 rad", "gains": GAINS, "around": "zero"}
    # 50 rad/s^2: the speed rises by 1 rad/s in a tick of 20 ms
    swift = part(v.PositionTarget, **fields, max_acceleration="50 rad/s^2")
    np.testing.assert_allclose(run(swift, column([1] * 3))[0][:, 0], [0, 0.02, 0.06, 0.12], 1e-5)
    slow = part(v.PositionTarget, **fields, max_acceleration="50 rad/s^2", max_speed="2 rad/s")
    np.testing.assert_allclose(run(slow, column([1] * 3))[0][:, 0], [0, 0.02, 0.06, 0.10], 1e-5)
    steady = part(v.PositionTarget, **fields, max_speed="2 rad/s")
    np.testing.assert_allclose(
        run(steady, column([0.05] * 3))[0][:, 0], [0, 0.04, 0.05, 0.05], 1e-5
    )


def test_integrated_actions_begin_where_the_joints_are() -> None:
    velocity = part(v.IntegratedVelocity, scale="5 rad/s", gains=GAINS, clip_to_limits=True)
    targets, _ = run(velocity, [[1, 1], [1, -1], [-2, 0]])
    # 0.1 rad a tick and unit of action
    np.testing.assert_allclose(targets[:, 0], [0.5, 0.6, 0.7, 0.5], rtol=1e-5)
    np.testing.assert_allclose(targets[:, 1], [0.1, 0.2, 0.1, 0.1], rtol=1e-5)
    at_limit, _ = run(velocity, column([100, -1]))  # it does not wind up behind the limit
    np.testing.assert_allclose(at_limit[1:, 0], [math.pi / 2, math.pi / 2 - 0.1], rtol=1e-5)
    pushed = part(v.IntegratedAcceleration, scale="50 rad/s^2", gains=GAINS, max_speed="2.5 rad/s")
    targets, _ = run(pushed, column([1, 1, 1, -1]))  # speeds 1, 2, 2.5, 1.5 rad/s
    np.testing.assert_allclose(targets[:, 0], [0.5, 0.52, 0.56, 0.61, 0.64], rtol=1e-5)


def test_a_lost_action_is_the_last_one_that_was_not() -> None:
    outputs = column(np.arange(1, 201))
    targets, _ = run(part(v.Torque, scale="1 N*m", drop=0.3), outputs)
    repeated = targets[1:] == targets[:-1]
    assert (repeated | (targets[1:] == outputs)).all()
    assert 0.2 < repeated.mean() < 0.4
    np.testing.assert_array_equal(repeated[:, 0], repeated[:, 1])  # the message as a whole
    faults = {"linear": {"from": 0.0, "to": 1.0}}
    graded = part(v.Torque, scale="1 N*m", drop=0.3, faults=faults)
    np.testing.assert_array_equal(run(graded, outputs[:20], level=0.0)[0][1:], outputs[:20])


def test_the_latency_is_counted_in_physics_steps() -> None:
    c = part(v.Torque, scale="1 N*m", latency=("10 ms", "10 ms"))
    _, each = run(c, column([1, 2]))  # of 5 ms
    np.testing.assert_array_equal(each[..., 0], [[0, 0, 1, 1], [1, 1, 2, 2]])


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ("15 ms", [[1, 1, 1, 1], [1, 1, 2, 2], [2, 3, 3, 3], [4, 4, 4, 4]]),  # every third step
        ("50 Hz", [[1] * 4, [2] * 4, [3] * 4, [4] * 4]),
        ("60 ms", [[1] * 4, [1] * 4, [1] * 4, [4] * 4]),
    ],
)
def test_the_motor_controller_takes_targets_over_at_its_own_rate(
    update: str, expected: list[list[int]]
) -> None:
    _, each = run(part(v.Torque, scale="1 N*m", update=update), column([1, 2, 3, 4]))
    np.testing.assert_array_equal(each[..., 0], expected)


def test_what_arrives_late_waits_for_the_next_update() -> None:
    c = part(v.Torque, scale="1 N*m", latency=("5 ms", "5 ms"), update="10 ms")
    _, each = run(c, column([1, 2]))
    # arrives at steps 1 and 5, taken over at the even steps
    np.testing.assert_array_equal(each[..., 0], [[0, 0, 1, 1], [1, 1, 2, 2]])


def test_bias_is_drawn_once_an_episode_and_noise_at_each_tick() -> None:
    zeros = np.zeros((40, 2))
    biased = part(v.Torque, scale="1 N*m", bias="2 N*m")
    targets, _ = run(biased, zeros)
    np.testing.assert_array_equal(targets, np.broadcast_to(targets[0], targets.shape))
    assert (np.abs(targets[0]) <= 2).all()
    assert targets[0, 0] != targets[0, 1]
    assert not np.array_equal(targets[0], run(biased, zeros[:1], seed=1)[0][0])
    noise = {"gaussian": "1 N*m", "scale": {"linear": {"from": 0.0, "to": 2.0}}}
    noisy = part(v.Torque, scale="1 N*m", noise=noise)
    targets, _ = run(noisy, zeros)
    np.testing.assert_array_equal(targets[0], 0.0)
    assert 1.6 < targets[1:].std() < 2.4
    np.testing.assert_array_equal(run(noisy, zeros[:3], level=0.0)[0], 0.0)


# what MuJoCo makes of it


def driven(c: v.Action) -> Robot:
    return equip(PLAIN, (), c.drives(PLAIN.facts))


def torques(robot: Robot, ctrl: float, qpos: float, speeds: list[float]) -> list[float]:
    """Torque on the hip by plain MuJoCo, the knee's motor at rest."""
    data = mujoco.MjData(robot.model)
    found = []
    for speed in speeds:
        data.qpos[0], data.qvel[0] = qpos, speed
        data.actuator("ksim/hip").ctrl = ctrl
        mujoco.mj_forward(robot.model, data)
        found.append(float(data.qfrc_actuator[0]))
    return found


CURVE = {"stall": "10 N*m", "no_load_speed": "20 rad/s"}
SPEEDS = [-40.0, -30.0, -10.0, 0.0, 10.0, 18.0, 20.0, 30.0, 40.0]


def test_the_torque_speed_curve() -> None:
    motor = driven(part(v.Torque, scale="1 N*m", torque_limit="6 N*m", torque_speed=CURVE))
    # 10 - v/2 at full voltage, within 6; back-EMF brakes beyond the no-load speed
    full = [6, 6, 6, 6, 5, 1, 0, -5, -6]
    np.testing.assert_allclose(torques(motor, 100.0, 0.0, SPEEDS), full, atol=1e-9)
    reverse = [6, 5, -5, -6, -6, -6, -6, -6, -6]  # -10 - v/2
    np.testing.assert_allclose(torques(motor, -100.0, 0.0, SPEEDS), reverse, atol=1e-9)
    # a torque that the voltage can give is given
    np.testing.assert_allclose(torques(motor, 2.0, 0.0, SPEEDS), [6, 5, 2, 2, 2, 1, 0, -5, -6])
    servo = driven(part(v.PositionTarget, scale="1 rad", gains=GAINS, torque_speed=CURVE))
    # 50 (0.3 - 0.1) - 2 v is within the curve from v = 0 on; the limit of 20 is beyond the stall
    np.testing.assert_allclose(torques(servo, 0.3, 0.1, [0.0, 1.0, 4.0]), [10, 8, 2])
    np.testing.assert_allclose(torques(servo, 0.3, 0.1, [-2.0, 12.0]), [11, -14])


def test_the_torque_speed_curve_on_mjx() -> None:
    c = part(v.PositionTarget, scale="1 rad", gains=GAINS, torque_limit="6 N*m", torque_speed=CURVE)
    robot = driven(c)
    model, data = mjx.put_model(robot.model), mjx.make_data(robot.model)
    ctrl = jnp.zeros(robot.model.nu).at[robot.facts.actuators.index("ksim/hip")].set(0.3)

    def torque(speed: jax.Array) -> jax.Array:
        moved = data.replace(
            qpos=data.qpos.at[0].set(0.1), qvel=data.qvel.at[0].set(speed), ctrl=ctrl
        )
        return mjx.forward(model, moved).qfrc_actuator[0]

    found = jax.jit(jax.vmap(torque))(jnp.array(SPEEDS))
    np.testing.assert_allclose(found, torques(robot, 0.3, 0.1, SPEEDS), atol=1e-4)


def test_a_saturated_motor_is_damped_by_its_back_emf() -> None:
    robot = driven(part(v.Torque, joints=("hip",), scale="1 N*m", torque_speed=CURVE))
    model, data = robot.model, mujoco.MjData(robot.model)
    data.qvel[0] = 10.0
    data.ctrl[:] = [0.0, 100.0]
    mujoco.mj_forward(model, data)
    full = np.zeros((3, 3))
    mujoco.mj_fullM(model, data, full)
    mujoco.mj_step(model, data)
    # implicit: (M + dt k) dv = dt (stall - k v), the torque's slope in the speed being -k
    matrix = full + np.diag([0.005 * 0.5, 0, 0])
    expected = np.linalg.solve(matrix, 0.005 * (np.array([5.0, 0, 0]) - data.qfrc_bias))
    np.testing.assert_allclose(data.qvel - [10.0, 0, 0], expected, rtol=1e-6, atol=1e-9)


def test_position_and_velocity_targets_are_one_setpoint() -> None:
    c = part(v.PositionVelocityTarget, scale="0.5 rad", velocity_scale="2 rad/s", gains=GAINS)
    assert c.size(PLAIN.facts) == 4
    targets, _ = run(c, [[0.2, 0.0, 0.5, 0.0]])
    robot = driven(c)
    # 50 (0.2 + 0.1 - 0.1) + 2 (1 - v)
    found = torques(robot, float(targets[1, 0]), 0.1, [0.0, 1.0, 3.0])
    np.testing.assert_allclose(found, [12, 10, 6], rtol=1e-6)


def test_a_velocity_servo() -> None:
    robot = driven(part(v.VelocityTarget, scale="1 rad/s", gain="3 N*m*s/rad"))
    found = torques(robot, 2.0, 0.7, [0.0, 2.0, 4.0, -10.0])
    np.testing.assert_allclose(found, [6, 0, -6, 20])  # the limit


def test_randomized_gains_and_strength_keep_the_torque_speed_curve() -> None:
    c = part(v.PositionTarget, scale="1 rad", gains=GAINS, torque_limit="6 N*m", torque_speed=CURVE)
    robot = driven(c)

    def drawn(change: randomizer.Randomizer) -> Robot:
        own = {name: jnp.asarray(getattr(robot.model, name)) for name in change.changes}
        x = Context(
            robot.facts,
            own,
            jnp.float32(0),
            PERIOD,
            jnp.float32(1),
            jax.random.key(0),
            jnp.zeros(2),
        )
        values, _ = rules.apply(change, x, ())
        model = copy.copy(robot.model)
        for name, value in values.items():
            getattr(model, name)[:] = value
        return Robot(robot.part, robot.files, model, robot.facts)

    softer = drawn(randomizer.ServoGains(kp=(0.5, 0.5), kd=(2.0, 2.0)))
    # 25 * 0.2 - 4 v = 5 - 4 v within 10 - v/2 and the limit
    np.testing.assert_allclose(
        torques(softer, 0.3, 0.1, [0.0, 1.0, -5.0, 30.0]), [5, 1, 6, -6], 1e-6
    )
    weaker = drawn(randomizer.MotorStrength(factor=(0.5, 0.5)))
    strong = torques(robot, 0.3, 0.1, SPEEDS)
    np.testing.assert_allclose(torques(weaker, 0.3, 0.1, SPEEDS), np.array(strong) / 2, atol=1e-6)


# a whole task


def test_drop_and_latency_forget_the_episode_that_has_ended() -> None:
    late = "scale: 10 N, latency: [10 ms, 10 ms], drop: 0.0"
    env, step, state = start(edited(CARTPOLE, {"scale: 10 N": late}))
    dropping = jax.tree.map(lambda x: x, env.params)
    dropping["Action"]["force"]["drop"] = jnp.float32(1.0)
    model = env.plan.robot.model
    data = mujoco.MjData(model)
    before = 0.0
    for tick in range(10):  # the episode lasts 200 ms
        # the first five actions arrive, and the fifth is repeated from then on
        state, _ = step(dropping if tick > 4 else env.params, state, jnp.full((2, 1), 0.1 * tick))
        force = 1.0 * min(tick, 4)
        for part_of_tick in (before, force):
            data.ctrl[:] = np.float32(part_of_tick)
            if tick < 9:
                mujoco.mj_step(model, data)
        before = force
        if tick == 8:
            np.testing.assert_allclose(state.world["qvel"][0], data.qvel, rtol=1e-5)
    np.testing.assert_array_equal(state.episode.age, 0)
    state, _ = step(dropping, state, jnp.full((2, 1), 0.9))
    np.testing.assert_array_equal(state.world["qvel"], 0.0)  # a zero action is repeated
    state, _ = step(env.params, state, jnp.full((2, 1), 0.9))
    assert (np.asarray(state.world["qvel"])[:, 0] > 0).all()


def found_in(edits: dict[str, str]) -> list[Diagnostic]:
    found = Sink()
    document = parse(edited(CARTPOLE, edits), "test.yaml", found)
    assert document is not None, found
    return list(
        compile_document(document, read_files(ROBOTS / "cartpole" / "scene.xml")).diagnostics
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("kind: torque, joints: slide, scale: 10 N, noise: {uniform: 1 N*m}", "KS0403"),
        ("kind: torque, joints: slide, scale: 10 N, bias: 1 cm", "KS0403"),
        (
            "kind: torque, joints: slide, scale: 10 N, "
            "torque_speed: {stall: 20 N, no_load_speed: 3 rad/s}",
            "KS0409",
        ),
        (
            "kind: position_target, joints: pole, around: middle, scale: 1 rad, "
            "torque_limit: 1 N*m, gains: {kp: 1 N*m/rad, kd: 1 N*m*s/rad}",
            "KS0415",
        ),
    ],
)
def test_units_and_limits_are_checked(fields: str, code: str) -> None:
    errors = found_in({"{kind: torque, joints: slide, scale: 10 N}": "{" + fields + "}"})
    assert [e.code for e in errors if e.severity == "error"] == [code], errors


def test_targets_around_the_present_pose_follow_it() -> None:
    around = part(v.PositionTarget, gains=GAINS, scale="0.2 rad", around="now")
    targets, _ = run(around, [[1.0, -1.0]])
    np.testing.assert_allclose(targets, [[0.5, 0.1], [0.7, -0.1]], rtol=1e-6)
    held = part(v.PositionTarget, gains=GAINS, scale="1 rad", around="now", clip_to_limits=True)
    targets, _ = run(held, [[9.0, -9.0]])
    np.testing.assert_allclose(targets[1], [math.radians(90), 0.1 - 9.0], rtol=1e-6)
    assert around.targets(PLAIN.facts) == ((0.0, 0.2), (0.0, 0.2))


@pytest.mark.parametrize("kind", [v.PositionTarget, v.PositionVelocityTarget])
def test_targets_around_the_last_ones_add_up_within_limits(kind: type[v.Action]) -> None:
    """From where the joints are as the episode begins; the hip is limited to -30 to 90 degrees."""
    scales = {"scale": "0.5 rad"} | (
        {} if kind is v.PositionTarget else {"velocity_scale": "1 rad/s"}
    )
    c = part(kind, gains=GAINS, around="last", clip_to_limits=True, **scales)
    steps = np.array([[1.0, 0.2], [1.0, 0.2], [2.0, -1.0], [-1.0, 0.0]])
    outputs = steps if kind is v.PositionTarget else np.hstack([steps, np.zeros_like(steps)])
    told, _ = run(c, outputs)
    want = [[0.5, 0.1], [1.0, 0.2], [1.5, 0.3], [math.pi / 2, -0.2], [math.pi / 2 - 0.5, -0.2]]
    np.testing.assert_allclose(told, want, atol=1e-6)
