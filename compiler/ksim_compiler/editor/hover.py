"""Hover: what stands under the cursor, what is known of it, and where its value comes from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from ksim_compiler.editor import formulas, prose
from ksim_compiler.editor.places import Place, place_at
from ksim_compiler.editor.studies import PATHS
from ksim_compiler.editor.text import Stretch
from ksim_compiler.editor.view import KEYS, View, is_study, learners
from ksim_schema.acset import sch_task
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.source import Path_
from ksim_schema.source.flow import flow
from ksim_schema.source.paths import COMPONENTS, EXTENDS, SET
from ksim_schema.units import QuantityError, parse
from ksim_schema.units.quantity import Measured
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.objects import OBJECT

_CODE = re.compile(r"KS[0-9]{4}")
Said = tuple[str, Stretch]


def hover(view: View, offset: int, link: str) -> Said | None:
    """What is said of an offset, in Markdown, and the stretch that it is about.

    Args:
        view: the file as a task.
        offset: of the cursor.
        link: the page about diagnostics, to which a code's name in lower case is added.
    """
    text = view.file.text
    line = text.line_of(offset)
    start = text.starts[line]
    for found in _CODE.finditer(text.line(line)):
        if start + found.start() <= offset <= start + found.end() and found[0] in CATALOGUE:
            code = CATALOGUE[found[0]]
            here = Stretch(start + found.start(), start + found.end())
            return prose.of_code(code, link + str(code).lower()), here
    place = place_at(view.tree, text.text, offset)
    if place is None or place.role == "new" or place.start == place.end:
        return None
    path = view.real(place.path)
    if place.role == "key":
        said = "\n\n---\n\n".join(filter(None, _of_key(view, place, path, offset)))
        return (said, Stretch(place.start, place.end)) if said else None
    return _of_value(view, place, path, offset)


def _of_key(view: View, place: Place, path: Path_, offset: int) -> Iterator[str]:
    assert place.entry is not None
    key = place.entry.key
    own = is_study(view.file)
    if place.path in ([(p,) for p in PATHS] if own else [(SET,)]):
        real: Path_ = tuple(key.split("."))
    else:
        real = (*path, key)
    if len(real) == 1:
        field = view.field_at(real) if own else None
        yield prose.of_field(field) if field is not None else of_section(key)
    elif len(real) == 2 and real[0] in KINDS:
        yield _of_part(view, str(real[0]), str(real[1]))
    elif real[0] == "morphisms" and len(real) == 2 and key in sch_task().homs:
        hom = sch_task().homs[key]
        yield f"**{key}**: {hom.dom} to {hom.codom}\n\n{hom.about}"
    elif key == "kind" and len(real) > 2:
        kind = view.kind_at(real[:-1])
        yield prose.of_kind(kind) if kind else "**kind**: which kind it is"
    else:
        field = view.field_at(real)
        if field is not None:
            yield prose.of_field(field)
        elif (thing := _pattern(view, real)) is not None:
            yield thing
    yield _inherited(view, real, place.path == (SET,) or len(real) > 1)


def of_section(name: str) -> str:
    """What a key of a task is."""
    if name in learners():
        return prose.of_kind(learners()[name])
    if name in OBJECT:
        kinds = ", ".join(f"`{kind}`" for kind in KINDS[name])
        return f"**{name}**: {OBJECT[name].about}\n\nKinds: {kinds}"
    return f"**{name}**: {KEYS[name]}" if name in KEYS else ""


def _pattern(view: View, path: Path_) -> str | None:
    """What a pattern of names matches of the robot."""
    above = view.shape_at(path[:-1]) if len(path) > 3 else None
    if above is None or not above.patterned:
        return None
    found: list[str] = []
    for what in ("joint", "body", "geom"):
        found += [t.name for t in view.known.matching(what, str(path[len(path) - 1]))]
        if found:
            break
    return f"matches {', '.join(found)}" if found else None


def _of_part(view: View, object: str, name: str) -> str:
    """A part: its kind, and what the task says of the quantities that it is about."""
    word = view.parts(object).get(name, "")
    kind = view.kinds(object).get(word)
    ranges = prose.of_quantities(q for q in view.known.quantities if (object, name) in q.parts)
    first = prose.of_kind(kind) if kind else f"**{name}**: {object}"
    return f"{ranges}\n\n---\n\n{first}" if ranges else first


def _inherited(view: View, path: Path_, told: bool) -> str:
    """The value that the tasks that this one extends give a path, and where."""
    value = view.data_at(path) if told else None
    if value is None or path[0] not in (*KINDS, *learners()):
        return ""
    span = view.base.at(path)
    where = f"{span.file}:{span.line}"
    shown = flow(value)
    shown = shown if len(shown) < 300 else f"{shown[:297]}..."
    return f"In `{where}`: `{shown}`"


def _of_value(view: View, place: Place, path: Path_, offset: int) -> Said | None:
    node, text = place.node, view.file.text.text
    if node is None or node.kind != "scalar":
        return None
    here = Stretch(node.start, node.end)
    word = node.text
    if path and path[-1] == "kind":
        kinds = [k for k in view.kinds_at(path[:-1]) if k.name == word]
        return (prose.of_kind(kinds[0]), here) if kinds else None
    shape = view.shape_at(path)
    if path[0] in (EXTENDS, COMPONENTS) and shape is not None:
        file = view.folder / word
        there = "" if file.exists() else ": there is no such file"
        return f"`{file}`{there}", here
    if shape is None:
        return None
    if shape.path:
        said = _inherited(view, tuple(word.split(".")), True)
        return (said, here) if said else None
    if shape.formula:
        found = formulas.about(view, text[node.start : node.end], offset - node.start)
        if found is not None:
            return found[0], Stretch(node.start + found[1], node.start + found[2])
        return None
    parts = [prose.of_part(view, o, n) for o, n, _ in view.names(shape.objects) if n == word]
    if shape.objects and parts:
        ranges = [
            q for q in view.known.quantities if any((o, word) in q.parts for o in shape.objects)
        ]
        return "\n\n---\n\n".join(filter(None, (*parts, prose.of_quantities(ranges)))), here
    if shape.named:
        thing = view.known.thing(shape.named, word)
        if thing is not None:
            return thing.about, here
        matched = view.known.matching(shape.named, word) if shape.pattern else []
        if matched:
            names = ", ".join(thing.name for thing in matched)
            return f"`{word}` matches {len(matched)} of the robot: {names}", here
    if shape.file == "model":
        return (f"{view.known.robot}\n\n`{view.known.model}`", here) if view.known.robot else None
    field = view.field_at(path)
    said_ = [of_quantity(word), prose.of_field(field) if field else ""]
    said_ += [_inherited(view, path, place.path[0] != SET)]
    joined = "\n\n---\n\n".join(filter(None, said_))
    return (joined, here) if joined else None


def of_quantity(text: str) -> str:
    """A quantity in the units that it may be written in: ``0.6 rad`` is 34.38 deg."""
    if not re.search("[A-Za-z%]", text) or len(text) > 60:
        return ""
    try:
        value: Any = parse(text)
    except (QuantityError, ValueError):
        return ""
    if not isinstance(value, Measured):
        return ""
    unit = str(value.dimension)
    others = [f"{float(value):.6g} {unit}".rstrip()]
    if re.search(r"\brad\b", unit) and not re.search(r"\*|/rad", unit):
        degrees = float(value) * 180 / math.pi
        in_degrees = re.sub(r"\brad\b", "deg", unit)
        others.append(f"{degrees:.6g} {in_degrees}")
    shown = [other for other in others if other != text.strip()]
    return f"`{text.strip()}` = {' = '.join(shown)}" if shown else ""
