"""A second learner is a declaration and a room: nothing else has to know of it.

The two folders beside this file are put into the search paths of the packages in which a learner's
module and room stand. From there on they are found as those of any learner are: by walking the
folder of declarations, and by the section's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from ksim_compiler import learn
from ksim_compiler.checks.devices import on_devices
from ksim_compiler.cli.explain import explain, list_kinds
from ksim_compiler.learn.learner import Chart, charts
from ksim_compiler.learn.run import checkpoint, manifest
from ksim_compiler.learn.run.policy import load_policy
from ksim_compiler.learn.run.run import Options, Run
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.learn.run.warm_start import migrate
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.plan.migration import migration
from ksim_compiler.report.page import write_report
from ksim_schema.diagnostics import Sink
from ksim_schema.diff import Diff, diff
from ksim_schema.diff.patch import apply
from ksim_schema.diff.report import lines
from ksim_schema.exchange.json_schema import task_schema
from ksim_schema.frontend import check_document
from ksim_schema.graph.canonical import canonical, canonical_yaml
from ksim_schema.source import parse
from ksim_schema.task.format import format_text
from ksim_schema.vocabulary import import_all, learner as declarations

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
CARTPOLE = (ROOT / "tasks" / "cartpole.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def ars() -> Iterator[None]:
    """Augmented random search is among the learners."""
    added = (
        (declarations.__path__, str(HERE / "vocabulary")),
        (learn.__path__, str(HERE / "learn")),
    )
    for path, folder in added:
        path.append(folder)
    import_all(declarations.__name__, declarations.__path__)
    yield
    for path, folder in added:
        path.remove(folder)
    del declarations.LEARNERS["ARS"]


def cartpole(path: Path, learner: str, critic: bool = False) -> Path:
    """Write cartpole with another learner, and without its critic unless that is asked for."""
    text = CARTPOLE.split("\nPPO:")[0].replace("robots/", f"{ROOT}/tasks/robots/")
    before, rest = text.split("\nCritic:")
    kept = f"\nCritic:{rest}" if critic else "\n" + rest[rest.index("\nReward:") :]
    path.write_text(f"{before}{kept}\n{learner}\n", encoding="utf-8")
    return path


@pytest.fixture
def task(tmp_path: Path) -> Any:
    """As :func:`cartpole`, by the name of the file."""
    return lambda name, *how, **more: cartpole(tmp_path / name, *how, **more)


def found(path: Path) -> list[tuple[str, str]]:
    return [(d.code, d.message) for d in compile_file(path).diagnostics]


def data(compiled: Compiled) -> dict[str, Any]:
    assert compiled.plan is not None, compiled.diagnostics
    return canonical(compiled.plan.task, compiled.plan.graph)


def test_its_section_is_read_and_written(task: Any) -> None:
    path = task("ars.yaml", "ARS: {envs: 32, step_size: 0.1}")
    compiled = compile_file(path)
    assert compiled.diagnostics == []
    assert compiled.plan is not None
    learner = compiled.plan.task.learner
    assert (learner.section, learner.envs, learner.rollout) == ("ARS", 32, 24)
    whole = data(compiled)
    assert whole["ARS"]["step_size"] == 0.1
    assert "PPO" not in whole
    problems = Sink()
    document = parse(canonical_yaml(whole), "canonical.yaml", problems)
    assert document is not None
    again = check_document(document, path.parent)
    assert (list(problems), again.diagnostics) == ([], [])
    assert again.task is not None
    assert again.task.learner == learner


def test_it_is_refused_on_several_devices(task: Any) -> None:
    plan = compile_file(task("ars.yaml", "ARS: {envs: 32}")).plan
    assert plan is not None
    assert list(on_devices(plan, 1)) == []
    (diagnostic,) = on_devices(plan, 2)
    assert (diagnostic.code, diagnostic.path) == ("KS0611", "ARS")
    assert diagnostic.message == "ARS trains on one device, not on 2"


def test_mistakes_in_it_are_reported(task: Any) -> None:
    assert found(task("a.yaml", "ARS: {envs: 7}")) == [("KS9999", "7 environments are not pairs")]
    assert found(task("b.yaml", "ARS: {step_siez: 1}")) == [("KS0104", "unknown field 'step_siez'")]
    large = found(task("c.yaml", "ARS: {envs: 100000000}"))
    assert ("KS0311", "100000000 is implausibly large for 'envs'") in large
    assert "the networks need at least" in dict(large)["KS0433"]  # a copy for each environment


def test_a_task_has_one_learner(task: Any, tmp_path: Path) -> None:
    both = task("both.yaml", "ARS: {}\nPPO: {}")
    message = "a task has one learner, and this one has ARS as well"
    (problem,) = compile_file(both).diagnostics
    assert (problem.code, problem.message, problem.path) == ("KS0490", message, "PPO")
    assert problem.where.line == len(both.read_text(encoding="utf-8").splitlines())
    task("base.yaml", "PPO: {envs: 64}", critic=True)
    other = tmp_path / "other.yaml"
    head = "ksim: 1\ntask: other\nextends: base.yaml\nARS: {}\n"
    other.write_text(head, encoding="utf-8")
    assert [code for code, _ in found(other)] == ["KS0490"]
    other.write_text(f"{head}remove: [PPO, Critic]\nset: {{ARS.envs: 16}}\n", encoding="utf-8")
    assert found(other) == []
    compiled = compile_file(other, ["ARS.spread=0.5"])
    assert compiled.plan is not None
    assert data(compiled)["ARS"] == {**data(compiled)["ARS"], "envs": 16, "spread": 0.5}


def test_a_task_without_a_learner_has_the_usual_one(task: Any) -> None:
    compiled = compile_file(task("none.yaml", "", critic=True))
    assert compiled.diagnostics == []
    assert compiled.plan is not None
    assert compiled.plan.task.learner.section == "PPO"


def test_a_critic_is_wanted_only_by_a_learner_that_trains_one(task: Any) -> None:
    assert found(task("idle.yaml", "ARS: {}", critic=True)) == [
        ("KS0491", "ARS trains no critic, so this one does nothing")
    ]
    assert ("KS0113", "the task has no section 'Critic'") in found(task("no.yaml", "PPO: {}"))


def test_a_change_of_it_is_told_field_by_field(task: Any) -> None:
    old = data(compile_file(task("old.yaml", "ARS: {envs: 32}")))
    new = data(compile_file(task("new.yaml", "ARS: {envs: 64, spread: 0.1}")))
    changes = diff(old, new)
    assert [str(line.place) for line in lines(changes, "runtime")] == ["ARS.envs"]
    assert [str(line.place) for line in lines(changes, "training")] == ["ARS.spread"]
    assert apply(old, changes) == new


def test_a_change_to_it_is_one_change(task: Any) -> None:
    old = data(compile_file(task("old.yaml", "PPO: {envs: 32}", critic=True)))
    new = data(compile_file(task("new.yaml", "ARS: {envs: 32}", critic=True)))
    changes = diff(old, new)
    shown = [(c.action, c.subject, c.place, c.tier) for c in changes.changes]
    assert shown == [
        ("died", "learner", ("PPO",), "training"),
        ("born", "learner", ("ARS",), "training"),
    ]
    assert [(line.sign, line.place, line.text) for line in lines(changes, "training")] == [
        ("-", "PPO", "{envs: 32}"),
        ("+", "ARS", "{envs: 32}"),
    ]
    assert apply(old, changes) == new


def test_editors_and_pages_know_it() -> None:
    schema = json.loads(json.dumps(task_schema()))
    assert schema["properties"]["ARS"]["properties"]["best"]["default"] == 8
    validator = Draft202012Validator(schema)
    document = parse(CARTPOLE, "cartpole.yaml", Sink())
    assert document is not None
    plain = json.loads(json.dumps(document.data))
    del plain["Critic"]
    assert not validator.is_valid(plain)
    ppo = plain.pop("PPO")
    assert validator.is_valid({**plain, "ARS": {}})
    assert not validator.is_valid({**plain, "ARS": {}, "PPO": ppo})
    assert "step_size" in (explain("ARS") or "")
    assert "\n  ARS " in list_kinds()


def test_the_layout_has_it_last() -> None:
    text = format_text("ksim: 1\ntask: t\nARS: {envs: 2}\nReward: {}\n", "t.yaml", Sink())
    assert text == "ksim: 1\ntask: t\n\nReward: {}\n\nARS: {envs: 2}\n"


SEARCH = "ARS: {envs: 32, rollout: 100, stagger: false, step_size: 0.3, spread: 0.3}"
"""100 ticks, 2 s, are enough to tell a pole that falls from one that stays up."""
ITERATION, STEPS = 3200, 16000


class Runs(NamedTuple):
    """A run from its beginning to its end, and one that was stopped and resumed."""

    whole: Path
    parts: Path
    untrained: float
    plan: Plan


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Trains a linear policy twice."""
    folder = tmp_path_factory.mktemp("runs")
    path = cartpole(folder / "search.yaml", SEARCH)
    layers = "hidden: [32, 32], activation: tanh"
    path.write_text(path.read_text(encoding="utf-8").replace(layers, "hidden: []"), "utf-8")
    compiled = compile_file(path)
    assert compiled.plan is not None
    trainer = Trainer.build(compiled.plan, "native")
    options = Options(1, STEPS, episodes=8, checkpoint_every=2 * ITERATION, evaluate_every=8000)
    fresh = trainer.init(options.seed)

    def run(name: str) -> Run:
        (folder / name).mkdir(exist_ok=True)
        return Run(folder / name, trainer, options, {}, lambda text: None)

    whole = run("whole")
    manifest.write(whole.folder, compiled, "native", options.as_json())
    end = whole.train(fresh)
    whole.evaluate(end)
    stopped: list[int] = []
    run("parts").train(fresh, stop=lambda: bool(len(stopped) == 3 or stopped.append(0)))
    parts = run("parts")
    state = parts.restore(fresh)
    assert parts.steps(state) == 3 * ITERATION
    parts.evaluate(parts.train(state))
    untrained = trainer.evaluate(fresh, options.episodes).lengths.mean()
    return Runs(folder / "whole", folder / "parts", float(untrained), compiled.plan)


def measured(run: Path, name: str) -> list[dict[str, Any]]:
    lines = (run / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def test_it_learns(runs: Runs) -> None:
    assert runs.untrained < 100
    assert measured(runs.whole, "evaluations")[-1]["length"] > 3 * runs.untrained
    assert "loss/policy" not in measured(runs.whole, "metrics")[-1]
    policy = load_policy(runs.whole, runs.plan)
    assert policy.steps == STEPS
    page = write_report(runs.whole, runs.plan).read_text(encoding="utf-8")
    assert "size of a step" in page
    assert "KL divergence" not in page


def test_it_goes_on_as_if_it_had_not_been_stopped(runs: Runs) -> None:
    for name in ("metrics", "evaluations"):
        assert measured(runs.whole, name) == measured(runs.parts, name)
    last = f"checkpoints/{STEPS:012d}.safetensors"
    a, b = (checkpoint.read_arrays(run / last) for run in (runs.whole, runs.parts))
    assert a.keys() == b.keys()
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name], err_msg=name)


def test_another_run_begins_with_what_it_learned(runs: Runs) -> None:
    trainer = Trainer.build(runs.plan, "native")
    way = migration(runs.plan, runs.plan, Diff())
    state = migrate(trainer.init(2), way, runs.whole, ITERATION)
    learned = load_policy(runs.whole, runs.plan).actor
    for a, b in zip(jax.tree.leaves(learned), jax.tree.leaves(state.networks.actor), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_another_learner_learned_is_refused(runs: Runs) -> None:
    other = compile_file(cartpole(runs.whole.parent / "ppo.yaml", "PPO: {}", critic=True)).plan
    assert other is not None
    way = migration(runs.plan, other, Diff())
    assert "the learner was ARS and is PPO" in way.sentence()
    assert not way.possible


def test_every_learner_has_a_room() -> None:
    for learner in declarations.LEARNERS.values():
        assert all(isinstance(drawn, Chart) for drawn in charts(learner()))
        learner.model_validate({})  # every field has a default
    assert [name for name, of in declarations.LEARNERS.items() if of.usual] == ["PPO"]


def test_differences_written_before_there_was_a_choice_are_read() -> None:
    change = {"action": "changed", "subject": "PPO", "place": ["gamma", "start"]}
    change |= {"tier": "training", "why": "", "old": 0.9, "new": 0.99}
    (read,) = Diff.from_json(json.dumps({"format": 1, "changes": [change]})).changes
    assert (read.subject, read.place) == ("learner", ("PPO", "gamma", "start"))
    assert Diff.from_json(Diff((read,)).to_json()) == Diff((read,))
