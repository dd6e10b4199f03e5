"""Clips that are blended, as environments, evaluations and programs play them."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.deploy.reads import _clips  # pyright: ignore[reportPrivateUsage]
from ksim_compiler.learn.run.attempts import by_clip
from ksim_compiler.lowering.motion import (
    Place,
    Seen,
    frame_of,
    joints_ahead,
    no_tally,
    onwards,
    over,
    tallied,
)
from tests.ksim_compiler.motion.test_by_clip import rows
from tests.ksim_compiler.motion.test_episodes import clips, plan
from tests.support.example import drive

PERIOD, TICKS = 0.02, 25


@pytest.mark.parametrize("when", ["redraw", "repeat"])
def test_the_motion_goes_on_from_where_the_robot_is(when: str) -> None:
    part, found = clips(when_over=when, blend=TICKS * PERIOD)
    shift = jnp.array([1.0, -2.0, 0.5])
    place = Place(jnp.int32(1), jnp.int32(300), shift, jnp.int32(1))
    go = jax.jit(lambda place: onwards(part, found, jax.random.key(5), place))
    told = jax.jit(lambda place: frame_of(Seen(found, place)))
    frames, places = [told(place)], [place]
    for _ in range(TICKS + 1):
        places.append(go(places[-1]))
        frames.append(told(places[-1]))
    assert [int(p.frame) for p in places] == [300, *range(1 - TICKS, 2)]
    after = places[-1]
    if when == "repeat":
        assert int(after.clip) == 1
    assert int(after.came) == 1  # type: ignore[arg-type]
    # to its first frame no step is another than the velocities say, in the world of the robot
    for a, b in itertools.pairwise(frames[:-1]):
        linear = (a.linear + b.linear) / 2
        np.testing.assert_allclose((b.place - a.place) / PERIOD, linear, atol=0.05)
        # a joint that a cubic would lead beyond its limit rests there
        moving = np.asarray((a.rates != 0.0) & (b.rates != 0.0))
        assert moving.sum() > 10
        rates, steps = (a.rates + b.rates) / 2, (b.joints - a.joints) / PERIOD
        np.testing.assert_allclose(steps[moving], rates[moving], atol=0.03)
    assert float(jnp.linalg.norm(frames[1].place - frames[0].place, axis=1).max()) < 0.05
    # at its end it is the clip's own first frame
    row = int(found.start[int(after.clip)])
    np.testing.assert_allclose(frames[-2].joints, found.joints[row], atol=1e-6)
    # what lies between clips is counted in no stretch, and is no clip's end
    between = Seen(found, places[3])
    tally = tallied(between, no_tally(found), True)
    assert not np.any(tally.failed)
    assert not np.any(tally.spent)
    assert not bool(over(between))


def test_what_comes_is_seen_through_the_blend() -> None:
    """A clip that repeats: 10 ticks before its end, the way to its beginning and that."""
    _, found = clips(when_over="repeat", blend=TICKS * PERIOD)
    place = Place(jnp.int32(1), jnp.int32(290), jnp.zeros(3), jnp.int32(1))
    ahead = (0, 10, 11, 34, 35, 40)
    seen = joints_ahead(Seen(found, place), ahead, "positions", (0, 5))
    way, start = int(found.between[1, 1]), int(found.start[1])
    wanted = [start + 290, start + 300, way + 1, way + 24, start, start + 5]
    np.testing.assert_allclose(seen, found.joints[wanted][:, [0, 5]], atol=1e-6)


def test_an_evaluation_leaves_out_what_lies_between() -> None:
    _, library = clips(blend=TICKS * PERIOD)
    way = [(0, frame, 7.0, 7.0) for frame in range(1 - TICKS, 0)]
    tried = [(1, 299, 0.1, 0.1), (1, 300, 0.1, 0.1), *way, (0, 0, 0.2, 0.2), (0, 1, 0.2, 0.2)]
    falls = [(1, 300, 0.1, 0.1), *way[:5]]
    ends, failed = np.array([len(tried), len(falls)]), np.array([False, True])
    squat, walk = by_clip(rows(tried, falls), ends, failed, {"track": library}, PERIOD)
    assert [(a.completed, a.failed) for a in walk.attempts] == [(True, False), (True, False)]
    assert squat.attempts[0].frames.tolist() == [0, 1]
    # a fall on the way to a clip is one of that clip
    assert [(a.failed, a.frames.size) for a in squat.attempts] == [(False, 2), (True, 0)]
    assert squat.summary()["motion/track.squat/body_error"] == pytest.approx(0.2)


@pytest.mark.parametrize("blend", [0.0, TICKS * PERIOD])
def test_a_program_plays_a_clip_again_as_the_simulation_does(blend: float) -> None:
    """The walk, twice to its end and on: joints, and where the anchor is to be."""
    part, found = clips(when_over="repeat", blend=blend)
    given: Any = SimpleNamespace(robot=plan().robot, period=PERIOD, clips=plan().clips)
    player = drive().Player(
        "track", {"when_over": "repeat", "clips": _clips(given, "track", part)}, 1
    )
    came = jnp.int32(1) if blend else None
    place = Place(jnp.int32(1), jnp.int32(0), jnp.zeros(3), came)
    go = jax.jit(lambda place: onwards(part, found, jax.random.key(0), place))
    told = jax.jit(lambda place: frame_of(Seen(found, place)))
    stands = [np.asarray(value, float)[0] for value in (told(place).place, told(place).turn)]
    reads = {"part": "position"}
    for tick in range(700):
        place = go(place)
        left = player.observed("motion_anchor_error", reads, stands, tick)
        if tick % 20 and tick not in (299, 300, 301, 324, 325, 326):
            continue
        frame = told(place)
        wanted = np.concatenate([frame.joints, frame.rates])
        np.testing.assert_allclose(player.told(tick), wanted, atol=1e-4, err_msg=str(tick))
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, stands[1])
        off = turn.reshape(3, 3).T @ (np.asarray(frame.place[0]) - stands[0])
        np.testing.assert_allclose(left, off, atol=1e-4, err_msg=str(tick))
