"""Curricula: sequences of levels worked by hand, and what survives a reset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.lowering import curriculum as curricula, rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.robot.model import ModelFiles, equip, load
from ksim_schema.robot import TileGrid
from ksim_schema.vocabulary import curriculum as v
from ksim_schema.vocabulary.state import Robot as RobotPart
from tests.ksim_compiler.test_env import CARTPOLE, edited, start

MODEL = """
<mujoco><worldbody>
  <body name="sled"><joint name="x" type="slide" axis="1 0 0"/><geom size="0.1"/></body>
</worldbody></mujoco>
"""
PLAIN = load(
    RobotPart.model_validate({"model": "m.xml", "control": "20 ms"}),
    ModelFiles("m.xml", {"m.xml": MODEL.encode()}),
)
Tick = tuple[float, bool, bool]
"""Seconds since the episode began (or the sled's place), whether it ended, and in a failure."""


def levels(c: v.Curriculum, ticks: list[Tick]) -> list[float]:
    """The level after each tick."""
    robot = equip(PLAIN, c.sensors(PLAIN.facts), ())
    data = mujoco.MjData(robot.model)
    x = Context(
        robot.facts,
        {},
        jnp.float32(0),
        0.02,
        jnp.float32(curricula.first_level(c, jax.random.key(0), robot.facts)),
        jax.random.key(0),
        jnp.zeros(0),
    )
    memory = rules.initial(c, x)
    found = []
    for value, done, failed in ticks:
        data.qpos[0] = value
        mujoco.mj_forward(robot.model, data)
        world = {"sensordata": jnp.asarray(data.sensordata, jnp.float32)}
        ended = {"done": jnp.bool_(done), "whole": jnp.bool_(done), "failure": jnp.bool_(failed)}
        x = replace(x, world=world, time=jnp.float32(value), **ended)
        level, memory = rules.apply(c, x, memory)
        x = replace(x, level=level)
        found.append(float(level))
    return found


def part(kind: type[v.Curriculum], **fields: Any) -> Any:
    return kind.model_validate(fields)


def test_a_constant_level() -> None:
    assert levels(part(v.ConstantLevel, level=0.25), [(1, True, True)] * 2) == [0.25, 0.25]


def test_a_level_that_rises_with_the_ticks() -> None:
    ticks = [(0.0, False, False)] * 8
    even = levels(part(v.LinearLevel, ticks=4, after=2), ticks)
    np.testing.assert_allclose(even, [0, 0, 0.25, 0.5, 0.75, 1, 1, 1])
    stairs = levels(part(v.LinearLevel, ticks=6, levels=2, min_level=0.2), ticks)
    np.testing.assert_allclose(stairs, [0.2, 0.2, 0.6, 0.6, 0.6, 1, 1, 1], rtol=1e-6)


def test_the_level_follows_the_length_of_episodes() -> None:
    c = part(v.EpisodeLengthLevel, levels=4, raise_above="5 s", lower_below="2 s")
    ends = [(9, False, False), (6, True, False), (3, True, True), (7, True, False), (1, True, True)]
    np.testing.assert_allclose(levels(c, ends), [0, 0.25, 0.25, 0.5, 0.25])
    smooth = c.model_copy(update={"smoothing": 0.5, "levels": 2})
    # averages 6, 3, 5, 6, 3.5 s
    ends = [(t, True, False) for t in (6.0, 0.0, 7.0, 7.0, 1.0)]
    np.testing.assert_allclose(levels(smooth, ends), [0.5, 0.5, 0.5, 1, 1])
    patient = c.model_copy(update={"wait": 2})
    ends = [(6.0, True, False)] * 5
    np.testing.assert_allclose(levels(patient, ends), [0.25, 0.25, 0.5, 0.5, 0.75])


def test_the_level_follows_the_largest_distance_of_an_episode() -> None:
    c = part(
        v.DistanceFromOriginLevel, levels=2, min_level=0.5, raise_above="2 m", lower_below="1 m"
    )
    walk = [(-3.0, False, False), (0.0, True, False), (0.5, False, False), (0.0, True, False)]
    # the second episode stays within half a metre; a third never falls below the lowest level
    walk += [(0.2, True, False)]
    np.testing.assert_allclose(levels(c, walk), [0.5, 1, 1, 0.5, 0.5])
    broken = [(float("nan"), True, True), (3.0, True, False)]
    np.testing.assert_allclose(levels(c, broken), [0.5, 1])


def test_the_level_follows_the_share_of_failures() -> None:
    c = part(v.StepWhenSaturated, levels=10, smoothing=0.5, raise_below=0.2, lower_above=0.6)
    outcomes = [False, False, True, True, True, False, False, False]
    # shares 0, 0, .5, .75, .875, .4375, .21875, .109
    found = levels(c, [(0.0, True, failed) for failed in outcomes])
    np.testing.assert_allclose(found, [0.1, 0.2, 0.2, 0.1, 0, 0, 0, 0.1], atol=1e-6)


def test_what_a_curriculum_counts_survives_resets_and_its_level_is_logged() -> None:
    graded = "alive: {kind: stay_alive, scale: {linear: {from: 0.0, to: 2.0}}}"
    level = "Curriculum:\n  level: {kind: linear, ticks: 20}\nTermination:"
    text = edited(CARTPOLE, {"alive: {kind: stay_alive}": graded, "Termination:": level})
    env, step, state = start(text, envs=2)
    rewards, logged = [], []
    for _ in range(21):  # the episodes last 10 ticks
        state, out = step(env.params, state, jnp.zeros((2, 1)))
        rewards.append(float(out.reward[1]))
        logged.append(float(out.metrics["level"][1]))
    expected = np.minimum(np.arange(22) / 20, 1)
    np.testing.assert_allclose(logged, expected[1:], rtol=1e-6)
    np.testing.assert_allclose(rewards, 2 * expected[:-1], rtol=1e-6)


def test_failures_of_each_environment_move_its_own_level() -> None:
    level = (
        "Curriculum:\n  level: {kind: step_when_saturated, levels: 4, smoothing: 0.0, "
        "min_level: 0.5, raise_below: 0.5, lower_above: 0.5}\nTermination:"
    )
    graded = "alive: {kind: stay_alive, scale: {linear: {from: 1.0, to: 2.0}}}"
    text = edited(CARTPOLE, {"alive: {kind: stay_alive}": graded, "Termination:": level})
    env, step, state = start(edited(text, {"[-1 m, 1 m]": "[-1 cm, 1 cm]"}), envs=2)
    for _ in range(20):
        state, out = step(env.params, state, jnp.array([[1.0], [0.0]]))
    np.testing.assert_allclose(out.metrics["level"], [0.5, 1.0])


def rows(c: v.TerrainLevel, episodes: list[tuple[float, float]], first: int, seed: int) -> list:
    """The rows of five levels after episodes of two ticks: way that came, commanded speed."""
    robot = equip(PLAIN, c.sensors(PLAIN.facts), ())
    data, period, level = mujoco.MjData(robot.model), 0.02, jnp.float32(first / 4)
    grid = TileGrid(("flat",), 5, 8.0, (0.0, 0.0))
    x = Context(
        replace(robot.facts, grid=grid),
        {},
        jnp.float32(0),
        period,
        level,
        jax.random.key(seed),
        jnp.zeros(0),
        labels={"walk": ("forward", "sideways", "turn")},
        limit=10.0,
    )
    memory, found = rules.initial(c, x), []
    for way, speed in episodes:
        for tick, place in enumerate((3.0, 3.0 + way), start=1):
            data.qpos[0] = place
            mujoco.mj_forward(robot.model, data)
            x = replace(
                x,
                world={"sensordata": jnp.asarray(data.sensordata, jnp.float32)},
                time=jnp.float32(tick * period),
                commands={"walk": jnp.array([0.0, -speed, 9.0])},
                whole=jnp.bool_(tick == 2),
                level=level,
            )
            level, memory = rules.apply(c, x, memory)
            if tick == 1:
                assert level == x.level
        found.append(float(level) * 4)
    return found


def test_the_level_of_tiles_follows_the_way_against_the_commanded_one() -> None:
    c = part(v.TerrainLevel, command="walk", body="sled")
    # tiles of 8 m and episodes of 10 s: 0.5 m/s are 5 m, of which less than half is too little
    ways = [(4.1, 0.5), (-4.1, 0.5), (3.9, 0.5), (2.6, 0.5), (2.4, 0.5), (0.0, 0.0), (3.9, 1.0)]
    np.testing.assert_allclose(rows(c, ways, 0, 0), [1, 2, 2, 2, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(rows(c, [(0.0, 1.0)], 0, 0), [0])  # not below the first
    own = part(v.TerrainLevel, command="walk", body="sled", raise_above="1 m", lower_below=0.1)
    np.testing.assert_allclose(rows(own, [(1.1, 1.0), (0.9, 0.8), (0.7, 0.8)], 0, 0), [1, 1, 0])


def test_who_passes_the_last_level_goes_on_at_any() -> None:
    c = part(v.TerrainLevel, command="walk", body="sled")
    after = [round(rows(c, [(5.0, 1.0)], 4, seed)[0]) for seed in range(40)]
    assert set(after) == set(range(5))


def test_environments_may_begin_on_the_first_levels() -> None:
    c = part(v.TerrainLevel, command="walk", first_levels=3)
    facts = replace(PLAIN.facts, grid=TileGrid(("flat",), 5, 8.0, (0.0, 0.0)))
    keys = jax.random.split(jax.random.key(0), 60)
    first = np.array([curricula.first_level(c, key, facts) for key in keys])
    assert set(np.round(4 * first)) == {0, 1, 2}


def test_scales_follow_the_curriculum_that_they_name() -> None:
    ramp = "{linear: {from: 0, to: 2}, curriculum: %s}"
    rewards = (
        f"alive: {{kind: stay_alive, scale: {ramp % 'slow'}}}\n"
        f"  again: {{kind: stay_alive, scale: {ramp % 'fast'}}}"
    )
    curriculum = (
        "Curriculum:\n  slow: {kind: linear, ticks: 20}\n  fast: {kind: linear, ticks: 10}\n"
    )
    text = edited(
        CARTPOLE,
        {"alive: {kind: stay_alive}": rewards, "Termination:": f"{curriculum}Termination:"},
    )
    env, step, state = start(text, envs=2)
    for tick in range(1, 16):  # the episodes last 10 ticks
        state, out = step(env.params, state, jnp.zeros((2, 1)))
        before = {"slow": (tick - 1) / 20, "fast": min((tick - 1) / 10, 1.0)}
        terms = {name: float(value[1]) for name, value in out.reward_terms.items()}
        assert terms == pytest.approx(
            {"alive": 2 * before["slow"], "again": 2 * before["fast"]}, abs=1e-6
        )
        metrics = {name: float(value[1]) for name, value in out.metrics.items()}
        assert metrics == pytest.approx(
            {"level.slow": tick / 20, "level.fast": min(tick / 10, 1.0)}, abs=1e-6
        )
