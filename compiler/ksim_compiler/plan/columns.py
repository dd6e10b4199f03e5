"""The columns of a task's networks by what they mean."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace

from ksim_compiler.plan.plan import Column, Plan
from ksim_compiler.robot.anatomy import Key
from ksim_schema.custom.api import Custom
from ksim_schema.diff.columns import Segment
from ksim_schema.diff.tiers import SENSOR_ERRORS
from ksim_schema.graph import Node
from ksim_schema.graph.canonical import values_of
from ksim_schema.vocabulary import Part
from ksim_schema.vocabulary.action import Action, JointAction, TargetMotion
from ksim_schema.vocabulary.base import Named, annotated_fields
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.motion import JointPosition as JointCommand
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.base import Several, selected
from ksim_schema.vocabulary.observation.joint import JointObservation
from ksim_schema.vocabulary.observation.signal import LastAction, SensorValue, WiredObservation

RESHAPED = frozenset(("scale", "clip", "history", "relative_to"))
"""Fields of an observation that leave what a column is: factor, limits, age and zero."""


def inputs(plan: Plan, columns: tuple[Column, ...], negated: Collection[Key] = ()) -> list[Segment]:
    """The segments of a network's input, in order.

    A critic may read one observation twice, with and without its noise.

    Args:
        plan: the task, after shape inference.
        columns: those of the network's input.
        negated: the joints and sensors whose numbers are to be told with the other sign.
    """
    seen: set[Node] = set()
    segments: list[Segment] = []
    for column in columns:
        name = f"{column.source} (noisy)" if column.source in seen else str(column.source)
        seen.add(column.source)
        segment = _input(plan, column.source, name, column.stop - column.start)
        segments.append(_signed(plan, column.source, segment, negated))
    return segments


def outputs(plan: Plan, negated: Collection[Key] = ()) -> list[Segment]:
    """The segments of the policy's output, in order; see :func:`inputs`."""
    nodes = [Node("Action", name) for name in plan.actions()]
    return [_signed(plan, node, _output(plan, node.name), negated) for node in nodes]


def along(plan: Plan, node: Node) -> tuple[Key, ...]:
    """For each number of one tick's value the joint, or the sensor, that its sign is that of.

    () where that is not known.
    """
    part, facts = plan.task.of(node.object)[node.name], plan.robot.facts
    if isinstance(part, JointAction) and part.things("output", facts) is None:
        return ()
    if isinstance(part, JointAction | JointObservation | JointCommand):
        joints = facts.match_joints(part.joints)
        size = part.size(facts) if not isinstance(part, Observation) else len(joints)
        # what has two numbers for each joint has all of the first kind first
        return tuple(("joint", j.name) for j in joints) * (size // max(len(joints), 1))
    if isinstance(part, SensorValue) and facts.sensor(part.sensor).size == 1:
        return (("sensor", part.sensor),)
    if isinstance(part, WiredObservation):
        edges = plan.graph.into(node, part.source)
        return tuple(key for edge in edges for key in along(plan, edge.src))
    return ()


def standing(plan: Plan, node: Node) -> list[tuple[float, float]]:
    """For each number of one tick's value (of an observation: before its scale) what zero stands
    for, and what one more adds to that."""
    part, facts = plan.task.of(node.object)[node.name], plan.robot.facts
    if isinstance(part, Action):
        return _formula(plan, part)
    if isinstance(part, LastAction):
        edges = plan.graph.into(node, part.source)
        return [pair for edge in edges for pair in standing(plan, edge.src)]
    if isinstance(part, JointObservation) and part.from_home:
        return [(joint.home[0], 1.0) for joint in facts.match_joints(part.joints)]
    history = part.history if isinstance(part, Observation) else 1
    return [(0.0, 1.0)] * (plan.shapes[node][0] // history)


def _signed(plan: Plan, node: Node, segment: Segment, negated: Collection[Key]) -> Segment:
    """The segment with the other sign of what is negated."""
    keys = along(plan, node) if negated else ()
    if not any(key in negated for key in keys):
        return segment
    signs = [-1.0 if key in negated else 1.0 for key in keys] * (segment.size // len(keys))
    scales = (sign * scale for sign, (scale, _) in zip(signs, segment.each(), strict=True))
    return replace(segment, scale=tuple(scales))


def elements(segment: Segment) -> list[str]:
    """Short names of a segment's elements: without what is the same of all of them."""
    names = list(segment.labels)
    for suffix in (" 0 s ago", "[0]"):
        if names and all(name.endswith(suffix) for name in names):
            names = [name.removesuffix(suffix) for name in names]
    return names


def _input(plan: Plan, node: Node, name: str, size: int) -> Segment:
    part, facts = plan.task.of(node.object)[node.name], plan.robot.facts
    if isinstance(part, Command):
        return Segment(name, size, _distinct(part.labels(facts), size), _sense(part))
    assert isinstance(part, Observation)
    each = size // part.history
    labels, selector = _elements(plan, node, part, each)
    meaning = _meaning(part, selector)
    ages = [age * plan.period for age in reversed(range(part.history))]  # the oldest first
    labels = tuple(f"{label} {age:.6g} s ago" for age in ages for label in labels)
    units = standing(plan, node)
    units = units if len(units) == each else [(0.0, 1.0)] * each
    senses, squashed = tuple[str, ...](), tuple[bool, ...]()
    if isinstance(part, WiredObservation):
        sources = [edge.src for edge in plan.graph.into(node, part.source)]
        if sum(plan.shapes[source][0] for source in sources) == each:
            for source in sources:
                origin, count = plan.task.of(source.object)[source.name], plan.shapes[source][0]
                sense = _sense(origin) if isinstance(origin, Command) else origin.kind_name
                bounded = isinstance(origin, Action) and origin.squash is not None
                senses, squashed = senses + (sense,) * count, squashed + (bounded,) * count
            senses, squashed = senses * part.history, squashed * part.history
    factors = part.scales(facts, each)
    scales = tuple(f / unit for f, (_, unit) in zip(factors, units, strict=True)) * part.history
    offsets = tuple(-f * zero / unit for f, (zero, unit) in zip(factors, units, strict=True))
    offsets *= part.history
    return Segment(name, size, labels, meaning, scales, offsets, squashed or False, senses)


def _sense(part: Command) -> str:
    """What the numbers of a command mean apart from their labels, as a text to be compared."""
    if isinstance(part, Custom):
        return json.dumps(values_of(part), sort_keys=True)  # any of it may matter
    kept = {path[0] for path, named, _ in annotated_fields(part, Named) if not named.pattern}
    values = {k: v for k, v in values_of(part).items() if k in {*kept, "kind", "relative_to"}}
    if values.get("relative_to") in ("world", "start"):  # told in the world's frame
        values = {"kind": values["kind"]}
    return json.dumps(values, sort_keys=True) if len(values) > 1 else part.kind_name


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
        elif isinstance(part, Several):
            names = part.names(facts)
        else:
            names = selected(facts, named.what, patterns)
        each = size // len(names) if names else 0
        labels_of = _distinct(tuple(f"{n}[{i}]" for n in names for i in range(each)), size)
        if labels_of:
            return labels_of, field
    return places, ""


def _output(plan: Plan, name: str) -> Segment:
    part = plan.task.of(Action)[name]
    size = plan.shapes[Node("Action", name)][0]
    things = part.things("output", plan.robot.facts) or ()
    # an action of two numbers for each joint has all of the first kind first
    labels = tuple(f"{thing}[{things[:i].count(thing)}]" for i, thing in enumerate(things))
    formula = _formula(plan, part)
    scales = tuple(1.0 / unit for _, unit in formula)
    offsets = tuple(-zero / unit for zero, unit in formula)
    labels = _distinct(labels, size)
    squashed = part.squash is not None
    meaning = part.kind_name
    if isinstance(part, TargetMotion) and part.around in ("now", "last"):
        meaning += " from the present position" if part.around == "now" else " from the last target"
    return Segment(f"Action.{name}", size, labels, meaning, scales, offsets, squashed)


def _formula(plan: Plan, action: Action) -> list[tuple[float, float]]:
    """For each number of an action what zero sets, and what one more adds to that."""
    targets = action.targets(plan.robot.facts)
    known = all(unit for _, unit in targets)  # not where a joint's range is wanted and has none
    return list(targets) if known else [(0.0, 1.0)] * len(targets)


def _distinct(labels: tuple[str, ...], size: int) -> tuple[str, ...]:
    return labels if len(set(labels)) == size else ()
