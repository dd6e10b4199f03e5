"""The JSON Schema: fresh, valid, true of the shipped tasks and false of what is ill-formed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, get_args

import jsonschema
import pytest
from pydantic import BaseModel, TypeAdapter

from ksim_schema.acset import folder
from ksim_schema.diagnostics import Sink
from ksim_schema.exchange.json_schema import files, main, text
from ksim_schema.source import read
from ksim_schema.vocabulary import KINDS, Part
from ksim_schema.vocabulary.learner import LEARNERS, Learner

TESTS = Path(__file__).parents[1]
TASKS = sorted((TESTS.parent / "tasks").glob("*.yaml"))
STRUCTURAL = (
    "KS0007_section_is_a_list",
    "KS0101_unknown_section",
    "KS0102_unknown_kind",
    "KS0102_unknown_network",
    "KS0103_missing_kind",
    "KS0104_unknown_field",
    "KS0105_missing_field",
    "KS0105_missing_nested_field",
    "KS0106_list_for_a_text",
    "KS0106_not_one_of_the_choices",
    "KS0112_part",
    "KS0113_no_rewards",
    "KS0114_newer",
    "KS0306_unknown_morphism",
)


def plain(value: Any) -> Any:
    """Lists instead of the reader's tuples."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_files_are_fresh() -> None:
    for name, written in files().items():
        path = folder() / name
        assert path.read_text(encoding="utf-8") == written, (
            "run python -m ksim_schema.exchange.json_schema"
        )
    assert set(files()) == {path.name for path in folder().glob("*.json")}
    assert main(["--check"]) == 0


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_shipped_tasks_are_valid(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    document = read(path, Sink())
    assert document is not None
    assert list(validator.iter_errors(plain(document.data))) == []
    assert document.text.startswith("# yaml-language-server: $schema=../schemas/task.schema.json")


@pytest.mark.parametrize("name", STRUCTURAL)
def test_ill_formed_tasks_are_not(name: str, validator: jsonschema.Draft202012Validator) -> None:
    document = read(TESTS / "invalid" / f"{name}.yaml", Sink())
    assert document is not None
    assert not validator.is_valid(plain(document.data))


def test_a_task_with_component_files_may_have_kinds_of_its_own(
    validator: jsonschema.Draft202012Validator,
) -> None:
    document = read(TESTS / "invalid" / "KS0102_unknown_kind.yaml", Sink())
    assert document is not None
    own = {**plain(document.data), "components": ["terms.py"]}
    assert list(validator.iter_errors(own)) == []
    assert not validator.is_valid({**own, "components": ["terms.txt"]})
    own["Critic"] = {"critic": {"kind": "flat_bdy"}}  # no component file declares critics
    assert not validator.is_valid(own)


KINDS_FOLDER = TESTS / "kinds"


@pytest.mark.parametrize("path", sorted(KINDS_FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_kind_is_valid(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    """The parts that the compiler's tests run: what the compiler takes, an editor must take."""
    document = read(path, Sink())
    walk = read(TESTS.parent / "tasks" / "walk.yaml", Sink())
    assert document is not None
    assert walk is not None
    for kind, needed in plain(document.data).items():
        task = plain(walk.data)
        for section, parts in needed.get("needs", {}).items():
            task.setdefault(section, {}).update(parts)
        task.setdefault(path.stem, {})["part"] = needed["part"]
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(task)]
        assert errors == [], kind


def models() -> list[type[BaseModel]]:
    """The models of all kinds, of the training, and of what is inside of them."""
    found: dict[type[BaseModel], None] = {}
    frontier: list[Any] = [
        *LEARNERS.values(),
        *(m for kinds in KINDS.values() for m in kinds.values()),
    ]
    while frontier:
        hint = frontier.pop()
        frontier += get_args(hint)
        if isinstance(hint, type) and issubclass(hint, BaseModel) and hint not in found:
            found[hint] = None
            frontier += [info.annotation for info in hint.model_fields.values()]
    return list(found)


def test_defaults_may_be_written_as_they_are_shown() -> None:
    """What an editor fills in is taken by the compiler, and means the default."""
    schema = json.loads(text())
    shown = 0
    for model in models():
        name = f"{model.object}.{model.kind_name}" if issubclass(model, Part) else model.__name__
        if issubclass(model, Learner):
            fields = schema["properties"][model.section]
        else:
            fields = schema["$defs"][name]
        for field, info in model.model_fields.items():
            inner = fields["properties"][info.alias or field]
            if "default" not in inner or field == "kind":
                continue
            adapter: TypeAdapter[Any] = TypeAdapter(Annotated[info.annotation, "", *info.metadata])  # type: ignore[valid-type]
            taken = adapter.validate_python(tuples(inner["default"]))
            assert taken == info.default, (name, field)
            shown += 1
    assert shown > 100


def tuples(value: Any) -> Any:
    """Tuples for lists, as the reader gives."""
    if isinstance(value, dict):
        return {key: tuples(inner) for key, inner in value.items()}
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def test_nothing_is_left_of_what_the_export_words() -> None:
    found = text()
    assert '"units"' not in found
    assert "``" not in found
    assert '"default": null' not in found


def test_every_kind_is_explained_where_it_is_chosen() -> None:
    schema = json.loads(text())
    for object, kinds in KINDS.items():
        part = schema["properties"][object]["additionalProperties"]
        if len(kinds) > 1:
            kind = part["properties"]["kind"]
            kind = kind["anyOf"][0] if "anyOf" in kind else kind  # others may be a task's own
            assert kind["enum"] == list(kinds)
            assert len(kind["markdownEnumDescriptions"]) == len(kinds)
            assert all(line.endswith((".", ".)")) for line in kind["markdownEnumDescriptions"])


def test_every_field_has_a_description() -> None:
    missing = [
        f"{name}.{field}"
        for name, schema in json.loads(text())["$defs"].items()
        for field, inner in schema.get("properties", {}).items()
        if field != "kind" and not inner.get("description")
    ]
    assert missing == []
