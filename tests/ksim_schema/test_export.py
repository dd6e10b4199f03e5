"""The JSON Schema: fresh, valid, true of the shipped tasks and false of what is ill-formed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ksim_schema.export import files, main, text
from ksim_schema.schemas import folder
from ksim_schema.source import read

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
        assert path.read_text(encoding="utf-8") == written, "run python -m ksim_schema.export"
    assert set(files()) == {path.name for path in folder().glob("*.json")}
    assert main(["--check"]) == 0


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_shipped_tasks_are_valid(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    document, _ = read(path)
    assert document is not None
    assert list(validator.iter_errors(plain(document.data))) == []
    assert document.text.startswith("# yaml-language-server: $schema=../schemas/task.schema.json")


@pytest.mark.parametrize("name", STRUCTURAL)
def test_ill_formed_tasks_are_not(name: str, validator: jsonschema.Draft202012Validator) -> None:
    document, _ = read(TESTS / "invalid" / f"{name}.yaml")
    assert document is not None
    assert not validator.is_valid(plain(document.data))


def test_every_field_has_a_description() -> None:
    missing = [
        f"{name}.{field}"
        for name, schema in json.loads(text())["$defs"].items()
        for field, inner in schema.get("properties", {}).items()
        if field != "kind" and not inner.get("description")
    ]
    assert missing == []
