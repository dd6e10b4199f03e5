"""Pydantic's errors as diagnostics, with the place in the source and in the author's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ksim_schema.diagnostics import Diagnostic, did_you_mean
from ksim_schema.quantity import describe
from ksim_schema.source import Document, Path_, dotted

_CODES = {
    "missing": "KS0105",
    "extra_forbidden": "KS0104",
    "quantity": "KS0108",
    "dimension": "KS0109",
    "unit_missing": "KS0110",
    "range_order": "KS0111",
    "union_tag_invalid": "KS0102",
    "union_tag_not_found": "KS0103",
}
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def problems_of(
    error: ValidationError, document: Document, path: Path_, data: Any, model: type[BaseModel]
) -> list[Diagnostic]:
    """Translate a validation error.

    Args:
        error: what Pydantic found.
        document: the source.
        path: the path of the validated value.
        data: the validated value.
        model: the model it was validated against.
    """
    return [
        _problem(details, document, path, data, model)
        for details in error.errors(include_url=False)
    ]


def _problem(
    details: ErrorDetails, document: Document, path: Path_, data: Any, model: type[BaseModel]
) -> Diagnostic:
    kind, context = details["type"], details.get("ctx", {})
    steps, parent = _steps_in(data, details["loc"])
    absent = kind == "missing" or kind == "union_tag_not_found"
    name = str(details["loc"][-1]) if details["loc"] else ""
    at = (*path, *steps)
    where = document.at(at, key=absent or kind == "extra_forbidden")
    help = str(context.get("help", ""))
    match kind:
        case "missing":
            message = f"the field {name!r} is missing"
            help = help or _field_help(model, name)
        case "extra_forbidden":
            message = f"unknown field {name!r}"
            help = _known_fields(model, steps, parent, name)
        case "union_tag_invalid":
            message = f"unknown kind {context.get('tag')!r}"
            help = did_you_mean(
                str(context.get("tag")), str(context.get("expected_tags", "")).replace("'", "").split(", ")
            )
            at, where = (*at, "kind"), document.at((*at, "kind"))
        case "union_tag_not_found":
            message, help = "the kind is missing", "add 'kind:'"
        case "literal_error":
            choices = _choices(str(context.get("expected", "")))
            message = f"{_shown(details['input'])} is none of the values allowed here"
            help = did_you_mean(str(details["input"]), choices, of="allowed")
        case _ if kind in _LIMITS:
            bound, words = _LIMITS[kind]
            message = f"expected {words} {context.get(bound)}, but it is {_shown(details['input'])}"
        case "too_long" | "too_short":
            wanted = context.get("max_length", context.get("min_length"))
            message = f"expected a list of {wanted} values, but it has {context.get('actual_length')}"
        case _ if kind in _EXPECTED:
            message = f"expected {_EXPECTED[kind]}, not {describe(details['input'])}"
        case _:
            message = details["msg"]
    code = _CODES.get(kind, "KS0107" if kind in _LIMITS else "KS0106")
    return Diagnostic(code, message, where, dotted(at), help)


def _steps_in(data: Any, location: tuple[int | str, ...]) -> tuple[Path_, Any]:
    """The part of an error's location that exists in the data.

    Pydantic also names the members of unions and the fields that a shorthand stands for.
    """
    steps: list[str | int] = []
    parent = data
    for step in location:
        inside = (isinstance(data, Mapping) and step in data) or (
            isinstance(data, (tuple, list)) and isinstance(step, int) and step < len(data)
        )
        if inside:
            parent, data = data, data[step]
            steps.append(step)
    return tuple(steps), parent


def _known_fields(model: type[BaseModel], steps: Path_, parent: Any, name: str) -> str:
    if len(steps) == 1:
        names = [info.alias or field for field, info in model.model_fields.items()]
        return did_you_mean(name, names, of="fields", limit=14)
    return ""


def _field_help(model: type[BaseModel], name: str) -> str:
    for field, info in model.model_fields.items():
        if (info.alias or field) == name and info.description:
            return f"{name}: {info.description}"
    return ""


def _choices(expected: str) -> list[str]:
    return [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(", ")]


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else describe(value).removeprefix("the number ")
