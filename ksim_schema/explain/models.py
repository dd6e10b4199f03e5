"""What ``ksim-compile --explain`` says of a model of the language: its fields, and an example."""

from __future__ import annotations

import functools
import inspect
import re
import shutil
import textwrap
import types
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple, Union, cast, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator
from pydantic.fields import FieldInfo

from ksim_schema.acset import sch_task
from ksim_schema.explain.examples import bare, example_of
from ksim_schema.units import NUMBER, Measured, Unit
from ksim_schema.vocabulary import KINDS, Model, Named, Part, Wire
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.base import as_pair, field_annotation
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

WIDTH, WIDEST = 100, 120
"""Characters of a line of text, and of a line of a table, where no terminal has fewer."""


def width(most: int = WIDTH) -> int:
    """Characters that a line may take: at most those of the terminal, and 40 in any case."""
    return max(40, min(most, shutil.get_terminal_size((most, 24)).columns))


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


def other(model: type[Model], title: str) -> str:
    """What is said of a model that is not a part, with an example where it has several kinds."""
    kind, field = _kind(model), _FIELDS.get(model, "")
    if not kind or not field:
        return _model(model, title)
    example = f"Example:\n{field}: {example_of(model, kind=kind)}\n"
    return _model(model, f"{kind} ({field})") + "\n" + example


def field_of(model: type[Model]) -> str:
    """The field in which a model that is not a part stands; "" for a learner's section."""
    others()
    return _FIELDS.get(model, "")


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


def component(object: str, model: type[Part]) -> str:
    """What is said of a kind of an object, with an example."""
    facts = facts_of(object, model)
    example = f"Example:\n{object}:\n  name: {example_of(model, kind=model.kind_name)}\n"
    return _model(model, f"{object}: {model.kind_name}", facts) + "\n" + example


def facts_of(object: str, model: type[Part]) -> list[str]:
    """What is to be known of a kind besides its description and its fields, a line for each."""
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
    return facts


def _model(model: type[Model], title: str, facts: list[str] | None = None) -> str:
    about = "\n".join((inspect.getdoc(model) or "", *([""] if facts else []), *(facts or ())))
    rows = parameters(model)
    if not rows:
        return f"{title}\n\n{about.rstrip()}\n\nIt has no parameters.\n"
    widths = [max(len(row[i]) for row in (*rows, _TITLES)) for i in range(3)]
    lines: list[str] = []
    for row in (_TITLES, *rows):
        start = "  ".join(f"{cell:{wide}}" for cell, wide in zip(row, widths, strict=False))
        room = width(WIDEST) - len(start)
        if room < 40 and row.about:  # a narrow terminal: what it is stands below
            lines.append(f"  {start}".rstrip())
            lines += textwrap.wrap(
                row.about, width() - 6, initial_indent=" " * 6, subsequent_indent=" " * 6
            )
            continue
        about_lines = textwrap.wrap(row.about, max(40, room)) or [""]
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


@functools.lru_cache(maxsize=1024)  # a word is looked for among the fields of all models
def parameters(model: type[Model]) -> tuple[Row, ...]:
    """The fields of a model, and of the models in it, without ``kind``."""
    return tuple(_parameters(model, ""))


def _parameters(model: type[Model], prefix: str) -> Iterator[Row]:
    for name, info in model.model_fields.items():
        if name == "kind":
            continue
        name = prefix + (info.alias or name)
        inner = bare(info.annotation)
        about = info.description or ""
        if isinstance(inner, type) and issubclass(inner, Model) and not inner.written:
            default = "required" if info.is_required() else ""
            several = field_annotation(info, Each) is not None
            form = "a mapping, or by pattern:" if several else "a mapping:"
            yield Row(name, form, default, about)
            yield from _parameters(inner, f"{name}.")
            continue
        default = "required" if info.is_required() else default_text(info, info.get_default())
        yield Row(name, takes(model, info), default, about)


def takes(model: type[Model], info: FieldInfo) -> str:
    """What a field of a model takes, in the words of an author."""
    wire, named = field_annotation(info, Wire), field_annotation(info, Named)
    several = get_origin(bare(info.annotation)) is tuple
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
    words: dict[Any, str] = {
        int: "whole number",
        float: "number",
        bool: "true | false",
        str: "text",
    }
    return words.get(hint, "value")


def default_text(info: FieldInfo, value: Any) -> str:
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
            return "[" + ", ".join(default_text(info, item) for item in items) + "]"
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
