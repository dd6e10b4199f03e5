"""From one clip to the next: against MuJoCo, differences, and the clips' own frames."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import mujoco
import numpy as np
import pytest

from ksim_compiler.motion.clip import Clip
from ksim_compiler.motion.image import mirrored
from ksim_compiler.motion.library import Library, library
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from tests.ksim_compiler.motion.clips import ROOT

PERIOD, TICKS = 0.02, 25
WAVE, SQUAT, STEP, WALK = range(4)


@cache
def plan() -> Plan:
    settings = ("mirror=true", "when_over=redraw", "blend=0.5 s")
    task = ROOT / "tasks" / "humanoid_track.yaml"
    found = compile_file(task, [f"Command.motion.{setting}" for setting in settings])
    assert found.plan is not None, found.diagnostics
    assert "KS0696" in {d.code for d in found.diagnostics}  # the task ends episodes with the clip
    return found.plan


def clips(**changes: Any) -> tuple[Any, Library]:
    part = plan().task.parts["Command"]["motion"].model_copy(update=changes)
    robot = plan().robot
    return part, library(
        part, plan().clips["motion"], robot.facts, robot.model, PERIOD, robot.mirror
    )


@cache
def blended() -> Library:
    return clips()[1]


def rows(i: int, j: int) -> slice:
    """The rows from a clip to another."""
    start = int(blended().between[i, j])
    return slice(start, start + TICKS)


def way(i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
    """States from a clip's last frame to the first two of another, in the world of that one."""
    known, first = blended(), int(blended().start[j])
    at = [*range(rows(i, j).start, rows(i, j).stop), first, first + 1]
    return known.qpos[at], known.qvel[at]


def heading(quat: np.ndarray) -> float:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quat)
    return float(np.arctan2(matrix[3], matrix[0]))


def test_a_library_has_the_ways_behind_its_clips() -> None:
    known = blended()
    assert known.blend == TICKS
    assert known.length.sum() == known.between.min()
    assert sorted(known.between.ravel()) == [known.length.sum() + TICKS * n for n in range(64)]
    assert len(known.qpos) == len(known.bin_of) == known.length.sum() + TICKS * 64
    # nothing is counted there, and no episode begins there
    assert set(known.bin_of[known.length.sum() :]) == {-1}
    assert np.all(known.bin_stop <= known.length[known.bin_clip] - 1)
    again = clips(when_over="repeat")[1]
    assert np.array_equal(np.diag(again.between), known.length.sum() + TICKS * np.arange(8))
    assert np.all(again.between[~np.eye(8, dtype=bool)] == -1)
    jumps = clips(blend=0.0)[1]
    assert len(jumps.qpos) == known.length.sum()
    np.testing.assert_array_equal(jumps.qpos, known.qpos[: known.length.sum()])


@pytest.mark.parametrize(("i", "j"), [(WALK, SQUAT), (WALK, WALK), (STEP, WALK), (WAVE, 4 + WALK)])
def test_the_way_begins_in_one_clip_and_ends_in_the_other(i: int, j: int) -> None:
    known, base = blended(), 7
    qpos, qvel = way(i, j)
    last = int(known.start[i] + known.length[i]) - 1
    # the last frame: its joints and its height, standing elsewhere and facing as the other begins
    np.testing.assert_allclose(qpos[0, base:], known.qpos[last, base:])
    assert qpos[0, 2] == pytest.approx(known.qpos[last, 2])
    np.testing.assert_allclose(qvel[0, 3:], known.qvel[last, 3:], atol=1e-9)
    speeds = [np.linalg.norm(v[:2]) for v in (qvel[0], known.qvel[last])]
    assert speeds[0] == pytest.approx(speeds[1])
    anchor = known.turn[rows(i, j)][0, 0]
    assert heading(anchor) == pytest.approx(heading(known.turn[known.start[j], 0]), abs=1e-9)
    tilts = [quat[1] ** 2 + quat[2] ** 2 for quat in (anchor, known.turn[last, 0])]
    assert tilts[0] == pytest.approx(tilts[1])
    # it goes on at the mean of both speeds, from where the anchor stood
    off = known.place[known.start[j], 0] - known.place[rows(i, j)][0, 0]
    wanted = TICKS * PERIOD * (qvel[0, :2] + qvel[TICKS, :2]) / 2
    np.testing.assert_allclose(off[:2], wanted, atol=1e-9)


@pytest.mark.parametrize(("i", "j"), [(WALK, SQUAT), (STEP, WALK), (WAVE, 4 + WALK)])
def test_nothing_jumps_and_velocities_are_those_of_the_poses(i: int, j: int) -> None:
    model, (qpos, qvel) = plan().robot.model, way(i, j)
    for tick in range(TICKS):
        step = np.zeros(model.nv)
        mujoco.mj_differentiatePos(model, step, PERIOD, qpos[tick], qpos[tick + 1])
        mean = (qvel[tick] + qvel[tick + 1]) / 2
        # by the trapezoidal rule; a joint that comes to its limit stops there within the tick
        moving = (qvel[tick] != 0.0) & (qvel[tick + 1] != 0.0)
        np.testing.assert_allclose(step[moving], mean[moving], atol=0.03)
        fastest = np.abs(qvel[tick : tick + 2]).max(axis=0)
        assert np.all(np.abs(step[6:]) <= fastest[6:] + 0.05)


def test_bodies_are_where_mujoco_puts_them() -> None:
    model, known = plan().robot.model, blended()
    data, both = mujoco.MjData(model), np.zeros(6)
    at = rows(WALK, 4 + STEP)
    for row in range(at.start, at.stop):
        data.qpos[:], data.qvel[:] = known.qpos[row], known.qvel[row]
        mujoco.mj_forward(model, data)
        for column, name in enumerate(known.bodies):
            body = data.body(name)
            np.testing.assert_allclose(known.place[row, column], body.xpos, atol=1e-9)
            np.testing.assert_allclose(known.turn[row, column], body.xquat, atol=1e-9)
            kind = mujoco.mjtObj.mjOBJ_XBODY
            mujoco.mj_objectVelocity(model, data, kind, body.id, both, 0)
            np.testing.assert_allclose(known.angular[row, column], both[:3], atol=1e-9)
            np.testing.assert_allclose(known.linear[row, column], both[3:], atol=1e-9)


def test_joints_stay_within_their_limits() -> None:
    known, facts = blended(), plan().robot.facts
    part = plan().task.parts["Command"]["motion"]
    for column, joint in enumerate(part.moved(facts)):
        low, high = joint.limits or (-np.inf, np.inf)
        ways = known.joints[known.length.sum() :, column]
        own = known.joints[: known.length.sum(), column]
        assert ways.min() >= min(low, own.min())
        assert ways.max() <= max(high, own.max())


def test_the_way_between_images_is_the_image_of_the_way() -> None:
    known, mirror = blended(), plan().robot.mirror
    assert mirror is not None
    names = tuple(j.name for j in plan().task.parts["Command"]["motion"].moved(mirror.robot))
    at, image = rows(WALK, STEP), rows(4 + WALK, 4 + STEP)
    clip = Clip("way", 1 / PERIOD, names, known.joints[at])
    clip = replace(clip, place=known.qpos[at, :3], turn=known.qpos[at, 3:7])
    wanted, found = mirrored(clip, mirror), known.qpos[image]
    np.testing.assert_allclose(known.joints[image], wanted.joints, atol=1e-9)
    assert wanted.place is not None
    assert wanted.turn is not None
    np.testing.assert_allclose(found[:, :3], wanted.place, atol=1e-9)
    dots = np.abs(np.sum(found[:, 3:7] * wanted.turn, axis=1))
    np.testing.assert_allclose(dots, 1.0, atol=1e-9)
