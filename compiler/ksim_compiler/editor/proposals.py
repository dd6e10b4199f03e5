"""What a value may be, to be proposed: names, words, quantities, formulas, mappings and files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types as lsp

from ksim_compiler.editor import formulas, prose
from ksim_compiler.editor.places import Place
from ksim_compiler.editor.shapes import Field, Kind, Shape
from ksim_compiler.editor.view import View, is_study, learners
from ksim_schema.records import dataclass
from ksim_schema.source.flow import flow, scalar
from ksim_schema.source.named import shipped
from ksim_schema.source.plain import is_mapping
from ksim_schema.vocabulary import KINDS

_OTHER_UNITS = {"s": ("ms",), "m": ("cm", "mm"), "kg": ("g",)}
_ENDINGS = {
    "model": (".xml", ".mjcf", ".urdf"),
    "task": (".yaml", ".yml"),
    "python": (".py",),
}
K = lsp.CompletionItemKind


@dataclass
class Item:
    """Something to propose.

    Attributes:
        label: what is shown.
        text: what is written, a snippet where ``snippet`` says so.
        plain: what is written where the client has no snippets.
        detail: beside the label.
        about: what it is, in Markdown.
        kind: how it is drawn.
        rank: smaller ones come first.
        typed: what is compared with what is typed; the label by default.
    """

    label: str
    text: str
    detail: str = ""
    about: str = ""
    kind: lsp.CompletionItemKind = K.Value
    rank: int = 5
    plain: str = ""
    typed: str = ""


def escaped(text: str) -> str:
    """A text as it stands in a snippet."""
    return re.sub(r"([$}\\])", r"\\\1", text)


def of_shape(
    view: View, shape: Shape, place: Place, path: tuple[str | int, ...], typed: str
) -> Iterator[Item]:
    """What a value of some form may be."""
    if shape.formula:
        yield from _formula(view, place, path, typed)
        return
    for object, name, kind in view.names(shape.objects):
        about = prose.of_part(view, object, name)
        yield Item(name, escaped(scalar(name)), f"{object} {kind}".strip(), about, K.Reference, 1)
    if shape.named:
        for thing in view.known.things.get(shape.named, ()):
            if shape.pattern and not thing.matched:
                continue
            name = escaped(scalar(thing.name))
            yield Item(thing.name, name, thing.brief or shape.named, thing.about, K.Variable, 2)
    if path[-1] == "curriculum":
        for _, name, kind in view.names(("Curriculum",)):
            yield Item(name, escaped(name), f"Curriculum {kind}", "", K.Reference, 1)
    for choice in shape.choices:
        yield Item(choice, choice, "", "", K.EnumMember, 1)
    whole = place.node.text if place.node is not None and place.node.kind == "scalar" else typed
    yield from _quantities(shape, whole)
    if not isinstance(path[-1], int) or shape.several:
        for kind in shape.kinds:
            yield _mapping(kind)
    if shape.path:
        yield from paths(view, typed, deep=False)
    if shape.file:
        yield from _paths_of_files(view, shape.file, typed)


def _mapping(kind: Kind) -> Item:
    required = [f for f in kind.fields if f.required]
    fields = [f"{f.name}: ${{{i + 1}:{escaped(f.example)}}}" for i, f in enumerate(required)]
    head = f"kind: {kind.name}" if kind.name else ""
    inside = ", ".join(filter(None, (head, *fields)))
    label = f"{{kind: {kind.name}, ...}}" if kind.name else "{...}"
    text = f"{{{inside}$0\\}}"
    return Item(label, text, kind.title, prose.of_kind(kind), K.Struct, 3, typed="{")


def _quantities(shape: Shape, typed: str) -> Iterator[Item]:
    """Quantities in each unit; with the number that is typed, if there is one."""
    number = re.match(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?", typed.strip())
    for unit in dict.fromkeys(u for own in shape.units for u in (own, *_others(own))):
        if not unit:
            continue
        if number is not None:
            text = f"{number[0]} {unit}"
            yield Item(text, text, "", "", K.Unit, 1)
        else:
            yield Item(
                f"1 {unit}",
                f"${{1:1}} {unit}",
                "a number with its unit",
                "",
                K.Unit,
                2,
                plain=f"1 {unit}",
                typed=f"1 {unit}",
            )


def _others(unit: str) -> tuple[str, ...]:
    """Other units of the same dimension that are in use."""
    if unit in _OTHER_UNITS:
        return _OTHER_UNITS[unit]
    return (re.sub(r"\brad\b", "deg", unit),) if unit in ("rad", "rad/s", "rad/s^2") else ()


def _formula(view: View, place: Place, path: tuple[str | int, ...], typed: str) -> Iterator[Item]:
    base = path[: path.index("let")] if "let" in path else path[:-1]
    let = view.tree.get(*base, "let")
    terms = tuple(entry.key for entry in let.entries) if let is not None else ()
    for word in formulas.words(view, typed, terms):
        kind = K.Function if word.about == "a function" else K.Variable
        yield Item(word.text, escaped(word.text), word.about, "", kind, 2)


def paths(view: View, typed: str, deep: bool) -> Iterator[Item]:
    """Paths of what the task extends: sections, parts and fields, by what is typed of one."""
    steps = typed.strip().split(".")[:-1]
    if not steps:
        for name in view.base.data:
            if name in KINDS or (deep and name in learners()):
                yield Item(name, f"{name}.", "section", "", K.Module, 2)
        return
    head = ".".join(steps)
    here = view.data_at(tuple(steps))
    names: dict[str, str] = {}
    if is_mapping(here):
        names = {str(k): "" if is_mapping(v) else flow(v) for k, v in here.items()}
    about: dict[str, Field] = {}
    if deep and (len(steps) > 1 or steps[0] in learners()):
        for kind in view.kinds_at(tuple(steps)):
            about |= {field.name: field for field in kind.fields}
        names |= {name: "" for name in about if name not in names}
    elif len(steps) > 1:
        return
    for name, value in names.items():
        text = f"{head}.{name}"
        ending = ": " if deep and len(steps) + 1 > 2 else ""
        detail = f"is {value}" if value else about[name].takes if name in about else ""
        said = prose.of_field(about[name]) if name in about else ""
        yield Item(
            text,
            escaped(text + ending),
            detail,
            said,
            K.Field,
            2 if value or is_mapping(here) else 4,
        )


def _paths_of_files(view: View, what: str, typed: str) -> Iterator[Item]:
    """Files beside the task, by what is typed of a path."""
    if what == "model":
        for word, about in (
            ("menagerie:", "a model of MuJoCo Menagerie"),
            ("package:", "a file of an installed package"),
        ):
            yield Item(word, word, about, "", K.Module, 6)
    if typed.startswith(("menagerie:", "package:")):
        return
    if what == "task" and is_study(view.file):
        for word in shipped():
            yield Item(word, word, "a task that ships", "", K.File, 5)
    folder = typed.replace("\\", "/").rpartition("/")[0]
    top = Path(os.path.normpath(view.folder / folder))
    try:
        found = sorted(os.scandir(top), key=lambda entry: entry.name)[:500]
    except (OSError, ValueError):
        return
    for entry in found:
        name = f"{folder}/{entry.name}" if folder else entry.name
        try:
            is_folder = entry.is_dir()
        except OSError:
            continue
        if entry.name.startswith(".") or Path(entry.path) == view.file.path:
            continue
        if is_folder:
            if entry.name not in ("__pycache__", "node_modules"):
                yield Item(f"{name}/", f"{escaped(name)}/", "folder", "", K.Folder, 4)
        elif what == "any" or entry.name.lower().endswith(_ENDINGS[what]):
            yield Item(name, escaped(scalar(name)), "", "", K.File, 3)
