"""What a picture of a task graph shows, whatever it is drawn with: groups, parts, wires, a legend.

One tick runs from left to right. The state that a tick makes stands apart from the state in which
it begins, so that the control loop is closed by the one dashed wire that holds it over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from ksim_schema.acset import Arrow
from ksim_schema.graph import NEXT, Graph, Node
from ksim_schema.graph.wiring import FAILURE_CHANNEL
from ksim_schema.records import dataclass
from ksim_schema.vocabulary.objects import OBJECT


class Shown(NamedTuple):
    """A part in the picture: its identifier, its name, and what is said of it besides."""

    id: str
    object: str
    name: str
    kind: str


class Wire(NamedTuple):
    """A wire in the picture, between identifiers of parts."""

    hom: Arrow
    src: str
    tgt: str
    loop: bool


@dataclass
class Group:
    """Parts of one object that stand together."""

    id: str
    object: str
    title: str
    parts: list[Shown] = field(default_factory=lambda: [])


@dataclass(frozen=True)
class Picture:
    """A task graph to be drawn.

    Attributes:
        title: the name of the task.
        about: a sentence that says what it is.
        groups: the parts by object.
        wires: the wires, each pair of parts joined once by a morphism.
        legend: the morphisms that occur, in the schema's order.
    """

    title: str
    about: str
    groups: tuple[Group, ...]
    wires: tuple[Wire, ...]
    legend: tuple[Arrow, ...]


LOOP = frozenset(("observe", "read", "act", "step", "hold"))
"""The morphisms of the control loop."""

TITLES = {"state": "PhysicsState", "next": "PhysicsState, next", "failure": "Trajectory, ends"}
"""Headings of the groups that are not headed by their object."""


def picture(graph: Graph, title: str = "", about: str = "") -> Picture:
    """Arrange a task graph for drawing.

    Args:
        graph: a well-typed graph.
        title: the name of the task.
        about: a sentence that says what it is.
    """
    ids = {node: f"n{i}" for i, node in enumerate(graph.nodes)}
    groups: dict[str, Group] = {}
    for node in sorted(graph.nodes, key=lambda n: OBJECT[n.object].drawn):
        key = group_of(node)
        heading = TITLES.get(key, node.object)
        group = groups.setdefault(key, Group(f"g{len(groups)}", node.object, heading))
        group.parts.append(Shown(ids[node], node.object, *_words(graph, node)))
    wires = dict.fromkeys(
        Wire(graph.schema.homs[e.hom], ids[e.src], ids[e.tgt], e.hom in LOOP) for e in graph.edges
    )
    used = {wire.hom.name for wire in wires}
    legend = tuple(hom for name, hom in graph.schema.homs.items() if name in used)
    return Picture(title, about, tuple(groups.values()), tuple(wires), legend)


def group_of(node: Node) -> str:
    """The group that a part stands in: that of its object, save where ``TITLES`` has another."""
    if node.object == "PhysicsState":
        return "next" if node.name.endswith(NEXT) else "state"
    return "failure" if node == FAILURE_CHANNEL else node.object


def _words(graph: Graph, node: Node) -> tuple[str, str]:
    """The name of a part, and its kind where that says more than the name and the heading."""
    kind = graph.kinds.get(node, "")
    if node.object == "Trajectory":
        return ("failure", "") if node == FAILURE_CHANNEL else (node.name, "")
    if kind == node.name or kind in ("next", "robot", "actor", "critic"):
        kind = ""
    return node.name.removesuffix(NEXT), kind


def dot(shown: Picture) -> str:
    """The picture in the language of Graphviz: ``ksim-compile --emit dot TASK | dot -Tsvg``."""
    return "".join(f"{line}\n" for line in _dot(shown))


def _dot(shown: Picture) -> Iterator[str]:
    label = f"{shown.title}: {shown.about}" if shown.about else shown.title
    yield f"digraph {_dot_text(shown.title)} {{"
    yield f'  graph [rankdir=LR, fontname="Helvetica", labelloc=t, label={_dot_text(label)}];'
    yield '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];'
    yield '  edge [fontname="Helvetica", fontsize=9, arrowsize=0.6];'
    for group in shown.groups:
        colour, tint = OBJECT[group.object].colours[:2]
        yield f"  subgraph cluster_{group.id} {{"
        yield f'    label={_dot_text(group.title)}; color="{colour}"; fontcolor="{colour}";'
        for part in group.parts:
            text = f"{part.name}\n{part.kind}" if part.kind else part.name
            style = f'color="{colour}", fillcolor="{tint}"'
            yield f"    {part.id} [label={_dot_text(text)}, {style}];"
        yield "  }"
    for wire in shown.wires:
        style = [
            f'color="{OBJECT[wire.hom.dom].colours.stroke}"',
            f"tooltip={_dot_text(describe(wire.hom))}",
        ]
        if wire.hom.delay:  # it must not turn the picture around
            style += ["style=dashed", "constraint=false"]
        if wire.loop:
            style += ["penwidth=2", f"label={_dot_text(wire.hom.name)}"]
        yield f"  {wire.src} -> {wire.tgt} [{', '.join(style)}];"
    yield "  subgraph cluster_legend {"
    rows = "\\l".join(_dot_escape(describe(hom)) for hom in shown.legend)
    yield f'    label="morphisms"; legend [shape=plaintext, style="", label="{rows}\\l"];'
    yield "  }"
    yield "}"


def describe(hom: Arrow) -> str:
    """A morphism in a line: ``hold: PhysicsState to PhysicsState, next tick``."""
    return f"{hom.name}: {hom.dom} to {hom.codom}" + (", next tick" if hom.delay else "")


def _dot_escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _dot_text(text: str) -> str:
    return f'"{_dot_escape(text)}"'


def mermaid(shown: Picture) -> str:
    """The picture as a Mermaid flowchart, which GitHub draws in a fenced block."""
    return "".join(f"{line}\n" for line in _mermaid(shown))


def _mermaid(shown: Picture) -> Iterator[str]:
    yield "---"
    yield f"title: {json.dumps(shown.title, ensure_ascii=False)}"
    yield "---"
    yield "flowchart LR"
    for group in shown.groups:
        yield f"  subgraph {group.id}[{_mermaid_text(group.title)}]"
        for part in group.parts:
            text = f"{part.name}\n{part.kind}" if part.kind else part.name
            yield f"    {part.id}[{_mermaid_text(text)}]:::{group.object}"
        yield "  end"
    for wire in shown.wires:
        line = "-.->" if wire.hom.delay else "==>" if wire.loop else "-->"
        label = f"|{_mermaid_text(wire.hom.name)}|" if wire.loop or wire.hom.delay else ""
        yield f"  {wire.src} {line}{label} {wire.tgt}"
    for object in dict.fromkeys(group.object for group in shown.groups):
        colour, tint = OBJECT[object].colours[:2]
        yield f"  classDef {object} fill:{tint},stroke:{colour},color:#111"
    strokes = [OBJECT[wire.hom.dom].colours.stroke for wire in shown.wires]
    for colour in dict.fromkeys(strokes):
        numbers = [i for i, stroke in enumerate(strokes) if stroke == colour]
        yield f"  linkStyle {','.join(map(str, numbers))} stroke:{colour}"


def _mermaid_text(text: str) -> str:
    """A label in quotes. Mermaid has entities for what would end it or start markup."""
    escaped = "".join(f"#{ord(c)};" if c in '"#&<>`[]{}|\\' else c for c in text)
    return '"' + escaped.replace("\n", "<br/>") + '"'
