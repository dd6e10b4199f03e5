"""The columns of a task's networks by what they mean, for moving a checkpoint to another task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ksim_compiler.plan import Column, Plan
from ksim_schema.canonical import values_of
from ksim_schema.diff import Diff
from ksim_schema.diff.columns import Migration, Segment, column_map, obstacles
from ksim_schema.diff.tiers import SENSOR_ERRORS
from ksim_schema.graph import Node
from ksim_schema.vocabulary import Part
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.base import Named, annotated_fields
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.observation import Observation, WiredObservation
from ksim_schema.vocabulary.observation.base import selected

RESHAPED = frozenset(("scale", "clip", "history"))
"""Fields of an observation that leave what a column is: its factor, its limits, its age."""


def migration(old: Plan, new: Plan, changes: Diff) -> Migration:
    """How a checkpoint of one task is moved to another.

    Args:
        old: the old task, after shape inference.
        new: the new one.
        changes: their difference, for the parts that have another name.
    """
    names = {f"{object}.{a}": f"{object}.{b}" for (object, a), b in changes.renames.items()}

    def part(plan: Plan, object: str) -> Mapping[str, Any]:
        return values_of(next(iter(plan.task.of(object).values())))

    ways = [
        column_map(inputs(old, old.policy_input), inputs(new, new.policy_input), names),
        column_map(inputs(old, old.critic_input), inputs(new, new.critic_input), names),
        column_map(outputs(old), outputs(new), names),
    ]
    stops = [obstacles(part(old, o), part(new, o)) for o in ("Policy", "Critic")]
    return Migration(ways[0], ways[1], ways[2], stops[0], stops[1])


def inputs(plan: Plan, columns: tuple[Column, ...]) -> list[Segment]:
    """The segments of a network's input, in order.

    A critic may read one observation twice, with and without its noise.
    """
    seen: set[Node] = set()
    segments: list[Segment] = []
    for column in columns:
        name = f"{column.source} (noisy)" if column.source in seen else str(column.source)
        seen.add(column.source)
        segments.append(_input(plan, column.source, name, column.stop - column.start))
    return segments


def outputs(plan: Plan) -> list[Segment]:
    """The segments of the policy's output, in order."""
    return [_output(plan, name) for name in plan.actions()]


def elements(segment: Segment) -> list[str]:
    """Short names of a segment's elements: without what is the same of all of them."""
    names = list(segment.labels)
    for suffix in (" 0 ticks ago", "[0]"):
        if names and all(name.endswith(suffix) for name in names):
            names = [name.removesuffix(suffix) for name in names]
    return names


def _input(plan: Plan, node: Node, name: str, size: int) -> Segment:
    part, facts = plan.task.of(node.object)[node.name], plan.robot.facts
    if isinstance(part, Command):
        labels = _distinct(part.labels(facts), size)
        return Segment(name, size, labels, part.kind_name)
    assert isinstance(part, Observation)
    labels, selector = _elements(plan, node, part, size // part.history)
    meaning = _meaning(part, selector)
    ages = range(part.history - 1, -1, -1)  # the oldest first
    labels = tuple(f"{label} {age} ticks ago" for age in ages for label in labels)
    recalled = [e.src.name for e in plan.graph.into(node, "recall")]
    unit = _unit(plan, recalled[0]) if len(recalled) == 1 else 1.0
    return Segment(name, size, labels, meaning, part.scale * unit)


def _meaning(part: Part, selector: str) -> str:
    """What a column means apart from its label, as a text to be compared."""
    apart = {*SENSOR_ERRORS, *RESHAPED, selector}
    return json.dumps({k: v for k, v in values_of(part).items() if k not in apart}, sort_keys=True)


def _elements(plan: Plan, node: Node, part: Observation, size: int) -> tuple[tuple[str, ...], str]:
    """What each element of one tick's value belongs to, and the field that selects them.

    Where nothing but its place tells an element, the labels are the places, and the field is "".
    """
    facts, places = plan.robot.facts, tuple(map(str, range(size)))
    if isinstance(part, WiredObservation):
        labels: list[str] = []
        for edge in plan.graph.into(node, part.source):
            source = plan.task.of(edge.src.object)[edge.src.name]
            if isinstance(source, Action):
                labels += _output(plan, edge.src.name).labels
            elif isinstance(source, Command):
                labels += source.labels(facts)
        return _distinct(tuple(labels), size) or places, ""
    for (field, *_), named, patterns in annotated_fields(part, Named):
        if not (named.pattern and patterns) or field == "partners":
            continue
        if named.what == "joint":
            names = tuple(joint.name for joint in facts.match_joints(patterns))
        elif hasattr(part, "names"):
            names = part.names(facts)  # type: ignore[attr-defined]
        else:
            names = selected(facts, named.what, patterns)
        each = size // len(names) if names else 0
        labels_of = _distinct(tuple(f"{n}[{i}]" for n in names for i in range(each)), size)
        if labels_of:
            return labels_of, field
    return places, ""


def _output(plan: Plan, name: str) -> Segment:
    part = plan.task.of("Action")[name]
    assert isinstance(part, Action)
    size = plan.shapes[Node("Action", name)][0]
    joints = tuple(joint.name for joint in plan.robot.facts.match_joints(part.joints))
    each = size // len(joints) if joints else 0
    # an action of two numbers for each joint has all of the first kind first
    labels = tuple(f"{joint}[{i}]" for i in range(each) for joint in joints)
    return Segment(
        f"Action.{name}", size, _distinct(labels, size), part.kind_name, _unit(plan, name)
    )


def _unit(plan: Plan, action: str) -> float:
    """The policy's output for one SI unit of what an action sets; 1 where it is not one factor."""
    values = plan.task.of("Action")[action]
    scale = getattr(values, "scale", None)
    if not isinstance(scale, float) or hasattr(values, "velocity_scale"):
        return 1.0
    return 1.0 / scale


def _distinct(labels: tuple[str, ...], size: int) -> tuple[str, ...]:
    return labels if len(set(labels)) == size else ()
