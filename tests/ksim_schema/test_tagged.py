"""Files with the tags of Python objects: read as data, bounded, and nothing in them is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ksim_schema.diagnostics import TaskError
from ksim_schema.exchange.others import managed, tagged, unilab
from ksim_schema.exchange.others.draft import SECTIONS, Draft
from ksim_schema.exchange.others.tagged import Value, read


def of(folder: Path, text: str) -> Value:
    (folder / "env.yaml").write_text(text, encoding="utf-8")
    return read(folder / "env.yaml")


def test_a_tag_is_a_text_and_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    text = f"""
a: !!python/object/apply:os.system ["touch {marker}"]
b: !!python/object/new:subprocess.Popen [["touch", "{marker}"]]
c: !!python/tuple [1, 2.5]
d: !!python/name:some.where.function ''
e: !!python/name:some.%3Clambda%3E ''
f: !!python/module:antigravity ''
g: some.where:function
h: !mine {{x: 1}}
"""
    document = of(tmp_path, text)
    assert not marker.exists()
    got = dict(document.items())
    assert got["a"].tag == "object/apply:os.system"
    assert got["a"].texts == (f"touch {marker}",)
    assert got["c"].pair == (1.0, 2.5)
    assert [got[key].function for key in "deg"] == ["function", "", "function"]
    assert document.get("h", "x") is not None
    assert (got["d"].line, got["d"].column) == (5, 4)


def test_scalars_are_those_that_were_meant(tmp_path: Path) -> None:
    document = of(tmp_path, "[1e-3, -5, .5, 2.5e-07, '3', true, ~, 0x10, on, 1_000, .inf]")
    data = [value.data for value in document.list()]
    assert data[:7] == [0.001, -5, 0.5, 2.5e-07, "3", True, None]
    assert data[7:] == ["0x10", "on", 1000, float("inf")]


def test_an_alias_is_the_value_once_more(tmp_path: Path) -> None:
    document = of(tmp_path, "a: &one [1, 2]\nb: *one\n")
    assert [v.pair for _, v in document.items()] == [(1.0, 2.0)] * 2
    assert [v.line for _, v in document.items()] == [1, 2]


BAD = {
    "an alias of itself": ("a: &a [*a]", "no value is called 'a' yet", (1, 8)),
    "an alias of nothing": ("a: *b", "no value is called 'b' yet", (1, 4)),
    "deep": ("[" * 100 + "]" * 100, "more than 64 levels in each other", (1, 65)),
    "not closed": ("a: 1\nb: [1, 2", "expected ',' or ']'", (2, 9)),
    "a tab": ("a:\n\t- 1", "found character '\\t' that cannot start any token", (2, 1)),
    "a control character": ("a: \x07", "unacceptable character #x0007", (1, 1)),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_such_file_is_said_where(case: str, tmp_path: Path) -> None:
    text, message, place = BAD[case]
    with pytest.raises(TaskError) as raised:
        of(tmp_path, text)
    (found,) = raised.value.diagnostics
    assert found.code == "KS0657"
    assert message in found.message
    assert (found.where.line, found.where.column) == place


def test_a_bomb_of_aliases_is_refused_before_it_grows(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for i in range(1, 12):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]")
    with pytest.raises(TaskError, match="more than 200,000 values"):
        of(tmp_path, "\n".join(lines))


def test_a_large_file_and_other_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_bytes(b"#" * (tagged.BYTES + 1))
    with pytest.raises(TaskError, match="larger than 2 MiB"):
        read(tmp_path / "env.yaml")
    (tmp_path / "env.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(TaskError, match="not UTF-8"):
        read(tmp_path / "env.yaml")


@pytest.mark.parametrize("name", ["a\nReward: {b: 1}", "#x", "a: b", "- a", "'", '"', "*a", "é y"])
def test_a_name_of_a_file_stays_a_name(name: str) -> None:
    draft = Draft(Path("env.yaml"), "t", about=name)
    draft.add("Reward", "r", {"kind": "formula", "expression": name, name: [name, {"x": name}]})
    draft.leave("Reward", name, Value(None, 3, 1), name, name)
    data = yaml.safe_load(draft.text())
    assert data == {
        "ksim": 1,
        "task": "t",
        "about": name,
        "Reward": {"r": {"kind": "formula", "expression": name, name: [name, {"x": name}]}},
    }


ODD: tuple[object, ...] = (
    None,
    "x\ny: 1",
    "{",
    "lambda: 1",
    -1,
    0,
    1e-9,
    float("inf"),
    float("nan"),
    10**30,
    True,
    [],
    {},
    [1.0],
    [2.0, 1.0],
    {"a b": 1, "x": {"y": "z"}},
)
"""What may stand in place of any value."""


def value_of(data: object) -> Value:
    if isinstance(data, list):
        data = [value_of(inner) for inner in data]
    elif isinstance(data, dict):
        data = {name: value_of(inner) for name, inner in data.items()}
    return Value(data, 1, 1)


def values(value: Value) -> Iterator[Value]:
    yield value
    inner = value.data
    if isinstance(inner, list | dict):
        for found in inner.values() if isinstance(inner, dict) else inner:
            yield from values(found)


@pytest.mark.parametrize(
    "name", ["isaaclab/params/env.yaml", "mjlab/params/env.yaml", "unilab/mujoco.yaml"]
)
def test_any_value_in_place_of_any_other_makes_a_task_that_is_yaml(name: str) -> None:
    file = Path(__file__).parents[1] / "imported" / name
    document = read(file)
    agent = read(file.with_name("agent.yaml")) if name.startswith("isaaclab") else None
    wanted = translated(document, agent, file)
    places = [*values(document)][1:] + ([*values(agent)] if agent else [])
    for place, value in enumerate(places[::4]):
        kept, value.data = value.data, value_of(ODD[place % len(ODD)]).data
        if managed.knows(document) or unilab.knows(document):
            made = yaml.safe_load(translated(document, agent, file))
            assert set(made) <= {"ksim", "task", "about", *SECTIONS}
        value.data = kept
    assert translated(document, agent, file) == wanted


def translated(document: Value, agent: Value | None, file: Path) -> str:
    if managed.knows(document):
        return managed.translate(document, agent, file, "robot.xml").text()
    return unilab.translate(document, file, "robot.xml").text()


def test_names_of_parts_are_made_plain_and_distinct() -> None:
    draft = Draft(Path("env.yaml"), "t")
    for name in ("a b", "a-b", "1", "\u00e9"):
        draft.add("Reward", name, {})
    assert list(draft.sections["Reward"]) == ["a_b", "a_b_2", "_1", "_"]
