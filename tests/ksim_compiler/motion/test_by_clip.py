"""Evaluations clip by clip: against MuJoCo's bodies, the files' frames, and plain arithmetic."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.learn.run.attempts import by_clip
from ksim_compiler.learn.run.evaluate import evaluate
from ksim_compiler.learn.run.figures import clip_table, figures
from ksim_compiler.learn.run.judge import describe, judge
from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.lowering.following import Followed
from tests.ksim_compiler.motion.clips import arrays
from tests.ksim_compiler.motion.test_episodes import clips, plan

PERIOD = 0.02
FEET = ("foot_left", "foot_right")


def planar(quat: Any) -> float:
    """The angle about the vertical of a rotation: where it points the x axis, seen from above."""
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, np.asarray(quat, np.float64))
    return float(np.arctan2(matrix[3], matrix[0]))


def body_error(qpos: np.ndarray, told: np.ndarray) -> float:
    """Mean distance of the feet, m: MuJoCo's bodies of two poses, one moved under the other."""
    model = plan().robot.model
    here, there = mujoco.MjData(model), mujoco.MjData(model)
    for data, row in ((here, qpos), (there, told)):
        data.qpos[:] = row
        mujoco.mj_kinematics(model, data)
    turn, conjugate = np.zeros(4), np.zeros(4)
    mujoco.mju_negQuat(conjugate, there.body("torso").xquat)
    mujoco.mju_mulQuat(turn, here.body("torso").xquat, conjugate)
    angle = planar(turn)
    flat = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = []
    for foot in FEET:
        apart = there.body(foot).xpos - there.body("torso").xpos
        wanted = np.append(here.body("torso").xpos[:2], there.body("torso").xpos[2])
        wanted = wanted + np.append(flat @ apart[:2], apart[2])
        found.append(np.linalg.norm(wanted - here.body(foot).xpos))
    return float(np.mean(found))


def test_steps_tell_the_errors_that_mujoco_gives() -> None:
    env = Env(plan(), "native", envs=4, follows=True)
    step = jax.jit(env.step)
    state = jax.jit(env.init)(env.params, jax.random.key(1))
    # files that have the control's rate are played frame by frame
    files = [arrays("squat"), arrays("walk")]
    assert [np.ravel(file["fps"]).item() for file in files] == [50.0, 50.0]
    compared, model = 0, plan().robot.model
    for _ in range(25):
        place = state.episode.memory["Command"]["track"].state
        state, out = step(env.params, state, jnp.full((4, env.action_size), 0.3))
        told = out.motions["track"]
        np.testing.assert_array_equal(told.clip, place.clip)
        np.testing.assert_array_equal(told.frame, place.frame)
        for index in np.flatnonzero(~np.asarray(out.done)):
            own = np.asarray(state.world["qpos"][index], np.float64)
            wanted = files[int(told.clip[index])]["qpos"][int(told.frame[index])]
            if np.any(np.asarray(place.shift)[index]):
                continue
            # bodies are those of the beginning of the last physics step, as with mj_step
            before = own.copy()
            velocity = np.asarray(state.world["qvel"][index], np.float64)
            mujoco.mj_integratePos(model, before, velocity, -model.opt.timestep)
            wrong = float(told.bodies[index]) - body_error(before, wanted)
            assert wrong == pytest.approx(0.0, abs=2e-5)
            joints = np.mean(np.abs(own[7:] - wanted[7:]))
            assert float(told.joints[index]) == pytest.approx(joints, abs=1e-5)
            compared += 1
    assert compared > 40
    assert float(jnp.max(told.bodies)) > 0.01


def rows(*envs: list[tuple[int, int, float, float]]) -> dict[str, Followed]:
    """Clip, frame, body error and joint error, tick by tick, of some environments."""
    longest = max(map(len, envs))
    padded = [list(env) + [(0, 0, 9.0, 9.0)] * (longest - len(env)) for env in envs]
    columns = np.moveaxis(np.array(padded, np.float64), 2, 0).swapaxes(1, 2)
    return {"track": Followed(columns[0].astype(int), columns[1].astype(int), *columns[2:])}


def test_attempts_are_told_apart_and_counted() -> None:
    """The squat has 321 frames, the walk 301: their last ones are 320 and 300."""
    _, library = clips()
    whole = [(0, frame, 0.1, 0.2) for frame in range(301, 321)]
    fails = [(0, frame, 0.3, 0.4) for frame in range(50, 60)]
    cut = [(0, frame, 0.2, 0.3) for frame in range(100, 110)]
    # one that goes on with the other clip, and falls in it; and one that holds the last frame
    both = [*whole, *[(1, frame, 0.5, 0.6) for frame in range(5)]]
    holds = [*[(1, frame, 0.7, 0.8) for frame in range(296, 301)], *[(1, 301, 5.0, 5.0)] * 8]
    again = [*[(1, 299, 0.1, 0.1), (1, 300, 0.1, 0.1)], *[(1, f, 0.1, 0.1) for f in (1, 2, 3)]]
    episodes = [whole, fails, cut, both, holds, again]
    followed = rows(*episodes)
    failed = np.array([False, True, False, True, False, False])
    squat, walk = by_clip(
        followed, np.array(list(map(len, episodes))), failed, {"track": library}, PERIOD
    )
    assert (squat.name, squat.seconds) == ("track.squat", pytest.approx(6.4))
    assert [(a.completed, a.failed) for a in squat.attempts] == [
        (True, False),
        (False, True),
        (False, False),
        (True, False),
    ]
    # of the walk: one fell, one came to the end and held it, one came to the end and went on
    assert [(a.completed, a.failed) for a in walk.attempts] == [
        (False, True),
        (True, False),
        (True, False),
        (False, False),
    ]
    assert [len(a.frames) for a in walk.attempts] == [5, 5, 2, 3]
    found = squat.summary()
    assert found["motion/track.squat/completed"] == pytest.approx(2 / 3)
    assert found["motion/track.squat/body_error"] == pytest.approx((0.1 + 0.3 + 0.2 + 0.1) / 4)
    assert found["motion/track.squat/joint_error"] == pytest.approx((0.2 + 0.4 + 0.3 + 0.2) / 4)
    assert walk.summary()["motion/track.walk/body_error"] == pytest.approx(1.4 / 4)


def test_the_worst_second_is_the_largest_mean_over_a_second() -> None:
    _, library = clips()
    errors = np.random.default_rng(2).uniform(0.0, 0.1, 150)
    errors[70:120] += 0.2
    tries = [[(1, 100 + i, float(error), 0.0) for i, error in enumerate(errors)]]
    _, walk = by_clip(rows(*tries), [150], [False], {"track": library}, PERIOD)
    trailing = [errors[max(0, end - 50) : end].mean() for end in range(1, 151)]
    assert walk.summary()["motion/track.walk/worst_second"] == pytest.approx(max(trailing))
    assert walk.attempts[0].worst(1) == pytest.approx(errors.max())


def test_states_that_are_no_numbers_do_not_count() -> None:
    _, library = clips()
    tries = [(0, 9, 0.1, 0.1), (0, 10, float("nan"), float("nan"))]
    squat, walk = by_clip(rows(tries), [2], [True], {"track": library}, PERIOD)
    assert squat.summary()["motion/track.squat/body_error"] == pytest.approx(0.1)
    assert squat.summary()["motion/track.squat/completed"] == 0.0
    assert np.isnan(list(walk.summary().values())).all()


def test_an_evaluation_has_a_row_for_each_clip() -> None:
    policy = fresh_policy(plan(), 3)
    result = judge(plan(), policy, 6, engine="native")
    tries = sum(len(clip.attempts) for clip in result.clips)
    assert tries >= 6
    known = {figure.name: figure for figure in figures(result, plan())}
    for clip in ("squat", "walk"):
        assert known[f"{clip} completed"].unit == "%"
        assert known[f"{clip} body error"].unit == "m"
        assert known[f"{clip} joint error"].unit == "rad"
        assert known[f"{clip} worst second"].clip == clip
    table = clip_table(known.values())
    assert table is not None
    assert [row[0] for row in table[1]] == ["squat", "walk"]
    assert "motion/track.walk/body_error" in result.summary()
    assert "evaluation over 6 episodes" in describe(result, plan())


def test_training_programs_do_not_compute_it() -> None:
    env = Env(plan(), "native", envs=2)
    state = jax.eval_shape(env.init, env.params, jax.random.key(0))
    action = jax.ShapeDtypeStruct((2, env.action_size), jnp.float32)
    _, out = jax.eval_shape(env.step, env.params, state, action)
    assert out.motions == {}
    result: Any = jax.eval_shape(
        lambda key: evaluate(env, env.params, fresh_policy(plan(), 0), None, key, 3),
        jax.random.key(0),
    )
    assert result.followed == {}
