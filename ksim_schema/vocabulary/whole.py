"""Whole numbers as people write them: ``6e6``, which YAML reads as a float."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, cast, get_args, get_origin

from pydantic import BaseModel


def with_whole_numbers(model: type[BaseModel], data: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """What is written for a model, with floats that are whole as such where those are wanted."""
    counts = _counted(model)
    if counts.isdisjoint(data):
        return data
    return {name: _whole(value) if name in counts else value for name, value in data.items()}


@cache
def _counted(model: type[BaseModel]) -> frozenset[Any]:
    """The fields of a model, as they are written, whose numbers are all whole."""
    fields = model.model_fields.items()
    return frozenset(info.alias or name for name, info in fields if _counts(info.annotation))


@cache
def _counts(hint: Any) -> bool:
    """Whether the numbers that a type holds are all whole."""
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        return _counts(arguments[0])
    return hint is int or any(map(_counts, arguments))


def _whole(value: Any) -> Any:
    """Floats that are whole numbers as such, also in lists."""
    if isinstance(value, tuple | list):
        return tuple(_whole(member) for member in cast("list[Any]", value))
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value
