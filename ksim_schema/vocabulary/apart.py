"""Parts with values by patterns, taken apart: what is asked of one number is asked of each."""

import re
from collections.abc import Iterator
from typing import Any, TypeVar, cast

from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary.base import Model, Named, Part, field_annotation
from ksim_schema.vocabulary.each import ByPattern, by_patterns

P = TypeVar("P", bound=Part)
M = TypeVar("M", bound=Model)


def apart(part: P, robot: RobotFacts) -> Iterator[P]:
    """Parts with one value for all that together say what a part says by patterns.

    The things that have the same values stand in one of them. A part without values by patterns is
    yielded as it is, and so is one whose values are of things without names.
    """
    given = list(by_patterns(part))
    fields = {_selector(part, each.field, robot) for _, each, _ in given}
    if not given or len(fields) != 1 or None in fields:
        yield part
        return
    (field,) = fields
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in dict.fromkeys(part.things(str(field), robot) or ()):
        try:
            places = tuple(value.index(name) for _, _, value in given)
        except KeyError:  # reported where patterns are checked
            continue
        groups.setdefault(places, []).append(name)
    for places, names in groups.items():
        piece = part
        for (path, _, value), place in zip(given, places, strict=True):
            piece = replaced(piece, path, value.values[place])
        texts = tuple(re.escape(name) for name in names)
        yield piece.model_copy(update={str(field): texts})


def of_one(part: P, robot: RobotFacts, name: str) -> P:
    """The part as it is for one thing."""
    for path, each, value in by_patterns(part):
        if name in (part.things(each.field, robot) or ()):
            part = replaced(part, path, value.values[value.index(name)])
    return part


def _selector(part: Part, field: str, robot: RobotFacts) -> str | None:
    """The field of patterns that selects what values are of."""
    for name in (field,) if field in type(part).model_fields else ("joints", "actuators"):
        info = type(part).model_fields.get(name)
        if info is not None and field_annotation(info, Named) is not None:
            selected = set(part.things(name, robot) or ())
            if selected and selected == set(part.things(field, robot) or ()):
                return name
    return None


def replaced(model: M, path: tuple[str | int, ...], value: Any) -> M:
    """A model with another value at a path, whose steps are as their author writes them."""
    step, *rest = path
    fields = type(model).model_fields
    name = next((f for f, info in fields.items() if (info.alias or f) == step), str(step))
    return model.model_copy(update={name: _within(getattr(model, name), tuple(rest), value)})


def _within(old: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(old, ByPattern):
        by = cast("ByPattern[Any]", old)
        entries = ((p, _within(v, path[1:], value) if p == path[0] else v) for p, v in by.entries)
        return ByPattern(tuple(entries))
    if isinstance(old, tuple):
        members = cast("tuple[Any, ...]", old)
        return tuple(
            _within(v, path[1:], value) if i == path[0] else v for i, v in enumerate(members)
        )
    return replaced(old, path, value)
