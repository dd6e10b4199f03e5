"""Tasks as Gymnasium's environments: its own checker, seeds, ends of episodes, bounds."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import ksim_compiler as ksim
from ksim_compiler.adapters.gymnasium import KsimEnv, KsimVectorEnv
from ksim_compiler.play.renderer import VideoError
from ksim_schema.source.named import shipped

SHORT = {"Termination.time_limit.after": "100 ms"}
"""Five ticks an episode, and no pole falls within them."""


@pytest.fixture(scope="module")
def task() -> ksim.Task:
    return ksim.compile("cartpole", set=SHORT)


@pytest.fixture(scope="module")
def batch(task: ksim.Task) -> KsimVectorEnv:
    return KsimVectorEnv(task, 3, "native", threads=1)


@pytest.fixture(scope="module")
def single(task: ksim.Task) -> KsimEnv:
    return KsimEnv(task, "native")


def test_the_tasks_that_ship_are_registered() -> None:
    names = {f"ksim/{name}-v0" for name in shipped()}
    assert {"ksim/cartpole-v0", "ksim/walk-v0", "ksim/trot-v0"} <= names
    assert names <= set(gymnasium.registry)
    found = gymnasium.make("ksim_compiler.adapters.gymnasium:ksim/cartpole-v0", engine="native")
    assert isinstance(found.unwrapped, KsimEnv)
    assert found.unwrapped.env.task.name == "cartpole"
    several = gymnasium.make_vec("ksim/cartpole-v0", num_envs=2, engine="native", threads=1)
    assert isinstance(several, KsimVectorEnv)
    assert several.action_space.shape == (2, 1)


def test_gymnasium_finds_nothing_wrong(single: KsimEnv) -> None:
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        check_env(single, skip_render_check=True)
    texts = [str(remark.message) for remark in remarks]
    # a registered one can be made again from its spec; sensors have no bounds
    known = ("not having a spec", "minimum value is -infinity", "maximum value is infinity")
    assert [text for text in texts if not any(part in text for part in known)] == []


def test_a_seed_decides_the_trajectory(batch: KsimVectorEnv) -> None:
    actions = np.random.default_rng(0).uniform(-1, 1, (12, 3, 1)).astype(np.float32)

    def run(seed: int) -> np.ndarray:
        rows = [batch.reset(seed=seed)[0]]
        rows += [batch.step(action)[0] for action in actions]
        rows.append(batch.reset()[0])  # what goes on from the seed is decided too
        return np.array(rows)

    first = run(5)
    np.testing.assert_array_equal(first, run(5))
    assert not np.array_equal(first, run(6))
    assert not np.array_equal(first[0], first[-1])


def test_what_a_batch_gives_is_of_the_spaces_and_types_that_it_declares(
    batch: KsimVectorEnv,
) -> None:
    assert batch.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    assert batch.single_action_space == gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
    shown, _ = batch.reset(seed=1)
    assert shown in batch.observation_space
    shown, rewards, terminated, truncated, infos = batch.step(batch.action_space.sample())
    assert shown in batch.observation_space
    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, bool, bool)
    total = sum(values for name, values in infos["terms"].items() if name[0] != "_")
    np.testing.assert_allclose(rewards, total, rtol=1e-6)
    shown[:] = 0.0  # it is the receiver's own


def test_episodes_end_in_the_step_that_begins_the_next(
    batch: KsimVectorEnv, single: KsimEnv
) -> None:
    batch.reset(seed=2)
    for tick in range(1, 6):
        shown, _, terminated, truncated, infos = batch.step(np.zeros((3, 1), np.float32))
        assert truncated.tolist() == [tick == 5] * 3
        assert not terminated.any()
        assert ("final_obs" in infos) == (tick == 5)
    for index in range(3):
        assert infos["final_obs"][index] in batch.single_observation_space
        assert not np.array_equal(infos["final_obs"][index], shown[index])
    assert infos["_final_obs"].all()
    assert infos["final_info"]["terminations"]["time_limit"].all()
    assert not infos["final_info"]["terminations"]["tipped"].any()
    single.reset(seed=2)
    ends: list[Any] = [single.step(np.zeros(1, np.float32)) for _ in range(5)]
    assert [end[3] for end in ends] == [False] * 4 + [True]
    assert ends[-1][4]["terminations"]["time_limit"]
    # what is shown at the end is the state of the end: little has moved since the tick before
    assert np.abs(ends[-1][0] - ends[-2][0]).max() < 0.2


def test_actions_are_clipped_to_their_bounds(task: ksim.Task, single: KsimEnv) -> None:
    shown = []
    for action in (1.0, 7.0):
        single.reset(seed=3)
        shown.append(single.step(np.array([action], np.float32))[0])
    np.testing.assert_array_equal(*shown)
    free = task.with_({"Action.force.squash": "tanh"})
    assert KsimEnv(free, "native").action_space.high.tolist() == [10.0]
    assert KsimEnv(free, "native", action_limit=None).action_space.high.tolist() == [np.inf]
    assert KsimEnv(free, "native", action_limit=3.0).action_space.low.tolist() == [-3.0]


def test_pictures_are_of_the_state_that_is_shown(
    task: ksim.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[np.ndarray] = []

    class Recorder:
        """Takes the place of MuJoCo's renderer, which not every machine has a way to run."""

        def __init__(self, model: Any, height: int, width: int) -> None:
            self.size = (height, width, 3)

        def update_scene(self, data: Any, camera: Any) -> None:
            drawn.append(data.qpos.copy())

        def render(self) -> np.ndarray:
            return np.zeros(self.size, np.uint8)

        def close(self) -> None: ...

    monkeypatch.setattr("mujoco.Renderer", Recorder)
    env = KsimVectorEnv(task, 2, "native", render_mode="rgb_array", threads=1)
    assert env.metadata["render_fps"] == 50
    shown, _ = env.reset(seed=0)
    pictures = env.render()
    assert [picture.shape for picture in pictures] == [(480, 480, 3)] * 2
    np.testing.assert_allclose([q[0] for q in drawn], shown[:, 0], rtol=1e-6)  # the cart's place
    env.close()

    def refuse(*_: Any) -> None:
        raise mujoco.FatalError("no platform")

    monkeypatch.setattr("mujoco.Renderer", refuse)
    env.reset(seed=0)
    with pytest.raises(VideoError, match="set MUJOCO_GL=egl"):
        env.render()


def test_what_is_done_wrong_is_said(task: ksim.Task) -> None:
    with pytest.raises(ValueError, match="'human'"):
        KsimEnv(task, "native", render_mode="human")
    with pytest.raises(gymnasium.error.ResetNeeded):
        KsimEnv(task, "native").step(np.zeros(1))
