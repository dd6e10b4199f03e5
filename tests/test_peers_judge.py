"""The judge of the comparison with peers, on motions whose errors are known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.peers import (
    judge,
)
from benchmarks.peers.judge import Judgement, Log
from benchmarks.peers.robot import COMMAND

PERIOD = 0.02


def _log(ticks: int = 300, episodes: int = 2) -> Log:
    """Robots that stand at the origin and are told to stand."""
    pose = np.zeros((ticks, episodes, 7))
    pose[..., 2], pose[..., 3] = 0.29, 1.0
    return Log(pose, np.zeros((ticks, episodes, 6)), np.zeros((ticks, episodes, 3)), PERIOD)


def test_a_robot_that_does_what_it_is_told_misses_by_nothing() -> None:
    log = _log()
    turned = 0.7  # rad about the vertical: forward is along the heading, not the world's axis
    log.pose[..., 3], log.pose[..., 6] = math.cos(turned / 2), math.sin(turned / 2)
    log.command[:] = [1.0, 0.5, -0.3]
    log.velocity[..., 0] = 1.0 * math.cos(turned) - 0.5 * math.sin(turned)
    log.velocity[..., 1] = 1.0 * math.sin(turned) + 0.5 * math.cos(turned)
    log.velocity[..., 5] = -0.3
    found = judge.judged(log)
    assert found.falls == 0.0
    assert found.planar == pytest.approx(0.0, abs=1e-12)
    assert found.turn == pytest.approx(0.0, abs=1e-12)


def test_the_planar_error_is_a_vectors_length_and_the_turn_error_has_no_sign() -> None:
    log = _log()
    log.command[:] = [0.3, -0.4, 0.2]
    log.command[:, 1] = [-0.3, 0.4, -0.2]
    found = judge.judged(log)
    assert found.planar == pytest.approx(0.5)
    assert found.turn == pytest.approx(0.2)


def test_the_sway_of_a_gait_does_not_count() -> None:
    log = _log()
    time = PERIOD * np.arange(300)[:, None]
    log.velocity[..., 0] = np.sin(2 * np.pi * 2.0 * time)  # two cycles a second
    assert judge.judged(log).planar == pytest.approx(0.0, abs=1e-9)


def test_what_happens_until_half_a_second_after_a_new_command_does_not_count() -> None:
    log = _log()
    log.command[150:] = [1.0, 0.0, 0.0]
    log.velocity[175:, :, 0] = 1.0  # follows 25 ticks, 0.5 s, late
    log.velocity[:25, :, 0] = 9.0
    assert judge.judged(log).planar == pytest.approx(0.0, abs=1e-12)
    log.velocity[175, :, 0] = 0.0  # one tick later is late, and stands in one window of those
    windows = (150 - 49) * 2  # of the two commands in an episode
    assert judge.judged(log).planar == pytest.approx((1 / 25) / windows)


@pytest.mark.parametrize("how", ["tilted", "low", "nan"])
def test_an_episode_falls_once_and_for_all_and_counts_until_then(how: str) -> None:
    log = _log()
    log.command[:] = [1.0, 0.0, 0.0]
    log.velocity[..., 0] = 0.9
    if how == "tilted":  # 61 degrees about the forward axis, for a moment
        angle = math.radians(61)
        log.pose[100, 0, 3:5] = math.cos(angle / 2), math.sin(angle / 2)
    elif how == "low":
        log.pose[100, 0, 2] = 0.11
    else:
        log.pose[100, 0, 0] = np.nan
    log.velocity[100:, 0, 0] = np.nan if how == "nan" else 50.0
    found = judge.judged(log)
    assert found.falls == 0.5
    assert found.planar == pytest.approx(0.1)
    upright = _log()
    angle = math.radians(59)
    upright.pose[100, 0, 3:5] = math.cos(angle / 2), math.sin(angle / 2)
    assert judge.judged(upright).falls == 0.0


def test_turning_is_about_the_vertical_also_of_a_trunk_that_leans() -> None:
    pose = np.array([0, 0, 0.3, math.cos(0.25), 0, math.sin(0.25), 0])  # 0.5 rad nose down
    vertical_in_trunk = np.array([-math.sin(0.5), 0, math.cos(0.5)])
    velocity = np.r_[0.4, 0.3, 9.0, 0.8 * vertical_in_trunk]
    found = judge.velocities(pose, velocity)
    assert found == pytest.approx([0.4, 0.3, 0.8])


def test_nobody_who_fell_at_once_has_errors() -> None:
    log = _log()
    log.pose[:, :, 2] = 0.0
    found = judge.judged(log)
    assert found.falls == 1.0
    assert math.isnan(found.planar)
    assert not found.within(judge.GOAL)


def test_commands_are_held_for_three_seconds_and_cover_the_range() -> None:
    found = judge.commands(np.random.default_rng(0), 256, 600, PERIOD, COMMAND)
    assert found.shape == (600, 256, 3)
    changes = np.flatnonzero((np.diff(found, axis=0) != 0).any((1, 2))) + 1
    assert changes.tolist() == [150, 300, 450]
    assert (np.abs(found) <= COMMAND).all()
    assert (np.abs(found).max((0, 1)) > 0.97 * COMMAND).all()
    assert np.abs(found.mean((0, 1))).max() < 0.1


def test_a_goal_is_reached_where_no_later_checkpoint_misses_it() -> None:
    good, bad = Judgement(0.0, 0.1, 0.1), Judgement(0.02, 0.1, 0.1)

    def first(*judgements: Judgement) -> tuple[int | None, Judgement, int]:
        asked: list[int] = []

        def judgement(place: int) -> Judgement:
            asked.append(place)
            return judgements[place]

        return *judge.first_to_stay(judgement, len(judgements)), len(asked)

    assert first(bad, good, bad, good, good) == (3, good, 3)
    assert first(good, good) == (0, good, 2)
    assert first(good, bad) == (None, bad, 1)


def test_the_goal_is_met_at_its_limits() -> None:
    assert Judgement(0.01, 0.15, 0.15).within(judge.GOAL)
    for name in ("falls", "planar", "turn"):
        limit = getattr(judge.GOAL, name)
        assert not dataclasses.replace(judge.GOAL, **{name: limit + 1e-6}).within(judge.GOAL)
