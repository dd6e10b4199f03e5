"""Tasks, tables and policies of the public module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ksim_compiler as ksim
from ksim_compiler.learn.run.policy import fresh_policy


def test_a_task_says_what_it_reads_and_sets() -> None:
    task = ksim.compile("cartpole", set={"Observation.pole.history": 3})
    assert task.name == "cartpole"
    assert list(task.observations.items()) == [
        ("Observation.cart", 1),
        ("Observation.pole", 3),
        ("Observation.cart_speed", 1),
        ("Observation.pole_speed", 1),
    ]
    assert task.units["Observation.pole_speed"] == ("rad/s",)
    assert task.actions == {"Action.force": 1}
    assert task.control_period == 0.02
    assert "pole" in task.ranges()


def test_errors_are_one_exception_that_reads_as_the_command_prints_them(tmp_path: Path) -> None:
    with pytest.raises(ksim.CompileError) as caught:
        ksim.compile("cartpole", set={"Reward.effort.scale": "3 m", "PPO.gamma": 2})
    found = caught.value
    assert [d.code for d in found.errors] == ["KS0109", "KS0107"]
    assert "--set:1:21: error KS0109" in str(found)
    assert "Reward.effort.scale=3 m" in str(found)
    with pytest.raises(ksim.CompileError, match="there is no such file"):
        ksim.compile(tmp_path / "none.yaml")


def test_changes_are_told_and_come_one_after_another(tmp_path: Path) -> None:
    task = ksim.compile("cartpole", set={"Reward.effort.scale": 2e-4})
    again = task.with_({"PPO.gamma": 0.9}).with_({"PPO.gamma": 0.95})
    assert again.settings == {"Reward.effort.scale": 2e-4, "PPO.gamma": 0.95}
    changed = ksim.diff("cartpole", again)
    assert changed
    assert changed.tier == "training"
    assert "0.0001 -> 0.0002" in str(changed)
    assert not ksim.diff(task, ksim.compile(task.save(tmp_path / "a.ksim")))
    assert task.fingerprint == ksim.compile(tmp_path / "a.ksim").fingerprint


@pytest.mark.parametrize(
    ("text", "unknown"),
    [("pretrained:wlak", "no policy 'wlak' ships"), ("none", "neither a run nor a policy file")],
)
def test_a_policy_that_is_not_there(text: str, unknown: str) -> None:
    with pytest.raises(ksim.PolicyError, match=unknown):
        ksim.load_policy(text)


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ksim.RunError, match=r"is not a run: there is no run\.json"):
        ksim.load_run(tmp_path)
    (tmp_path / "full").touch()
    with pytest.raises(ksim.RunError, match="holds something already"):
        ksim.train("cartpole", out=tmp_path)


RECURRENT = {"Policy.actor.network": {"kind": "gru", "hidden": 8}}


@pytest.fixture(scope="module")
def policy() -> ksim.Policy:
    task = ksim.compile("cartpole", set=RECURRENT)
    return ksim.Policy(task, "fresh", fresh_policy(task.plan))


def test_a_recurrent_policy_remembers_until_an_episode_begins(policy: ksim.Policy) -> None:
    assert policy.recurrent
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2, 4)).astype(np.float32)
    _, carry = policy(first)
    remembered, _ = policy(second, carry)
    fresh, _ = policy(second)
    forgotten, _ = policy(second, carry, np.array([False, True]))
    assert not np.array_equal(remembered[1], fresh[1])
    np.testing.assert_array_equal(forgotten[1], fresh[1])
    np.testing.assert_array_equal(forgotten[0], remembered[0])


def test_a_policy_reads_parts_by_name_or_one_array_or_one_environment(policy: ksim.Policy) -> None:
    rows = np.arange(8, dtype=np.float32).reshape(2, 4)
    parts = {name: rows[:, [i]] for i, name in enumerate(policy.task.observations)}
    together, _ = policy(rows)
    by_name, _ = policy(dict(sorted(parts.items())))  # as JAX orders them
    np.testing.assert_array_equal(by_name, together)
    alone, _ = policy(rows[1])
    assert alone.shape == (1,)
    np.testing.assert_allclose(alone, together[1], rtol=1e-5)
    with pytest.raises(ValueError, match="reads 4 numbers, and not 3"):
        policy(rows[:, :3])


def test_a_policy_acts_only_in_a_task_that_reads_and_sets_the_same(policy: ksim.Policy) -> None:
    other = policy.task.with_({"Policy.actor.read": ["cart", "pole"]})
    with pytest.raises(ValueError, match=r"it reads Observation\.cart"):
        ksim.evaluate(policy, other)


def test_a_table_is_its_rows_and_columns() -> None:
    table = ksim.Table.of_rows([{"a": 1, "b": 0.123456}, {"a": 20}], "two")
    assert table.columns == ("a", "b")
    assert table["b"] == [0.123456, None]
    assert table[1] == {"a": 20, "b": None}
    assert len(table) == len(list(table)) == 2
    assert str(table).splitlines() == ["two", "a        b", "1   0.1235", "20       -"]
    assert "<td>0.1235</td>" in table._repr_html_()
    one = ksim.Table({"name": ["x"], "value": [float("nan")]}, units={"value": "m/s"})
    assert str(one).splitlines() == ["name         x", "value [m/s]  -"]
    long = ksim.Table({"n": range(100)})
    assert str(long).splitlines()[10:13] == ["9", "...", "90"]
    with pytest.raises(KeyError, match="no column 'c'; there are a, b"):
        _ = table["c"]
    frame = table.to_pandas()
    assert frame["a"].tolist() == [1, 20]
    assert list(frame.columns) == ["a", "b"]


def test_an_evaluation_is_the_mean_of_its_episodes(policy: ksim.Policy) -> None:
    """The row is the mean of the episodes, all of which fall where nothing pushes the cart."""
    still = {"Action.force.scale": "1.0e-6 N"}
    found = ksim.evaluate(policy, policy.task.with_(still), episodes=3)
    assert found["policy"] == ["fresh"]
    assert found["failed"] == [100.0]
    assert found.units["failed"] == "%"
    assert len(found.episodes) == 3
    assert found["return"][0] == pytest.approx(np.mean(found.episodes["return"]), rel=1e-6)
    assert found["length"][0] == pytest.approx(0.02 * np.mean(found.episodes["length"]))
    (row,) = [row for row in found.figures if row["figure"] == "return"]
    assert row["low"] < row["value"] < row["high"]
    assert row["std"] == pytest.approx(np.std(found.episodes["return"]), rel=1e-4)
