"""Starts of episodes: drawn here as the training draws them, and asked of MuJoCo."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import jax
import mujoco
import numpy as np
import pytest

from ksim_compiler.checks.draws import COUNT, draw
from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_document, compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import read_files
from ksim_schema.checks.ranges import table
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.source import parse

ROBOTS = Path(__file__).parents[2] / "tasks" / "robots"
TASK = """
ksim: 1
task: test
PhysicsState:
  robot: {model: robots/scene.xml, control: 50 Hz, home: {keyframe: home}}
Observation:
  joints: {kind: joint_position}
Action:
  targets: {kind: position_target, scale: 0.3 rad, gains: {kp: 40 N*m/rad, kd: 1 N*m*s/rad}}
Policy:
  actor: {read: [joints]}
Critic:
  critic: {judge: {clean: [joints]}}
Reward:
  alive: {kind: stay_alive}
Termination:
  over: {kind: not_upright, max_tilt: 170 deg}
  limit: {kind: episode_length, after: 10 s}
Reset:
"""


def compiled(resets: str, robot: str = "quadruped") -> tuple[Plan, list[Diagnostic]]:
    text = TASK + textwrap.indent(textwrap.dedent(resets), "  ")
    found = Sink()
    document = parse(text, "test.yaml", found)
    assert document is not None, found
    result = compile_document(document, read_files(ROBOTS / robot / "scene.xml"))
    assert result.plan is not None, result.diagnostics
    return result.plan, result.diagnostics


def codes(resets: str, robot: str = "quadruped") -> list[str]:
    return [str(d.code) for d in compiled(resets, robot)[1]]


def test_starts_are_drawn_as_in_training() -> None:
    plan, _ = compiled(
        """
        a_joints: {kind: joint_position, around: home, range: 10 deg}
        b_speeds: {kind: joint_velocity, range: 2 rad/s}
        c_base: {kind: base_velocity, horizontal: 0.5 m/s, vertical: 0.2 m/s, angular: 1 rad/s}
        d_heading: {kind: heading, range: 90 deg}
        e_height: {kind: height, range: [10 cm, 30 cm]}
        f_tilt: {kind: pitch_and_roll, pitch: 20 deg, roll: 40 deg}
        g_place: {kind: plane_position, x: 1 m, y: 3 m}
        """
    )
    drawn = draw(plan)
    assert drawn is not None
    env = Env(plan, "native", envs=512)
    trained = np.asarray(jax.jit(env.init)(env.params, jax.random.key(0)).world["qpos"])
    mine = np.stack([start.qpos for start in drawn])
    widths = np.ptp(trained, axis=0)
    for side in (np.min, np.max):
        away = np.abs(side(trained, axis=0) - side(mine, axis=0))
        assert (away <= 0.2 * widths + 1e-6).all(), (away / widths).round(2)
    assert np.allclose(trained.mean(axis=0), mine.mean(axis=0), atol=0.25 * widths.max())
    assert len(drawn) == COUNT


def test_a_start_is_drawn_within_the_limits_of_joints() -> None:
    plan, _ = compiled("joints: {kind: joint_position, around: home, range: 300 deg}")
    model = plan.robot.model
    for start in draw(plan) or ():
        data = mujoco.MjData(model)
        data.qpos[:] = start.qpos
        mujoco.mj_forward(model, data)
        limits = [c for c in data.efc_type if c == mujoco.mjtConstraint.mjCNSTR_LIMIT_JOINT]
        assert not limits


@pytest.mark.parametrize(
    ("resets", "expected"),
    [
        ("drop: {kind: height, range: [0 m, 10 cm]}", []),
        ("drop: {kind: height, range: [-10 cm, -5 cm]}", ["KS0437"]),
        ("lean: {kind: pitch_and_roll, roll: 5 deg}", []),
        ("lean: {kind: pitch_and_roll, pitch: 40 deg}", ["KS0437"]),
        (
            "drop: {kind: height, range: [60 cm, 80 cm]}\n"
            "lean: {kind: pitch_and_roll, roll: 90 deg}",
            [],
        ),
    ],
)
def test_starts_inside_of_the_ground_are_told(resets: str, expected: list[str]) -> None:
    assert codes(resets) == expected


def test_a_share_of_starts_that_end_at_once_is_that_of_arithmetic() -> None:
    path = Path(__file__).parents[2] / "tasks" / "cartpole.yaml"
    found = compile_file(path, ("Reset.pole.range=16 deg",)).diagnostics
    (told,) = [d for d in found if str(d.code) == "KS0435"]
    share = re.search(r"about (\d+) in 100", told.message)
    assert share is not None
    assert abs(int(share[1]) - 25) < 12  # uniform over 16 deg of which 12 deg last; 128 draws
    assert told.where.file == "--set"
    assert told.related[0].where.line == next(
        number
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if line.strip().startswith("tipped:")
    )


def test_a_termination_that_is_true_at_home_hides_no_other() -> None:
    path = Path(__file__).parents[2] / "tasks" / "cartpole.yaml"
    settings = ("Termination.tipped.range=[5 deg, 12 deg]", "Reset.cart.range=5 m")
    found = {str(d.code): d for d in compile_file(path, settings).diagnostics}
    assert found["KS0432"].path.startswith("Termination.tipped")
    assert found["KS0435"].path == "Reset.cart.range"
    assert "joint.slide starts down to -2.5 m" in found["KS0435"].message


def test_starts_of_a_share_of_the_episodes_are_drawn_so() -> None:
    """One number decides for all resets, so that of the two one acts; ranges hold both."""
    plan, _ = compiled(
        """
        a_up: {kind: height, range: [50 cm, 50 cm], episodes: [0.25, 1]}
        b_away: {kind: body_pose, radius: [1 m, 2 m], episodes: 0.25}
        """
    )
    drawn = draw(plan)
    assert drawn is not None
    home = plan.robot.facts.home
    lifted = np.array([start.qpos[2] > home[2] + 0.4 for start in drawn])
    away = np.array([np.hypot(*start.qpos[:2]) for start in drawn])
    assert 0.6 < lifted.mean() < 0.9
    np.testing.assert_array_equal(away > 0, ~lifted)
    assert away[~lifted].min() >= 1.0
    assert away.max() <= 2.0
    root = plan.robot.facts.root
    height = table(plan.task, plan.robot.facts)[f"body.{root}.height"].start
    assert (height.low, height.high) == pytest.approx((home[2], home[2] + 0.5), abs=1e-3)
