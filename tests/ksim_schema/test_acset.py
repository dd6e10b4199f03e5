"""ACSets: SchKsim as presented, the inclusion, functor laws of instances, JSON both ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ksim_schema.acset import (
    Arrow,
    Equation,
    Instance,
    Schema,
    SchemaError,
    folder,
    sch_ksim,
    sch_task,
)
from ksim_schema.frontend import check_file
from ksim_schema.graph import Edge, Graph, Node, cycle_without_delay, ill_typed, unused
from ksim_schema.graph.canonical import instance

TASKS = sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml"))
GRAPHS = Schema(
    "SchGraph",
    ("V", "E"),
    {"src": Arrow("src", "E", "V"), "tgt": Arrow("tgt", "E", "V")},
    ("Name",),
    {"label": Arrow("label", "V", "Name")},
)


def test_sch_ksim_is_the_presentation() -> None:
    schema = sch_ksim()
    assert schema.objects == ("PhysicsState", "Trajectory", "Observation", "Reward", "Action")
    ends = {hom.name: (hom.dom, hom.codom) for hom in schema.homs.values()}
    assert ends == {
        "step": ("Action", "PhysicsState"),
        "observe": ("PhysicsState", "Observation"),
        "reward": ("Trajectory", "Reward"),
    }
    assert schema.attribute_types == ("StateData",)
    attributes = {a.name: (a.dom, a.codom) for a in schema.attributes.values()}
    assert attributes == {
        "qpos": ("PhysicsState", "StateData"),
        "qvel": ("PhysicsState", "StateData"),
    }


def test_sch_task_contains_sch_ksim() -> None:
    inclusion = sch_task().inclusion()
    assert set(inclusion) >= {"PhysicsState", "Trajectory", "step", "observe", "reward", "qpos"}
    assert all(key == value for key, value in inclusion.items())
    assert len(inclusion) == 5 + 3 + 1 + 2


def data() -> dict[str, Any]:
    return yaml.safe_load((folder() / "SchTask.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Hom": {"step": {"dom": "Action", "codom": "Observation"}}}, "changes 'step'"),
        ({"Hom": {"fly": {"dom": "Action", "codom": "Nowhere"}}}, "ends at unknown 'Nowhere'"),
        ({"Hom": {"fly": {"dom": "Nowhere", "codom": "Action"}}}, "starts at unknown 'Nowhere'"),
        ({"Ob": ["Reward"]}, "names used twice: Reward"),
        ({"Attr": {"x": {"dom": "Action", "codom": "Action"}}}, "ends at unknown 'Action'"),
        ({"Hom": {"back": {"dom": "Action", "codom": "Action", "delay": -1}}}, "negative delay"),
    ],
)
def test_a_schema_that_breaks_its_laws_is_refused(change: dict[str, Any], message: str) -> None:
    broken = data()
    for key, value in change.items():
        broken[key] = broken[key] + value if isinstance(value, list) else broken[key] | value
    with pytest.raises(SchemaError, match=message):
        Schema.from_data(broken, sch_ksim())


def test_a_schema_must_extend_what_it_says() -> None:
    with pytest.raises(SchemaError, match="extends 'SchKsim', which was not given"):
        Schema.from_data(data())


def test_an_altered_base_is_no_inclusion() -> None:
    homs = {k: v for k, v in sch_task().homs.items() if k != "observe"}
    with pytest.raises(SchemaError, match="changes 'observe'"):
        replace(sch_task(), homs=homs)
    objects = tuple(o for o in sch_task().objects if o != "Reward")
    homs = {k: h for k, h in sch_task().homs.items() if "Reward" not in (h.dom, h.codom)}
    attributes = {k: a for k, a in sch_task().attributes.items() if a.dom != "Reward"}
    with pytest.raises(SchemaError, match="lacks object 'Reward'"):
        replace(sch_task(), objects=objects, homs=homs, attributes=attributes)


def test_a_drawing_has_a_table_of_edges_for_each_morphism() -> None:
    drawing = sch_ksim().drawing()
    assert set(drawing.objects) == set(sch_ksim().objects) | {"step", "observe", "reward"}
    assert drawing.homs["step_src"] == Arrow("step_src", "step", "Action")
    assert drawing.homs["step_tgt"] == Arrow("step_tgt", "step", "PhysicsState")


def test_morphisms_of_an_instance_are_total() -> None:
    graph = Instance(GRAPHS)
    a, b = graph.add("V", label="a"), graph.add("V")
    graph.add("E", src=a, tgt=b)
    assert graph.problems() == []
    graph.add("E", src=a)
    graph.add("E", src=a, tgt=3)
    assert graph.problems() == [
        "E 2: tgt is None, not a V",
        "E 3: tgt is 3, not a V",
    ]
    with pytest.raises(SchemaError, match="has no object 'W'"):
        graph.add("W")
    with pytest.raises(SchemaError, match="has no column 'colour'"):
        graph.add("V", colour=1)


def test_instances_and_schemas_go_through_json() -> None:
    graph = Instance(GRAPHS)
    graph.add("V", label="a")
    graph.add("E", src=1, tgt=1)
    written = graph.to_json()
    assert written == {"V": [{"_id": 1, "label": "a"}], "E": [{"_id": 1, "src": 1, "tgt": 1}]}
    assert Instance.from_json(GRAPHS, written).to_json() == written
    assert Schema.from_json(GRAPHS.to_json(), "SchGraph") == GRAPHS
    written["E"][0]["tgt"] = 2
    with pytest.raises(SchemaError, match="tgt is 2"):
        Instance.from_json(GRAPHS, written)


def test_paths_of_an_equation_agree_on_each_row() -> None:
    loops = replace(GRAPHS, equations=(Equation("loops", "E", "V", ("src",), ("tgt",)),))
    assert Schema.from_json(loops.to_json(), "SchGraph") == loops
    graph = Instance(loops)
    graph.add("V")
    graph.add("V")
    graph.add("E", src=1, tgt=1)
    assert graph.problems() == []
    graph.add("E", src=1, tgt=2)
    assert graph.problems() == ["E 2: equation 'loops': src is 1, tgt is 2"]


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (Equation("x", "E", "V", ("src", "tgt"), ("src",)), "no morphism 'tgt' from V"),
        (Equation("x", "E", "V", (), ("src",)), "a path ends at E, not at V"),
        (Equation("x", "E", "V", ("label",), ("src",)), "no morphism 'label' from E"),
    ],
)
def test_an_equation_is_between_parallel_paths(law: Equation, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        replace(GRAPHS, equations=(law,))


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_a_task_is_an_instance_of_the_schema_of_drawings(path: Path) -> None:
    checked = check_file(path)
    assert checked.task is not None
    assert checked.graph is not None
    drawn = instance(checked.task, checked.graph)
    assert drawn.problems() == []
    rows = sum(len(drawn.tables[object]) for object in sch_task().objects)
    assert rows == len(checked.graph.nodes)
    edges = sum(len(drawn.tables[hom]) for hom in sch_task().homs)
    assert edges == len(checked.graph.edges)


def test_the_laws_of_typed_graphs() -> None:
    state, after = Node("PhysicsState", "s"), Node("PhysicsState", "s.next")
    seen, acts = Node("Observation", "o"), Node("Policy", "p")
    action, alone = Node("Action", "a"), Node("Command", "c")
    edges = (
        Edge("observe", state, seen),
        Edge("read", seen, acts),
        Edge("act", acts, action),
        Edge("step", action, after),
        Edge("hold", after, state),
    )
    graph = Graph(sch_task(), (state, after, seen, acts, action, alone), edges)
    assert list(ill_typed(graph)) == []
    assert cycle_without_delay(graph) == []
    assert unused(graph) == [alone]
    wrong = Edge("read", alone, acts)
    assert list(ill_typed(replace(graph, edges=(*edges, wrong)))) == [wrong]
    loop = replace(graph, edges=(*edges, Edge("observe", after, seen)))
    hops = cycle_without_delay(loop)
    assert {edge.hom for edge in hops} == {"observe", "read", "act", "step"}
