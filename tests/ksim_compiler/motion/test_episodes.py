"""Where motions begin, go on and end: the same frame for the reset, the command and the rewards."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.lowering.motion import (
    Place,
    Seen,
    Tally,
    begun,
    frame_of,
    odds,
    onwards,
    tallied,
)
from ksim_compiler.motion.library import Library, library
from ksim_compiler.pipeline import compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Sink, has_errors, render_text
from ksim_schema.robot import file_key
from ksim_schema.source import parse
from tests.ksim_compiler.motion.clips import CLIPS, ROOT, arrays, npz
from tests.support.engines import agree

TASK = """
ksim: 1
task: follow
PhysicsState:
  robot: {model: robots/humanoid/scene.xml, control: 50 Hz, home: {keyframe: home}}
Command:
  track: {kind: motion, files: [squat.npz, walk.npz], weights: [1, 3], bodies: [foot_.*]}
Observation:
  joints: {kind: joint_position}
  next: {kind: motion_joints, command: track}
  left: {kind: motion_anchor_error, command: track}
Action:
  servos: {kind: position_target, scale: 0.4 rad, gains: {kp: 120 N*m/rad, kd: 5 N*m*s/rad}}
Policy: {actor: {read: [joints, next, left]}}
Critic: {critic: {judge: {clean: [joints, left]}}}
Reward:
  bodies: {kind: motion_body_position, command: track}
Termination:
  lost: {kind: motion_lost, command: track, anchor_height: 30 cm, anchor_tilt: 40 deg}
  over: {kind: motion_over, command: track}
Reset:
  start: {kind: motion_start, command: track}
"""


def lifted(clip: Path, height: float) -> bytes:
    """A shipped clip, so much higher (m)."""
    content = arrays(clip.stem)
    content["qpos"][:, 2] += height
    return npz(content)


def compiled(text: str, height: float = 0.0) -> Plan:
    """A task whose clips stand beside it, compiled; the clips are lifted by so much (m)."""
    document = parse(text, "follow.yaml", Sink())
    assert document is not None
    files = read_files(ROOT / "tasks/robots/humanoid/scene.xml")
    beside = {file_key(clip.name): lifted(clip, height) for clip in CLIPS.glob("*.npz")}
    files = replace(files, content={**files.content, **beside})
    result = compile_document(document, files)
    assert not has_errors(result.diagnostics), render_text(result.diagnostics, {})
    assert result.plan is not None
    return result.plan


@cache
def plan() -> Plan:
    return compiled(TASK)


def command(**changes: Any) -> Any:
    return plan().task.parts["Command"]["track"].model_copy(update=changes)


def clips(**changes: Any) -> tuple[Any, Library]:
    part = command(**changes)
    return part, library(part, plan().clips["track"], plan().robot.facts, plan().robot.model, 0.02)


def test_a_library_has_the_frames_of_its_clips() -> None:
    _, found = clips()
    assert found.clips == ("squat", "walk")
    assert found.bodies == ("torso", "foot_left", "foot_right")
    assert found.followed == (1, 2)
    assert found.length.tolist() == [321, 301]
    assert found.start.tolist() == [0, 321]
    # stretches of about a second, which an episode can begin in: all frames but the last
    assert np.bincount(found.bin_clip).tolist() == [6, 6]
    for clip in (0, 1):
        own = found.bin_clip == clip
        assert found.bin_start[own][0] == 0
        assert found.bin_stop[own][-1] == found.length[clip] - 1
        assert np.array_equal(found.bin_start[own][1:], found.bin_stop[own][:-1])
    assert found.bin_of[[0, 52, 54, 320, 321, 621]].tolist() == [0, 0, 1, 5, 6, 11]


@pytest.mark.parametrize("over", ["hold", "repeat", "redraw"])
def test_what_comes_after_the_last_frame(over: str) -> None:
    part, found = clips(when_over=over)
    key = jax.random.key(3)
    last = Place(jnp.int32(1), jnp.int32(300), jnp.array([1.0, -2.0, 0.5]))
    before = last._replace(frame=jnp.int32(299))
    assert int(onwards(part, found, key, before).frame) == 300
    after = onwards(part, found, key, last)
    ends, goes_on = frame_of(Seen(found, last)), frame_of(Seen(found, after))
    if over == "hold":
        np.testing.assert_allclose(goes_on.joints, ends.joints)
        np.testing.assert_allclose(goes_on.place, ends.place)
        assert not np.any(goes_on.rates)
        assert not np.any(goes_on.linear)
        again = onwards(part, found, key, after)
        assert int(again.frame) == int(after.frame)
        return
    # what follows begins where this one ends: its first frame has the anchor's place and heading
    assert int(after.frame) == (1 if over == "repeat" else 0)
    first = frame_of(Seen(found, after._replace(frame=jnp.int32(0))))
    np.testing.assert_allclose(first.place[0, :2], ends.place[0, :2], atol=1e-5)

    def facing(quat: Any) -> float:
        w, x, y, z = np.asarray(quat)
        return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))

    assert facing(first.turn[0]) == pytest.approx(facing(ends.turn[0]), abs=1e-5)
    # and its velocities are turned with it
    plain = frame_of(Seen(found, after._replace(shift=jnp.zeros(3))))
    angle = float(after.shift[2])
    turned = plain.linear[0, 0] * np.cos(angle) - plain.linear[0, 1] * np.sin(angle)
    again = frame_of(Seen(found, after)).linear[0, 0]
    assert float(again) == pytest.approx(float(turned), abs=1e-5)


def test_episodes_begin_where_they_fail() -> None:
    part, found = clips()
    bins = len(found.bin_clip)
    nothing = Tally(jnp.zeros(bins), jnp.zeros(bins))
    # before anything failed: by the weights of the clips, anywhere in them
    plain = np.asarray(odds(part, found, nothing))
    assert plain.sum() == pytest.approx(1.0)
    assert plain[:6].sum() == pytest.approx(0.25, abs=1e-5)
    np.testing.assert_allclose(plain[6:], 0.75 / 6, rtol=0.05)
    # half of the episodes that pass the third stretch of the squat fail there: that one, and in
    # parts the two before it; a tenth anywhere
    failed = jnp.zeros(bins).at[2].set(0.5)
    spent = jnp.full(bins, 1.0)
    here = np.asarray(odds(part, found, Tally(failed, spent)))
    wanted = 0.1 * plain
    wanted[[2, 1, 0]] += 0.9 * np.array([1.0, 0.8, 0.64]) / 2.44
    np.testing.assert_allclose(here, wanted, rtol=1e-5)
    # a failure at the start of a clip is not blamed on the end of the one before it
    first = np.asarray(odds(part, found, Tally(jnp.zeros(bins).at[6].set(0.5), spent)))
    assert first[5] == pytest.approx(0.1 * plain[5], rel=1e-5)
    uniform = command(begin=part.begin.model_copy(update={"draw": "uniform"}))
    np.testing.assert_allclose(odds(uniform, found, Tally(failed, spent)), plain)


def test_begins_are_drawn_by_their_odds() -> None:
    part, found = clips()
    chances = jnp.zeros(len(found.bin_clip)).at[jnp.array([1, 8])].set(jnp.array([0.3, 0.7]))
    keys = jax.random.split(jax.random.key(0), 4000)
    places = jax.vmap(lambda key: begun(part, found, key, chances))(keys)
    bins = found.bin_of[found.start[places.clip] + places.frame]
    assert set(bins.tolist()) == {1, 8}
    assert np.mean(bins == 8) == pytest.approx(0.7, abs=0.025)
    frames = np.asarray(places.frame)[bins == 1]
    assert frames.min() == found.bin_start[1]
    assert frames.max() == found.bin_stop[1] - 1
    starts = command(begin=part.begin.model_copy(update={"draw": "start"}))
    places = jax.vmap(lambda key: begun(starts, found, key, chances))(keys)
    assert not np.any(places.frame)
    assert np.mean(places.clip == 1) == pytest.approx(0.75, abs=0.025)


def test_failures_are_counted_where_they_happen_and_forgotten() -> None:
    _, found = clips()
    bins = len(found.bin_clip)
    tally = Tally(jnp.zeros(bins), jnp.zeros(bins))
    seen = Seen(found, Place(jnp.int32(1), jnp.int32(140), jnp.zeros(3)))
    tally = tallied(seen, tally, jnp.bool_(True))
    tally = tallied(seen, tally, jnp.bool_(False))
    where = int(found.bin_of[321 + 140])
    assert np.flatnonzero(tally.failed).tolist() == [where]
    assert float(tally.failed[where]) == pytest.approx(0.999)
    assert float(tally.spent[where]) == pytest.approx(1.999)


def test_the_reset_the_command_and_the_rewards_have_one_clock() -> None:
    env = Env(plan(), "native", envs=6)
    init, step = jax.jit(env.init), jax.jit(env.step)
    state = init(env.params, jax.random.key(4))
    _, found = clips()
    facts = plan().robot.facts
    # the robot is in the frame before the one that is told, which the observation tells too
    place: Place = state.episode.memory["Command"]["track"].state
    rows = found.start[place.clip] + np.asarray(place.frame)
    np.testing.assert_allclose(state.world["qpos"], found.qpos[rows - 1], atol=1e-5)
    np.testing.assert_allclose(state.world["qvel"], found.qvel[rows - 1], atol=1e-4)
    np.testing.assert_allclose(state.policy_input[:, 20:40], found.joints[rows], atol=1e-5)
    told = np.concatenate([found.joints[rows], found.rates[rows]], axis=1)
    np.testing.assert_allclose(state.commands["track"], told, atol=1e-4)
    assert facts.nq == 27
    # every tick it is one frame further, and what fails is counted for all and kept over resets
    counted, done = 0.0, 0
    before = np.asarray(place.frame)
    for tick in range(120):
        action = jnp.full((6, env.action_size), 0.6 if tick > 10 else 0.0)
        state, out = step(env.params, state, action)
        place = state.episode.memory["Command"]["track"].state
        going = ~np.asarray(out.done)
        assert np.array_equal(np.asarray(place.frame)[going], before[going] + 1)
        assert np.all(place.frame >= 1)
        before = np.asarray(place.frame)
        counted = counted * 0.999 + float(out.failure.sum())
        done += int(out.done.sum())
    tally: Tally = state.episode.memory["Beginnings"]["track"]
    assert done >= 6
    assert counted > 2
    assert float(tally.failed.sum()) == pytest.approx(counted, rel=1e-4)
    # the same seed gives the same bits
    again = init(env.params, jax.random.key(4))
    for _ in range(3):
        again, _ = step(env.params, again, jnp.zeros((6, env.action_size)))
    other = init(env.params, jax.random.key(4))
    for _ in range(3):
        other, _ = step(env.params, other, jnp.zeros((6, env.action_size)))
    assert all(map(np.array_equal, jax.tree.leaves(again.world), jax.tree.leaves(other.world)))


@pytest.mark.slow
def test_both_engines_follow_alike() -> None:
    """High in the air: where a foot lands, rounding decides between 0 and 5 contacts."""
    agree(compiled(TASK, height=0.4), ticks=3, then=2)
