"""What ``ksim-compile --explain`` and ``--list`` print: diagnostics and declared components."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
import types
from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from typing import Annotated, Any, Literal, NamedTuple, Union, cast, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from ksim_schema.acset import sch_task
from ksim_schema.diagnostics import Sink, closest
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.source import parse
from ksim_schema.units import NUMBER, Measured, Unit
from ksim_schema.vocabulary import KINDS, Model, Named, Part, Wire
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.base import Kinds, as_pair, field_annotation
from ksim_schema.vocabulary.distributions import DISTRIBUTIONS
from ksim_schema.vocabulary.each import ByPattern, Each
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.networks import NETWORKS
from ksim_schema.vocabulary.noise import Noise
from ksim_schema.vocabulary.objects import JUDGES, OBJECT
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.scale import Scale
from ksim_schema.vocabulary.termination import Termination

WIDTH = 100


def explain(word: str, known: Kinds = KINDS) -> str | None:
    """The text about a code, a kind, an object or another model of the language.

    Returns:
        None when there is nothing of this name; see :func:`suggest`.
    """
    if word.upper() in CATALOGUE:
        code = CATALOGUE[word.upper()]
        body = textwrap.fill(code.explanation, WIDTH)
        return f"{code}: {code.phrase} ({code.severity})\n\n{body}\n"
    found = [_component(o, kinds[word]) for o, kinds in known.items() if word in kinds]
    found += [_other(model, word) for title, model in others() if title == word]
    if word in known:
        found.append(_object(word, known[word]))
    return "\n".join(found) or None


def suggest(word: str, kinds: Kinds = KINDS) -> str:
    """What else could have been meant."""
    known = [*CATALOGUE, *kinds, *(kind for of in kinds.values() for kind in of)]
    known += [title for title, _ in others()]
    names = " or ".join(map(repr, closest(word, known, limit=3)))
    return f"did you mean {names}?" if names else "--list lists every kind"


def list_kinds(known: Kinds = KINDS) -> str:
    """Every declared component with the first sentence of what it is, by object."""
    width = max(len(kind) for kinds in known.values() for kind in kinds)
    lines: list[str] = []
    for object, kinds in known.items():
        lines.append(object)
        lines += [f"  {kind:{width}}  {first_sentence(model)}" for kind, model in kinds.items()]
    lines.append("networks, distributions and more")
    lines += [f"  {title:{width}}  {first_sentence(model)}" for title, model in others()]
    return "\n".join(lines) + "\n"


def others() -> tuple[tuple[str, type[Model]], ...]:
    """Models that authors write, but are not parts, by their kind or the field they stand in."""
    found: dict[str, type[Model]] = {}
    for field, kinds in (("network", NETWORKS), ("distribution", DISTRIBUTIONS)):
        found |= kinds
        _FIELDS.update(dict.fromkeys(kinds.values(), field))
    found |= {"noise": Noise, "scale": Scale, **LEARNERS}
    models: list[type[Model]] = [*found.values(), *chain(*(of.values() for of in KINDS.values()))]
    for model in models:  # grows
        for name, info in model.model_fields.items():
            for inner in _models_in(info.annotation):
                if inner not in models and not inner.written:
                    models.append(inner)
                    _FIELDS[inner] = info.alias or name
                    found.setdefault(_kind(inner) or info.alias or name, inner)
    return tuple(found.items())


_FIELDS: dict[type[Model], str] = {}
"""The field in which a model that is not a part stands."""


def _other(model: type[Model], title: str) -> str:
    """What is said of a model that is not a part, with an example where it has several kinds."""
    kind, field = _kind(model), _FIELDS.get(model, "")
    if not kind or not field:
        return _model(model, title)
    example = f"Example:\n{field}: {example_of(model, kind=kind)}\n"
    return _model(model, f"{kind} ({field})") + "\n" + example


def _kind(model: type[Model]) -> str:
    info = model.model_fields.get("kind")
    return str(get_args(info.annotation)[0]) if info else ""


def _models_in(hint: Any) -> Iterator[type[Model]]:
    """The models in a type, wherever they stand."""
    if isinstance(hint, type) and issubclass(hint, Model):
        yield hint
    for argument in get_args(hint):
        yield from _models_in(argument)


def first_sentence(model: type[Model]) -> str:
    """The first sentence of what a model is."""
    paragraph = " ".join((inspect.getdoc(model) or "").split("\n\n", 1)[0].split())
    return re.split(r"(?<=\.) +(?=[^a-z])", paragraph, maxsplit=1)[0]


def _object(name: str, of: Mapping[str, type[Part]]) -> str:
    shared = [set(kind.__mro__[1:]) for kind in of.values()]
    parent = next(c for c in next(iter(of.values())).__mro__[1:] if all(c in s for s in shared))
    text = re.split(r"\n\n(?:Class a|A)ttributes:\n", inspect.getdoc(parent) or "")[0]
    about = f"{text}\n\n" if parent not in (Part, Model) else ""
    kinds = textwrap.fill(", ".join(of), WIDTH)
    return f"{name}\n\n{about}Kinds:\n{kinds}\n"


def _component(object: str, model: type[Part]) -> str:
    shape = _shape(object, model)
    facts = [f"Shape: {shape}."] if shape else []
    if issubclass(model, Reward) and model.penalty:
        facts.append("A penalty: scale * value is subtracted from the total.")
    if model.floating:
        facts.append("It needs a robot with a free joint.")
    if issubclass(model, Observation) and not model.sensed:
        facts.append("No robot senses it: it is for critics.")
    if issubclass(model, Termination) and model.timeout:
        facts.append("A time-out: the value of the last state is bootstrapped.")
    if model.effects:
        facts.append("Quantities (ksim-compile --emit ranges TASK prints them of a task):")
        facts += [f"  it {effect.in_words()}" for effect in model.effects]
    example = f"Example:\n{object}:\n  name: {example_of(model, kind=model.kind_name)}\n"
    return _model(model, f"{object}: {model.kind_name}", facts) + "\n" + example


def _model(model: type[Model], title: str, facts: list[str] | None = None) -> str:
    about = "\n".join((inspect.getdoc(model) or "", *([""] if facts else []), *(facts or ())))
    rows = list(parameters(model))
    if not rows:
        return f"{title}\n\n{about.rstrip()}\n\nIt has no parameters.\n"
    widths = [max(len(row[i]) for row in (*rows, _TITLES)) for i in range(3)]
    lines = []
    for row in (_TITLES, *rows):
        start = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False))
        about_lines = textwrap.wrap(row.about, max(40, WIDTH + 20 - len(start))) or [""]
        lines.append(f"  {start}  {about_lines[0]}".rstrip())
        lines += [" " * (len(start) + 4) + line for line in about_lines[1:]]
    return "\n".join((title, "", about.rstrip(), "", *lines)) + "\n"


def _shape(object: str, model: type[Part]) -> str:
    """The shape of a part's value in words; "" for parts without one."""
    if not OBJECT[object].valued:
        return ""
    if issubclass(model, Reward) and model.components:
        names = ", ".join(model.components)
        count = len(model.components)
        return f"{count} number{'s' * (count != 1)}, logged apart: {names}"
    if object in (*JUDGES, "Critic"):
        return "one number"
    if issubclass(model, Action):
        return model.outputs
    blank: Any = model.model_construct()
    try:  # a constant shape is one that can be had without a robot and without fields
        shape = (blank.size(None),) if object == "Command" else blank.shape(None)
    except (AttributeError, TypeError):
        return "given by the task and its robot; ksim-compile prints it"
    if -1 in shape:
        return "that of the action"
    return "x".join(map(str, shape))


class Row(NamedTuple):
    """What is printed of a field."""

    name: str
    takes: str
    default: str
    about: str


_TITLES = Row("parameter", "takes", "default", "")


def parameters(model: type[Model], prefix: str = "") -> Iterator[Row]:
    """The fields of a model, and of the models in it, without ``kind``."""
    for name, info in model.model_fields.items():
        if name == "kind":
            continue
        name = prefix + (info.alias or name)
        inner = _bare(info.annotation)
        about = info.description or ""
        if isinstance(inner, type) and issubclass(inner, Model) and not inner.written:
            default = "required" if info.is_required() else ""
            several = field_annotation(info, Each) is not None
            takes = "a mapping, or by pattern:" if several else "a mapping:"
            yield Row(name, takes, default, about)
            yield from parameters(inner, f"{name}.")
            continue
        default = "required" if info.is_required() else _text(info, info.get_default())
        yield Row(name, _takes(model, info), default, about)


def _takes(model: type[Model], info: FieldInfo) -> str:
    wire, named = field_annotation(info, Wire), field_annotation(info, Named)
    several = get_origin(_bare(info.annotation)) is tuple
    if wire is not None:
        hom = sch_task().homs[wire.hom]
        ends = {hom.dom, hom.codom} - ({model.object} if issubclass(model, Part) else set())
        other = wire.of or " or ".join(sorted(ends & set(KINDS)))
        return f"{other} names" if several else f"{other} name"
    if named is not None:
        noun = "pattern" if named.pattern else "name"
        return f"{named.what} {noun}{'s' if several else ''}"
    return _type(info.annotation, info.metadata)


def _type(hint: Any, metadata: list[Any] | None = None) -> str:
    """What a type takes, in the words of a YAML author."""
    if get_origin(hint) is Annotated:
        return _type(hint.__origin__, [*hint.__metadata__, *(metadata or ())])
    unit = next((m for m in metadata or () if isinstance(m, Unit)), None)
    if unit is not None:
        units = ["number" if d == NUMBER else str(d) for d in unit.allowed]
        return " or ".join(units) or "any unit"
    arguments = [a for a in get_args(hint) if a is not type(None)]
    origin = get_origin(hint)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        plain = [a for a in arguments if get_origin(a) is not ByPattern]
        text = " | ".join(dict.fromkeys(map(_type, plain)))
        return text if len(plain) == len(arguments) else f"{text}, or by pattern"
    if origin is dict:
        return f"{{name: {_type(arguments[1])}}}"
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"list of {_type(arguments[0])}"
    if origin is tuple:
        inner = list(dict.fromkeys(map(_type, arguments)))
        if len(inner) > 1:
            return f"[{', '.join(inner)}]"
        shorthands = [m.func for m in metadata or () if isinstance(m, BeforeValidator)]
        ordered = any(isinstance(m, AfterValidator) for m in metadata or ())
        graded = as_pair in shorthands and not ordered
        return f"[{'first, last' if graded else 'low, high'}] {inner[0]}"
    if isinstance(hint, type) and issubclass(hint, Model):
        kind = hint.model_fields.get("kind")
        if hint.written:
            return hint.written
        return get_args(kind.annotation)[0] if kind else "noise" if hint is Noise else "mapping"
    words = {int: "whole number", float: "number", bool: "true | false", str: "text"}
    return words.get(hint, "value")


def _bare(hint: Any) -> Any:
    """A type without its annotations and without None."""
    if get_origin(hint) is Annotated:
        return _bare(hint.__origin__)
    only = _only(hint)
    return hint if only is hint else _bare(only)


def _only(hint: Any) -> Any:
    """The only type of a union besides None and values by pattern; else the type itself."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    left = [a for a in get_args(hint) if a is not type(None) and get_origin(a) is not ByPattern]
    return left[0] if len(left) == 1 else hint


def _text(info: FieldInfo, value: Any) -> str:
    """A default as the author would write it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case Scale():
            return f"{value.constant:g}" if value.constant is not None else "a curve"
        case Model():
            return str(dict(value).get("kind") or "a mapping")
        case tuple():
            items = cast("tuple[Any, ...]", value)
            return "[" + ", ".join(_text(info, item) for item in items) + "]"
        case Measured():
            return str(value)
        case float():
            unit = field_annotation(info, Unit)
            if unit and len(unit.allowed) > 1 and value:
                return f"{value:g} " + " or ".join(map(str, unit.allowed))
            dimension = unit.allowed[0] if unit and len(unit.allowed) == 1 else NUMBER
            return f"{value:g}" if dimension == NUMBER else f"{value:g} {dimension}"
        case _:
            return str(value)


def example_of(model: type[Model], **given: str) -> str:
    """A flow mapping that the model accepts: the required fields, and up to two more if need be.

    A field whose type does not say what a value looks like gives ``examples=[...]``.
    """
    fields = dict(given)
    others: list[dict[str, str]] = []
    for name, info in model.model_fields.items():
        value = {info.alias or name: _example(info)}
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
    return _flow({info.alias or name: _example(info)})


def _flow(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"


def _accepts(model: type[Model], text: str) -> bool:
    document = parse(text, "example", Sink())
    try:
        return document is not None and bool(model.model_validate(document.data))
    except ValidationError:
        return False


def _example(info: FieldInfo) -> str:
    if info.examples:
        return json.dumps(info.examples[0])
    wire, named = field_annotation(info, Wire), field_annotation(info, Named)
    word = (wire.of or wire.hom).lower() if wire else named.what if named else ""
    if word:
        return f"[{word}]" if get_origin(_bare(info.annotation)) is tuple else word
    return _example_of_type(info.annotation, info.metadata)


def _example_of_type(hint: Any, metadata: list[Any] | None = None, number: int = 1) -> str:
    if get_origin(hint) is Annotated:
        return _example_of_type(hint.__origin__, [*hint.__metadata__, *(metadata or ())], number)
    unit = next((m for m in metadata or () if isinstance(m, Unit)), None)
    if unit is not None:
        measured = bool(unit.allowed) and unit.allowed[0] != NUMBER
        return f"{number} {unit.allowed[0]}" if measured else str(number)
    only = _only(hint)
    if only is not hint:
        return _example_of_type(only, metadata, number)
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
    return {int: str(number), float: str(number), bool: "true"}.get(hint, "text")
