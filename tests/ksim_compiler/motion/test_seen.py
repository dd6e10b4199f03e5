"""What is shown of recorded motions: the page of a run, the robot beside its motion, the ghost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.learn.run import motions as seen
from ksim_compiler.learn.run.attempts import by_clip
from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.files import motions as read
from ksim_compiler.play.ghost import Ghost, References, moved
from ksim_compiler.play.video import side_by_side
from ksim_compiler.report.motions import motions as page, worst
from tests.ksim_compiler.motion.clips import arrays, humanoid
from tests.ksim_compiler.motion.test_by_clip import rows
from tests.ksim_compiler.motion.test_episodes import clips, plan

PERIOD = 0.02


def evaluation(episodes: list[Any], failed: list[bool]) -> Evaluation:
    """As much of an evaluation as is written."""
    _, library = clips()
    lengths, count = list(map(len, episodes)), len(episodes)
    found = by_clip(rows(*episodes), lengths, failed, {"track": library}, PERIOD)
    zeros, nothing = np.zeros(count), np.zeros((1, count), bool)
    return Evaluation(
        zeros, np.array(lengths), np.array(failed), ~np.array(failed),
        {}, nothing, {}, {}, {}, clips=tuple(found),
    )  # fmt: skip


def result() -> Evaluation:
    """Ten attempts at the whole walk with errors of 1 to 10 cm; one of them falls after 3 s."""
    episodes = [
        [(1, frame, 0.01 * (i + 1), 0.1) for frame in range(1, 151 if i == 9 else 301)]
        for i in range(10)
    ]
    return evaluation(episodes, [i == 9 for i in range(10)])


def test_the_body_error_over_a_clip_is_the_mean_over_the_attempts() -> None:
    _, walk = result().clips
    found = seen.curve(walk)
    assert len(found["seconds"]) == 100
    assert found["seconds"][0] == pytest.approx(0.03)
    assert found["seconds"][-1] == pytest.approx(5.97)
    errors = 0.01 * np.arange(1, 11)
    assert found["attempts"] == [10] * 50 + [9] * 50
    assert found["mean"][10] == pytest.approx(errors.mean(), rel=1e-4)
    assert found["mean"][60] == pytest.approx(errors[:9].mean(), rel=1e-4)
    assert found["low"][10] == pytest.approx(np.percentile(errors, 10), rel=1e-4)
    assert found["high"][60] == pytest.approx(np.percentile(errors[:9], 90), rel=1e-4)


def test_a_page_has_each_clip_where_it_fails_and_where_episodes_begin(tmp_path: Path) -> None:
    """Half of the failures are in the walk's third second, which two seconds before share."""
    failed, spent = np.zeros(12), np.ones(12)
    failed[8] = 0.5
    seen.write(tmp_path, 4096, plan(), result(), {"track": (failed, spent)})
    found = read(tmp_path)
    squat, walk = found["of"]
    assert (found["steps"], found["episodes"]) == (4096, 10)
    assert (squat["attempts"], squat["completed"], walk["attempts"]) == (0, None, 10)
    assert walk["completed"] == pytest.approx(0.9)
    assert walk["body_error"] == pytest.approx(0.055)
    assert walk["failed_at"] == [3.0]
    begin = np.array([of["begin"] for of in walk["starts"]])
    plain = np.array([of["anywhere"] for of in walk["starts"]])
    assert plain == pytest.approx(75 / 6, rel=0.02)
    shares = np.array([0.64, 0.8, 1.0, 0, 0, 0]) / 2.44
    assert begin == pytest.approx(0.1 * plain + 90 * shares, rel=1e-3)
    log = [{"steps": s, "motion/track.walk/completed": s / 9, "motion/track.walk/body_error": 0.1}
           for s in (1, 5, 9)]  # fmt: skip
    html = page(found, log)
    words = re.sub("<[^>]+>", " ", html)
    assert "90.0%" in words
    assert "0.055 m" in words
    assert "of all episodes (%)" in words
    assert "time in the clip (s)" in words
    assert html.count('data-mark="failure"') == 1
    assert html.count('data-mark="worst second"') == 2
    assert "attempts that are completed" in words
    assert page({}, []) == ""
    # without what training has counted, no place to begin is told
    seen.write(tmp_path, 4096, plan(), result(), {})
    assert "of all episodes" not in page(read(tmp_path), log)


def test_the_worst_second_is_where_the_mean_is_largest() -> None:
    mean = [(0.1 * i, 1.0 if 20 <= i <= 30 else 0.1) for i in range(60)]
    assert [mark.x for mark in worst(mean)] == pytest.approx([2.0, 3.0], abs=0.11)
    assert list(worst(mean[:5])) == []


def test_counts_are_those_of_a_checkpoint_and_of_a_state() -> None:
    arrays = {
        "env.episode.memory.Beginnings.track.failed": np.array([[[0.0, 2.0]], [[1.0, 0.0]]]),
        "env.episode.memory.Beginnings.track.spent": np.ones((2, 1, 2)),
        "networks.actor": np.zeros(3),
    }
    failed, spent = seen.counts_of_arrays(arrays)["track"]
    assert (failed.tolist(), spent.tolist()) == ([0.5, 1.0], [1.0, 1.0])
    assert seen.counts_of_arrays({}) == {}


def test_a_reference_is_the_frame_that_the_state_goes_with() -> None:
    """At the beginning the robot is in it; its base is moved with the clip's world."""
    env = Env(plan(), "native", envs=3)
    state = jax.jit(env.init)(env.params, jax.random.key(4))
    clip, frame, shift, came = state.places["track"]
    assert came is None  # no clips are blended
    known = References(plan())
    for index in range(3):
        place = np.array([clip[index], frame[index], *np.asarray(shift[index]), 0], np.float64)
        np.testing.assert_allclose(known.qpos(place), state.world["qpos"][index], atol=1e-5)
        name = ("squat", "walk")[int(clip[index])]
        assert known.title(place).startswith(name)
        wanted = arrays(name)["qpos"][int(frame[index]) - 1]
        np.testing.assert_allclose(known.qpos(place), wanted, atol=1e-5)
    # beyond the end it is the last frame
    last = known.qpos(np.array([1.0, 400.0, 0.0, 0.0, 0.0, 1.0]))
    np.testing.assert_allclose(last, arrays("walk")["qpos"][-1], atol=1e-5)
    assert known.title(np.array([1.0, 400.0, 0.0, 0.0, 0.0, 1.0])) == "walk  6.0 s"


def test_a_clips_world_is_turned_and_then_moved() -> None:
    """Against MuJoCo: every body as if a frame that holds the robot were moved."""
    robot, angle = humanoid(), 0.7
    pose = arrays("walk")["qpos"][40].astype(np.float64)
    found = moved(pose, np.array([2.0, -1.0, angle]), robot.facts)
    before, after = mujoco.MjData(robot.model), mujoco.MjData(robot.model)
    before.qpos[:], after.qpos[:] = pose, found
    for data in (before, after):
        mujoco.mj_kinematics(robot.model, data)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0],
                     [0, 0, 1]])  # fmt: skip
    wanted = before.xpos[2:] @ turn.T + [2.0, -1.0, 0.0]
    np.testing.assert_allclose(after.xpos[2:], wanted, atol=1e-9)


def test_a_ghost_is_the_robot_alone_and_can_be_seen_through() -> None:
    model = humanoid().model
    facts = humanoid().facts
    base = facts.body_id(facts.root)
    pose = arrays("walk")["qpos"][40]
    colours = model.geom_rgba.copy()
    scene = mujoco.MjvScene(model, 200)
    Ghost(model, base).draw(scene, pose)
    data = mujoco.MjData(model)
    data.qpos[:] = pose
    mujoco.mj_kinematics(model, data)
    shown = [
        i for i in range(model.ngeom)
        if model.body_rootid[model.geom_bodyid[i]] == model.body_rootid[base]
        and model.geom_group[i] < 3 and model.geom_rgba[i, 3] > 0
    ]  # fmt: skip
    drawn = [scene.geoms[i] for i in range(scene.ngeom)]
    assert len(drawn) == len(shown) > 10
    for geom, index in zip(drawn, shown, strict=True):
        np.testing.assert_allclose(geom.pos, data.geom_xpos[index], atol=1e-5)
        assert geom.rgba[3] == pytest.approx(0.35)
    assert np.array_equal(model.geom_rgba, colours)


@pytest.mark.parametrize("width", [640, 642])
def test_two_pictures_stand_side_by_side(width: int) -> None:
    left = np.full((480, width // 2, 3), 60, np.uint8)
    right = np.full((480, width // 2, 3), 200, np.uint8)
    whole = side_by_side(left, right, width, ("walk  1.0 s", "policy"))
    assert whole.shape == (480, width, 3)
    assert np.all(whole[0, : width // 2 - 1] == 60)
    assert np.all(whole[0, width // 2 + 1 :] == 200)
    assert np.any(whole[430:, : width // 2] > 200)  # what is written


def test_a_recording_has_where_its_motion_is() -> None:
    from ksim_compiler.learn.run.policy import fresh_policy
    from ksim_compiler.play.record import record

    recording = record(plan(), fresh_policy(plan(), 0), 1, 8).until(5)
    places = recording.motions["track"]
    assert places.shape == (6, 6)  # clip, frame, x, y, turn, the clip before
    told = References(plan()).of(recording)
    assert told is not None
    assert (told.qpos.shape, len(told.titles)) == ((5, 27), 5)
    np.testing.assert_allclose(told.qpos[0], recording.qpos[0], atol=1e-5)
    assert jnp.all(jnp.diff(places[:, 1]) <= 1)
