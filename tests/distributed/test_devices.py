"""One training on several devices is the training on one: the same rollouts to the bit, and the
same learning but for the order of sums."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.checks.devices import on_devices
from ksim_compiler.env.across import ALONE, AXIS, FEW, Across
from ksim_compiler.env.step import Step
from ksim_compiler.learn.learner import Episodes, logged
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.ppo.minibatches import images_taken, order
from ksim_compiler.pipeline import compile_file
from ksim_schema.vocabulary.learner.ppo import PPO

ROOT = Path(__file__).parents[2]
CARTPOLE = ROOT / "tasks" / "cartpole.yaml"
SMALL = ("PPO.envs=8", "PPO.rollout=8", "PPO.minibatches=2")
SHARDS = 4
CUT = Across(SHARDS)


def trained(
    folder: Path, task: Path, counts: tuple[int, ...], *settings: str, iterations: int = 2
) -> list[dict[str, np.ndarray]]:
    """What came of a training on each number of devices, each iteration from the same state."""
    numbers = ",".join(map(str, counts))
    program = [sys.executable, str(Path(__file__).with_name("train.py"))]
    given = [str(task), str(folder), str(iterations), numbers, *settings]
    done = subprocess.run([*program, *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [dict(np.load(folder / f"{place}.npz")) for place in range(len(counts))]


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], tolerance: float) -> None:
    """Assert that two trainings began and acted alike to the bit, and learned alike."""
    assert one.keys() == other.keys()
    exact = [name for name in one if name.startswith(("begin/", "ticks/"))]
    assert any(name.endswith("latent") for name in exact)
    assert [name for name in exact if one[name].tobytes() != other[name].tobytes()] == []
    learned = [n for n in one if n.startswith("metrics/")]
    learned += [n for n in one if "/networks" in n or "/policy_normal" in n]
    for name in learned:
        np.testing.assert_allclose(
            other[name], one[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


def test_one_and_four_devices_train_the_same(tmp_path: Path) -> None:
    alone, four = trained(tmp_path, CARTPOLE, (1, 4), *SMALL, iterations=1)
    same(alone, four, 1e-4)


@pytest.mark.slow
def test_one_two_and_four_devices_train_the_same(tmp_path: Path) -> None:
    """Over a training the digits that differ after an iteration grow, until in some environment an
    episode ends a tick earlier. So each iteration is compared by itself."""
    alone, *cut, again = trained(tmp_path, CARTPOLE, (1, 2, 4, 2), iterations=5)
    for other in cut:
        same(alone, other, 1e-4)
        moved = [n for n in alone if n.startswith("after/") and "/networks" in n]
        far = max(float(np.abs(other[n] - alone[n]).max()) for n in moved)
        assert 0.0 < far < 5e-6, far
    assert [n for n in again if again[n].tobytes() != cut[0][n].tobytes()] == []


@pytest.mark.slow
@pytest.mark.parametrize("task", ["walk", "walk_recurrent", "trot_rough"])
def test_larger_tasks_train_the_same_on_two_devices(tmp_path: Path, task: str) -> None:
    settings = ("PPO.envs=128", "PPO.rollout=8")
    alone, two = trained(tmp_path, ROOT / "tasks" / f"{task}.yaml", (1, 2), *settings, iterations=1)
    same(alone, two, 2e-3)


def shards(function, *whole):
    """What a function of a shard gives of the rows of each, side by side."""
    rows = [x.reshape(SHARDS, -1, *x.shape[1:]) for x in whole]
    return jax.vmap(function, axis_name=AXIS, axis_size=SHARDS)(*rows)


@pytest.mark.parametrize("in_pairs", [False, True])
def test_what_is_reduced_over_shards_is_that_of_the_whole_batch(in_pairs: bool) -> None:
    cut = Across(SHARDS, in_pairs)
    x = np.random.default_rng(0).normal(2.0, 3.0, (40, 5)).astype(np.float32)
    total, (mean, count) = shards(
        lambda x: (cut.sum(jnp.sum(x, 0)), cut.mean((jnp.mean(x), jnp.float32(len(x))))), x
    )
    np.testing.assert_allclose(total, np.tile(x.sum(0), (SHARDS, 1)), rtol=1e-5)
    np.testing.assert_allclose(mean, x.mean(), rtol=1e-5)
    np.testing.assert_array_equal(count, 10.0)
    np.testing.assert_allclose(shards(cut.variance, x), x.var(), rtol=1e-5)
    scaled = np.concatenate(shards(cut.standardized, x))
    np.testing.assert_allclose(scaled, (x - x.mean()) / x.std(), rtol=1e-4, atol=1e-5)
    one_true = np.arange(SHARDS) == 2
    assert shards(lambda x: cut.any(x[0]), one_true).all()
    assert not shards(lambda x: cut.all(x[0]), one_true).any()
    assert shards(lambda x: cut.all(x[0]), np.ones(SHARDS, bool)).all()
    # all shards come to the same to the bit, or their networks would part
    for result in (total, mean, shards(cut.variance, x)):
        assert len({one.tobytes() for one in np.asarray(result)}) == 1
    large = np.random.default_rng(1).normal(size=(SHARDS, FEW + 1)).astype(np.float32)
    summed = shards(lambda x: cut.sum(x[0]), large)
    np.testing.assert_allclose(summed, np.tile(large.sum(0), (SHARDS, 1)), rtol=1e-4, atol=1e-5)


def test_three_shards_are_no_pairs() -> None:
    x = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    cut = Across(3, in_pairs=True)
    summed = jax.vmap(lambda x: cut.sum(x), axis_name=AXIS, axis_size=3)(x)
    np.testing.assert_array_equal(summed, np.tile(x.sum(0), (3, 1)))


DRAWS = {
    "normal": lambda key, rows: jax.random.normal(key, (rows, 3)),
    "uniform": lambda key, rows: jax.random.uniform(key, (rows,)),
    "whole numbers": lambda key, rows: jax.random.randint(key, (rows,), 1, 1000),
    "one of some": lambda key, rows: jax.random.categorical(key, jnp.zeros((rows, 4, 5))),
    "of a part's key": lambda key, rows: jax.random.normal(jax.random.fold_in(key, 7), (rows, 2)),
    "of two keys": lambda key, rows: jax.random.uniform(jax.random.split(key)[1], (rows, 2)),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws_are_those_of_the_whole_batch(draw: Any) -> None:
    key, rows = jax.random.key(3), np.zeros(12)
    cut = shards(lambda own: draw(CUT.key(key, len(own)), len(own)), rows)
    whole = draw(ALONE.key(key, 12), 12)
    np.testing.assert_array_equal(np.concatenate(cut), whole)
    assert len(np.unique(whole)) > 1
    indices = shards(lambda own: CUT.indices(len(own)), rows)
    np.testing.assert_array_equal(indices.ravel(), np.arange(12))


def test_a_normalizer_sees_the_rows_of_all_shards() -> None:
    rows = np.random.default_rng(0).normal(5.0, 2.0, (40, 3)).astype(np.float32)
    rows[7, 1] = np.nan
    after = shards(lambda own: Normalizer.empty(3).add(own, CUT), rows)
    good = np.delete(rows, 7, 0)
    np.testing.assert_array_equal(after.count, 39.0)
    np.testing.assert_allclose(after.mean, np.tile(good.mean(0), (SHARDS, 1)), rtol=1e-5)
    np.testing.assert_allclose(after.variance, np.tile(good.var(0), (SHARDS, 1)), rtol=1e-4)


def test_episodes_are_counted_over_all_shards() -> None:
    ticks, envs = 6, 8
    random = np.random.default_rng(0)
    done = random.random((ticks, envs)) < 0.3
    reward = random.normal(size=(ticks, envs)).astype(np.float32)

    def after(done: jax.Array, reward: jax.Array, across: Across) -> tuple[Episodes, dict]:
        none = jnp.zeros_like(reward)
        step = Step(reward, {"a": reward}, done, done & False, {"t": done}, none, {"level": reward})
        step = step._replace(measures={"metric/m": reward})
        known = Episodes.none(done.shape[1], ("metric/m",))
        episodes, finished = known.after(step, across)
        return episodes, logged(episodes, finished, step, across)

    one, metrics = after(jnp.asarray(done), jnp.asarray(reward), ALONE)
    cut, told = shards(
        lambda d, r: after(d.T, r.T, CUT),
        np.ascontiguousarray(done.T),
        np.ascontiguousarray(reward.T),
    )
    assert float(metrics["episode/finished"]) == done.sum()
    for name, value in metrics.items():
        np.testing.assert_allclose(told[name], np.full(SHARDS, value), rtol=1e-5, err_msg=name)
    np.testing.assert_array_equal(cut.running_return.ravel(), one.running_return)


@pytest.mark.parametrize(("ticks", "envs", "minibatches"), [(8, 16, 4), (1, 16, 4), (3, 12, 9)])
def test_minibatches_take_equally_much_of_every_stratum_and_all_of_it(
    ticks: int, envs: int, minibatches: int
) -> None:
    drawn = np.asarray(order(jax.random.key(0), (ticks, envs), minibatches))
    assert sorted(drawn.ravel()) == list(range(ticks * envs))
    finest = np.gcd(envs, ticks * envs // minibatches)
    for batch in drawn:
        counts = Counter((batch % envs) // (envs // finest))
        assert set(counts.values()) == {len(batch) // finest}
        assert len(counts) == finest
    other = np.asarray(order(jax.random.key(1), (ticks, envs), minibatches))
    assert {tuple(sorted(b)) for b in drawn} != {tuple(sorted(b)) for b in other}


@pytest.mark.parametrize("ticks", [6, 1])
def test_shards_draw_their_share_of_the_same_minibatches(ticks: int) -> None:
    envs, minibatches, own = 16, 4, 16 // SHARDS
    key = jax.random.key(0)
    whole = np.asarray(order(key, (ticks, envs), minibatches))
    cut = shards(lambda x: order(key, (ticks, len(x)), minibatches, CUT), np.zeros(envs))
    tick, env = np.divmod(np.asarray(cut), own)
    env += own * np.arange(SHARDS)[:, None, None]
    together = np.concatenate(tick * envs + env, axis=1)
    for batch, expected in zip(together, whole, strict=True):
        assert sorted(batch) == sorted(expected)
    images = np.asarray(images_taken(key, (ticks, envs), minibatches, 0.5)).reshape(ticks, envs)
    cut = shards(
        lambda x: images_taken(key, (ticks, len(x)), minibatches, 0.5, CUT), np.zeros(envs)
    )
    own_images = np.concatenate(np.asarray(cut).reshape(SHARDS, ticks, own), axis=1)
    np.testing.assert_array_equal(own_images, images)
    assert 0 < images.sum() < images.size


def test_a_number_of_devices_that_does_not_fit_is_refused_with_those_that_do() -> None:
    ppo = PPO(envs=24, rollout=10, minibatches=5)
    assert ppo.finest(recurrent=False) == 24
    assert PPO(envs=24, rollout=10, minibatches=3).finest(recurrent=True) == 8
    plan = compile_file(CARTPOLE, ("PPO.envs=24", "PPO.minibatches=3")).plan
    assert plan is not None
    assert list(on_devices(plan, 8)) == []
    (found,) = on_devices(plan, 5)
    assert (found.code, found.path) == ("KS0610", "PPO.envs")
    assert "24 environments in 3 minibatches do not divide over 5 devices" in found.message
    assert found.help is not None
    assert found.help.startswith("--devices may be 1, 2, 4 or 8;")
    assert found.help.endswith("with 'envs: 30' it may be 5")
    (found,) = on_devices(plan, 5, processes=5)
    assert found.help is not None
    assert found.help.startswith("the devices of all processes together may be 1, 2, 4 or 8;")
    fitting = compile_file(CARTPOLE, ("PPO.envs=30", "PPO.minibatches=3")).plan
    assert fitting is not None
    assert list(on_devices(fitting, 5)) == []
