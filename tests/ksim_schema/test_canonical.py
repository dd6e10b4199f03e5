"""The canonical form and the fingerprint: the same for one meaning, different for another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given, settings

from ksim_schema.diagnostics import Sink
from ksim_schema.frontend import Checked, check_document, check_file
from ksim_schema.graph.canonical import canonical, canonical_yaml, fingerprint
from ksim_schema.source import parse

TASKS = sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml"))
WALK = (Path(__file__).parents[2] / "tasks" / "walk.yaml").read_text(encoding="utf-8")


def checked(text: str) -> Checked:
    found = Sink()
    document = parse(text, "task.yaml", found)
    assert document is not None, found
    return check_document(document, Path())


def mark(value: Checked) -> str:
    assert value.task is not None
    assert value.graph is not None
    assert [d for d in value.diagnostics if d.severity == "error"] == []
    return fingerprint(value.task, value.graph, {"scene.xml": b"<mujoco/>"})


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_the_canonical_text_loads_to_an_equal_graph(path: Path) -> None:
    first = check_file(path)
    assert first.task is not None
    assert first.graph is not None
    written = canonical(first.task, first.graph)
    again = checked(canonical_yaml(written))
    assert again.task is not None
    assert again.graph is not None
    assert canonical(again.task, again.graph) == written
    assert set(again.graph.nodes) == set(first.graph.nodes)
    assert mark(again) == mark(first)


def shuffled(value: Any, draw: Any) -> Any:
    if not isinstance(value, dict):
        return value
    keys = draw(st.permutations(list(value)))
    return {key: shuffled(value[key], draw) for key in keys}


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_order_and_formatting_of_the_source_mean_nothing(data: st.DataObject) -> None:
    task = shuffled(yaml.safe_load(WALK.replace("1.0e-5", "0.00001")), data.draw)
    flow = data.draw(st.sampled_from([None, True, False]))
    text = yaml.safe_dump(task, sort_keys=False, default_flow_style=flow)
    assert mark(checked(text)) == mark(checked(WALK))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timestep: 5 ms", "timestep: 0.005 s"),
        ("control: 50 Hz", "control: 20 ms"),
        ("period: 0.8 s", "period: 800 ms"),
        ("joints: .*", "joints: ['.*']"),
        ("height: 10 cm", "height: 0.1 m"),
        ("about: A humanoid", "about: The humanoid"),
        ("  steps:\n", "  steps:   # a comment\n"),
    ],
)
def test_equal_units_and_prose_mean_the_same(old: str, new: str) -> None:
    assert old in WALK
    assert mark(checked(WALK.replace(old, new))) == mark(checked(WALK))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timestep: 5 ms", "timestep: 4 ms"),
        ("scale: 0.5}", "scale: 0.6}"),
        ("last_action, clock]", "clock, last_action]"),
        ("gamma: 0.98", "gamma: 0.99"),
        ("relative_to: home", "relative_to: zero"),
        ("noise: {uniform: 1 deg}", "noise: {gaussian: 1 deg}"),
        ("  alive:", "  living:"),
        ("max_tilt: 60 deg", "max_tilt: 61 deg"),
    ],
)
def test_each_change_of_meaning_shows(old: str, new: str) -> None:
    assert old in WALK
    assert mark(checked(WALK.replace(old, new, 1))) != mark(checked(WALK))


def test_edges_written_out_are_the_same_graph() -> None:
    text = WALK.replace("    act: joint_targets\n", "").replace("\n    obey: velocity\n", "\n")
    text += (
        "morphisms:\n"
        "  act: [{src: actor, tgt: joint_targets}]\n"
        "  obey: [{src: velocity, tgt: actor}]\n"
    )
    assert mark(checked(text)) == mark(checked(WALK))
