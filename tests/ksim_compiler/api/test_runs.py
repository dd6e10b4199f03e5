"""Runs that go on, and runs that begin with what another learned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import ksim_compiler as ksim

SMALL = {
    "PPO.envs": 4,
    "PPO.rollout": 8,
    "PPO.minibatches": 2,
    "Policy.actor.network.hidden": [8],
    "Critic.critic.network.hidden": [8],
}
STEPS = 32  # of an iteration


@pytest.fixture(scope="module")
def task() -> ksim.Task:
    return ksim.compile("cartpole", set=SMALL)


@pytest.fixture(scope="module")
def whole(task: ksim.Task, tmp_path_factory: pytest.TempPathFactory) -> ksim.Run:
    """A run of three iterations."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return ksim.train(task, 3 * STEPS, seed=4, out=out, episodes=2, engine="native")


def state(run: ksim.Run, iterations: int) -> dict[str, np.ndarray]:
    return load_file(run.path / "checkpoints" / f"{iterations * STEPS:012d}.safetensors")


def learned(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = ("networks", "optimizer", "policy_normalizer")
    return {name: array for name, array in arrays.items() if name.startswith(names)}


def test_a_run_that_was_stopped_goes_on_to_the_same_bits_and_further(
    task: ksim.Task, whole: ksim.Run, tmp_path: Path
) -> None:
    out, seen = tmp_path / "run", list[int]()
    stopped = ksim.train(
        task,
        2 * STEPS,
        seed=4,
        out=out,
        on_iteration=lambda iteration: False,
        episodes=2,
        engine="native",
    )
    assert stopped.metrics["steps"] == [STEPS]
    ended = ksim.resume(out, 3 * STEPS, on_iteration=lambda iteration: seen.append(iteration.steps))
    assert seen == [2 * STEPS, 3 * STEPS]
    assert ended.metrics["steps"] == whole.metrics["steps"]
    assert ended.evaluations[-1] == whole.evaluations[-1]
    assert len(ended.about["resumed"]) == 1
    left, right = state(ended, 3), state(whole, 3)
    assert left.keys() == right.keys()
    for name, array in left.items():
        np.testing.assert_array_equal(array, right[name], err_msg=name)


def test_a_run_begins_with_what_another_learned(
    task: ksim.Task, whole: ksim.Run, tmp_path: Path
) -> None:
    changed = task.with_({"Reward.effort.scale": 2e-4})
    run = ksim.train(
        changed, STEPS, seed=5, out=tmp_path / "run", init_from=whole, episodes=2, engine="native"
    )
    assert run.about["from"] == str(whole.path)
    assert run.metrics["steps"] == [STEPS]
    first, last = learned(state(run, 0)), learned(state(whole, 3))
    assert first.keys() == last.keys()
    assert len(first) > 10
    for name, array in first.items():
        np.testing.assert_array_equal(array, last[name], err_msg=name)
    after = learned(state(run, 1))
    assert any(not np.array_equal(after[name], array) for name, array in first.items())


def test_a_run_says_when_and_with_what_it_was_begun(whole: ksim.Run) -> None:
    about = json.loads((whole.path / "run.json").read_text())
    assert about["command"]
    assert about["started"].endswith("+00:00")
    assert "from" not in about


def test_what_cannot_be_begun_with_is_said_before_anything_is_made(
    task: ksim.Task, whole: ksim.Run, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(ksim.PolicyError, match="neither a run nor a policy file"):
        ksim.train(task, STEPS, out=out, init_from=tmp_path)
    with pytest.raises(ksim.PolicyError, match="no policy 'wlak' ships"):
        ksim.train(task, STEPS, out=out, init_from="pretrained:wlak")
    wider = task.with_({"Policy.actor.network.hidden": [16]})
    with pytest.raises(ksim.PolicyError, match="network"):
        ksim.train(wider, STEPS, out=out, init_from=whole)
    assert not out.exists()
    with pytest.raises(ksim.RunError, match=r"is not a run: there is no run\.json"):
        ksim.resume(tmp_path)
