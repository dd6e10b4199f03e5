"""Examples of what a model of the language takes, made from its fields; a test reads each."""

from __future__ import annotations

import json
import types
from itertools import chain, combinations
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from ksim_schema.units import NUMBER, Unit
from ksim_schema.vocabulary import Model, Named, Wire
from ksim_schema.vocabulary.base import field_annotation
from ksim_schema.vocabulary.each import ByPattern
from ksim_schema.vocabulary.scale import Scale


def example_of(model: type[Model], **given: str) -> str:
    """A flow mapping that the model accepts: the required fields, and up to two more if need be.

    A field whose type does not say what a value looks like gives ``examples=[...]``.
    """
    fields = dict(given)
    others: list[dict[str, str]] = []
    for name, info in model.model_fields.items():
        value = {info.alias or name: example_of_field(info)}
        if info.is_required():
            fields |= value
        elif name != "kind":
            others.append(value)
    for count in range(3):  # some models want one of several fields
        for more in combinations(others, count):
            text = _flow({**fields, **dict(chain.from_iterable(m.items() for m in more))})
            if _accepts(model, text):
                return text
    return _flow(fields)


def _example_of_model(model: type[Model]) -> str:
    """As :func:`example_of`, with one field where none is needed: ``{}`` shows nothing."""
    text = example_of(model)
    if text != _flow({}):
        return text
    name, info = next(iter(model.model_fields.items()))
    return _flow({info.alias or name: example_of_field(info)})


def _flow(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"


def _accepts(model: type[Model], text: str) -> bool:
    document = parse(text, "example", Sink())
    try:
        return document is not None and bool(model.model_validate(document.data))
    except ValidationError:
        return False


def example_of_field(info: FieldInfo) -> str:
    """A value that a field may have, as it is written in a flow mapping."""
    if info.examples:
        return json.dumps(info.examples[0])
    wire, named = field_annotation(info, Wire), field_annotation(info, Named)
    word = (wire.of or wire.hom).lower() if wire else named.what if named else ""
    if word:
        return f"[{word}]" if get_origin(bare(info.annotation)) is tuple else word
    return _example_of_type(info.annotation, info.metadata)


def _example_of_type(hint: Any, metadata: list[Any] | None = None, number: int = 1) -> str:
    if get_origin(hint) is Annotated:
        return _example_of_type(hint.__origin__, [*hint.__metadata__, *(metadata or ())], number)
    unit = next((m for m in metadata or () if isinstance(m, Unit)), None)
    if unit is not None:
        measured = bool(unit.allowed) and unit.allowed[0] != NUMBER
        return f"{number} {unit.allowed[0]}" if measured else str(number)
    single = only(hint)
    if single is not hint:
        return _example_of_type(single, metadata, number)
    arguments, origin = get_args(hint), get_origin(hint)
    if origin is Literal:
        return str(arguments[0])
    if origin in (Union, types.UnionType):
        return _example_of_type(arguments[0], metadata, number)
    if origin is tuple:
        items = arguments[:1] if arguments[-1] is Ellipsis else arguments
        values = (_example_of_type(item, None, i + 1) for i, item in enumerate(items))
        return "[" + ", ".join(values) + "]"
    if isinstance(hint, type) and issubclass(hint, Model):
        return str(number) if hint is Scale else _example_of_model(hint)
    words: dict[Any, str] = {int: str(number), float: str(number), bool: "true"}
    return words.get(hint, "text")


def bare(hint: Any) -> Any:
    """A type without its annotations and without None."""
    if get_origin(hint) is Annotated:
        return bare(hint.__origin__)
    single = only(hint)
    return hint if single is hint else bare(single)


def only(hint: Any) -> Any:
    """The only type of a union besides None and values by pattern; else the type itself."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    left = [a for a in get_args(hint) if a is not type(None) and get_origin(a) is not ByPattern]
    return left[0] if len(left) == 1 else hint
