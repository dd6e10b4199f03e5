"""What may stand at a place of a text, as plain records: kinds, their fields, and their values.

They are made of the declared components. Those of a task's own Python files are described in the
process that runs them, and travel.
"""

from __future__ import annotations

import inspect
import types
from dataclasses import field
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from ksim_schema.acset import sch_task
from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Span
from ksim_schema.explain import models
from ksim_schema.explain.examples import example_of_field
from ksim_schema.records import dataclass
from ksim_schema.units import NUMBER, Unit
from ksim_schema.vocabulary import KINDS, Model, Named, Part, Wire
from ksim_schema.vocabulary.base import File
from ksim_schema.vocabulary.each import ByPattern, Each
from ksim_schema.vocabulary.formula import Formulated


@dataclass
class Shape:
    """What a value may be.

    Attributes:
        units: the units of a quantity, "" for a plain number.
        choices: the words that it may be.
        named: what of the robot it names: joint, body, site, ...; "" for none.
        pattern: whether it may be a regular expression of such names.
        objects: the objects whose parts it names.
        file: what file it is a path of: ``model``, ``task``, ``python`` or any; "" for none.
        formula: whether it is a formula.
        several: whether it may be a list of such values.
        ends: whether a list of it is a range, or has a fixed length.
        kinds: the mappings that it may be.
        patterned: whether it may be a mapping of patterns of names to such values.
        values: of a mapping with keys of the author's own, what each value is.
        path: whether it is the path of a part, as in ``remove``.
    """

    units: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    named: str = ""
    pattern: bool = False
    objects: tuple[str, ...] = ()
    file: str = ""
    formula: bool = False
    several: bool = False
    ends: bool = False
    kinds: list[Kind] = field(default_factory=lambda: [])
    patterned: bool = False
    values: Shape | None = None
    path: bool = False


@dataclass
class Field:
    """A key of a mapping.

    Attributes:
        name: the key.
        takes: what it takes, in words.
        default: its default as an author would write it; "" where it has none.
        required: whether it must be given.
        about: what it is.
        shape: what its value may be.
        example: a value that it may have, where it is required.
    """

    name: str
    takes: str
    default: str
    required: bool
    about: str
    shape: Shape
    example: str = ""


@dataclass
class Kind:
    """A mapping with known keys: a part of one kind, a network, a learner, ...

    Attributes:
        name: what the author writes after ``kind:``; "" where there is no such key.
        title: how it is called.
        about: its description.
        facts: what else is to be known, a line each.
        fields: its keys, without ``kind``.
        object: the object that it is a kind of, or "".
        declared: where a task's own Python file declares it.
    """

    name: str
    title: str
    about: str
    facts: list[str] = field(default_factory=lambda: [])
    fields: list[Field] = field(default_factory=lambda: [])
    object: str = ""
    declared: Span | None = None

    def field(self, name: str) -> Field | None:
        """The field of a name."""
        return next((f for f in self.fields if f.name == name), None)


@cache
def kind_of(model: type[Model], title: str = "") -> Kind:
    """A model as a record."""
    part = issubclass(model, Part)
    name = model.kind_name if part else ""
    info = model.model_fields.get("kind")
    if not name and info is not None:
        name = str(get_args(info.annotation)[0])
    object = model.object if part else ""
    made = Kind(name, title or name, inspect.cleandoc(model.__doc__ or ""), object=object)
    if part:
        made.facts = models.facts_of(object, model)
    if issubclass(model, Custom):
        made.declared = model.declared_at
    _MAKING[model] = made
    for key, field_info in model.model_fields.items():
        if key != "kind":
            made.fields.append(_field(model, key, field_info))
    return made


_MAKING: dict[type[Model], Kind] = {}
"""Those that were begun: a model may hold itself."""


def _field(model: type[Model], key: str, info: FieldInfo) -> Field:
    name = info.alias or key
    shape = Shape()
    _add(shape, info.annotation, list(info.metadata), model, name)
    if issubclass(model, Formulated) and key in ("expression", "let"):
        (shape.values or shape).formula = True
    if key == "model" and issubclass(model, Part) and model.object == "PhysicsState":
        shape.file = "model"
    default = "" if info.is_required() else models.default_text(info, info.get_default())
    example = example_of_field(info) if info.is_required() else ""
    takes = models.takes(model, info)
    about = info.description or ""
    return Field(name, takes, default, info.is_required(), about, shape, example)


def _add(shape: Shape, hint: Any, metadata: list[Any], model: type[Model], name: str) -> None:
    """Add what a type allows."""
    for note in metadata:
        match note:
            case Unit():
                units = ["" if d == NUMBER else str(d) for d in note.allowed]
                shape.units += tuple(u for u in units if u not in shape.units)
            case Named():
                shape.named, shape.pattern = note.what, note.pattern
            case Wire():
                shape.objects = _ends(note, model)
            case File():
                shape.file = "any"
            case _:
                pass
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        _add(shape, hint.__origin__, list(hint.__metadata__), model, name)
    elif origin is Literal:
        shape.choices += tuple(str(a) for a in arguments if str(a) not in shape.choices)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            _add(shape, argument, [], model, name)
    elif origin is tuple:
        shape.several = True
        shape.ends = shape.ends or arguments[-1] is not Ellipsis
        for argument in dict.fromkeys(a for a in arguments if a is not Ellipsis):
            _add(shape, argument, [], model, name)
    elif origin is dict:
        shape.values = shape.values or Shape()
        _add(shape.values, arguments[1], [], model, name)
    elif origin is ByPattern:
        shape.patterned = True
        _add(shape, arguments[0], [], model, name)
    elif hint is bool:
        shape.choices += ("true", "false")
    elif isinstance(hint, type) and issubclass(hint, Model):
        if hint.written == "condition":
            shape.formula = True
        else:
            _add_model(shape, hint, name)
            if hint.written and "geoms" in hint.model_fields:
                shape.named, shape.pattern, shape.several = "geom", True, True
    if any(isinstance(note, Each) for note in metadata):
        shape.patterned = True


def _add_model(shape: Shape, model: type[Model], name: str) -> None:
    made = _MAKING.get(model) or kind_of(model)
    made.title = made.title or name
    if made not in shape.kinds:
        shape.kinds.append(made)


def _ends(wire: Wire, model: type[Model]) -> tuple[str, ...]:
    """The objects that a field's names are parts of."""
    if wire.of is not None:
        return (wire.of,)
    hom = sch_task().homs[wire.hom]
    own = {model.object} if issubclass(model, Part) else set[str]()
    return tuple(sorted((({hom.dom, hom.codom} - own) & set(KINDS)) - {"Trajectory"}))
