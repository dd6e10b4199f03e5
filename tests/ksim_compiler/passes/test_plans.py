"""The printed plans of the shipped tasks, and the laws of a plan after each pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan, invariants
from ksim_schema.diagnostics import Sink
from ksim_schema.graph import Node

TASKS = sorted((Path(__file__).parents[3] / "tasks").glob("*.yaml"))


def plan_of(path: Path, *settings: str) -> Plan:
    compiled = compile_file(path, settings, name=f"tasks/{path.name}")
    assert compiled.diagnostics == []
    assert compiled.plan is not None
    return compiled.plan


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_the_printed_plan(path: Path, golden: Callable[[str, str], None]) -> None:
    golden(f"plans/{path.stem}.txt", plan_of(path).text())


def test_the_shipped_tasks_keep_their_fingerprints(golden: Callable[[str, str], None]) -> None:
    """What was compiled is read and resumed: a field that tasks had not before is `Later`."""
    told = (f"{path.stem} {compile_file(path).fingerprint}\n" for path in TASKS)
    golden("fingerprints.txt", "".join(told))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(next(path for path in TASKS if path.stem == "cartpole"))


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_an_order_has_each_node_once_after_those_that_it_waits_for(path: Path) -> None:
    plan = plan_of(path)
    place = {node: number for number, node in enumerate(plan.order)}
    assert set(place) == set(plan.graph.nodes)
    assert len(place) == len(plan.order)
    edges = [edge for edge in plan.graph.edges if plan.graph.delay(edge) == 0]
    assert edges
    assert all(place[edge.src] < place[edge.tgt] for edge in edges)


def test_a_node_without_shape_is_found(plan: Plan) -> None:
    shapes = {n: s for n, s in plan.shapes.items() if n != Node("Observation", "cart")}
    with pytest.raises(invariants.CompilerError, match=r"Observation\.cart has no shape"):
        invariants.inferred(replace(plan, shapes=shapes))
    with pytest.raises(invariants.CompilerError, match="does not join up"):
        invariants.inferred(replace(plan, policy_input=plan.policy_input[1:]))


def test_a_missing_actuator_is_found(plan: Plan) -> None:
    (drive,) = plan.drives
    with pytest.raises(invariants.CompilerError, match="is not in the model"):
        invariants.equipped(replace(plan, drives=(replace(drive, joint="pole"),)))
    with pytest.raises(invariants.CompilerError, match="has no limit"):
        invariants.equipped(replace(plan, drives=(replace(drive, limit=float("inf")),)))


def test_a_control_period_that_is_no_number_of_timesteps_is_found(plan: Plan) -> None:
    with pytest.raises(invariants.CompilerError, match="not a whole number of timesteps"):
        invariants.resolved(replace(plan, substeps=3))


def test_what_nothing_uses_is_dropped_with_its_sensor() -> None:
    path = next(path for path in TASKS if path.stem == "walk")
    full = plan_of(path)
    text = path.read_text(encoding="utf-8").replace("base_velocity, base_height, feet", "feet")
    from ksim_compiler.pipeline import compile_document
    from ksim_schema.source import parse

    document = parse(text, "walk.yaml", Sink())
    assert document is not None
    compiled = compile_document(document, full.robot.files)
    assert [d.code for d in compiled.diagnostics] == ["KS0307", "KS0307"]
    assert compiled.plan is not None
    assert set(compiled.plan.dropped) == {
        Node("Observation", "base_velocity"),
        Node("Observation", "base_height"),
    }
    assert "dropped Observation.base_height" in compiled.plan.text()
    assert compiled.plan.critic_input[-1].stop == full.critic_input[-1].stop - 4
