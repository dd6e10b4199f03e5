"""Poses that are commanded: what is drawn, when it is drawn anew, and what follows it.

Right values come from MuJoCo's own rotations and from NumPy, never from the rules.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from pydantic import ValidationError

from ksim_compiler.lowering import command as commands, rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.robot.model import Robot, equip
from ksim_schema.vocabulary.command.pose import Pose
from ksim_schema.vocabulary.observation.goal import PoseError
from ksim_schema.vocabulary.reward.bodies import OrientationTracking, PositionTracking
from ksim_schema.vocabulary.reward.formula import Formula
from tests.ksim_compiler.lowering.test_command import PERIOD, PLAIN, QPOS

BODY = PLAIN.facts.bodies[1]
BOX = {"x": ("-0.1 m", "0.3 m"), "z": ("0.4 m", "0.5 m")}
TURNED = {
    "roll": ("0.3 rad", "0.3 rad"),
    "pitch": ("-0.4 rad", "-0.4 rad"),
    "yaw": ("2 rad", "2 rad"),
}


def data_of(robot: Robot, qpos: np.ndarray) -> mujoco.MjData:
    data = mujoco.MjData(robot.model)
    data.qpos[:] = qpos
    mujoco.mj_forward(robot.model, data)
    return data


def context(robot: Robot, data: mujoco.MjData, key: Any, c: Pose | None = None, **more: Any) -> Any:
    world = {n: jnp.asarray(getattr(data, n), jnp.float32) for n in ("qpos", "qvel", "sensordata")}
    if c is not None:
        frame = c.frame_of(robot.facts)
        more |= {"labels": {"goal": c.labels(robot.facts)}, "frames": {"goal": frame}}
    return Context(
        robot.facts, world, jnp.float32(0), PERIOD, jnp.float32(1), key, jnp.zeros(0), **more
    )


def first(c: Pose, seed: int = 0, qpos: np.ndarray = QPOS) -> np.ndarray:
    robot = equip(PLAIN, c.sensors(PLAIN.facts), ())
    x = context(robot, data_of(robot, qpos), jax.random.key(seed))
    return np.asarray(commands.first(c, x).value, float)


def test_a_pose_is_drawn_from_its_ranges_and_turns_about_the_fixed_axes() -> None:
    c = part(Pose, **{"in": BOX | TURNED})
    assert c.labels(PLAIN.facts) == ("x", "y", "z", "qw", "qx", "qy", "qz")
    told = np.stack([first(c, seed) for seed in range(100)])
    assert -0.1 <= told[:, 0].min() < -0.08
    assert 0.28 < told[:, 0].max() <= 0.3
    np.testing.assert_array_equal(told[:, 1], 0.0)  # y is not given
    right = np.zeros(4)
    mujoco.mju_euler2Quat(right, np.array([0.3, -0.4, 2.0]), "XYZ")  # capitals: fixed axes
    np.testing.assert_allclose(told[:, 3:], np.tile(right, (100, 1)), atol=1e-6)
    assert part(Pose, **{"in": BOX}).labels(PLAIN.facts) == ("x", "y", "z")
    assert part(Pose, **{"in": TURNED}).labels(PLAIN.facts) == ("qw", "qx", "qy", "qz")


def test_a_place_at_a_distance_in_any_direction_or_in_some() -> None:
    """A single value stands for the range that holds nothing else."""
    ring = part(Pose, **{"in": {"x": "1 m", "radius": ("0.1 m", "0.2 m"), "z": "0.3 m"}})
    told = np.stack([first(ring, seed) for seed in range(100)])
    distance = np.hypot(told[:, 0] - 1, told[:, 1])
    assert 0.1 <= distance.min() < 0.11
    assert 0.19 < distance.max() <= 0.2 + 1e-6
    np.testing.assert_allclose(told[:, 2], 0.3)
    turn = np.arctan2(told[:, 1], told[:, 0] - 1)
    assert turn.min() < -2.8
    assert turn.max() > 2.8
    ends = (ring.box.place("x").low, ring.box.place("y").high)
    assert ends == pytest.approx((0.8, 0.2))
    sector = part(Pose, **{"in": {"radius": "2 m", "azimuth": ("30 deg", "30 deg")}})
    right = [2 * math.cos(math.pi / 6), 1.0, 0.0]
    np.testing.assert_allclose(first(sector), right, atol=1e-6)


def test_any_orientation_is_uniform_over_all() -> None:
    c = part(Pose, **{"in": {"orientation": "any"}})
    quats = np.stack([first(c, seed) for seed in range(600)])
    np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1.0, atol=1e-6)
    assert (quats[:, 0] >= 0).all()
    # of a uniform rotation, E[R] = 0 and the angle's mean is pi/2 + 2/pi (Miles 1965)
    angles = 2 * np.arccos(np.clip(quats[:, 0], 0, 1))
    assert abs(angles.mean() - (math.pi / 2 + 2 / math.pi)) < 0.08
    ups = 1 - 2 * (quats[:, 1] ** 2 + quats[:, 2] ** 2)
    assert abs(ups.mean()) < 0.1


@pytest.mark.parametrize(
    ("off", "turn", "anew"), [(0.02, 0.1, True), (0.04, 0.1, False), (0.02, 0.3, False)]
)
def test_a_pose_is_drawn_anew_when_it_is_reached(off: float, turn: float, anew: bool) -> None:
    ranges = {"x": ("-1 m", "1 m"), "z": ("0.5 m", "1 m"), "yaw": ("-1 rad", "1 rad")}
    c = part(Pose, **{"in": ranges}, redraw="reached", within="3 cm", within_angle="0.2 rad")
    robot = equip(PLAIN, c.sensors(PLAIN.facts), ())
    memory = commands.first(c, context(robot, data_of(robot, QPOS), jax.random.key(0)))
    before = np.asarray(memory.value, float)
    there = QPOS.copy()
    there[:3] = before[:3] + np.array([0, 0, off])
    mujoco.mju_mulQuat(
        there[3:7], before[3:], np.array([math.cos(turn / 2), 0, math.sin(turn / 2), 0])
    )
    x = context(robot, data_of(robot, there), jax.random.key(1))
    after = np.asarray(commands.following(c, x, memory).value)
    assert (np.abs(after - before).max() > 1e-3) == anew
    far = context(robot, data_of(robot, QPOS), jax.random.key(2))
    np.testing.assert_array_equal(commands.following(c, far, memory).value, memory.value)


@pytest.mark.parametrize("relative_to", ["world", "base"])
@pytest.mark.parametrize("frame", ["world", "robot", "own"])
def test_what_is_left_to_a_pose_is_that_of_mujocos_rotations(relative_to: Any, frame: Any) -> None:
    box = {"x": ("0.2 m", "0.2 m"), "y": ("0.1 m", "0.1 m"), "z": ("0.6 m", "0.6 m")}
    c = part(Pose, **{"in": box | TURNED}, relative_to=relative_to)
    e = {"command": "goal", "body": BODY, "frame": frame}
    errors = [
        part(PoseError, **e),
        *(
            part(PoseError, **e, of="orientation", form=form)
            for form in ("rotation_vector", "quaternion", "rotation_6d")
        ),
    ]
    follow = [
        part(PositionTracking, command="goal", body=BODY, norm="l2", error_scale="1 m"),
        part(OrientationTracking, command="goal", body=BODY, error_scale="1 rad"),
        part(Formula, expression=f"distance(body.{BODY}, command.goal)/(1*m)", commands="goal"),
        part(
            Formula,
            expression=f"angle(body.{BODY}.orientation, command.goal.orientation) / (1*rad)",
            commands="goal",
        ),
    ]
    asked = [s for p in (c, *errors, *follow) for s in p.sensors(PLAIN.facts)]
    robot = equip(PLAIN, tuple(dict.fromkeys(asked)), ())
    assert robot.facts.root == BODY
    data = data_of(robot, QPOS)
    told = commands.first(c, context(robot, data, jax.random.key(0))).value
    x = context(robot, data, jax.random.key(0), c, commands={"goal": told})
    body = data.body(BODY)
    own = body.xmat.reshape(3, 3)
    goal = np.zeros(4)
    mujoco.mju_euler2Quat(goal, np.array([0.3, -0.4, 2.0]), "XYZ")
    wanted, place = np.zeros(9), np.array([0.2, 0.1, 0.6])
    mujoco.mju_quat2Mat(wanted, goal)
    wanted = wanted.reshape(3, 3)
    if relative_to == "base":
        wanted, place = own @ wanted, body.xpos + own @ place
    axes = np.eye(3) if frame == "world" else own
    left = axes.T @ wanted @ own.T @ axes
    quat, vector = np.zeros(4), np.zeros(3)
    mujoco.mju_mat2Quat(quat, left.ravel())
    quat *= math.copysign(1.0, quat[0])
    mujoco.mju_quat2Vel(vector, quat, 1.0)
    right = [axes.T @ (place - body.xpos), vector, quat, left[:, :2].T.ravel()]
    for error, value in zip(errors, right, strict=True):
        np.testing.assert_allclose(rules.apply(error, x, ())[0], value, atol=2e-5)
        assert error.shape(robot.facts) == value.shape
    distance, angle = np.linalg.norm(place - body.xpos), np.linalg.norm(vector)
    worth = [math.exp(-(distance**4)), math.exp(-(angle**2)), distance, angle]
    for reward, value in zip(follow, worth, strict=True):
        assert float(rules.apply(reward, x, ())[0]) == pytest.approx(value, abs=2e-5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"in": {}}, "no range"),
        ({"in": BOX, "within": "3 cm"}, "not what happens"),
        ({"in": BOX, "redraw": "reached"}, "not said when"),
        ({"in": TURNED, "redraw": "reached", "within": "3 cm"}, "of a position"),
        ({"in": BOX, "redraw": "reached", "within_angle": "3 deg"}, "of an orientation"),
        ({"in": BOX, "body": "a", "site": "b"}, "both a body and a site"),
        ({"in": BOX, "base": "a"}, "says nothing"),
        ({"in": TURNED | {"orientation": "any"}}, "any orientation"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        part(Pose, **fields)


def part(kind: Any, **fields: Any) -> Any:
    return kind.model_validate({"kind": kind.kind_name, **fields})
