"""``ksim-compile --explain`` knows all that a task may write, and each code."""

from __future__ import annotations

import re

import pytest

from ksim_compiler.cli import common, compile
from ksim_compiler.cli.explain import explain, list_kinds
from ksim_schema.diagnostics import Sink
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.explain.examples import example_of
from ksim_schema.explain.models import parameters
from ksim_schema.source import parse
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.terrain import (
    FlatTerrain,
    GridTerrain,
    ImageTerrain,
    RoughTerrain,
    SlopesTerrain,
    StairsTerrain,
)

TERRAINS = {
    "flat": FlatTerrain,
    "rough": RoughTerrain,
    "stairs": StairsTerrain,
    "slopes": SlopesTerrain,
    "image": ImageTerrain,
    "grid": GridTerrain,
}
Output = pytest.CaptureFixture[str]
WORDS = [(object, kind) for object, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("object", "kind"), WORDS)
def test_kinds_of_parts(object: str, kind: str) -> None:
    text = explain(kind) or ""
    assert f"{object}: {kind}\n" in text
    fields = KINDS[object][kind].model_fields
    for name, info in fields.items():
        if name != "kind":
            assert re.search(rf"^  {info.alias or name} ", text, re.MULTILINE), name


def test_the_list_has_whole_sentences_that_tell_kinds_apart() -> None:
    rows = [line.split(maxsplit=1)[1] for line in list_kinds().splitlines() if line[0] == " "]
    assert [row for row in rows if not row.endswith(".")] == []
    assert len(rows) == len(set(rows)) > len(WORDS)


@pytest.mark.parametrize("object", KINDS)
def test_objects(object: str) -> None:
    text = explain(object) or ""
    assert all(kind in text for kind in KINDS[object])
    assert "ttributes:" not in text  # what only the code of a kind needs


@pytest.mark.parametrize(
    ("object", "words"),
    [
        ("Observation", "What all observations share"),
        ("Reward", "What all rewards share"),
        ("Command", "What all commands share"),
        ("Reset", "in the order of their names"),
    ],
)
def test_an_object_is_explained_by_what_all_its_kinds_share(object: str, words: str) -> None:
    assert words in (explain(object) or "")


@pytest.mark.parametrize("code", CATALOGUE)
def test_codes(code: str) -> None:
    text = explain(code) or ""
    assert text.startswith(f"{code}: {CATALOGUE[code].phrase}")
    assert len(text.splitlines()) >= 3


@pytest.mark.parametrize("kind", TERRAINS)
def test_terrains(kind: str) -> None:
    text = explain(kind) or ""
    assert text.startswith(f"{kind} (terrain)\n")
    for name, info in TERRAINS[kind].model_fields.items():
        if name != "kind":
            about = re.escape((info.description or "")[:20]).replace("\\ ", r"\s+")
            assert re.search(rf"^  {name} .*\s+{about}", text, re.M)
    # the example is one that a task may write
    document = parse(text.split("Example:\n")[-1].replace("name:", "x:", 1), "example.yaml", Sink())
    assert document is not None
    written = document.data["terrain"]
    assert TERRAINS[kind].model_validate(written).kind == kind  # type: ignore[attr-defined]
    assert re.search(rf"^  {kind} ", list_kinds(), re.MULTILINE)


@pytest.mark.parametrize("word", ["mlp", "gru", "lstm"])
def test_networks(word: str) -> None:
    text = explain(word) or ""
    assert text.startswith(f"{word} (network)\n")
    assert f"network: {{kind: {word}" in text


@pytest.mark.parametrize(
    "word", ["gains", "torque_speed", "solver", "home", "learning_rate", "gamma", "noise", "scale"]
)
def test_other_models_by_the_field_they_stand_in(word: str) -> None:
    assert "parameter" in (explain(word) or "")


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_command_explains_codes(code: str, capsys: Output) -> None:
    assert compile.main(["--explain", code.lower()]) == common.OK
    assert capsys.readouterr().out.startswith(f"{code}: {CATALOGUE[code].phrase}")


def test_explain_a_kind(capsys: Output) -> None:
    assert compile.main(["--explain", "linear_velocity"]) == common.OK
    out = capsys.readouterr().out
    about = out[out.index("Reward: linear_velocity\n") :].split("\nExample:")[0]
    rows = {line.split()[0]: line for line in about.splitlines() if line.startswith("  ")}
    assert rows["error_scale"].split()[1] == "m/s"
    assert rows["per_second"].split()[1:5] == ["true", "|", "false", "false"]
    assert rows["command"].split()[1:4] == ["Command", "name", "required"]
    assert str(KINDS["Reward"]["linear_velocity"].__doc__).splitlines()[0] in about


def test_explain_a_kind_of_several_objects(capsys: Output) -> None:
    assert compile.main(["--explain", "joint_position"]) == common.OK
    out = capsys.readouterr().out
    assert "Observation: joint_position\n" in out
    assert "Reset: joint_position\n" in out


@pytest.mark.parametrize(("object", "kind"), WORDS)
def test_every_kind_is_explained_with_an_example_that_is_valid(object: str, kind: str) -> None:
    text = explain(kind)
    assert text is not None
    assert f"{object}: {kind}\n" in text
    model = KINDS[object][kind]
    for row in parameters(model):
        assert row.about, f"{object}.{kind}.{row.name} has no description"
        assert row.takes != "value", f"{object}.{kind}.{row.name} is of an unknown type"
    problems = Sink()
    document = parse(example_of(model, kind=kind), "example", problems)
    assert document is not None, problems
    model.model_validate(document.data)


@pytest.mark.parametrize("word", ["PPO", "gru", "tanh_gaussian", "noise", "scale", "Observation"])
def test_explain_other_words(word: str, capsys: Output) -> None:
    assert compile.main(["--explain", word]) == common.OK
    assert capsys.readouterr().out.startswith(word)


def test_explain_an_unknown_word(capsys: Output) -> None:
    assert compile.main(["--explain", "linear_velocty"]) == common.USAGE
    expected = "ksim-compile: nothing is called 'linear_velocty'. did you mean 'linear_velocity'"
    assert capsys.readouterr().err.startswith(expected)
    assert compile.main(["--explain", "qqqqqqqq"]) == common.USAGE
    assert "--list lists every kind" in capsys.readouterr().err


def test_list(capsys: Output) -> None:
    assert compile.main(["--list"]) == common.OK
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert [kind for _, kind in WORDS] == listed[: len(WORDS)]
    assert all(len(line.split()) > 2 for line in lines if line.startswith("  "))


@pytest.mark.parametrize(
    ("word", "places", "says"),
    [
        ("PPO.rollout", "PPO.rollout\n", "Control ticks"),
        ("rollout", "PPO.rollout\n", "whole number; by default 24"),
        ("terrain", "PhysicsState.terrain\n", "The ground"),
        ("gains.kp", "Action.position_target.gains.kp", "N*m/rad or N/m; required"),
        ("extends", "extends\n", "extends: walk.yaml"),
        ("feet_clock.period", "Reward.feet_clock.period\n", "One full gait cycle"),
    ],
)
def test_fields_and_keys(word: str, places: str, says: str) -> None:
    text = " ".join((explain(word) or "").split())
    assert " ".join(places.split()) in text
    assert " ".join(says.split()).lower() in text.lower()


def test_a_field_of_every_kind_is_found() -> None:
    for object, kinds in KINDS.items():
        for kind, model in kinds.items():
            *_, row = [*parameters(model)] or [None]
            if row is not None:
                text = explain(f"{object}.{kind}.{row.name}" if len(kinds) > 1 else row.name)
                assert row.takes.split()[0] in (text or ""), (kind, row.name)


def test_an_object_says_what_it_is_and_what_it_is_joined_to() -> None:
    text = explain("PhysicsState") or ""
    assert text.startswith("PhysicsState\n\nThe robot, its world")
    assert "Action -> PhysicsState" in text
    assert "MJCF or URDF file" in text  # its only kind's fields


def test_a_narrow_terminal_has_no_long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    text = explain("track_linear_velocity") or ""
    table = text.split("  parameter ")[1].split("Example:")[0]
    assert max(map(len, table.splitlines())) <= 72
    assert "…" not in text
