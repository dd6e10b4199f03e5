"""From a task's parts to its graph: names in fields become edges, and what is implied is added.

A field that names another part is an edge (see :class:`~ksim_schema.vocabulary.base.Wire`). An
author may instead write edges in the ``morphisms`` section: they are put into those fields before
the parts are validated, so both ways of writing give the same graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ksim_schema.acset import sch_task
from ksim_schema.diagnostics import Sink, did_you_mean
from ksim_schema.diagnostics.codes.names import PART_OF_ANOTHER_OBJECT, UNKNOWN_PART
from ksim_schema.diagnostics.codes.typed import NAMED_TWICE
from ksim_schema.diagnostics.codes.values import NO_CURRICULUM, WHICH_CURRICULUM
from ksim_schema.graph.graph import NEXT, Edge, Graph, Node
from ksim_schema.source import Path_
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.task import Task, known_keys, required
from ksim_schema.vocabulary import Model, Part, Wire, annotated_fields
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.curriculum import Curriculum
from ksim_schema.vocabulary.formula import Formulated
from ksim_schema.vocabulary.objects import OBJECT
from ksim_schema.vocabulary.reset import Reset
from ksim_schema.vocabulary.scale import Scale
from ksim_schema.vocabulary.state import Channel, Robot
from ksim_schema.vocabulary.termination import Termination

FAILURE_CHANNEL = Node("Trajectory", "Termination")
"""The channel that says whether a tick ended in a failure."""


def wire(task: Task, sink: Sink) -> Graph:
    """The graph of a task. What is wrong with the names in it is reported."""
    return _Builder(task, sink).build()


class _Builder:
    def __init__(self, task: Task, sink: Sink) -> None:
        self.task, self.sink, self.schema = task, sink, sch_task()
        self.edges: dict[Edge, None] = {}
        self.channels: dict[Node, list[Edge]] = {}
        self.nodes: dict[Node, str] = {}
        for object, name, part in task:
            if object == "Trajectory":
                continue
            self.nodes[Node(object, name)] = part.kind_name
            if object == "PhysicsState":
                self.nodes[Node(object, name + NEXT)] = "next"

    def build(self) -> Graph:
        for object, name, part in self.task:
            if object != "Trajectory":
                self._wires(Node(object, name), part)
        for state in self.task.of(Robot):
            now, after = Node("PhysicsState", state), Node("PhysicsState", state + NEXT)
            self._add("evolve", now, after)
            self._add("hold", after, now)
        for object, name, part in self.task:
            self._implied(Node(object, name), part)
        observed = [edge for edge in self.edges if edge.hom == "observe"]
        for channel, records in self.channels.items():
            self.nodes[channel] = "channel"
            for record in records:
                self.edges[record] = None
                # what an observation measures is recorded of the state that the tick makes
                for edge in observed:
                    if edge.tgt == record.src:
                        state = Node(edge.src.object, edge.src.name + NEXT)
                        self.edges[Edge("record", state, channel)] = None
        for name in self.task.of(Channel):
            if Node("Trajectory", name) not in self.channels:
                message = f"no part reads a channel {name!r}"
                help = did_you_mean(name, (c.name for c in self.channels), of="channels")
                self.sink.add(
                    [self.task.report_key(UNKNOWN_PART, message, "Trajectory", name, help=help)]
                )
        edges = sorted(self.edges, key=_order)
        return Graph(self.schema, tuple(self.nodes), tuple(edges), dict(self.nodes))

    def _wires(self, node: Node, part: Part) -> None:
        """The edges that the part's fields name."""
        for path, wire, value in annotated_fields(part, Wire):
            at = (node.object, node.name, *path)
            label = (OBJECT[node.object].judges if wire.of else None) or wire.hom
            hom = self.schema.homs[label]
            outwards = hom.dom == node.object
            other = wire.of or (hom.codom if outwards else hom.dom)
            port = ".".join(path)
            seen: set[str] = set()
            for index, (name, place) in enumerate(self._named(part, other, path, value, at)):
                if name in seen:
                    self.sink.add(
                        [self.task.report(NAMED_TWICE, f"{name!r} is named twice", *place)]
                    )
                    continue
                seen.add(name)
                if _in_formula(part, path) and self._says_itself(other, name, place):
                    continue
                target = self._find(other, name, place)
                if target is None:
                    continue
                if wire.of is not None:
                    target = self._channel(target)
                if outwards and hom.codom == "PhysicsState":
                    # what acts in a tick acts on the state that it makes, the rest on the state
                    suffix = "" if hom.delay else NEXT
                    target = Node(target.object, target.name.removesuffix(NEXT) + suffix)
                ends = (node, target) if outwards else (target, node)
                listed = is_list(value)
                self._add(label, *ends, port=port, index=index if listed else 0, path=place)

    def _says_itself(self, object: str, name: str, place: Path_) -> bool:
        """Whether a name that leads nowhere was found in a formula, which is blamed for it."""
        values = self.task.document.values
        listed = place in values or (place[:-1] in values and place[-1] == 0)
        return not listed and Node(object, name) not in self.nodes

    def _named(
        self, part: Part, other: str, path: tuple[str, ...], value: Any, at: Path_
    ) -> list[tuple[str, Path_]]:
        """The names in a field with their places; what is left out is inferred."""
        if is_list(value) and value:
            return [(name, (*at, index)) for index, name in enumerate(value)]
        if isinstance(value, str):
            return [(value, at)]
        inferred = path[0] in INFERRED
        choices = part.likely(path[0], self.task.of(other))
        if path[0] == "recall":  # all that the policy sets, in its order
            acts: list[str] = []
            for policy in self.task.of(Actor).values():
                acts += policy.act
            return [(name, at) for name in dict.fromkeys(acts or choices) if name in choices]
        if inferred and len(choices) == 1 and part.infers(path[0]):
            return [(choices[0], at)]
        return []

    def _find(self, object: str, name: str, place: Path_) -> Node | None:
        node = Node(object, name)
        if node in self.nodes:
            return node
        written = self.task.document.data.get(object)
        if is_mapping(written) and name in written:
            return None  # the part is there, and its own problem is reported
        if object not in self.task.document.data and self._section_reported(object):
            return None
        others = [o for o in self.task.parts if name in self.task.of(o) and o != "Trajectory"]
        if others:
            message = f"{name!r} is a part of {' and '.join(others)}, not of {object}"
            self.sink.add([self.task.report(PART_OF_ANOTHER_OBJECT, message, *place)])
        else:
            named = list(map(str, written)) if is_mapping(written) else [*self.task.of(object)]
            help = did_you_mean(name, named, of=f"{object} has")
            message = f"unknown {object} {name!r}"
            several = name.replace(",", " ").split()
            if len(several) > 1 and set(several) <= set(named):
                help = f"names stand in a list: write [{', '.join(several)}]"
            fix = self.task.respell_as(name, named, *place)
            self.sink.add([self.task.report(UNKNOWN_PART, message, *place, help=help, fix=fix)])
        return None

    def _section_reported(self, object: str) -> bool:
        """Whether a section's absence is reported already: as missing, empty or misspelt."""
        data = self.task.document.data
        return (
            object in data or object in required(self.task.learner) or not set(data) <= known_keys()
        )

    def _channel(self, source: Node) -> Node:
        """The trajectory's channel of a part, recorded from it."""
        channel = Node("Trajectory", str(source).removesuffix(NEXT))
        if channel not in self.channels:
            if source.object == "PhysicsState":
                source = Node(source.object, source.name.removesuffix(NEXT) + NEXT)
            self.channels[channel] = [Edge(str(OBJECT[source.object].recorded), source, channel)]
        return channel

    def _failures(self) -> Node:
        if FAILURE_CHANNEL not in self.channels:
            self.channels[FAILURE_CHANNEL] = [
                Edge("record_termination", Node("Termination", name), FAILURE_CHANNEL)
                for name in self.task.of(Termination)
            ]
        return FAILURE_CHANNEL

    def _implied(self, node: Node, part: Part) -> None:
        """The edges that the kind of a part implies."""
        hom = OBJECT[node.object].judges
        for channel in part.recorded() if hom else ():
            for source in self._sources(channel):
                self._add(hom or "", source, node)
        if node.object == "Termination":
            for reset in self.task.of(Reset):
                self._add("trigger", node, Node("Reset", reset))
            for level in self.task.of(Curriculum):
                self._add("advance", node, Node("Curriculum", level))
        graded = OBJECT[node.object].graded
        for path, scale in scales_in(part) if graded else ():
            if scale.graded:
                self._graded(graded or "", node, path, scale)

    def _graded(self, hom: str, node: Node, path: Path_, scale: Scale) -> None:
        """The edge from the curriculum that a scale follows."""
        levels, place = list(self.task.of(Curriculum)), (*node, *path)
        if scale.curriculum is not None:
            found = self._find("Curriculum", scale.curriculum, (*place, "curriculum"))
            levels = [] if found is None else [found.name]
        elif not levels and not self._section_reported("Curriculum"):
            message = f"{node} follows the curriculum's level, and the task has no Curriculum"
            help = "add a Curriculum section, or give a constant scale"
            self.sink.add([self.task.report_key(NO_CURRICULUM, message, *node, help=help)])
        elif len(levels) > 1:
            message = f"{node} follows a curriculum's level, and the task has {len(levels)}"
            help = f"say which: 'curriculum: {levels[0]}' beside the ramp; there are: "
            help += ", ".join(levels)
            self.sink.add([self.task.report(WHICH_CURRICULUM, message, *place, help=help)])
        for level in levels:
            self._add(hom, Node("Curriculum", level), node)

    def _sources(self, channel: str) -> Iterator[Node]:
        match channel:
            case "state":
                for name in self.task.of(Robot):
                    yield self._channel(Node("PhysicsState", name))
            case "action":
                for name in self.task.of(Action):
                    yield self._channel(Node("Action", name))
            case "termination":
                yield self._failures()
            case _:
                raise ValueError(f"no such channel: {channel}")

    def _add(
        self, hom: str, src: Node, tgt: Node, port: str = "", index: int = 0, path: Path_ = ()
    ) -> None:
        self.edges[Edge(hom, src, tgt, port, index, path)] = None


INFERRED = frozenset(
    ("observe", "inform", "step", "act", "recall", "reset", "disturb", "randomize", "curriculum")
)
"""Fields that are inferred when the task has just one part that they could name."""


def _order(edge: Edge) -> tuple[str, Node | tuple[str | int, ...], str, int, Node, Node]:
    """Edges of one morphism stand together, those that one field names in the field's order."""
    owner = edge.path[:2] or edge.tgt
    return edge.hom, owner, edge.port, edge.place, edge.tgt, edge.src


def _in_formula(part: Model, path: tuple[str, ...]) -> bool:
    """Whether a field is one of what has a formula."""
    for step in path[:-1]:
        part = getattr(part, step)
    return isinstance(part, Formulated)


def scales_in(model: Model, path: Path_ = ()) -> Iterator[tuple[Path_, Scale]]:
    """The scales in a model and in what it holds, with the place of each."""
    for name, info in type(model).model_fields.items():
        value, here = getattr(model, name), (*path, info.alias or name)
        members = list(enumerate(value)) if is_list(value) else [(None, value)]
        for index, member in members:
            place = here if index is None else (*here, index)
            if isinstance(member, Scale):
                yield place, member
            elif isinstance(member, Model):
                yield from scales_in(member, place)
