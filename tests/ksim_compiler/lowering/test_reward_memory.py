"""Rewards that remember: differences in time, steps of feet, running means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from tests.ksim_compiler.lowering.rewarding import Scene

REWARDS = """
speed: {kind: small_joint_velocity, joints: knee_.*, error_scale: 2 rad/s}
acceleration: {kind: small_joint_acceleration, joints: knee_.*, error_scale: 20 rad/s^2}
jerk: {kind: small_joint_jerk, joints: knee_.*, error_scale: 300 rad/s^3}
links: {kind: link_acceleration, bodies: [torso, foot_.*]}
link_jerk: {kind: link_jerk, bodies: torso, norm: l1, reduce: mean}
change: {kind: action_velocity, reduce: mean}
second: {kind: action_acceleration, norm: l1}
third: {kind: action_jerk}
mean: {kind: symmetry, joints: [knee_left, knee_right], targets: [0.1 rad, 0 rad], alpha: 0.25}
pair:
  {kind: pairwise_symmetry, left: knee_left, right: knee_right, flipped: true, alpha: 0.5,
   error_scale: 1 rad, sq_scale: 0, abs_scale: 0}
turning:
  {kind: track_angular_velocity, command: velocity, error_scale: 0.5 rad/s, average: 0.1 s}
air: {kind: feet_air_time, contact: feet, target: 50 ms, command: velocity}
capped: {kind: feet_air_time, contact: feet, target: 50 ms, longest: 70 ms}
gait: {kind: feet_gait_time, contact: feet, period: 100 ms, air: 0.6, bias: 0.5, ground_penalty: 2}
told:
  {kind: feet_gait_time, contact: feet, period: 100 ms, air: 0.6,
   linear_command: motion, angular_command: velocity}
sparse:
  {kind: sparse_target_height, contact: feet, bodies: [foot_left, foot_right], height: 25 cm,
   rest: {speed: 0.1 m/s, turn: 10 deg/s}}
clock: {kind: feet_clock, sites: [sole_left, sole_right], command: walk, curve: bezier,
  height: 20 cm, error_scale: 30 cm}
swing: {kind: feet_swing_height, contact: feet, bodies: [foot_left, foot_right], height: 20 cm}
"""
MORE = """
Observation: {feet: {kind: contact, geoms: [foot_left, foot_right], with: floor}}
Command: {walk: {kind: phase, period: 0.8 s, offsets: [0, 0.5]}}
"""
DT = 0.02


@pytest.fixture(scope="module")
def built() -> Scene:
    return Scene(REWARDS, more=MORE)


@pytest.fixture
def scene(built: Scene) -> Scene:
    """The scene in its home pose, at rest."""
    built.data.qpos[:], built.data.qvel[:] = built.facts.home, 0.0
    built.forward()
    return built


def run(scene: Scene, name: str, rows: Iterable[dict[str, Any]]) -> list[Any]:
    """Values of a reward over ticks; a row sets joints (`q`), the base (`qpos`, `qvel`) or fields.

    The first row is that of the start of the episode.
    """
    joints = {joint.name: joint for joint in scene.facts.motion_joints}
    values, memory = [], None
    for row in rows:
        fields = dict(row)
        for joint, angle in fields.pop("q", {}).items():
            scene.data.qpos[joints[joint].qpos] = angle
        for field in ("qpos", "qvel"):
            for index, number in fields.pop(field, {}).items():
                getattr(scene.data, field)[index] = number
        scene.forward()
        if "contact" in fields:
            fields["observations"] = {"feet": jnp.array(fields.pop("contact"), jnp.float32)}
        if memory is None:
            memory = scene.start(name, **fields)
        else:
            value, memory = scene.step(name, memory, **fields)
            values.append(value)
    return values


def knees(angles: Iterable[float]) -> list[dict[str, Any]]:
    return [{"q": {"knee_left": angle, "knee_right": 0.0}} for angle in angles]


def test_small_joint_motion_is_that_of_a_polynomial(scene: Scene) -> None:
    # one knee moves as a t^n, whose n-th derivative is n! a; the other stands still
    times = DT * np.arange(6)
    for name, order, rate, scale in (
        ("speed", 1, 1.0, 2.0),
        ("acceleration", 2, 2 * 5.0, 20.0),
        ("jerk", 3, 6 * 40.0, 300.0),
    ):
        factor = {1: 1.0, 2: 5.0, 3: 40.0}[order]
        values = run(scene, name, knees(factor * times**order))
        wanted = (1 + np.exp(-((rate / scale) ** 2))) / 2
        assert values[-1] == pytest.approx(wanted, rel=2e-3), name


def test_at_the_start_of_an_episode_nothing_has_moved(scene: Scene) -> None:
    rows = knees([0.7, 0.7])
    for name, still in (("speed", 1.0), ("acceleration", 1.0), ("jerk", 1.0), ("links", 0.0)):
        assert run(scene, name, rows) == [still]


def test_link_acceleration_is_the_change_of_a_speed(scene: Scene) -> None:
    # the whole robot slides by 0, 1, 3 and 6 mm: 50, 100 and 150 mm/s, so 2.5 m/s^2
    slide = [{"qpos": {0: 1e-3 * x}} for x in (0, 1, 3, 6)]
    values = run(scene, "links", slide)
    np.testing.assert_allclose(values[1:], [3 * 2.5**2] * 2, rtol=2e-3)
    values = run(scene, "link_jerk", [{"qpos": {0: 1e-3 * x}} for x in (0, 1, 3, 6)])
    np.testing.assert_allclose(values, [125, 0, 0], atol=3)  # float32 leaves something


def test_changes_of_the_action(scene: Scene) -> None:
    size = scene.plan.action_size
    zero, one, two = jnp.zeros(size), jnp.zeros(size).at[0].set(1.0), jnp.zeros(size).at[0].set(2.0)
    value = scene.value("change", action=two, previous_action=one.at[1].set(3.0))
    assert value == pytest.approx((1 + 9) / size)
    rows = [{"action": a} for a in (zero, one, two, zero)]
    assert run(scene, "second", rows) == [1, 0, 3]
    assert run(scene, "third", rows) == [1, 1, 9]  # differences 1, 1, -2; 1, 0, -3; 1, -1, -3


def test_running_means(scene: Scene) -> None:
    # d = (0.3, 0.2) and then (-0.1, 0.2), from a mean of 0
    rows = [{"q": {"knee_left": q, "knee_right": 0.2}} for q in (0.0, 0.4, 0.0)]
    first = -(0.3 * 0.075 + 0.2 * 0.05)
    second = -(-0.1 * (0.075 * 0.75 - 0.025) + 0.2 * (0.05 * 0.75 + 0.05))
    np.testing.assert_allclose(run(scene, "mean", rows), [first, second], rtol=1e-5)
    values = run(scene, "pair", rows)
    assert values[0]["lr"] == pytest.approx(np.exp(-((0.4 + 0.2) ** 2)), rel=1e-5)
    assert values[0]["self"] == pytest.approx(-(0.4 * 0.2 + 0.2 * 0.1), rel=1e-5)
    assert values[1]["self"] == pytest.approx(-(0.0 + 0.2 * 0.15), rel=1e-5)


def test_air_time_is_given_when_a_foot_lands(scene: Scene) -> None:
    moving = {"velocity": [0.5, 0, 0]}
    contacts = [(1, 1), (0, 1), (0, 1), (0, 1), (1, 1), (1, 1)]
    rows = [{"contact": c, "commands": moving} for c in contacts]
    # three ticks without contact: it landed 80 ms after it was last seen on the ground
    np.testing.assert_allclose(run(scene, "air", rows), [0, 0, 0, 0.03, 0], atol=1e-7)
    rows = [{"contact": c, "commands": {"velocity": [0, 0, 0]}} for c in contacts]
    assert run(scene, "air", rows) == [0] * 5
    np.testing.assert_allclose(run(scene, "capped", rows), [0, 0, 0, 0.02, 0], atol=1e-7)


def test_gait_time_counts_ticks_of_each_phase(scene: Scene) -> None:
    # a cycle of 5 ticks: 3 in the air and 2 on the ground
    contacts = [(1, 1), (0, 1), (0, 1), (0, 1), (1, 1)]
    rows = [{"contact": c, "qvel": {0: 1.0}} for c in contacts]
    values = run(scene, "gait", rows)
    air = [v["air"] for v in values]
    ground = [v["gnd"] for v in values]
    np.testing.assert_allclose(air, [1 / 3 + 0.5, 2 / 3 + 0.5, 0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(ground, [1.0, 0.5, 0.5, 1.0], rtol=1e-6)
    assert [v["stationary_gnd"] for v in values] == [0.5] * 4
    rows = [{"contact": (1, 1), "qvel": {0: 0.0}} for _ in range(5)]
    values = run(scene, "gait", rows)
    np.testing.assert_allclose([v["stationary_gnd"] for v in values], [1.0, 1.5, 1.5, 1.5])
    moving = {"motion": [-0.3, 0.0, -0.3, 0.0], "velocity": [0, 0, 0]}
    turning = {"motion": [0.0] * 4, "velocity": [0, 0, -0.5]}
    resting = {"motion": [0.0] * 4, "velocity": [0, 0, 0.1]}
    for commands, moves in ((moving, True), (turning, True), (resting, False)):
        rows = [{"contact": (1, 1), "commands": commands}] * 2
        assert (run(scene, "told", rows)[0]["gnd"] > 0) == moves


def test_sparse_height_is_given_at_the_contact(scene: Scene) -> None:
    rest = scene.data.body("foot_left").xpos[2] - scene.data.qpos[2]
    heights = (0.1, 0.15, 0.12, 0.4)
    rows = [
        {"contact": (1, 1), "qvel": {0: 1.0, 5: 0.0}},
        *({"contact": (0, 0), "qpos": {2: h - rest}} for h in heights[:3]),
        {"contact": (1, 0)},
        {"contact": (1, 1)},
    ]
    values = run(scene, "sparse", rows)
    assert values[:3] == [0, 0, 0]
    assert values[3] == pytest.approx(0.15, rel=1e-4)
    assert values[4] == pytest.approx(0.15, rel=1e-4)  # the right foot's
    high = [*rows[:2], {"contact": (0, 0), "qpos": {2: 0.4 - rest}}, {"contact": (1, 1)}]
    assert run(scene, "sparse", high)[-1] == pytest.approx(0.25)  # at most `height`
    still = [row | {"qvel": {0: 0.0}} for row in high]
    assert run(scene, "sparse", still)[-1] == 0


def test_the_error_of_a_tracked_velocity_may_be_averaged(scene: Scene) -> None:
    told = {"velocity": [0.0, 0.0, 0.3]}
    rows = [{"qvel": {5: w}, "commands": told} for w in (0.0, 0.5, 0.1)]
    share = 1 - np.exp(-0.02 / 0.1)
    first = 0.2 * share
    second = first + (-0.2 - first) * share
    values = run(scene, "turning", rows)
    np.testing.assert_allclose(values, np.exp(-(np.array([first, second]) ** 2) / 0.25), rtol=1e-5)


def test_a_commanded_clock_lifts_the_feet_as_in_playground(scene: Scene) -> None:
    """gait.get_rz of MuJoCo Playground: two cubic Bezier curves over a turn."""

    def get_rz(phi: float, height: float) -> float:
        def bezier(start: float, end: float, x: float) -> float:
            return start + (end - start) * (x**3 + 3 * (x**2 * (1 - x)))

        x = (phi + np.pi) / (2 * np.pi)
        return bezier(0, height, 2 * x) if x <= 0.5 else bezier(height, 0, 2 * x - 1)

    soles = [scene.data.site(f"sole_{side}").xpos[2] for side in ("left", "right")]
    for phi in (-3.0, -1.0, 0.0, 0.7, 2.5):
        other = phi + np.pi if phi < 0 else phi - np.pi
        told = [np.sin(phi), np.cos(phi), np.sin(other), np.cos(other)]
        error = sum((h - get_rz(p, 0.2)) ** 2 for h, p in zip(soles, (phi, other), strict=True))
        value = scene.value("clock", commands={"walk": told})
        assert value == pytest.approx(np.exp(-error / 0.09), rel=1e-5)


def test_the_height_of_a_step_is_judged_where_it_ends(scene: Scene) -> None:
    """The robot is lifted by 0, 10, 12 and 5 cm; the left foot lands then, the right one later."""
    foot, base = scene.data.body("foot_left").xpos[2], scene.data.qpos[2]
    lifts = [(0, 1, 1), (0.1, 0, 0), (0.12, 0, 0), (0.05, 1, 0), (0.0, 1, 1), (0.0, 1, 1)]
    rows = [{"qpos": {2: base + z}, "contact": [left, right]} for z, left, right in lifts]
    values = run(scene, "swing", rows)
    error = ((foot + 0.12) / 0.2 - 1) ** 2
    np.testing.assert_allclose(values, [0.0, 0.0, error, error, 0.0], rtol=1e-4)
