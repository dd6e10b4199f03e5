"""A page for each kind of the language and an index for each object, as Markdown.

All of it is read from the vocabulary, as ``ksim-compile --explain`` does; nothing is kept.
"""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml

from docs.site.pictures import picture
from ksim_schema.acset import sch_task
from ksim_schema.explain.examples import bare, example_of
from ksim_schema.explain.models import (
    Row,
    facts_of,
    field_of,
    first_sentence,
    others,
    parameters,
)
from ksim_schema.units import NUMBER
from ksim_schema.vocabulary import KINDS, Model, Part
from ksim_schema.vocabulary.objects import OBJECT

ROOT = Path(__file__).parents[2]
FOLDER = "kinds"
MORE = "more"
"""The folder of the models that are no kinds of an object."""
PLURALS = {
    "PhysicsState": "The robot and its world",
    "Command": "Commands",
    "Observation": "Observations",
    "Action": "Actions",
    "Policy": "The policy",
    "Critic": "The critic",
    "Reward": "Rewards",
    "Termination": "Terminations",
    "Reset": "Resets",
    "Event": "Events",
    "Randomizer": "Randomizers",
    "Curriculum": "Curricula",
    "Metric": "Metrics",
    "Trajectory": "The trajectory",
}
"""What the kinds of an object are called, in the order of the site."""


def pages() -> dict[str, str]:
    """All pages, by their path from the folder of the pages."""
    found = {f"{FOLDER}/index.md": _index()}
    for object in PLURALS:
        found[f"{FOLDER}/{object}/index.md"] = _object_page(object)
        for kind, model in KINDS[object].items():
            found[f"{FOLDER}/{object}/{kind}.md"] = kind_page(object, model)
    found[f"{FOLDER}/{MORE}/index.md"] = _more()
    for title, model in others():
        found[f"{FOLDER}/{MORE}/{title}.md"] = other_page(title, model)
    return found


def navigation() -> list[object]:
    """The pages as an entry of mkdocs' ``nav``."""
    entries: list[object] = [f"{FOLDER}/index.md"]
    for object, title in PLURALS.items():
        inside: list[object] = [f"{FOLDER}/{object}/index.md"]
        inside += [{kind: f"{FOLDER}/{object}/{kind}.md"} for kind in sorted(KINDS[object])]
        entries.append({title: inside})
    rest: list[object] = [f"{FOLDER}/{MORE}/index.md"]
    rest += [
        {t: f"{FOLDER}/{MORE}/{t}.md"} for t, _ in sorted(others(), key=lambda o: o[0].lower())
    ]
    return [*entries, {"Networks and more": rest}]


def unique() -> dict[str, str]:
    """The pages of kinds with a name of several words that no other kind has."""
    places: dict[str, list[str]] = {}
    for object, of in KINDS.items():
        for kind in of:
            places.setdefault(kind, []).append(f"{FOLDER}/{object}/{kind}.md")
    return {kind: of[0] for kind, of in places.items() if len(of) == 1 and "_" in kind}


def kind_page(object: str, model: type[Part]) -> str:
    """The page of a kind of an object."""
    shared = set(_base(object).model_fields) if len(KINDS[object]) > 1 else set[str]()
    rows = list(parameters(model))
    own = [row for row in rows if row.name.partition(".")[0] not in shared]
    common = [row for row in rows if row.name.partition(".")[0] in shared]
    facts = facts_of(object, model)
    effects = [fact.strip() for fact in facts if fact.startswith("  ")]
    said = [fact for fact in facts if not fact.startswith(("  ", "Quantities"))]
    lines = [f"# {model.kind_name}\n", f"A kind of [{object}](index.md).\n", prose(model)]
    lines += [f"- {fact}" for fact in (*said, *_units(model))] + [""]
    lines += [picture(model), "## Fields\n", _table(own) if own else "It has none of its own.\n"]
    if common:
        lines += [f"### Fields of every {object}\n", _table(common)]
    if effects:
        lines.append("## Quantities\n")
        lines.append("What the checker knows that it does (`ksim-compile --emit ranges TASK`):\n")
        lines += [f"- {_plain(effect)}" for effect in effects] + [""]
    example = f"{object}:\n  name: {example_of(model, kind=model.kind_name)}"
    lines += ["## Example\n", "The least that it needs:\n", fenced(example)]
    for name, text in _used(object).get(model.kind_name, ())[:1]:
        lines += [f"In `{name}`:\n", fenced(f"{object}:\n{text}")]
    return "\n".join(lines)


def other_page(title: str, model: type[Model]) -> str:
    """The page of a model that is written within a part, or of a learner."""
    field = field_of(model)
    lines = [f"# {title}\n"]
    if field:
        lines.append(f"It stands in a field `{field}`.\n")
    lines += [prose(model), picture(model), "## Fields\n"]
    rows = list(parameters(model))
    lines.append(_table(rows) if rows else "It has none.\n")
    kind = model.model_fields.get("kind")
    given = {"kind": title} if kind is not None else {}
    lines += ["## Example\n", fenced(f"{field or title}: {example_of(model, **given)}")]
    return "\n".join(lines)


def _index() -> str:
    lines = [
        "# Kinds\n",
        "A section of a task is an object of the schema, and an entry of it is a part of some "
        "*kind*. These pages say of each kind what it computes, in which unit, and what it takes. "
        "They are made from the vocabulary itself; `ksim-compile --explain KIND` prints it too.\n",
    ]
    lines += [
        f"- [{title}]({object}/index.md), `{object}`: {len(KINDS[object])}. {OBJECT[object].about}"
        for object, title in PLURALS.items()
    ]
    lines.append(f"- [Networks and more]({MORE}/index.md): what is written within parts.")
    return "\n".join(lines) + "\n"


def _object_page(object: str) -> str:
    lines = [f"# {PLURALS[object]}\n", f"`{object}`: {OBJECT[object].about}\n"]
    kinds = KINDS[object]
    rows = [(f"[{k}]({k}.md)", first_sentence(model)) for k, model in sorted(kinds.items())]
    lines.append(_rows(("kind", "what it is"), rows))
    if len(kinds) > 1 and (
        about := re.split(r"\n\n(?:Class a|A)ttributes:\n", _doc(_base(object)))
    ):
        lines += [f"## What every {object} is\n", _markdown(about[0]) + "\n"]
    lines += ["## Arrows\n", "How the schema joins it to other objects:\n"]
    arrows = [
        (f"`{hom.name}`", f"`{hom.dom}` → `{hom.codom}`", hom.about)
        for hom in sch_task().homs.values()
        if object in (hom.dom, hom.codom)
    ]
    lines.append(_rows(("arrow", "from and to", "meaning"), arrows))
    return "\n".join(lines)


def _more() -> str:
    rows: list[tuple[str, ...]] = []
    for title, model in sorted(others(), key=lambda one: one[0].lower()):
        field = field_of(model)
        where = f" In `{field}`." if field and field != title else ""
        rows.append((f"[{title}]({title}.md)", first_sentence(model) + where))
    about = "What is written in fields of parts, and the learners, which are sections.\n"
    return f"# Networks and more\n\n{about}\n" + _rows(("name", "what it is"), rows)


def _base(object: str) -> type[Model]:
    """The class that all kinds of an object have in common."""
    shared = [set(kind.__mro__[1:]) for kind in KINDS[object].values()]
    first = next(iter(KINDS[object].values()))
    return next(c for c in first.__mro__[1:] if all(c in s for s in shared))


def _units(model: type[Part]) -> list[str]:
    """The units that an observation's value may have, where they are the same for all robots."""
    given: list[dict[str, Any]] = [{}]
    for name, info in model.model_fields.items():
        hint = bare(info.annotation)
        given += [{name: word} for word in get_args(hint)] if get_origin(hint) is Literal else []
    found: dict[str, None] = {}
    for fields in given:
        blank: Any = model.model_construct(**fields)
        try:
            found[", ".join(dict.fromkeys(map(str, blank.dimensions(None))))] = None
        except (AttributeError, TypeError):
            return []
    return [f"Unit: {' or '.join(found)}."] if {"", str(NUMBER)}.isdisjoint(found) else []


@cache
def _used(object: str) -> Mapping[str, list[tuple[str, str]]]:
    """The parts of the shipped tasks, as their files have them: kind -> (file, text)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((ROOT / "tasks").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        assert isinstance(root, yaml.MappingNode)
        for key, parts in root.value:
            if key.value != object or not isinstance(parts, yaml.MappingNode):
                continue
            for name, part in parts.value:
                kind = _entry(part, "kind") if isinstance(part, yaml.MappingNode) else ""
                whole = text[name.start_mark.index : part.end_mark.index].rstrip()
                indent = " " * name.start_mark.column
                found.setdefault(kind, []).append((f"tasks/{path.name}", indent + whole))
    return found


def _entry(node: yaml.MappingNode, key: str) -> str:
    return next((str(value.value) for name, value in node.value if name.value == key), "")


def _doc(model: type) -> str:
    return inspect.getdoc(model) or ""


def prose(model: type[Model]) -> str:
    """What a model says of itself, as Markdown."""
    return _markdown(_doc(model)) + "\n"


def _markdown(text: str) -> str:
    """A docstring as Markdown: back quotes without roles, and no HTML."""
    text = re.sub(r":\w+:`~?\.*([\w.]+)`", r"`\1`", text.replace("``", "`"))
    pieces = text.split("`")
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "`".join(pieces)


def _plain(text: str) -> str:
    """A text in which nothing is HTML or Markdown."""
    return re.sub(r"([*_\[\]])", r"\\\1", html.escape(text, quote=False))


def _inline(text: str) -> str:
    """A sentence with back quotes, as HTML."""
    return re.sub(r"``?(.+?)``?", r"<code>\1</code>", html.escape(text, quote=False))


def fenced(text: str) -> str:
    """A block of YAML."""
    return f"```yaml\n{text}\n```\n"


def _table(rows: list[Row]) -> str:
    """Fields with what they take; on a narrow page each is a paragraph."""
    cells = [
        (f"<code>{row.name}</code>", _inline(row.takes), _inline(row.default), _inline(row.about))
        for row in rows
    ]
    return _html(("field", "takes", "default", "meaning"), cells)


def _rows(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in map(_cell, row)) + " |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _html(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{title}</th>" for title in titles)
    lines = ['<table class="fields">', f"<thead><tr>{head}</tr></thead>", "<tbody>"]
    for row in rows:
        cells = "".join(
            f'<td data-title="{title}">{cell}</td>' for title, cell in zip(titles, row, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"]) + "\n"
