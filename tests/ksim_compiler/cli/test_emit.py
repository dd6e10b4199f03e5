"""``ksim-compile --emit``: graphs, ACSets, drawings, plans and effective values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ksim_compiler import artifact
from ksim_compiler.cli import common, compile
from ksim_schema.acset import Instance, Schema
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from tests.ksim_compiler.cli.variants import CARTPOLE, UNKNOWN, Output, place, variant


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_emit_graph_is_a_fixed_point(capsys: Output) -> None:
    assert compile.main(["--emit", "graph", CARTPOLE]) == common.OK
    first = capsys.readouterr().out
    edges = yaml.safe_load(first)["morphisms"]
    assert {"src": "actor", "tgt": "force"}.items() <= edges["act"][0].items()
    variant("canonical.yaml")
    Path("canonical.yaml").write_text(first, encoding="utf-8")
    assert compile.main(["--emit", "graph", "canonical.yaml"]) == common.OK
    assert capsys.readouterr().out == first


def test_emit_acset_is_an_instance_of_the_emitted_schema(capsys: Output) -> None:
    assert compile.main(["--emit", "schema"]) == common.OK
    schema = Schema.from_json(json.loads(capsys.readouterr().out), "SchTaskDrawing")
    assert compile.main(["--emit", "acset", CARTPOLE]) == common.OK
    instance = Instance.from_json(schema, json.loads(capsys.readouterr().out))
    assert len(instance.tables["Reward"]) == 4
    assert instance.problems() == []


def test_an_acset_compiles_to_the_same_fingerprint(capsys: Output) -> None:
    variant("cartpole.yaml")
    assert compile.main(["--emit", "acset", CARTPOLE]) == common.OK
    Path("cartpole.json").write_text(capsys.readouterr().out, encoding="utf-8")
    marks: list[str] = []
    for name in ("cartpole.yaml", "cartpole.json"):
        assert compile.main([name, "-o", "out.ksim"]) == common.OK
        marks.append(artifact.read(Path("out.ksim")).fingerprint)
        assert compile.main(["--check", "out.ksim"]) == common.OK
    assert marks[0] == marks[1] != ""


def test_a_mistake_in_an_acset_is_shown_in_its_line(capsys: Output) -> None:
    compile.main(["--emit", "acset", CARTPOLE])
    text = capsys.readouterr().out.replace('"read_src": 1,', '"read_src": 71,')
    Path("cartpole.json").write_text(text, encoding="utf-8")
    assert compile.main(["--check", "cartpole.json"]) == common.ERRORS
    err = capsys.readouterr().err
    line, column = place(Path("cartpole.json"), "71,")
    assert f"cartpole.json:{line}:{column}: error KS0908" in err
    assert '"read_src": 71,' in err
    assert "it has rows 1 to 4" in err


@pytest.mark.parametrize(
    ("form", "start"), [("svg", "<svg "), ("dot", "digraph "), ("mermaid", "---\ntitle:")]
)
def test_emit_drawings(form: str, start: str, capsys: Output) -> None:
    assert compile.main(["--emit", form, CARTPOLE]) == common.OK
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert "cart_speed" in out


def test_emit_plan(capsys: Output) -> None:
    assert compile.main(["--emit", "plan", CARTPOLE]) == common.OK
    assert capsys.readouterr().out.startswith("plan cartpole\n")


def test_emit_effective_says_where_values_come_from(capsys: Output) -> None:
    path = variant("c.yaml", ("about: A", 'about: "1.5: #'), ("of its rail.", 'rail."'))
    arguments = ["--emit", "effective", str(path), "--set", "Reward.alive.scale=3"]
    assert compile.main(arguments) == common.OK
    out = capsys.readouterr().out
    assert any(line.split() == ["scale:", "3", "#", "--set:1"] for line in out.splitlines())
    assert any(line.split()[-1] == "c.yaml:8" for line in out.splitlines())
    effective, written = (parse(text, "", Sink()) for text in (out, path.read_bytes()))
    assert effective is not None
    assert written is not None
    assert effective.data["Reward"]["alive"].pop("scale") == 3
    assert effective.data == written.data


def test_emit_of_a_bad_task_prints_nothing(capsys: Output) -> None:
    assert compile.main(["--emit", "plan", str(variant("bad.yaml", UNKNOWN))]) == common.ERRORS
    assert capsys.readouterr().out == ""
