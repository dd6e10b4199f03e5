"""Metrics: what an episode makes of its ticks, what logs and evaluations say, and that no training
depends on them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from ksim_compiler.cli.run import main
from ksim_compiler.env import Env
from ksim_compiler.env.step import Step
from ksim_compiler.learn.learner import Episodes
from ksim_compiler.learn.run.judge import describe
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.report.page import report
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Sink
from ksim_schema.diff import diff
from ksim_schema.frontend import check_document
from ksim_schema.graph.canonical import canonical, canonical_yaml, fingerprint
from ksim_schema.source import parse
from tests.ksim_compiler.test_env import CARTPOLE, ROBOTS

OVERS = ("mean", "last", "max", "min", "sum")
TASK: dict[str, Any] = yaml.safe_load(CARTPOLE)


def written(metrics: dict[str, Any], **sections: Any) -> str:
    ppo = {"envs": 16, "rollout": 8, "epochs": 1, "minibatches": 2}
    return yaml.safe_dump({**TASK, **sections, "PPO": ppo, "Metric": metrics}, sort_keys=False)


def compiled(text: str, files: dict[str, bytes] | None = None) -> Compiled:
    found = Sink()
    document = parse(text, "test.yaml", found)
    assert document is not None, found
    model = read_files(ROBOTS / "cartpole" / "scene.xml")
    return compile_document(document, model, components=files or {})


def plan_of(text: str, files: dict[str, bytes] | None = None) -> Plan:
    made = compiled(text, files)
    assert made.plan is not None, made.diagnostics
    return made.plan


def problems(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (str(d.code), d.path) for d in compiled(written(metrics)).diagnostics if "Metric" in d.path
    ]


def metric(expression: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "formula", "expression": expression, **fields}


class Rolled(NamedTuple):
    """A rollout: (ticks, envs) each."""

    done: np.ndarray
    failure: np.ndarray
    reward_terms: dict[str, np.ndarray]
    measures: dict[str, np.ndarray]


def rolled(plan: Plan, ticks: int) -> Rolled:
    """A rollout of random actions."""
    env = Env(plan, "native", envs=8, threads=1)

    @jax.jit
    def run(key: jax.Array) -> Any:
        def tick(state: Any, key: jax.Array) -> tuple[Any, Any]:
            return env.step(env.params, state, jax.random.normal(key, (8, env.action_size)))

        return jax.lax.scan(tick, env.init(env.params, key), jax.random.split(key, ticks))[1]

    step = run(jax.random.key(3))
    done, failure = np.asarray(step.done), np.asarray(step.failure)
    return Rolled(done, failure, jax.device_get(step.reward_terms), jax.device_get(step.measures))


def test_an_episode_makes_one_number_of_its_ticks() -> None:
    metrics = {over: metric("joint.pole", over=over) for over in OVERS}
    metrics |= {
        "share": metric("joint.pole > 0"),
        "ever": metric("joint.pole > 0", over="any"),
        "always": metric("joint.pole > 0", over="all"),
        "right": metric("joint.pole > 0", success=True),
        "once": metric("joint.slide > 0", success=True, over="any"),
    }
    rewards = {"pole": metric("joint.pole / (1*rad)"), "slide": metric("joint.slide / (1*m)")}
    step = rolled(plan_of(written(metrics, Reward=rewards)), 400)
    pole, slide = (np.float64(step.reward_terms[name]) for name in rewards)
    folds = {
        "mean": np.mean,
        "last": lambda v: v[-1],
        "max": np.max,
        "min": np.min,
        "sum": np.sum,
        "share": lambda v: np.mean(v > 0),
        "ever": lambda v: np.any(v > 0),
        "always": lambda v: np.all(v > 0),
        "right": lambda v: v[-1] > 0,
    }
    ended = 0
    for env in range(8):
        begin = 0
        for end in np.flatnonzero(step.done[:, env]):
            stretch = slice(begin, end + 1)
            told = {name: values[end, env] for name, values in step.measures.items()}
            for name, fold in folds.items():
                wanted = float(fold(pole[stretch, env]))
                assert told[f"metric/{name}"] == pytest.approx(wanted, rel=1e-4, abs=1e-5), name
            once = np.any(slide[stretch, env] > 0)
            assert told["metric/once"] == once
            assert told["success"] == (once and pole[end, env] > 0)
            begin, ended = end + 1, ended + 1
    assert ended > 20


def test_a_tick_that_is_no_number_does_not_count() -> None:
    """A root of what is negative now and then, and a simulation that has diverged."""
    metrics = {"root": metric("sqrt(joint.pole)", over="mean"), "ok": metric("1 > 0", success=True)}
    rewards = {"pole": metric("joint.pole / (1*rad)")}
    step = rolled(plan_of(written(metrics, Reward=rewards)), 200)
    pole = np.float64(step.reward_terms["pole"])
    counted = 0
    for env in range(8):
        begin = 0
        for end in np.flatnonzero(step.done[:, env]):
            values = pole[begin : end + 1, env]
            told = step.measures["metric/root"][end, env]
            if (values >= 0).any():
                root = float(np.mean(np.sqrt(values[values >= 0])))
                assert told == pytest.approx(root, rel=1e-4)
                counted += 1
            else:
                assert math.isnan(told)
            begin = end + 1
    assert counted
    env = Env(plan_of(written(metrics)), "native", envs=2, threads=1)
    state = env.init(env.params, jax.random.key(0))
    action = jnp.array([[jnp.nan], [0.0]])
    _, step = jax.jit(env.step)(env.params, state, action)
    assert list(np.asarray(step.measures["metric/ok"])) == [0.0, 1.0]


def test_the_log_has_the_means_of_the_episodes_that_ended() -> None:
    zeros, none = jnp.zeros((2, 3)), jnp.zeros((2, 3), bool)
    row = Step(
        reward=zeros,
        reward_terms={},
        failure=jnp.array([[True, False, False], [False, True, True]]),
        timeout=none,
        terminations={},
        next_critic_input=zeros[..., None],
        metrics={},
        measures={"metric/a": jnp.array([[2.0, 9.0, 9.0], [9.0, jnp.nan, 6.0]])},
    )
    first = Episodes.none(3, ("metric/a",))
    assert math.isnan(float(first.measures["metric/a"]))
    after, finished = first.after(row)
    assert float(finished) == 3.0
    assert float(after.measures["metric/a"]) == 4.0  # the mean of 2 and 6
    going = row._replace(failure=none)
    assert float(after.after(going)[0].measures["metric/a"]) == 4.0


METRICS = {
    "upright": metric("abs(joint.pole) < 6*deg", success=True),
    "far": metric("abs(joint.slide)", over="max", unit="m"),
}


@pytest.mark.slow
def test_no_training_depends_on_a_metric() -> None:
    bare = {k: v for k, v in yaml.safe_load(written({})).items() if k != "Metric"}
    states = []
    for text in (yaml.safe_dump(bare, sort_keys=False), written(METRICS)):
        trainer = Trainer.build(plan_of(text), "native", threads=1)
        states.append(trainer.train(trainer.init(0), 4 * trainer.steps_per_iteration))
    one, other = (jax.tree.leaves(state.networks) for state in states)
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(np.asarray(a), np.asarray(b))


def test_an_evaluation_tells_mean_spread_and_success() -> None:
    trainer = Trainer.build(plan_of(written(METRICS)), "native", threads=1)
    result = trainer.evaluate(trainer.init(0), episodes=8)
    summary = result.summary()
    values = np.float64(result.measures["metric/far"])
    assert values.shape == (8,)
    assert summary["metric/far"] == pytest.approx(values.mean())
    assert summary["metric/far/spread"] == pytest.approx(values.std())
    success = np.float64(result.measures["success"])
    assert set(success) <= {0.0, 1.0}
    assert summary["success"] == success.mean() == summary["metric/upright"]
    line = describe(result, trainer.plan)
    assert f"{success.mean():.0%} succeeded" in line
    assert f"far {values.mean():.4g} ± {values.std():.2g} m" in line


def test_a_run_logs_and_reports_its_metrics(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = tmp_path / "t.yaml"
    state = {"robot": {**TASK["PhysicsState"]["robot"]}}
    state["robot"]["model"] = str(ROBOTS / "cartpole" / "scene.xml")
    task.write_text(written(METRICS, PhysicsState=state), encoding="utf-8")
    run = tmp_path / "run"
    options = ["--engine", "native", "--threads", "1", "--steps", "1024", "--episodes", "4"]
    assert main([str(task), "--out", str(run), *options, "--evaluate-every", "512"]) == 0
    capsys.readouterr()
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {"metric/upright", "metric/far", "episode/success"} <= set(rows[-1])
    assert rows[-1]["metric/upright"] == rows[-1]["episode/success"]
    judged = [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]
    assert {"success", "metric/upright", "metric/far", "metric/far/spread"} <= set(judged[-1])
    page = report(run, plan_of(written(METRICS)))
    assert "episodes that are a success" in page
    assert "far, max of an episode" in page
    assert "episodes succeeded" in page


def test_what_is_no_metric_is_refused() -> None:
    assert problems({"a": metric("joint.pole", success=True)}) == [
        ("KS0417", "Metric.a.expression")
    ]
    assert problems({"a": metric("joint.pole", over="any")}) == [("KS0417", "Metric.a.expression")]
    assert problems({"a": metric("joints['.*'].velocity")}) == [("KS0417", "Metric.a.expression")]
    assert problems({"a": metric("joint.pole", unit="m")}) == [("KS0417", "Metric.a.expression")]
    assert problems({"a": metric("joint.pole > 0", success=True, over="mean")}) == [
        ("KS0106", "Metric.a")
    ]
    assert problems({"a": metric("command.nothing.x > 0")}) == [("KS0417", "Metric.a.expression")]
    assert [code for code, _ in problems({"a": {"expression": "joint.pole"}})] == ["KS0103"]
    assert problems({"a": metric("joint.pole", unit="rad")}) == []


def test_a_change_of_a_metric_is_runtime_and_round_trips() -> None:
    forms: list[Any] = []
    for metrics in (METRICS, {"upright": metric("abs(joint.pole) < 3*deg", success=True)}):
        document = parse(written(metrics), "test.yaml", Sink())
        assert document is not None
        checked = check_document(document, Path())
        assert checked.task is not None
        assert checked.graph is not None
        forms.append(canonical(checked.task, checked.graph))
        again = parse(canonical_yaml(forms[-1]), "again.yaml", Sink())
        assert again is not None
        twice = check_document(again, Path())
        assert twice.task is not None
        assert twice.graph is not None
        assert not twice.diagnostics
        assert fingerprint(twice.task, twice.graph, {}) == fingerprint(
            checked.task, checked.graph, {}
        )
    changes = diff(*forms)
    assert {change.tier for change in changes.changes} == {"runtime"}
    assert changes.changes


OWN = b"""
from ksim_schema.custom import Length, Metric, jnp


class Reached(Metric):
    'How far the cart came, with a memory of where it was.'
    unit = "m"
    least: Length = "0 m"

    def initial(self, x):
        return jnp.float32(0.0)

    def value(self, x, memory):
        memory = jnp.maximum(memory, jnp.abs(x.world["qpos"][0]))
        return jnp.maximum(memory, self.least), memory


class Held(Metric):
    'Whether the pole did not fall.'

    def value(self, x):
        return ~x.failure
"""


def test_a_metric_of_the_tasks_own_file() -> None:
    text = written(
        {"reached": {"kind": "reached", "over": "last"}, "held": {"kind": "held", "success": True}},
        components=["own.py"],
        Reward={"far": metric("abs(joint.slide) / (1*m)")},
    )
    plan = plan_of(text, {"own.py": OWN})
    step = rolled(plan, 200)
    far = np.float64(step.reward_terms["far"])
    ends = [(end, env) for env in range(8) for end in np.flatnonzero(step.done[:, env])[:1]]
    assert ends
    for end, env in ends:
        assert step.measures["metric/reached"][end, env] == pytest.approx(far[: end + 1, env].max())
        assert step.measures["metric/held"][end, env] == (not step.failure[end, env])
