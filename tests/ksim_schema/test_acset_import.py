"""Malformed ACSets: each is refused with its code, at its place, and never with a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.exchange.acset_export import export_task, json_text
from ksim_schema.frontend import check_file, check_instance
from ksim_schema.source.json_reader import parse_json

TASK = Path(__file__).parents[2] / "tasks" / "cartpole.yaml"
Tables = dict[str, Any]


def tables() -> Tables:
    checked = check_file(TASK)
    assert checked.task is not None
    assert checked.graph is not None
    return export_task(checked.task, checked.graph).to_json()


GOOD = tables()


def report(text: str) -> list[Diagnostic]:
    found = Sink()
    document = parse_json(text, "task.json", found)
    if document is not None:
        found.add(check_instance(document, TASK.parent).diagnostics)
    return list(found)


def excerpt(text: str, diagnostic: Diagnostic) -> str:
    """The text that a diagnostic points at; of several lines, the first."""
    at = diagnostic.where
    end = at.end_column - 1 if at.end_line == at.line else None
    return text.split("\n")[at.line - 1][at.column - 1 : end]


def no_rows(data: Tables) -> None:
    data.clear()


def over_graphs(data: Tables) -> None:
    data.clear()
    data.update({"V": [{"_id": 1}], "E": []})


def a_schema(data: Tables) -> None:
    data.clear()
    data.update({"Ob": [], "Hom": [], "AttrType": [], "Attr": []})


def value_of(data: Tables, column: str, old: str, new: str) -> None:
    row = data[column.split("_")[0].capitalize()][0]
    assert old in row[column]
    row[column] = row[column].replace(old, new)


def unknown_kind(data: Tables) -> None:
    value_of(data, "reward_kind", "stay_alive", "stay_alife")
    value_of(data, "reward_value", "stay_alive", "stay_alife")


def add(data: Tables, table: str, **columns: Any) -> None:
    data[table].append({"_id": len(data[table]) + 1, **columns})


CASES: dict[str, tuple[Callable[[Tables], Any], str, str]] = {
    "an empty object": (no_rows, "KS0903", ""),
    "another schema": (over_graphs, "KS0903", ""),
    "the schema itself": (a_schema, "KS0902", ""),
    "a table is a number": (lambda d: d.update(read=3), "KS0902", "3"),
    "a row is a text": (lambda d: d["read"].__setitem__(0, "a"), "KS0902", '"a"'),
    "an unknown table": (lambda d: d.update(Rewards=[]), "KS0903", '"Rewards"'),
    "variables": (lambda d: d.update(Name=[{"_id": 1}]), "KS0903", '"Name"'),
    "no table": (lambda d: d.pop("Reward"), "KS0904", ""),
    "no table of edges": (lambda d: d.pop("hold"), "KS0904", ""),
    "an unknown column": (
        lambda d: d["Reward"][0].update(reward_colour="red"),
        "KS0905",
        '"reward_colour"',
    ),
    "a column of another table": (lambda d: d["read"][0].update(act_src=1), "KS0905", '"act_src"'),
    "no name": (lambda d: d["Reward"][0].pop("reward_name"), "KS0906", ""),
    "null": (lambda d: d["Reward"][0].update(reward_name=None), "KS0906", "null"),
    "a number for a name": (lambda d: d["Reward"][0].update(reward_name=7), "KS0906", "7"),
    "a variable for a name": (
        lambda d: d["Reward"][0].update(reward_name={"_var": 1}),
        "KS0906",
        "{",
    ),
    "a text for an id": (lambda d: d["read"][0].update(read_src="1"), "KS0906", '"1"'),
    "true for an id": (lambda d: d["read"][0].update(read_src=True), "KS0906", "true"),
    "state data": (lambda d: d["PhysicsState"][0].update(qpos=[0.0]), "KS0906", "["),
    "values are no JSON": (lambda d: value_of(d, "reward_value", "}", ""), "KS0906", None),
    "values are a list": (
        lambda d: d["Reward"][0].update(reward_value="[]"),
        "KS0906",
        '"[]"',
    ),
    "no _id": (lambda d: d["Reward"][0].pop("_id"), "KS0907", ""),
    "ids from 0": (lambda d: d["Reward"][0].update(_id=0), "KS0907", "0"),
    "the same name twice": (
        lambda d: d["Observation"][1].update(observation_name="cart"),
        "KS0907",
        '"cart"',
    ),
    "two tasks": (lambda d: add(d, "Task", task_name="b", task_value="{}"), "KS0907", "["),
    "no task": (lambda d: d["Task"].clear(), "KS0907", "[]"),
    "id 0": (lambda d: d["read"][0].update(read_src=0), "KS0908", "0"),
    "id past the end": (lambda d: d["read"][0].update(read_src=99), "KS0908", "99"),
    "another kind than the values": (
        lambda d: d["Observation"][0].update(observation_kind="joint_velocity"),
        "KS0909",
        '"joint_velocity"',
    ),
    "a channel of another kind": (
        lambda d: d["Trajectory"][0].update(channel_kind="pipe"),
        "KS0909",
        '"pipe"',
    ),
    "a channel that nothing reads": (
        lambda d: add(d, "Trajectory", channel_name="x", channel_kind="channel", channel_value=""),
        "KS0909",
        '"x"',
    ),
    "no edge of the loop": (lambda d: d["hold"].clear(), "KS0909", '"hold"'),
    "an edge twice": (
        lambda d: add(d, "hold", **{k: v for k, v in d["hold"][0].items() if k != "_id"}),
        "KS0909",
        '"hold"',
    ),
    "an edge that no field holds": (
        lambda d: add(d, "recall", recall_src=1, recall_tgt=1, recall_port=""),
        "KS0309",
        "{",
    ),
    "an unknown kind": (unknown_kind, "KS0102", '\\"stay_alife\\"'),
    "a bad unit in a value": (
        lambda d: value_of(d, "observation_value", "0.0 s", "0.0 kg"),
        "KS0109",
        '\\"0.0 kg\\"',
    ),
    "a bad name": (lambda d: d["Task"][0].update(task_name="a b"), "KS0112", '"a b"'),
}


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_instance_is_refused_at_its_place(name: str) -> None:
    break_it, code, place = CASES[name]
    data = copy.deepcopy(GOOD)
    break_it(data)
    text = json_text(data)
    found = [d for d in report(text) if d.severity == "error"]
    assert code in {d.code for d in found}, found
    first = next(d for d in found if d.code == code)
    assert first.where.file == "task.json"
    if place:
        assert excerpt(text, first).startswith(place)
    if code.startswith("KS09"):  # the task is not even looked at
        assert {d.code for d in found} == {code}, found


SYNTAX = {
    '{"Task": [}': ("KS0901", 1, 11),
    '{"Task": [],\n "Reward": nothing}': ("KS0901", 2, 12),
    '{"Task": [],}': ("KS0901", 1, 13),
    '{"Task": [1,]}': ("KS0901", 1, 13),
    "{'Task': []}": ("KS0901", 1, 2),
    '{"Task" []}': ("KS0901", 1, 9),
    '{"Task": [] []}': ("KS0901", 1, 13),
    "{} {}": ("KS0901", 1, 4),
    "{1: 2}": ("KS0901", 1, 2),
    '{"a": 01}': ("KS0901", 1, 8),
    '{"a": NaN}': ("KS0901", 1, 7),
    '{"a": 1e999}': ("KS0901", 1, 7),
    '{"a": "\\x"}': ("KS0901", 1, 8),
    '{"a": "\\ud800"}': ("KS0901", 1, 7),
    '{"a": "\\u0000"}': ("KS0006", 1, 7),
    '{"a": "\n"}': ("KS0901", 1, 7),
    '{"a": "': ("KS0901", 1, 7),
    '{"a": [1': ("KS0901", 1, 8),
    "": ("KS0901", 1, 1),
    '{"Task": [],\r\n\t"Task": []}': ("KS0003", 2, 2),
    "[" * 100: ("KS0005", 1, 41),
    "[" + "0," * 500_000 + "0]": ("KS0005", 1, 400_002),
    "3": ("KS0902", 1, 1),
}


@pytest.mark.parametrize("text", SYNTAX, ids=lambda text: text[:20])
def test_broken_json_is_reported_at_its_place(text: str) -> None:
    first = report(text)[0]
    assert (first.code, first.where.line, first.where.column) == SYNTAX[text]


def test_every_code_of_acsets_is_shown() -> None:
    shown = {code for _, code, _ in CASES.values()} | {code for code, _, _ in SYNTAX.values()}
    assert {code for code in CATALOGUE if code.startswith("KS09")} <= shown


def test_bytes_that_are_no_text_are_refused() -> None:
    found = Sink()
    assert parse_json(b'{"a": "\xff"}', "task.json", found) is None
    assert [d.code for d in found] == ["KS0006"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


@settings(max_examples=150, deadline=None)
@given(VALUES, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_is_read_as_the_standard_library_reads_it(
    value: Any, indent: Any, ascii: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    found = Sink()
    document = parse_json(text, "value.json", found)
    if document is None:
        assert "Infinity" in text or "\\u0000" in text, found
        return
    assert plain(document.data) == json.loads(text)
    for path, where in document.values.items():  # each place is the text of its value
        lines = text.split("\n")[where.line - 1 : where.end_line]
        lines[-1] = lines[-1][: where.end_column - 1]
        lines[0] = lines[0][where.column - 1 :]
        inner = value
        for step in path:
            inner = inner[step]
        assert json.loads("\n".join(lines)) == inner


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_mutation_of_an_instance_gives_a_traceback(data: st.DataObject) -> None:
    mutated = copy.deepcopy(GOOD)
    table = data.draw(st.sampled_from([t for t in mutated if mutated[t]]))
    row = data.draw(st.sampled_from(mutated[table]))
    column = data.draw(st.sampled_from(list(row)))
    row[column] = data.draw(VALUES)
    text = json.dumps(mutated, indent=data.draw(st.sampled_from([None, 1])))
    lines = text.split("\n")
    for found in report(text):
        assert 1 <= found.where.line <= len(lines)
        assert 1 <= found.where.column <= len(lines[found.where.line - 1]) + 1
