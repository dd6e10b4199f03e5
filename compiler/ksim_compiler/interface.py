"""The columns of a task's networks by what they mean, for moving a checkpoint to another task."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ksim_compiler.plan import Column, Plan
from ksim_schema.canonical import values_of
from ksim_schema.diff import Diff
from ksim_schema.diff.columns import ColumnMap, Migration, Segment, column_map, obstacles
from ksim_schema.diff.tiers import SENSOR_ERRORS
from ksim_schema.graph import Node
from ksim_schema.vocabulary import Part
from ksim_schema.vocabulary.action import (
    Action,
    PositionTarget,
    PositionVelocityTarget,
    TargetMotion,
)
from ksim_schema.vocabulary.base import Named, annotated_fields
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.observation import LastAction, Observation, WiredObservation
from ksim_schema.vocabulary.observation.base import selected
from ksim_schema.vocabulary.observation.joint import JointObservation

RESHAPED = frozenset(("scale", "clip", "history", "relative_to"))
"""Fields of an observation that leave what a column is: factor, limits, age and zero."""


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
    acted = next(iter(old.task.of("Policy").values())).distribution  # type: ignore[attr-defined]
    inexact = () if stops[0] else tuple(_inexact(old, new, ways[0], ways[2], names))
    return Migration(ways[0], ways[1], ways[2], stops[0], stops[1], inexact, acted)


def _inexact(
    old: Plan, new: Plan, inputs: ColumnMap, actions: ColumnMap, names: Mapping[str, str]
) -> Iterator[str]:
    """What of the policy another task cannot take over exactly, in sentences."""
    normalized = [p.task.ppo.normalize_observations for p in (old, new)]
    if normalized[0] and not normalized[1]:
        yield "inputs are not normalized any more, so none is limited to 10 standard deviations"
    elif normalized[1] and not normalized[0]:
        yield "inputs are normalized now, by statistics that begin anew"
    elif inputs.dropped and not normalized[0]:
        yield "a dropped input counts as zero, because without normalization its mean is not known"
    before = {names.get(str(n), str(n)): p for n, p in _parts(old)}
    for node, part in _parts(new):
        was = before.get(str(node))
        if type(was) is type(part) and _limits(old, was) != _limits(new, part):
            yield f"{node} limits its value otherwise (squash, clip)"
    policies = [next(iter(p.task.of("Policy").values())) for p in (old, new)]
    spread = policies[1].distribution  # type: ignore[attr-defined]
    changed = any(
        i is not None and (f != 1.0 or s)
        for i, f, s in zip(actions.index, actions.factor, actions.shift, strict=True)
    )
    if changed and spread.kind == "tanh_gaussian":
        yield "tanh squashes the actions, so other units are carried exactly about zero alone"
    elif actions.rough:
        yield f"{', '.join(actions.rough)} squashes, so other units are right about zero alone"
    bounds = [
        tuple(getattr(p.distribution, k) for k in ("init_std", "min_std", "max_std"))  # type: ignore[attr-defined]
        for p in policies
    ]
    if (changed or bounds[0] != bounds[1]) and spread.state_dependent:
        yield "standard deviations that the network gives are carried about their middle alone"
    elif changed or bounds[0] != bounds[1]:
        yield "standard deviations stay within the bounds of this task"


def _parts(plan: Plan) -> Iterator[tuple[Node, Part]]:
    """What the policy reads, and what it sets."""
    for column in plan.policy_input:
        yield column.source, plan.task.of(column.source.object)[column.source.name]
    for name in plan.actions():
        yield Node("Action", name), plan.task.of("Action")[name]


def _limits(plan: Plan, part: Part | None) -> Any:
    """What limits a part's value, in the unit of what it stands for."""
    clip = getattr(part, "clip", None)
    if not isinstance(part, Action):
        return None if clip is None else tuple(map(float, clip))
    formula = _formula(plan, part)
    ends = None if clip is None else tuple((b + s * clip[0], b + s * clip[1]) for b, s in formula)
    return part.squash, ends


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
    for suffix in (" 0 s ago", "[0]"):
        if names and all(name.endswith(suffix) for name in names):
            names = [name.removesuffix(suffix) for name in names]
    return names


def _input(plan: Plan, node: Node, name: str, size: int) -> Segment:
    part, facts = plan.task.of(node.object)[node.name], plan.robot.facts
    if isinstance(part, Command):
        labels = _distinct(part.labels(facts), size)
        return Segment(name, size, labels, part.kind_name)
    assert isinstance(part, Observation)
    each = size // part.history
    labels, selector = _elements(plan, node, part, each)
    meaning = _meaning(part, selector)
    ages = [age * plan.period for age in reversed(range(part.history))]  # the oldest first
    labels = tuple(f"{label} {age:.6g} s ago" for age in ages for label in labels)
    units, squashed = [(0.0, 1.0)] * each, False
    if isinstance(part, LastAction):
        actions = [plan.task.of("Action")[e.src.name] for e in plan.graph.into(node, "recall")]
        recalled = [pair for a in actions if isinstance(a, Action) for pair in _formula(plan, a)]
        units = recalled if len(recalled) == each else units
        squashed = any(getattr(a, "squash", None) for a in actions)
    elif getattr(part, "relative_to", None) == "home":
        assert isinstance(part, JointObservation)
        units = [(j.home[0], 1.0) for j in facts.match_joints(part.joints)]
    scales = tuple(part.scale / unit for _, unit in units) * part.history
    offsets = tuple(-part.scale * zero / unit for zero, unit in units) * part.history
    return Segment(name, size, labels, meaning, scales, offsets, squashed)


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
    formula = _formula(plan, part)
    scales = tuple(1.0 / unit for _, unit in formula)
    offsets = tuple(-zero / unit for zero, unit in formula)
    labels = _distinct(labels, size)
    squashed = part.squash is not None
    return Segment(f"Action.{name}", size, labels, part.kind_name, scales, offsets, squashed)


def _formula(plan: Plan, action: Action) -> list[tuple[float, float]]:
    """For each number of an action what zero sets, and what one more adds to that."""
    joints = plan.robot.facts.match_joints(action.joints)
    zeros = [0.0] * len(joints)
    units: list[Any] = [getattr(action, "scale", None)] * len(joints)
    ends = [j.limits or (0.0, 0.0) for j in joints]
    if isinstance(action, TargetMotion) and action.around == "home":
        zeros = [j.home[0] for j in joints]
    elif isinstance(action, TargetMotion) and action.around == "middle":
        zeros = [(low + high) / 2 for low, high in ends]
    if isinstance(action, PositionTarget) and action.scale is None:
        units = [(high - low) / 2 for low, high in ends]
    if isinstance(action, PositionVelocityTarget):
        zeros += [0.0] * len(joints)
        units += [action.velocity_scale] * len(joints)
    size = plan.shapes[Node("Action", action_name(plan, action))][0]
    if len(units) != size or not all(isinstance(u, float | int) and u for u in units):
        return [(0.0, 1.0)] * size  # a kind of the author's own, whose formula is its own
    return [(float(zero), float(unit)) for zero, unit in zip(zeros, units, strict=True)]


def action_name(plan: Plan, action: Action) -> str:
    """The name of one of a task's actions."""
    return next(name for name, part in plan.task.of("Action").items() if part is action)


def _distinct(labels: tuple[str, ...], size: int) -> tuple[str, ...]:
    return labels if len(set(labels)) == size else ()
