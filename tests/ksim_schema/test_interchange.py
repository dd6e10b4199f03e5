"""Tasks as ACSets: py-acsets reads what is written, and a task comes back as it was.

py-acsets is a reader of the same format that knows nothing of this package.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from ksim_schema.acset import Schema, folder
from ksim_schema.exchange.acset_export import export_task, json_text, sch_task_drawing, schema_files
from ksim_schema.frontend import Checked, check_file
from ksim_schema.graph.canonical import canonical, fingerprint
from ksim_schema.vocabulary.reward import Reward

with warnings.catch_warnings():  # it is written for an older pydantic, which has its ways still
    warnings.simplefilter("ignore")
    import acsets

TASKS = sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml"))
SCHEMAS = sorted(schema_files())
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of py-acsets


def exported(path: Path) -> tuple[Checked, str]:
    checked = check_file(path)
    assert checked.task is not None
    assert checked.graph is not None
    return checked, json_text(export_task(checked.task, checked.graph).to_json())


def through_py_acsets(schema: str, text: str) -> dict[str, list[dict[str, Any]]]:
    """The tables as py-acsets writes them after having read them; absent cells are left out."""
    catlab = acsets.CatlabSchema.parse_file(folder() / schema)
    theirs = acsets.Schema.from_catlab(schema.removesuffix(".json"), catlab)
    read = acsets.ACSet.read_json("instance", theirs, text)
    return {
        table: [{k: v for k, v in row.items() if v is not None} for row in rows]
        for table, rows in json.loads(read.to_json_str()).items()
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_py_acsets_reads_the_schema_files(name: str) -> None:
    data = json.loads((folder() / name).read_text(encoding="utf-8"))
    read = acsets.ACSet.from_file(name=name, path=folder() / name).schema
    assert [ob.name for ob in read.obs] == [ob["name"] for ob in data["Ob"]]
    for theirs, ours in ((read.homs, data["Hom"]), (read.attrs, data["Attr"])):
        assert [{"name": a.name, "dom": a.dom, "codom": a.codom} for a in theirs] == ours
    assert [(t.name, t.ty.__name__) for t in read.attrtypes] == [
        (t["name"], t["ty"]) for t in data["AttrType"]
    ]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_files_have_what_acsets_jl_asks_for(name: str) -> None:
    """Its reader indexes these keys; an equation has a name or null, two ends and two paths."""
    data = json.loads((folder() / name).read_text(encoding="utf-8"))
    assert set(data["version"]) == {"ACSetSchema", "ACSets", "Catlab"}
    assert Schema.from_json(data, name).to_json().keys() == data.keys()
    for group in ("Ob", "Hom", "AttrType", "Attr"):
        assert all(isinstance(entry["name"], str) for entry in data[group])
    for law in data["equations"]:
        assert set(law) == {"name", "dom", "codom", "paths"}
        assert len(law["paths"]) == 2
    assert bool(data["equations"]) == (name == "SchRollout.json")


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_py_acsets_gives_the_same_tables_back(path: Path) -> None:
    _, text = exported(path)
    assert through_py_acsets("SchTaskDrawing.json", text) == json.loads(text)


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_acsets_jl_can_read_an_instance(path: Path) -> None:
    """Its reader wants ids to be row numbers, and a value wherever a column is."""
    tables = json.loads(exported(path)[1])
    assert list(tables) == list(sch_task_drawing().objects)
    for rows in tables.values():
        assert [row["_id"] for row in rows] == list(range(1, len(rows) + 1))
        assert all(value is not None for row in rows for value in row.values())


@pytest.mark.parametrize("indent", [None, 1, "\t"])
@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_a_task_comes_back_as_it_was(path: Path, indent: Any, tmp_path: Path) -> None:
    first, text = exported(path)
    file = tmp_path / "task.json"
    file.write_text(json.dumps(json.loads(text), indent=indent), encoding="utf-8")
    again = check_file(file)
    assert [d for d in again.diagnostics if d.severity == "error"] == []
    for checked in (first, again):
        assert checked.task is not None
        assert checked.graph is not None
    assert canonical(again.task, again.graph) == canonical(first.task, first.graph)  # type: ignore[arg-type]
    marks = {fingerprint(c.task, c.graph, {}) for c in (first, again)}  # type: ignore[arg-type]
    assert len(marks) == 1
    assert exported(file)[1] == text


def test_tables_of_attribute_variables_may_be_there_when_empty(tmp_path: Path) -> None:
    """ACSets.jl writes a table for each attribute type."""
    _, text = exported(TASKS[0])
    tables = json.loads(text) | {"Name": [], "Kind": [], "Value": [], "Port": [], "StateData": []}
    file = tmp_path / "task.json"
    file.write_text(json.dumps(tables), encoding="utf-8")
    assert [d for d in check_file(file).diagnostics if d.severity == "error"] == []


def test_settings_change_an_imported_task(tmp_path: Path) -> None:
    file = tmp_path / "task.json"
    file.write_text(exported(TASKS[-1])[1], encoding="utf-8")
    checked = check_file(file, ["Reward.alive.scale=7"])
    assert [d for d in checked.diagnostics if d.severity == "error"] == []
    assert checked.task is not None
    assert checked.task.of(Reward)["alive"].scale.constant == 7  # type: ignore[attr-defined]


def test_a_json_file_may_hold_a_task_as_it_is_written(tmp_path: Path) -> None:
    first = check_file(TASKS[0])
    assert first.task is not None
    assert first.graph is not None
    file = tmp_path / "task.json"
    file.write_text(json.dumps(canonical(first.task, first.graph)), encoding="utf-8")
    again = check_file(file)
    assert again.task is not None
    assert canonical(again.task, again.graph) == canonical(first.task, first.graph)  # type: ignore[arg-type]
