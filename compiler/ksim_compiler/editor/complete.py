"""Completion: what may stand at a place, with what it is and what must be given with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lsprotocol import types as lsp

from ksim_compiler.editor import formulas, prose
from ksim_compiler.editor.places import Place, place_at
from ksim_compiler.editor.proposals import Item, K, escaped, of_shape, paths
from ksim_compiler.editor.shapes import Field, Kind
from ksim_compiler.editor.studies import PATHS
from ksim_compiler.editor.view import KEYS, MORPHISMS, View, is_study, learners
from ksim_schema.acset import sch_task
from ksim_schema.compose.extends import REMOVE
from ksim_schema.source.flow import scalar
from ksim_schema.source.paths import EXTENDS, SET
from ksim_schema.source.plain import is_mapping
from ksim_schema.task import OPTIONAL_KIND, REQUIRED
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.objects import OBJECT, SECTIONS


def complete(view: View, offset: int, snippets: bool) -> list[lsp.CompletionItem]:
    """What may stand at an offset.

    Args:
        view: the file as a task.
        offset: of the cursor.
        snippets: whether the client takes them.
    """
    text = view.file.text
    place = place_at(view.tree, text.text, offset)
    if place is None:
        return []
    start, end = place.start, place.end
    items = list(_items(view, place, offset))
    if items and place.role == "value" and place.node is not None:
        start, end = _word(view, place, offset)
    position = text.position
    line = text.line_of(offset)
    start = max(start, text.starts[line])
    end = max(offset, min(end, text.ends[line]))
    stretch = lsp.Range(lsp.Position(*position(start)), lsp.Position(*position(end)))
    made: list[lsp.CompletionItem] = []
    for index, item in enumerate(sorted(items, key=lambda i: i.rank)):
        written = item.text if snippets else item.plain or _without_stops(item.text)
        stops = snippets and "$" in item.text
        made.append(
            lsp.CompletionItem(
                label=item.label,
                kind=item.kind,
                detail=item.detail or None,
                documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, item.about)
                if item.about
                else None,
                sort_text=f"{index:04}",
                filter_text=item.typed or None,
                insert_text_format=lsp.InsertTextFormat.Snippet
                if stops
                else lsp.InsertTextFormat.PlainText,
                text_edit=lsp.TextEdit(
                    stretch, written if stops or not snippets else _unescaped(written)
                ),
            )
        )
    return made


def _without_stops(text: str) -> str:
    """A snippet as a plain text."""
    text = re.sub(r"\$\{\d+:((?:[^}\\]|\\.)*)\}", r"\1", text)
    return _unescaped(re.sub(r"\$\d+", "", text))


def _unescaped(text: str) -> str:
    return re.sub(r"\\([$}\\])", r"\1", text)


def _word(view: View, place: Place, offset: int) -> tuple[int, int]:
    """The stretch of a value that a proposal replaces: of a formula, a word of it."""
    shape = view.shape_at(view.real(place.path))
    if shape is None or not shape.formula:
        return place.start, place.end
    typed = view.file.text.text[place.start : offset]
    found = formulas.words(view, typed)
    return offset - (found[0].replaces if found else 0), offset


def _items(view: View, place: Place, offset: int) -> Iterator[Item]:
    path = view.real(place.path)
    if place.role == "key":
        yield from _keys(view, place, path, offset)
        return
    if place.role == "value":
        yield from _values(view, place, path, offset)
        return
    if not path:
        return
    mappings = view.kinds_at(path) or _is_open(view, path)
    if mappings:
        yield from _keys(view, place, path, offset)
    shape = view.shape_at(path)
    if shape is not None and (shape.several or not mappings):
        for item in of_shape(view, shape, place, path, ""):
            if shape.several and not shape.ends:
                item.text, item.plain = f"- {item.text}", f"- {item.plain}" if item.plain else ""
            yield item


def _is_open(view: View, path: tuple[str | int, ...]) -> bool:
    """Whether keys of the author's own, or parts, stand below a path."""
    if len(path) == 1 and path[0] in (*KINDS, SET, MORPHISMS):
        return True
    shape = view.shape_at(path)
    return shape is not None and (shape.values is not None or shape.patterned)


def _keys(view: View, place: Place, path: tuple[str | int, ...], offset: int) -> Iterator[Item]:
    node = place.node if place.node is not None and place.node.kind == "mapping" else None
    given = {e.key for e in (node.entries if node else ()) if e is not place.entry}
    whole = place.entry is not None and place.role == "key" and place.entry.colon >= 0
    own = is_study(view.file)
    if place.path == () and not own:
        found = _top(view, given)
    elif place.path in ([(p,) for p in PATHS] if own else [(SET,)]):
        typed = view.file.text.text[place.start : offset]
        found = paths(view, typed, deep=True)
    elif len(path) == 1 and path[0] in KINDS:
        found = _parts(view, str(path[0]), given, place)
    elif path and path[0] == MORPHISMS:
        found = _edges(path, given)
    else:
        found = _fields(view, path, given, place)
    for item in found:
        if whole:  # only the key is to be replaced
            item.text = item.plain = escaped(item.label)
        yield item


def _top(view: View, given: set[str]) -> Iterator[Item]:
    whole = "extends" in given
    for name in (*KEYS, *SECTIONS, *learners()):
        if name in given or (name in learners() and given & set(learners())):
            continue
        required = name in ("ksim", "task") or (name in REQUIRED and not whole)
        composed = name in (REMOVE, SET)
        rank = (
            0 if name in ("ksim", "task") else 1 if required else 8 if composed and not whole else 3
        )
        detail = "required" if required else ""
        about = KEYS.get(name) or (OBJECT[name].about if name in OBJECT else "")
        if name in learners():
            about = prose.of_kind(learners()[name])
        if name == "ksim":
            text = "ksim: 1"
        elif name in ("task", "about", EXTENDS):
            text = f"{name}: $1"
        elif name in ("components", REMOVE):
            text = f"{name}: [$1]"
        else:
            text = f"{name}:\n  $0"
        yield Item(name, text, detail, about, K.Module, rank, plain=text.split("$")[0].rstrip(" "))


def _parts(view: View, object: str, given: set[str], place: Place) -> Iterator[Item]:
    """New parts of a section by kind, and those of what the task extends, to be changed."""
    inherited = view.base.data.get(object)
    for name in inherited if is_mapping(inherited) else ():
        if name not in given:
            kind = view.parts(object).get(name, "")
            yield Item(
                name,
                f"{escaped(name)}: ",
                f"{kind}, of a task that this one extends",
                "",
                K.Reference,
                2,
            )
    for index, (name, kind) in enumerate(view.kinds(object).items()):
        called = name if name not in given else f"{name}_2"
        head = "" if object in OPTIONAL_KIND else f"kind: {name}"
        required = [f for f in kind.fields if f.required]
        fields = [f"{f.name}: ${{{i + 2}:{escaped(f.example)}}}" for i, f in enumerate(required)]
        inside = ", ".join(filter(None, (head, *fields)))
        text = f"${{1:{escaped(called)}}}: {{{inside}\\}}" if inside else f"${{1:{called}}}:\n  $0"
        detail = f"new {object} of this kind"
        yield Item(name, text, detail, prose.of_kind(kind), K.Struct, 3 + (index > 60))


def _edges(path: tuple[str | int, ...], given: set[str]) -> Iterator[Item]:
    if len(path) == 1:
        for hom in sch_task().homs.values():
            if hom.name not in given:
                about = f"{hom.dom} to {hom.codom}. {hom.about}"
                text = f"{hom.name}: [{{src: $1, tgt: $2\\}}]"
                yield Item(hom.name, text, f"{hom.dom} to {hom.codom}", about, K.Interface)
    elif len(path) == 3:
        for name in ("src", "tgt", "port"):
            if name not in given:
                yield Item(name, f"{name}: ", "", "", K.Field)


def _fields(
    view: View, path: tuple[str | int, ...], given: set[str], place: Place
) -> Iterator[Item]:
    kinds = view.kinds_at(path)
    named = [kind for kind in kinds if kind.name]
    section = len(path) == 2 and path[0] in KINDS
    overrides = section and is_mapping(view.data_at(path))
    optional = (section and path[0] in OPTIONAL_KIND) or overrides
    if named and "kind" not in given and not (section and path[0] in OPTIONAL_KIND):
        yield Item(
            "kind", "kind: ", "required" if not optional else "", "Which kind it is.", K.Field, 0
        )
    for kind in kinds if len(kinds) == 1 or not named else ():
        for field in _useful(view, kind):
            if field.name not in given:
                yield _field_item(field, required=field.required and not overrides)
    shape = view.shape_at(path) if len(path) > 2 else None
    if shape is not None and shape.patterned:
        for what in ("joint", "body", "geom"):
            sibling = view.field_at((*path[:-1], f"{what}s"))
            if sibling is not None or (what == "joint" and not kinds):
                for thing in view.known.things.get(what, ()):
                    if thing.name not in given:
                        name = scalar(thing.name)
                        yield Item(
                            thing.name,
                            f"{escaped(name)}: ",
                            thing.brief,
                            thing.about,
                            K.Variable,
                            7,
                        )
                break


def _useful(view: View, kind: Kind) -> list[Field]:
    """The fields of a kind: those that must be given, its own, and then those of all kinds."""
    beside = list(view.kinds(kind.object).values()) if kind.object else []
    shared = {f.name for f in kind.fields} if len(beside) > 1 else set[str]()
    for other in beside:
        shared &= {f.name for f in other.fields}
    return sorted(kind.fields, key=lambda f: (not f.required, f.name in shared))


def _field_item(field: Field, required: bool) -> Item:
    default = "required" if required else f"default {field.default}" if field.default else ""
    detail = ", ".join(filter(None, (field.takes, default)))
    text = f"{field.name}: ${{1:{escaped(field.example)}}}" if required else f"{field.name}: "
    return Item(
        field.name,
        text,
        detail,
        prose.of_field(field),
        K.Field,
        1 if required else 4,
        plain=f"{field.name}: ",
    )


def _values(view: View, place: Place, path: tuple[str | int, ...], offset: int) -> Iterator[Item]:
    typed = view.file.text.text[place.start : offset] if place.node is not None else ""
    if not path:
        return
    if path[-1] == "kind":
        yield from _kinds(view, path[:-1], place)
        return
    if path == ("ksim",):
        yield Item("1", "1", "version of the language")
        return
    field = view.field_at(path)
    shape = view.shape_at(path)
    if shape is None:
        return
    default = field.default if field is not None and not typed else ""
    if field is not None and default not in ("", "none", "a mapping", "a curve", "{}", "[]"):
        yield Item(default, escaped(default), "default", field.about, K.Value, 0)
    beside = view.tree.get(*place.path[:-1]) if isinstance(place.path[-1], int) else None
    taken = (
        {n.text for n in beside.texts() if n is not place.node}
        if beside is not None
        else set[str]()
    )
    for item in of_shape(view, shape, place, path, typed):
        if item.label not in taken:
            yield item


def _kinds(view: View, path: tuple[str | int, ...], place: Place) -> Iterator[Item]:
    """The kinds of the mapping at a path, with the fields that must be given."""
    section = str(path[0])
    if section in KINDS and len(path) == 2:
        kinds: Iterable[Kind] = view.kinds(section).values()
    else:
        shape = view.shape_at(path)
        kinds = shape.kinds if shape is not None else ()
    around = view.tree.get(*place.path[:-1])
    given = {entry.key for entry in around.entries} if around is not None else set[str]()
    for kind in kinds:
        if not kind.name:
            continue
        fields = [f for f in kind.fields if f.required and f.name not in given]
        joint = ", " if place.flow else "\n"
        rest = [f"{f.name}: ${{{i + 1}:{escaped(f.example)}}}" for i, f in enumerate(fields)]
        typed = (
            place.node is not None
            and place.node.kind == "scalar"
            and place.node.text in view.kinds(section)
        )
        text = kind.name if typed else joint.join((kind.name, *rest))
        yield Item(kind.name, text, kind.object, prose.of_kind(kind), K.Class, 3, plain=kind.name)
