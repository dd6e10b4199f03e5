"""Pydantic's errors as diagnostics, with the place in the source and in the author's terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ksim_schema.diagnostics import Diagnostic, Span, closest, did_you_mean
from ksim_schema.diagnostics.codes.structure import (
    BACKWARDS_RANGE,
    MISSING_FIELD,
    MISSING_KIND,
    MISSING_UNIT,
    NOT_A_QUANTITY,
    OUT_OF_RANGE,
    UNKNOWN_FIELD,
    UNKNOWN_KIND,
    WRONG_DIMENSION,
    WRONG_TYPE,
)
from ksim_schema.diagnostics.lookalikes import meant
from ksim_schema.source import Document, Path_, dotted
from ksim_schema.source.edits import respell_as, rewrite, written
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.units import Unit, describe
from ksim_schema.vocabulary.each import ByPattern

_CODES = {
    "missing": MISSING_FIELD,
    "extra_forbidden": UNKNOWN_FIELD,
    "quantity": NOT_A_QUANTITY,
    "dimension": WRONG_DIMENSION,
    "unit_missing": MISSING_UNIT,
    "range_order": BACKWARDS_RANGE,
    "union_tag_invalid": UNKNOWN_KIND,
    "union_tag_not_found": MISSING_KIND,
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
    "finite_number": "a finite number",
    "float_type": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def problems_of(
    error: ValidationError, document: Document, path: Path_, data: Any, model: type[BaseModel]
) -> Iterator[Diagnostic]:
    """Translate a validation error.

    Args:
        error: what Pydantic found.
        document: the source.
        path: the path of the validated value.
        data: the validated value.
        model: the model it was validated against.
    """
    errors = error.errors(include_url=False)
    strange = [e["loc"] for e in errors if e["type"] == "extra_forbidden"]
    told: set[tuple[tuple[int | str, ...], str]] = set()
    for details in errors:
        loc = details["loc"]
        if loc and isinstance(loc[-1], int) and details["type"] in ("dimension", "unit_missing"):
            if (loc[:-1], details["type"]) in told:
                continue  # one unit, of both ends of a range
            told.add((loc[:-1], details["type"]))
        if details["type"] == "missing" and _misspelt(details["loc"], strange):
            continue
        problem = _problem(details, document, path, data, model)
        places = _contradicting(details, document, path, data)
        yield from [replace(problem, where=place) for place in places] or [problem]


def _misspelt(missing: tuple[int | str, ...], strange: list[tuple[int | str, ...]]) -> bool:
    """Whether a field that is missing is one that is reported to be misspelt."""
    beside = [str(loc[-1]) for loc in strange if loc[:-1] == missing[:-1]]
    return any(
        meant(name, (str(missing[-1]),)) or closest(name, (str(missing[-1]),)) for name in beside
    )


def _contradicting(details: ErrorDetails, document: Document, path: Path_, data: Any) -> list[Span]:
    """The places of fields that contradict each other, one for each line."""
    steps = _steps_in(data, details["loc"])
    written = _at(data, details["loc"])
    fields = str(details.get("ctx", {}).get("fields", "")).split()
    present = [field for field in fields if is_mapping(written) and field in written]
    places = [document.at((*path, *steps, field), key=True) for field in present]
    return list({place.line: place for place in places}.values())


def _problem(
    details: ErrorDetails, document: Document, path: Path_, data: Any, model: type[BaseModel]
) -> Diagnostic:
    # for tasks with mistakes
    from ksim_schema.task.repairs import decimal_points, reading_of, repair, reread

    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    location = details["loc"]
    if kind == "missing" and location and isinstance(location[-1], int):
        # A list that is too short; Pydantic names the first element that is not there.
        kind, location = "too_short", location[:-1]
    name = str(location[-1]) if location else ""
    at = (*path, *_steps_in(data, location))
    where = document.at(at, key=kind in ("missing", "union_tag_not_found", "extra_forbidden"))
    if not location and document.at(at, key=True).line != where.line:  # a block: name the part
        where = document.at(at, key=True)
    help = str(context.get("help", ""))
    match kind:
        case "missing":
            message = f"the field {name!r} is missing"
            help = help or _description(model, location)
        case "extra_forbidden":
            message, help = f"unknown field {name!r}", _known_fields(model, location)
            key, equals, value = (step.strip() for step in name.partition("="))
            if given is None and set(name) & set("()[]*/+"):  # what a comma has cut off
                help = "a text with a ',' in it stands in quotes: {expression: \"max(a, b)\"}"
            if equals and key in _fields(model, location):
                help = f"a field and its value are separated by ': ': write '{key}: {value}'"
        case "union_tag_invalid":
            at = (*at, "kind")
            where = document.at(at)
            tag = given["kind"]
            known = isinstance(tag, str)
            message = (
                f"unknown kind {tag!r}" if known else f"a kind is a string, not {describe(tag)}"
            )
            help = did_you_mean(str(context.get("tag")), _tags(model, location), of="kinds")
        case "union_tag_not_found":
            message = "the kind is missing"
            help = "add 'kind:'; kinds: " + ", ".join(_tags(model, location))
        case "literal_error":
            allowed = list(map(_plain, _literals(model, location)))
            choice = " or ".join(filter(None, (", ".join(allowed[:-1]), allowed[-1])))
            message = f"expected {choice}, not {_shown(given)}"
            likely = closest(given, allowed) if isinstance(given, str) else []
            help = f"did you mean {likely[0]!r}?" if likely else _instead(model, location, given)
        case "range_order" if is_list(given) and len(given) == 2:
            low, high = (_shown(value) for value in given)
            message = f"the range runs from {low} to {high}, but the lower end comes first"
        case _ if kind in _LIMITS:
            bound, words = _LIMITS[kind]
            limit = f"{context.get(bound):g} {_unit(model, location)}".strip()
            message = f"expected {words} {limit}, not {_shown(given)}"
        case "too_long" | "too_short":
            count = f"{len(given)} value{'s' if len(given) != 1 else ''}"
            message = f"expected {_list_of(model, location)}, but this list has {count}"
            pointed = decimal_points(document, where, len(given))
            if pointed is not None and kind == "too_long":
                help = f"a comma ends a value, and a decimal point is '.': write {pointed}"
                fix = rewrite(document, where, pointed)
                return Diagnostic(WRONG_TYPE, message, where, dotted(at), help, fix)
        case _ if kind in _EXPECTED:
            expected = _EXPECTED[kind]
            if kind == "tuple_type":
                expected = _list_of(model, location)
            message = f"expected {expected}, not {describe(given)}"
            help = help or _instead(model, location, given)
        case _ if _at(data, location) is None:  # a shorthand was made of it
            message, help = "expected a value, not nothing (null)", _instead(model, location, None)
        case _:
            message = details["msg"]
    code = _CODES.get(kind, OUT_OF_RANGE if kind in _LIMITS else WRONG_TYPE)
    single = (
        bool(location) and isinstance(location[-1], int) and not is_list(_at(data, location[:-1]))
    )
    reading = reading_of(kind, given, context, range=single)
    if reading is not None:
        code, message, help = reading.code, reading.message, reading.instead
        return Diagnostic(code, message, where, dotted(at), help, reread(document, where, reading))
    fix = repair(kind, document, at, where, str(context.get("unit", "")))
    if kind in _NAMED:
        name = str(context.get("tag")) if kind == "union_tag_invalid" else name
        name = str(given) if kind == "literal_error" else name
        choices = _choices(kind, model, location, data)
        if kind == "extra_forbidden" and (written(document, where) or "").endswith(f".{name}"):
            choices = _fields(model, location)  # a path of 'set' may set what is there
        fix = respell_as(document, where, name, choices)
    return Diagnostic(code, message, where, dotted(at), help, fix)


_NAMED = ("extra_forbidden", "union_tag_invalid", "literal_error")
"""Errors of a name that is not one of those that there are."""


def _choices(
    kind: str, model: type[BaseModel], location: tuple[int | str, ...], data: Any
) -> list[str]:
    """The names that could have been written."""
    if kind == "literal_error":
        return list(map(_plain, _literals(model, location)))
    if kind == "union_tag_invalid":
        return _tags(model, location)
    around = _at(data, location[:-1])
    return [name for name in _fields(model, location) if name not in around]


def _member(data: Any, step: int | str) -> tuple[Any] | None:
    """The value at one step of a path, in a tuple, or None where there is no such step."""
    if isinstance(step, str):
        return (data[step],) if is_mapping(data) and step in data else None
    return (data[step],) if is_list(data) and step < len(data) else None


def _steps_in(data: Any, location: tuple[int | str, ...]) -> Path_:
    """The part of an error's location that exists in the data.

    Pydantic also names the members of unions and the fields that a shorthand stands for.
    """
    steps: list[str | int] = []
    for step in location:
        found = _member(data, step)
        if found is not None:
            data = found[0]
            steps.append(step)
    return tuple(steps)


def _at(data: Any, location: tuple[int | str, ...]) -> Any:
    """The value at the part of a location that exists in the data."""
    for step in _steps_in(data, location):
        data = data[step]
    return data


def _members(hint: Any) -> Iterator[Any]:
    """The types that a type hint is a union of, without annotations and None."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _members(get_args(hint)[0])
    elif origin in (Union, UnionType):
        for member in get_args(hint):
            yield from _members(member)
    elif hint is not NoneType:
        yield hint


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _named_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or field: info for field, info in model.model_fields.items()}


def _hints(model: type[BaseModel], location: tuple[int | str, ...]) -> list[Any]:
    """The type hints of the value at a location that Pydantic reports."""
    hints: list[Any] = [model]
    for step in location:
        inner: list[Any] = []
        for member in (m for hint in hints for m in _members(hint)):
            if _is_model(member) and step in _named_fields(member):
                info = _named_fields(member)[str(step)]
                inner.append(Annotated[info.annotation, *info.metadata, None])
            elif _is_model(member) and step in _own_tags(member):
                inner.append(member)
            elif get_origin(member) is ByPattern and step not in ("one", "each"):
                inner.append(get_args(member)[0])
            elif get_origin(member) is tuple and isinstance(step, int):
                elements = get_args(member)
                inner.append(elements[0 if elements[-1] is Ellipsis else step])
        hints = inner or hints
    return hints


def _types(model: type[BaseModel], location: tuple[int | str, ...]) -> list[Any]:
    return [member for hint in _hints(model, location) for member in _members(hint)]


def _own_tags(model: type[BaseModel]) -> tuple[Any, ...]:
    info = model.model_fields.get("kind")
    return get_args(info.annotation) if info else ()


def _tags(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The kinds of a union of components."""
    models = (hint for hint in _types(model, location) if _is_model(hint))
    return [str(tag) for member in models for tag in _own_tags(member)]


def _literals(model: type[BaseModel], location: tuple[int | str, ...]) -> list[Any]:
    hints = _types(model, location)
    return [v for hint in hints if get_origin(hint) is Literal for v in get_args(hint)]


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list_of(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """What list a field takes."""
    for hint in _types(model, location):
        if get_origin(hint) is not tuple:
            continue
        elements = get_args(hint)
        if elements[-1] is not Ellipsis:
            return "a range [low, high]" if len(elements) == 2 else f"a list of {len(elements)}"
        if any(_is_model(member) for member in _members(elements[0])):
            return "a mapping, or a list of mappings"
    lengths = (getattr(m, "min_length", 0) for h in _hints(model, location) for m in _metadata(h))
    least = max(lengths, default=0)
    return f"a list of {least} or more values" if least else "a list"


def _metadata(hint: Any) -> tuple[Any, ...]:
    return getattr(hint, "__metadata__", ())


def _unit(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The SI unit of a field, "" for a plain number or when there are several."""

    def units(hint: Any) -> Iterator[Unit]:
        yield from (m for m in _metadata(hint) if isinstance(m, Unit))
        for argument in get_args(hint):
            yield from units(argument)

    found = {unit.allowed for hint in _hints(model, location) for unit in units(hint)}
    allowed = found.pop() if len(found) == 1 else ()
    return str(allowed[0]) if len(allowed) == 1 else ""


def _known_fields(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    names = _fields(model, location)
    return did_you_mean(str(location[-1]), names, of="fields", limit=16) if names else ""


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The fields beside the one at a location, a kind's own first."""
    for member in _types(model, location[:-1]):
        if _is_model(member):
            fields = _named_fields(member)
            own = [name for name in fields if name in member.__annotations__]
            return [*own, *(name for name in fields if name not in own)]
    return []


def _description(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The description of the field at a location."""
    for member in _types(model, location[:-1]) if location else ():
        info = _named_fields(member).get(str(location[-1])) if _is_model(member) else None
        if info is not None and info.description:
            return f"{location[-1]}: {info.description}"
    return ""


def _instead(model: type[BaseModel], location: tuple[int | str, ...], given: object) -> str:
    """The help for a value of the wrong type."""
    from ksim_schema.units.readings import NOTHING

    if given is None or (isinstance(given, str) and given.strip().lower() in NOTHING):
        for member in _types(model, location[:-1]) if location else ():
            info = _named_fields(member).get(str(location[-1])) if _is_model(member) else None
            if info is not None and not info.is_required():
                word = "" if given is None else f"{given!r} is a string; "
                return f"{word}leave the field out to have its default"
    if isinstance(given, str) and given in _tags(model, location):
        return f"write {{kind: {given}}}"
    return _description(model, location)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else describe(value).removeprefix("the number ")
