"""Warm starts: the policy of another run acts the same where the columns have moved."""

from __future__ import annotations

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.cli.run import main
from ksim_compiler.learn.ppo.types import TrainState
from ksim_compiler.learn.run import checkpoint, checkpoints, learned
from ksim_compiler.learn.run.learned import Learned
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.pipeline import compile_file
from ksim_schema.vocabulary.observation import Observation

CARTPOLE = str(Path(__file__).parents[3] / "tasks" / "cartpole.yaml")
SMALL = ("PPO.envs=8", "PPO.rollout=8", "PPO.minibatches=2")
BEFORE = "Policy.actor.read=[pole, cart_speed, cart]"
AFTER = "Policy.actor.read=[cart, pole_speed, pole, cart_speed]"
RUN = ("--engine", "native", "--episodes", "2", "--steps", "128")


def settings(*more: str) -> list[str]:
    return [word for text in (*SMALL, *more) for word in ("--set", text)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "first"
    assert main([CARTPOLE, *settings(BEFORE), *RUN, "--out", str(folder)]) == 0
    return folder


def restored(folder: Path, *more: str) -> TrainState:
    plan = compile_file(Path(CARTPOLE), (*SMALL, *more)).plan
    assert plan is not None
    like = Trainer.build(plan, "native").init(0)
    found = checkpoints.restore(folder, lambda path: checkpoint.read(path, like))
    assert found is not None
    return found.state


def test_columns_that_go_on_keep_what_they_learned(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "second"
    # a target of zero steps is not possible, so the first iteration of the warm start is undone
    # by a learning rate of next to nothing
    still = "PPO.learning_rate=1e-30"
    warm = [CARTPOLE, *settings(AFTER, still), *RUN, "--from", str(run), "--out", str(folder)]
    assert main(warm) == 0
    assert "1 policy input new, starting at zero" in capsys.readouterr().out
    old, new = restored(run, BEFORE), restored(folder, AFTER, still)
    weight = new.networks.actor.network.layers[0].weight
    before = old.networks.actor.network.layers[0].weight
    np.testing.assert_allclose(weight[jnp.array([2, 3, 0])], before, atol=1e-7)
    np.testing.assert_allclose(weight[1], 0.0, atol=1e-7)
    for a, b in zip(
        new.networks.actor.network.layers[1:], old.networks.actor.network.layers[1:], strict=True
    ):
        np.testing.assert_allclose(a.weight, b.weight, atol=1e-7)
    np.testing.assert_allclose(
        new.networks.critic.network.layers[0].weight,
        old.networks.critic.network.layers[0].weight,
        atol=1e-7,
    )


@pytest.mark.slow
def test_a_rescaled_input_keeps_its_meaning(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    faster = ("Observation.cart_speed.scale=10", "PPO.learning_rate=1e-30")
    warm = [CARTPOLE, *settings(BEFORE, *faster), *RUN, "--from", str(run), "--out", str(folder)]
    assert main(warm) == 0
    old, new = restored(run, BEFORE), restored(folder, BEFORE, *faster)
    assert old.policy_normalizer is not None
    assert new.policy_normalizer is not None
    plan = compile_file(Path(CARTPOLE), (*SMALL, BEFORE)).plan
    assert plan is not None
    scale = plan.parts(Observation)["cart_speed"].scale
    ratio = 10 / scale
    mean = np.array(old.policy_normalizer.mean) * [1, ratio, 1]
    std = np.sqrt(np.array(old.policy_normalizer.variance)) * [1, ratio, 1]
    # two further iterations have been added to the statistics
    assert np.all(np.abs(np.array(new.policy_normalizer.mean) - mean) < 2 * std)
    np.testing.assert_allclose(np.sqrt(new.policy_normalizer.variance), std, rtol=0.6)


def test_what_networks_read_in_the_end_is_known_without_statistics(run: Path) -> None:
    state = restored(run, BEFORE)
    _, means = learned.read(run, Learned.of(state), state.networks.actor.head)
    for name in ("policy", "critic"):
        rows = np.asarray(getattr(state.env, f"{name}_input"), np.float64)
        np.testing.assert_allclose(getattr(means, name), rows.mean(axis=0), atol=1e-7)


@pytest.mark.slow
def test_other_networks_cannot_be_moved(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = settings(BEFORE, "Policy.actor.network.hidden=[8]")
    out = tmp_path / "second"
    assert main([CARTPOLE, *other, *RUN, "--from", str(run), "--out", str(out)]) == 2
    assert "cannot be migrated: network.hidden was" in capsys.readouterr().err


def test_a_resume_with_another_task_says_what_differs(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert json.loads((run / "run.json").read_text())["seed"] == 0
    assert main([CARTPOLE, "--resume", str(run)]) == 2
    printed = capsys.readouterr()
    assert "Policy.actor" in printed.out
    assert "is not the task of" in printed.err
