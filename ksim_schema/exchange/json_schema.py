"""Files made of the declarations, written to ``schemas/``.

``python -m ksim_schema.exchange.json_schema`` writes them.

They are the JSON Schema of the task language, and the ACSet schemas in JSON.

Editors complete and explain a task by it, and CI can validate a task without this package. It
knows the structure; names of parts, joints and units are the compiler's to check.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from ksim_schema.acset import folder, sch_task
from ksim_schema.custom.api import OPEN
from ksim_schema.exchange.acset_export import schema_files
from ksim_schema.source.files import write_text
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.study.model import Listed, Range, Study
from ksim_schema.task import LANGUAGE_VERSION, OPTIONAL_KIND, REQUIRED
from ksim_schema.units import parse
from ksim_schema.vocabulary import KINDS, Part
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.objects import OBJECT

FILE, STUDY_FILE = "task.schema.json", "study.schema.json"
_NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"


def task_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a task file.

    In a task with component files a part may be of a kind that no schema knows.
    """
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {
        "ksim": {"const": LANGUAGE_VERSION, "description": "Version of the language."},
        "task": {"type": "string", "pattern": _NAME, "description": "Name of the task."},
        "about": {"type": "string", "description": "A sentence that says what it is."},
    }
    properties["components"] = {
        "anyOf": [{"type": "array", "items": _PYTHON_FILE}, _PYTHON_FILE],
        "description": "Python files that declare components of this task's own.",
    }
    path = {"type": "string", "description": "Path of a task file."}
    part = {"type": "string", "description": "Path of a part, such as Reward.torque."}
    properties |= {
        "extends": {
            "anyOf": [{"type": "array", "items": path}, path],
            "description": "Tasks whose parts this one has as well.",
        },
        "remove": {
            "anyOf": [{"type": "array", "items": part}, part],
            "description": "Parts of the extended tasks that this one has not.",
        },
        "set": {
            "type": "object",
            "description": "Values of the extended tasks that differ here, by path.",
        },
    }
    for object, kinds in KINDS.items():
        for kind, model in kinds.items():
            definitions[f"{object}.{kind}"] = _model(model, definitions)
        properties[object] = _section(object)
    properties["morphisms"] = _morphisms()
    properties |= {name: _model(model, definitions) for name, model in LEARNERS.items()}
    uncritical = [name for name, learner in LEARNERS.items() if not learner.critic]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ksim task",
        "description": "A robot-learning task as a typed graph.",
        "type": "object",
        "properties": properties,
        "required": ["ksim", "task"],
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"not": {"required": ["components"]}},
                "then": {"properties": {o: _known(k) for o, k in KINDS.items() if o in OPEN}},
            },
            {"if": _lacks("extends"), "then": {"required": [n for n in REQUIRED if n != "Critic"]}},
            {"if": _lacks("extends", *uncritical), "then": {"required": ["Critic"]}},
            *({"not": {"required": [*pair]}} for pair in combinations(LEARNERS, 2)),
        ],
        "$defs": dict(sorted(definitions.items())),
    }


_PYTHON_FILE = {"type": "string", "pattern": r"\.py$"}


def _lacks(*keys: str) -> dict[str, Any]:
    """That a task has none of some keys."""
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


def _known(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """That the parts of a section are of built-in kinds."""
    known = {"properties": {"kind": {"enum": list(kinds)}}}
    return {"additionalProperties": known}


def text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(task_schema(), indent=1, ensure_ascii=False) + "\n"


def study_schema() -> dict[str, Any]:
    """The JSON Schema of a study's file."""
    definitions: dict[str, Any] = {}
    study = _model(Study, definitions)
    for model in (Range, Listed):
        definitions[model.__name__] = _model(model, definitions)
    refs: list[dict[str, Any]] = [{"$ref": f"#/$defs/{name}"} for name in ("Range", "Listed")]
    listed = {"type": "array", "minItems": 2}
    study["properties"]["search"] |= {"additionalProperties": {"anyOf": [*refs, listed]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **{key: value for key, value in study.items() if key != "$defs"},
        "title": "ksim study",
        "$defs": dict(sorted(definitions.items())),
    }


def _section(object: str) -> dict[str, Any]:
    """A section: a mapping of names to parts, told apart by their kind."""
    kinds = list(KINDS[object])
    only = kinds[0] if object in OPTIONAL_KIND else None
    part: dict[str, Any] = {
        "type": "object",
        "properties": {"kind": {**_kind_of(object), "description": f"The kind of {object}."}},
    }
    if only is not None:
        part = {"anyOf": [{"$ref": f"#/$defs/{object}.{only}"}, {"type": "null"}]}
    else:
        part["required"] = ["kind"]
        part["allOf"] = [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{object}.{kind}"},
            }
            for kind in kinds
        ]
    section: dict[str, Any] = {
        "type": "object",
        "description": OBJECT[object].about,
        "additionalProperties": part,
    }
    if object != "Trajectory":
        section["propertyNames"] = {"pattern": _NAME}
    return section


def _kind_of(object: str) -> dict[str, Any]:
    """The kinds of an object; an editor proposes those that it lists."""
    known = {
        "enum": list(KINDS[object]),
        "markdownEnumDescriptions": [
            _markdown(_summary(model.__doc__)) for model in KINDS[object].values()
        ],
    }
    return {"anyOf": [known, {"type": "string"}]} if object in OPEN else known


def _morphisms() -> dict[str, Any]:
    end = {"type": "string", "description": "Name of a part."}
    edge: dict[str, Any] = {
        "type": "object",
        "properties": {"src": end, "tgt": end, "port": {"type": "string"}},
        "required": ["src", "tgt"],
        "additionalProperties": False,
    }
    homs = {
        hom.name: {
            "type": "array",
            "items": edge,
            "description": f"{hom.dom} to {hom.codom}. {hom.about}".strip(),
        }
        for hom in sch_task().homs.values()
    }
    return {
        "type": "object",
        "description": "Edges written out, instead of in the fields of parts.",
        "properties": homs,
        "additionalProperties": False,
    }


class _Generator(GenerateJsonSchema):
    # a default of a quantity is a number in SI units, which is not how an author writes it
    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"non-serializable-default"}  # noqa: RUF012


def _model(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one model. Models inside of it go to the shared definitions."""
    schema = model.model_json_schema(schema_generator=_Generator)
    for name, inner in schema.pop("$defs", {}).items():
        definitions[name] = _explained(_tidy(inner))
    schema = _tidy(schema)
    if issubclass(model, Part) and "kind" in schema.get("properties", {}):
        schema["properties"]["kind"] = {"const": model.kind_name}
    return _explained(schema)


def _explained(schema: dict[str, Any]) -> dict[str, Any]:
    """A model's schema as an editor shows it: units said, defaults as an author writes them."""
    explained: dict[str, Any] = {**schema, "properties": {}}
    for name, inner in schema.get("properties", {}).items():
        field: dict[str, Any] = dict(inner)
        if name == "kind":
            field["description"] = _summary(schema.get("description", ""))
        units = _units(field)
        if units and units != [""]:
            words = " or ".join(f"``{unit}``" if unit else "without unit" for unit in units)
            field["description"] = f"{field['description']} Unit: {words}."
        if "default" in field:
            default = _written(field.pop("default"), units)
            if default is not None:
                field["default"] = default
        explained["properties"][name] = _plain_text(_without_units(field))
    return _plain_text(explained)


def _units(schema: Any) -> list[str]:
    """The SI units of the quantities in a field, without those in the models that it refers to."""
    if is_list(schema) or isinstance(schema, list):
        found = [unit for inner in cast("list[Any]", schema) for unit in _units(inner)]
    elif is_mapping(schema):
        found = [*schema.get("units", ())]
        for key in ("anyOf", "oneOf", "prefixItems", "items"):
            found += _units(schema.get(key))
    else:
        return []
    return list(dict.fromkeys(found))


def _without_units(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_units(inner) for inner in cast("list[Any]", schema)]
    if not is_mapping(schema):
        return schema
    return {key: _without_units(inner) for key, inner in schema.items() if key != "units"}


def _written(default: Any, units: list[str]) -> Any:
    """A default as it may stand in a task, or None for one that is better left out.

    A model has numbers in SI units; an author writes the unit. Where the unit depends on the robot
    (an angle for a hinge, a length for a slide), there is no one text to offer.
    """
    if is_mapping(default):
        kept = {key: _written(value, []) for key, value in default.items()}
        kept = {key: value for key, value in kept.items() if value is not None}
        return kept["constant"] if list(kept) == ["constant"] else kept or None
    if isinstance(default, list):
        members = [_written(value, units) for value in cast("list[Any]", default)]
        return members if members and None not in members else None
    if units in ([], [""]) or isinstance(default, bool | str) or default is None:
        return default
    return _quantity(float(default), units[0]) if len(units) == 1 else None


def _quantity(value: float, unit: str) -> str:
    """A short text that is read as this value: in degrees, where it is a round angle."""
    degrees = f"{math.degrees(value):.6g} {unit.replace('rad', 'deg')}"
    for text in (f"{value:.6g} {unit}", degrees if "rad" in unit else ""):
        if text and parse(text) == value:
            return text
    return f"{value!r} {unit}"


def _plain_text(schema: dict[str, Any]) -> dict[str, Any]:
    """With a description in Markdown beside the plain one, where they differ."""
    text = schema.get("description", "")
    if "`" not in text:
        return schema
    return {
        **schema,
        "description": text.replace("``", ""),
        "markdownDescription": _markdown(text),
    }


def _markdown(text: str) -> str:
    return text.replace("``", "`")


def _summary(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


def _tidy(schema: Any) -> Any:
    """Without titles and with shorthands allowed: a field may be written in its short form.

    Lists that stand for ranges keep their length; a value that a validator also takes in a
    shorter form (a number for a scale, a string for a list of one) is allowed by ``anyOf``.
    """
    if isinstance(schema, list):
        return [_tidy(item) for item in cast("list[Any]", schema)]
    if not is_mapping(schema):
        return schema
    tidied: dict[str, Any] = {
        key: {name: _tidy(inner) for name, inner in value.items()}
        if key in ("properties", "$defs") and is_mapping(value)
        else _tidy(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
    if tidied.get("type") == "array":
        short: Any = tidied.get("items") or _first(tidied.get("prefixItems")) or {}
        outer = {key: tidied.pop(key) for key in ("description", "default") if key in tidied}
        tidied = {"anyOf": [tidied, short], **outer}
    reference = tidied.get("$ref", "")
    if "anyOf" in tidied:  # a shorthand that the model declares, and the one added here
        choices = [c for choice in tidied["anyOf"] for c in _choices(choice)]
        tidied["anyOf"] = [
            c for i, c in enumerate(choices) if _without_units(c) not in _without_units(choices[:i])
        ]
    if reference == "#/$defs/Gate":
        return {"type": "string"}
    if reference == "#/$defs/Scale":
        rest = {key: value for key, value in tidied.items() if key != "$ref"}
        tidied = {**rest, "anyOf": [{"$ref": reference}, {"type": ["number", "string"]}]}
    return tidied


def _choices(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The choices of a choice that says nothing else."""
    return schema["anyOf"] if list(schema) == ["anyOf"] else [schema]


def _first(items: Any) -> Any:
    return items[0] if items else None


def files() -> dict[str, str]:
    """Every file that is made of the declarations: name in ``schemas/`` -> text."""
    study = json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"
    return {FILE: text(), STUDY_FILE: study, **schema_files()}


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files, or with ``--check`` say whether they are fresh."""
    parser = argparse.ArgumentParser(description="Write the JSON Schema and the ACSet schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 when stale")
    check = parser.parse_args(argv).check
    status = 0
    for name, written in files().items():
        path: Path = folder() / name
        if not check:
            write_text(path, written)
            print(f"wrote {name}")
            continue
        fresh = path.is_file() and path.read_text(encoding="utf-8") == written
        print(f"{name} is {'fresh' if fresh else 'stale: run make schemas'}")
        status = status if fresh else 1
    return status


if __name__ == "__main__":
    sys.exit(main())
