"""Commands: what is drawn, when, and how the told value follows; numbers worked by hand."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from pydantic import ValidationError

from ksim_compiler.lowering import command as commands
from ksim_compiler.lowering.context import Context
from ksim_compiler.robot.model import ModelFiles, equip, load
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.motion import (
    BaseHeight,
    CartesianCoordinate,
    JointPosition,
    Phase,
    SinusoidalGait,
    StartOrientation,
    StartPosition,
)
from ksim_schema.vocabulary.command.vector import FloatVector, IntegerVector
from ksim_schema.vocabulary.command.velocity import AngularVelocity, LinearVelocity, PlanarVelocity
from ksim_schema.vocabulary.state import Robot as RobotPart
from tests.ksim_compiler.test_env import CARTPOLE, edited, start

MODEL = """
<mujoco>
  <option timestep="0.005"/>
  <worldbody>
    <body name="base" pos="0 0 1">
      <freejoint name="root"/>
      <geom size="0.1"/>
      <body pos="0 0 -0.3">
        <joint name="hip" range="-30 90" axis="0 1 0"/>
        <geom size="0.1"/>
        <body pos="0 0 -0.3"><joint name="knee" axis="0 1 0"/><geom size="0.1"/></body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""
PLAIN = load(
    RobotPart.model_validate({"model": "m.xml", "control": "20 ms"}),
    ModelFiles("m.xml", {"m.xml": MODEL.encode()}),
)
PERIOD = 0.02
QPOS = np.array([1.0, 2.0, 0.8, math.cos(0.3), 0, 0, math.sin(0.3), 0.5, -0.2])


def run(c: Command, ticks: int, level: float = 1.0, seed: int = 0, speed: Any = None) -> np.ndarray:
    """The command at the start and after each tick; the base moves on by 1 cm in each.

    ``speed`` gives the base's forward speed at each tick.
    """
    robot = equip(PLAIN, c.sensors(PLAIN.facts), ())
    data = mujoco.MjData(robot.model)

    def context(tick: int) -> Context:
        data.qpos[:] = QPOS
        data.qpos[0] += 0.01 * tick
        data.qvel[0] = 0.0 if speed is None else speed[tick]
        mujoco.mj_forward(robot.model, data)
        world = {k: jnp.asarray(getattr(data, k), jnp.float32) for k in ("qpos", "sensordata")}
        key = jax.random.fold_in(jax.random.key(seed), tick)
        time = jnp.float32(tick * PERIOD)
        return Context(robot.facts, world, time, PERIOD, jnp.float32(level), key, jnp.zeros(0))

    memory = commands.first(c, context(0))
    told = [memory.value]
    for tick in range(1, ticks + 1):
        memory = commands.following(c, context(tick), memory)
        told.append(memory.value)
    assert told[0].shape == (c.size(robot.facts),)
    return np.array(told)


def many(c: Command, count: int = 400, level: float = 1.0) -> np.ndarray:
    """First values of a command that needs no state."""

    def first(key: jax.Array) -> jax.Array:
        x = Context(PLAIN.facts, {}, jnp.float32(0), PERIOD, jnp.float32(level), key, jnp.zeros(0))
        return commands.first(c, x).value

    return np.asarray(jax.vmap(first)(jax.random.split(jax.random.key(0), count)))


def part(kind: type[Command], **fields: Any) -> Any:
    return kind.model_validate(fields)


def test_vectors_fill_their_ranges() -> None:
    values = many(part(FloatVector, ranges=((-1.0, 1.0), (2.0, 4.0)), zero=0.25))
    zero = (values == 0).all(axis=1)
    assert 0.15 < zero.mean() < 0.35
    low, high = values[~zero].min(axis=0), values[~zero].max(axis=0)
    np.testing.assert_allclose([low, high], [[-1, 2], [1, 4]], atol=0.03)
    assert abs(np.corrcoef(values[~zero].T)[0, 1]) < 0.15
    whole = many(part(IntegerVector, ranges=((-1, 2), (5, 5))))
    assert set(whole[:, 0]) == {-1, 0, 1, 2}
    assert set(whole[:, 1]) == {5}
    graded = part(FloatVector, ranges=((1.0, 1.0),), scale={"linear": {"from": 0.0, "to": 2.0}})
    np.testing.assert_allclose(many(graded, 1, level=0.25), 0.5)
    with pytest.raises(ValidationError, match="2 names are given for 1 ranges"):
        part(FloatVector, ranges=((0.0, 1.0),), names=("a", "b"))


def test_a_command_is_drawn_anew_after_its_interval() -> None:
    values = run(part(FloatVector, ranges=((0.0, 1.0),), resample=("60 ms", "60 ms")), 7)[:, 0]
    np.testing.assert_array_equal(values[:3], values[0])
    np.testing.assert_array_equal(values[3:6], values[3])
    assert len(set(values)) == 3
    held = run(part(FloatVector, ranges=((0.0, 1.0),)), 5)
    assert len(set(held[:, 0])) == 1


def test_a_command_is_drawn_anew_with_the_switch_probability() -> None:
    values = run(part(FloatVector, ranges=((0.0, 1.0),), switch=0.3), 200)[:, 0]
    assert 0.2 < (values[1:] != values[:-1]).mean() < 0.4


def test_velocities_begin_at_rest_and_change_at_a_bounded_rate() -> None:
    c = part(
        PlanarVelocity,
        forward=("0.5 m/s", "0.5 m/s"),
        sideways=("-0.03 m/s", "-0.03 m/s"),
        turn=("1 rad/s", "1 rad/s"),
        acceleration="1 m/s^2",
    )
    values = run(c, 26)  # 2 cm/s in a tick; the turning rate has no limit
    np.testing.assert_allclose(values[:3], [[0, 0, 1], [0.02, -0.02, 1], [0.04, -0.03, 1]], 1e-6)
    np.testing.assert_allclose(values[24:, 0], [0.48, 0.5, 0.5], rtol=1e-5)
    assert many(part(PlanarVelocity, forward=("1 m/s", "2 m/s"), stand_still=1.0)).max() == 0


def test_a_speed_along_a_direction() -> None:
    c = part(LinearVelocity, speed=("1 m/s", "2 m/s"), direction="30 deg", backward=0.5)
    speed, direction, forward, sideways = many(c).T
    assert 0.4 < (speed < 0).mean() < 0.6
    assert ((np.abs(speed) >= 1) & (np.abs(speed) <= 2)).all()
    np.testing.assert_allclose(np.abs(direction).max(), math.pi / 6, rtol=0.05)
    np.testing.assert_allclose(forward, speed * np.cos(direction), rtol=1e-5)
    np.testing.assert_allclose(sideways, speed * np.sin(direction), atol=1e-6)
    slow = part(LinearVelocity, speed=("1 m/s", "1 m/s"), acceleration="10 m/s^2", stand_still=0.0)
    np.testing.assert_allclose(run(slow, 6)[:, 2], [0, 0.2, 0.4, 0.6, 0.8, 1, 1], rtol=1e-5)


def test_a_turning_rate_either_way() -> None:
    turns = many(part(AngularVelocity, turn=("0.5 rad/s", "1 rad/s"), either_way=True))
    assert ((np.abs(turns) >= 0.5) & (np.abs(turns) <= 1)).all()
    assert 0.4 < (turns < 0).mean() < 0.6
    c = part(AngularVelocity, turn=("-1 rad/s", "-1 rad/s"), acceleration="5 rad/s^2")
    np.testing.assert_allclose(run(c, 3)[:, 0], [0, -0.1, -0.2, -0.3], rtol=1e-5)


def test_a_height_begins_at_its_draw_and_moves_to_the_next() -> None:
    c = part(BaseHeight, range=("0.5 m", "1 m"), speed="0.5 m/s", switch=0.2)
    values = run(c, 100)[:, 0]
    assert 0.5 <= values.min() < values.max() <= 1
    assert np.abs(np.diff(values)).max() <= 0.01 + 1e-6
    assert values[0] != 0


def test_a_point_goes_straight_to_the_next_and_is_told_from_where_the_episode_began() -> None:
    box = {"x": ("-1 m", "1 m"), "y": ("0 m", "1 m"), "z": ("0 m", "0.2 m")}
    c = part(CartesianCoordinate, **box, relative_to="start", speed="5 m/s", on_arrival=True)
    points = run(c, 60) - QPOS[:3]
    assert (points >= [-1 - 1e-6, -1e-6, -1e-6]).all()
    assert (points <= [1 + 1e-6, 1 + 1e-6, 0.2 + 1e-6]).all()
    ways = np.diff(points, axis=0)
    steps = np.linalg.norm(ways, axis=1)
    assert steps.max() < 0.1 + 1e-5  # 5 m/s
    full = steps > 0.0999
    assert full.sum() > 30
    straight = (full[1:] & full[:-1]) & (
        np.sum(ways[1:] * ways[:-1], axis=1) > 0.9999 * steps[1:] * steps[:-1]
    )
    assert straight.sum() > 15
    jumps = run(part(CartesianCoordinate, **box, resample=("40 ms", "40 ms")), 4)
    assert len({tuple(point) for point in jumps}) == 3


def test_joints_go_from_where_they_are_to_a_target_and_on() -> None:
    c = part(JointPosition, joints=("hip", "knee"), range=("1 rad", "1 rad"), duration="70 ms")
    values = run(c, 6)
    # 70 ms are 4 ticks: the hip goes from 0.5 to 1 rad in them, the knee from -0.2
    np.testing.assert_allclose(values[:5, 0], [0.5, 0.625, 0.75, 0.875, 1.0], rtol=1e-5)
    np.testing.assert_allclose(values[:5, 1], [-0.2, 0.1, 0.4, 0.7, 1.0], rtol=1e-5)
    np.testing.assert_allclose(values[:4, 2], 6.25, rtol=1e-5)
    np.testing.assert_allclose(values[4:], [[1, 1, 0, 0]] * 3, atol=1e-5)
    assert c.labels(PLAIN.facts) == ("hip", "knee", "hip velocity", "knee velocity")
    limits = part(JointPosition, joints=("hip",), duration="20 ms")
    targets = np.rad2deg(run(limits, 60)[1:, 0])
    assert -30 <= targets.min() < -20
    assert 80 < targets.max() <= 90


def test_where_the_episode_began() -> None:
    np.testing.assert_allclose(run(part(StartPosition), 3), [QPOS[:3]] * 4, rtol=1e-6)
    np.testing.assert_allclose(run(part(StartOrientation), 3), [QPOS[3:7]] * 4, atol=1e-6)


def test_the_gait_of_two_feet() -> None:
    gait = {"period": "200 ms", "height": "10 cm", "offset": "1 cm", "stance": 0.6}
    values = run(part(SinusoidalGait, **gait), 10)
    phases = np.arange(11) / 10 % 1  # a tenth of the period in a tick

    def height(phase: float) -> float:
        return 0.01 + 0.1 * math.sin(math.pi * max(0.0, (phase - 0.6) / 0.4))

    np.testing.assert_allclose(values[:, 0], [height(p) for p in phases], atol=1e-5)
    np.testing.assert_allclose(values[:, 1], [height((p + 0.5) % 1) for p in phases], atol=1e-5)
    np.testing.assert_allclose(values[:, 2], np.sin(2 * math.pi * phases), atol=1e-5)
    # at rest the phase stays 0, and the gait begins with the motion
    speed = [0.0] * 5 + [1.0] * 6
    resting = run(part(SinusoidalGait, **gait, still_below="0.5 m/s"), 10, speed=speed)
    np.testing.assert_array_equal(resting[:5], np.tile(values[0], (5, 1)))
    np.testing.assert_allclose(resting[5:], values[1:7], atol=1e-5)


def test_the_hands_of_a_clock() -> None:
    values = run(part(Phase, period="80 ms", start=0.25, offsets=(0.0, 0.5)), 2)
    # a quarter turn in a tick, from a quarter on
    np.testing.assert_allclose(values[0], [1, 0, -1, 0], atol=1e-5)
    np.testing.assert_allclose(values[1], [0, -1, 0, 1], atol=1e-5)
    np.testing.assert_allclose(values[2], [-1, 0, 1, 0], atol=1e-5)


def test_a_command_begins_anew_with_the_episode_and_may_read_its_state() -> None:
    edits = {
        "{read: [position, speed]}": "{read: [position, speed], obey: [told, at]}",
        "Termination:\n": "Command:\n"
        "  told: {kind: float_vector, ranges: [[1, 1]]}\n"
        "  at: {kind: start_position, body: cart}\n"
        "Reset:\n  place: {kind: joint_position, joints: slide, range: 0.5 m}\n"
        "Termination:\n",
    }
    env, step, state = start(edited(CARTPOLE, edits), envs=2)
    wires = {(e.hom, str(e.src)) for e in env.plan.graph.edges if str(e.tgt) == "Command.at"}
    assert wires == {("inform", "PhysicsState.robot")}
    began = np.asarray(state.world["qpos"][:, 0])
    for tick in range(1, 12):
        np.testing.assert_allclose(state.policy_input[:, -3], began, atol=1e-6)
        np.testing.assert_array_equal(state.policy_input[:, -4], 1.0)
        state, out = step(env.params, state, jnp.full((2, 1), 0.5))
        if out.timeout.all():
            assert tick == 10
            assert not np.array_equal(began, state.world["qpos"][:, 0])
            began = np.asarray(state.world["qpos"][:, 0])


def test_a_heading_is_turned_to_the_short_way_round_within_the_range_of_the_turn() -> None:
    """The base of the tests faces 0.6 rad to the left all the time."""
    turned = {"forward": ("1 m/s", "1 m/s"), "turn": ("-1 rad/s", "0.8 rad/s")}

    def told(target: str, gain: float = 0.5, **more: Any) -> np.ndarray:
        heading = {"range": (target, target), "gain": gain}
        return run(part(PlanarVelocity, **turned, heading=heading, **more), 3)

    np.testing.assert_allclose(told("1 rad"), [[1, 0, 0.2]] * 4, atol=1e-5)
    # from 0.6 to -3 it is 2.683 to the left, and 0.2 of that is 0.5366
    np.testing.assert_allclose(told("-3 rad", 0.2)[:, 2], 0.536637, atol=1e-5)
    np.testing.assert_allclose(told("-2 rad")[:, 2], -1.0, atol=1e-5)  # 0.5 * -2.6 is beyond
    np.testing.assert_allclose(
        told("1 rad", turn_acceleration="2 rad/s^2")[:, 2], [0, 0.04, 0.08, 0.12], atol=1e-5
    )
    still = run(part(PlanarVelocity, **turned, heading={}, stand_still=1.0), 3)
    np.testing.assert_array_equal(still, 0.0)


def test_a_share_of_the_draws_has_a_heading() -> None:
    heading = {"range": ("0.6 rad", "0.6 rad"), "share": 0.7}
    turned = {"forward": ("0 m/s", "1 m/s"), "turn": ("0.3 rad/s", "1 rad/s")}
    c = part(PlanarVelocity, **turned, heading=heading, switch=1.0)
    rates = run(c, 300)[:, 2]
    # it faces its heading already: such draws are clipped to the lowest rate, the others drawn
    assert abs(np.mean(np.isclose(rates, 0.3, atol=1e-4)) - 0.7) < 0.08
    assert rates.max() > 0.9
    with pytest.raises(ValidationError, match="no turning rate"):
        part(PlanarVelocity, forward=("0 m/s", "1 m/s"), heading={})
