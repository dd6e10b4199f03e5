"""The typed graph of a task: parts as nodes, wires as edges, each labelled by the schema.

A task is well typed when every edge starts and ends at the objects that its morphism says: then
the labelling is a graph homomorphism into the schema's graph. It is causal when the edges without
delay have no cycle: then a topological order exists, and it is the body of one tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import NamedTuple

from ksim_schema.acset import Instance, Schema
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.typed import (
    ACTION_NOT_SET,
    ILL_TYPED_EDGE,
    LOOP_WITHOUT_DELAY,
    POLICY_WITHOUT_INPUT,
    UNUSED_PART,
    WRONG_NUMBER_OF_PARTS,
)
from ksim_schema.graph.order import cycle
from ksim_schema.records import dataclass
from ksim_schema.source.plain import is_mapping
from ksim_schema.task import Task
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.objects import OBJECT, OBJECTS


class Node(NamedTuple):
    """A row of the table of an object."""

    object: str
    name: str

    def __str__(self) -> str:
        return f"{self.object}.{self.name}"


class Edge(NamedTuple):
    """A wire: a row of the table of a morphism.

    ``port`` is the field that names the other part, where the component has several for one
    morphism or their order matters; ``place`` is the place in that field's list.
    """

    hom: str
    src: Node
    tgt: Node
    port: str = ""
    place: int = 0
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Graph:
    """Nodes and edges over a schema, in a fixed order."""

    schema: Schema
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    kinds: dict[Node, str] = field(default_factory=lambda: {})

    def delay(self, edge: Edge) -> int:
        """Ticks after which a value sent along the edge arrives."""
        return self.schema.homs[edge.hom].delay

    def into(self, node: Node, *homs: str) -> list[Edge]:
        """The edges that end at a node, in order; of some morphisms only, if given."""
        return [e for e in self._incoming().get(node, ()) if not homs or e.hom in homs]

    def _incoming(self) -> dict[Node, list[Edge]]:
        cached: dict[Node, list[Edge]] | None = self.__dict__.get("_by_target")
        if cached is None:
            cached = {}
            for edge in self.edges:
                cached.setdefault(edge.tgt, []).append(edge)
            self.__dict__["_by_target"] = cached
        return cached

    def instantaneous(self) -> dict[Node, list[Node]]:
        """Each node -> the nodes that edges without delay lead to from it, each once."""
        found = {node: dict[Node, None]() for node in self.nodes}
        for edge in self.edges:
            if self.delay(edge) == 0:
                found.setdefault(edge.src, {})[edge.tgt] = None
                found.setdefault(edge.tgt, {})
        return {node: list(after) for node, after in found.items()}

    def without(self, dropped: Iterable[Node]) -> Graph:
        """The graph without some nodes and their edges."""
        gone = set(dropped)
        return Graph(
            self.schema,
            tuple(n for n in self.nodes if n not in gone),
            tuple(e for e in self.edges if e.src not in gone and e.tgt not in gone),
            {n: k for n, k in self.kinds.items() if n not in gone},
        )


NEXT = ".next"
"""Suffix of the row that stands for the state which a tick makes."""


def ill_typed(graph: Graph) -> Iterator[Edge]:
    """The edges whose ends are not of the objects that their morphism says."""
    for edge in graph.edges:
        hom = graph.schema.homs[edge.hom]
        if (edge.src.object, edge.tgt.object) != (hom.dom, hom.codom):
            yield edge


def cycle_without_delay(graph: Graph) -> list[Edge]:
    """One cycle of edges without delay, or nothing; the same in whatever order parts stand."""
    hops = cycle(graph.instantaneous(), sorted(graph.nodes))
    by_ends = {(e.src, e.tgt): e for e in graph.edges if graph.delay(e) == 0}
    return [by_ends[hop] for hop in hops]


def unused(graph: Graph) -> list[Node]:
    """The nodes from which no path leads to a part that does something."""
    backwards: dict[Node, list[Node]] = {}
    for edge in graph.edges:
        backwards.setdefault(edge.tgt, []).append(edge.src)
    used = {n for n in graph.nodes if OBJECT[n.object].acts}
    frontier = list(used)
    while frontier:
        for node in backwards.get(frontier.pop(), ()):
            if node not in used:
                used.add(node)
                frontier.append(node)
    return [n for n in graph.nodes if n not in used]


def check(task: Task, graph: Graph, *, broken: bool = False) -> Iterator[Diagnostic]:
    """The laws of a typed graph: edges of the right type, causality, numbers of parts, uses.

    Args:
        task: the task.
        graph: its graph.
        broken: whether a name in the task leads nowhere, so that edges are missing.
    """
    for edge in ill_typed(graph):
        hom = graph.schema.homs[edge.hom]
        message = (
            f"{edge.hom!r} goes from {hom.dom} to {hom.codom}, not from {edge.src} to {edge.tgt}"
        )
        yield task.report(ILL_TYPED_EDGE, message, *edge.path)
    cycle = cycle_without_delay(graph)
    if cycle:
        hops = "".join(f" -> {edge.tgt} ({edge.hom})" for edge in cycle)
        written = [e for e in cycle if e.path in task.document.values]
        blamed = next((e for e in written if e.src.name.endswith(NEXT)), (written or cycle)[0])
        message = f"these parts wait for each other within one tick: {cycle[0].src}{hops}"
        help = "read a value of the tick before: the state, or an observation such as last_action"
        yield task.report(LOOP_WITHOUT_DELAY, message, *blamed.path, help=help)
    yield from _counts(task)
    if task.complete and not broken:
        yield from _driven(task, graph)
    for node in unused(graph) if task.complete and not broken else ():
        if help := OBJECT[node.object].unread:
            message = f"nothing reads {node}, so it is dropped"
            yield task.report_key(UNUSED_PART, message, *node, help=help)


def _counts(task: Task) -> Iterator[Diagnostic]:
    for row in OBJECTS:
        written = task.document.data.get(row.name)
        if row.name not in task.parts or not is_mapping(written):
            continue
        names = list(written)
        if len(names) < row.least:
            message = f"a task needs at least one {row.name}, and this section is empty"
            yield task.report_key(WRONG_NUMBER_OF_PARTS, message, row.name)
        if row.most is not None and len(names) > row.most:
            message = f"a task has at most {row.most} {row.name}, but this has {', '.join(names)}"
            yield task.report_key(WRONG_NUMBER_OF_PARTS, message, row.name, names[row.most])


def _driven(task: Task, graph: Graph) -> Iterator[Diagnostic]:
    policies = task.of(Actor)
    if len(policies) != 1:
        return
    for name in task.of(Action):
        setters = graph.into(Node("Action", name), "act")
        if len(setters) != 1:
            count = "no policy sets" if not setters else f"{len(setters)} wires set"
            help = f"add it to 'act' of Policy.{next(iter(policies))}" if not setters else ""
            yield task.report_key(ACTION_NOT_SET, f"{count} this action", "Action", name, help=help)
    for name in policies:
        node = Node("Policy", name)
        if not graph.into(node, "read", "obey"):
            message = "the policy reads nothing"
            empty = "read" in task.document.data["Policy"].get(name, ())
            where = task.span(*node, *(("read",) if empty else ()), key=not empty)
            help = "list observations in 'read'"
            yield Diagnostic(POLICY_WITHOUT_INPUT, message, where, str(node), help)


def to_acset(graph: Graph, values: dict[Node, str]) -> Instance:
    """The graph as an instance of the schema of drawings over its schema.

    Args:
        graph: a well-typed graph.
        values: the canonical text of each part's values.
    """
    instance = Instance(graph.schema.drawing())
    rows: dict[Node, int] = {}
    columns = {
        ob: {a.codom: a.name for a in graph.schema.attributes.values() if a.dom == ob}
        for ob in graph.schema.objects
    }
    for node in graph.nodes:
        named = columns[node.object]
        row = {named["Name"]: node.name, named["Kind"]: graph.kinds.get(node, "")}
        rows[node] = instance.add(node.object, **row, **{named["Value"]: values.get(node, "")})
    for edge in graph.edges:
        ends = {f"{edge.hom}_src": rows[edge.src], f"{edge.hom}_tgt": rows[edge.tgt]}
        instance.add(edge.hom, **ends)
    return instance
