"""A second learner is a declaration and a room: nothing else has to know of it.

The two folders beside this file are put into the search paths of the packages in which a learner's
module and room stand. From there on they are found as those of any learner are: by walking the
folder of declarations, and by the section's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ksim_compiler import learn
from ksim_compiler.cli.explain import explain, list_kinds
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diff import diff
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


@pytest.fixture
def task(tmp_path: Path) -> Any:
    """Writes cartpole with other ends, and without its critic unless that is asked for."""

    def write(name: str, learner: str, critic: bool = False) -> Path:
        text = CARTPOLE.split("\nPPO:")[0].replace("robots/", f"{ROOT}/tasks/robots/")
        before, rest = text.split("\nCritic:")
        kept = f"\nCritic:{rest}" if critic else "\n" + rest[rest.index("\nReward:") :]
        path = tmp_path / name
        path.write_text(f"{before}{kept}\n{learner}\n", encoding="utf-8")
        return path

    return write


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
    document, problems = parse(canonical_yaml(whole), "canonical.yaml")
    assert document is not None
    again = check_document(document, path.parent)
    assert (problems, again.diagnostics) == ([], [])
    assert again.task is not None
    assert again.task.learner == learner


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
    document, _ = parse(CARTPOLE, "cartpole.yaml")
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
    text, _ = format_text("ksim: 1\ntask: t\nARS: {envs: 2}\nReward: {}\n", "t.yaml")
    assert text == "ksim: 1\ntask: t\n\nReward: {}\n\nARS: {envs: 2}\n"
