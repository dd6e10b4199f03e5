"""How what one task's networks learned is moved to another task."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ksim_compiler.plan.columns import along, inputs, outputs, standing
from ksim_compiler.plan.plan import Plan
from ksim_compiler.robot.anatomy import Key
from ksim_schema.diff import Diff
from ksim_schema.diff.columns import ColumnMap, Migration, column_map, obstacles
from ksim_schema.graph import Node
from ksim_schema.graph.canonical import values_of
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.learner import Learner
from ksim_schema.vocabulary.observation import Observation

RETURNS = ("Reward", "Termination")
"""Objects that a change of makes other returns of the same episodes."""


def migration(
    old: Plan,
    new: Plan,
    changes: Diff,
    negated: Collection[Key] = (),
    not_carried: Sequence[str] = (),
) -> Migration:
    """How a checkpoint of one task is moved to another.

    Args:
        old: the old task, after shape inference.
        new: the new one.
        changes: their difference, for the parts that have another name.
        negated: the joints and sensors whose numbers have the other sign in the new model.
        not_carried: how else the models give columns another meaning, in sentences.
    """
    names = {f"{object}.{a}": f"{object}.{b}" for (object, a), b in changes.renames.items()}

    ways = [
        column_map(inputs(old, old.policy_input), inputs(new, new.policy_input, negated), names),
        column_map(inputs(old, old.critic_input), inputs(new, new.critic_input, negated), names),
        column_map(outputs(old), outputs(new, negated), names),
    ]
    policies = values_of(old.task.policy), values_of(new.task.policy)
    critics = (_critic(old), _critic(new))
    stops = [obstacles(*policies), obstacles(*critics)]
    before, after = old.task.learner.section, new.task.learner.section
    if before != after:
        stops[0] = (*stops[0], f"the learner was {before} and is {after}")
    inexact = () if stops[0] else tuple(_inexact(old, new, ways[0], ways[2], names, negated))
    return Migration(
        *ways,
        obstacles=stops[0],
        critic_obstacles=stops[1],
        inexact=inexact,
        distribution=old.task.policy.distribution,
        other_returns=_other_returns(changes, new.task.learner),
        not_carried=tuple(not_carried),
    )


def _critic(plan: Plan) -> Mapping[str, Any]:
    return {} if plan.task.critic is None else values_of(plan.task.critic)


def _other_returns(changes: Diff, learner: Learner) -> bool:
    return any(
        (c.subject == "part" and c.place[0] in RETURNS and c.action != "renamed")
        or (c.subject == "learner" and (len(c.place) == 1 or c.place[1] in learner.returns))
        or c.place[-1] == "control"
        for c in changes.changes
    )


def _inexact(
    old: Plan,
    new: Plan,
    inputs: ColumnMap,
    actions: ColumnMap,
    names: Mapping[str, str],
    negated: Collection[Key],
) -> Iterator[str]:
    """What of the policy another task cannot take over exactly, in sentences."""
    normalized = [p.task.learner.normalize_observations for p in (old, new)]
    if normalized[0] and not normalized[1]:
        yield "inputs are not normalized any more, so none is limited to 10 standard deviations"
    elif normalized[1] and not normalized[0]:
        yield "inputs are normalized now, by statistics that begin anew"
    elif inputs.dropped and not normalized[0]:
        yield "a dropped input counts as its mean at the end of that run"
    before = {names.get(str(n), str(n)): n for n in _nodes(old)}
    for node in _nodes(new):
        was = before.get(str(node))
        kinds = [type(p.task.of(n.object)[n.name]) for p, n in ((old, was), (new, node)) if n]
        if len(kinds) == 2 and kinds[0] is kinds[1]:
            assert was is not None
            if not _same(_limited(old, was), _limited(new, node, negated)):
                yield f"{node} limits its value otherwise (squash, clip)"
    was, spread = old.task.policy.distribution, new.task.policy.distribution
    changed = any(
        i is not None and (abs(f) != 1.0 or s)
        for i, f, s in zip(actions.index, actions.factor, actions.shift, strict=True)
    )
    if changed and spread.squashed:
        yield "tanh squashes the actions, so other units are carried exactly about zero alone"
    elif rough := (*actions.rough, *inputs.rough):
        verb = "squashes" if len(rough) == 1 else "squash"
        yield f"{', '.join(rough)} {verb}, so other units are right about zero alone"
    grown = any(abs(f) != 1.0 for f in actions.factor)
    if (grown or was.bounds != spread.bounds) and spread.state_dependent:
        yield "standard deviations that the network gives are carried about their middle alone"
    elif grown or was.bounds != spread.bounds:
        yield "standard deviations stay within the bounds of this task"


def _nodes(plan: Plan) -> Iterator[Node]:
    """What the policy reads, and what it sets."""
    yield from (column.source for column in plan.policy_input)
    yield from (Node("Action", name) for name in plan.actions())


def _limited(plan: Plan, node: Node, negated: Collection[Key] = ()) -> tuple[Any, dict[Any, Any]]:
    """How a part's value is limited, and its limits in the unit and sense of what it stands for.

    Args:
        plan: its task.
        node: an action, an observation or a command.
        negated: the joints and sensors whose numbers stand for the opposite.

    Returns:
        What all of its numbers share, and the limits by what they are of.
    """
    part = plan.task.of(node.object)[node.name]
    facts, clips = plan.robot.facts, None
    if isinstance(part, Action):
        clips = part.clips(facts)
    elif isinstance(part, Observation):
        clips = part.clips(facts, plan.measured(node.name))
    squash = part.squash if isinstance(part, Action) else None
    how = (
        squash,
        clips is None,
        isinstance(part, Action) and part.bounds(plan.robot.facts) is not None,
    )
    if clips is None:
        return how, {}
    keys = along(plan, node)
    each = standing(plan, node) if keys else [(0.0, 1.0)] * len(set(clips))
    ends: dict[Any, Any] = {}
    for number, ((zero, unit), clip) in enumerate(zip(each, clips, strict=False)):
        key = keys[number] if keys else number
        sign = -1.0 if key in negated else 1.0
        low, high = sorted(sign * (zero + unit * end) for end in clip)
        ends[key, keys[:number].count(key)] = round(low, 9), round(high, 9)
    return how, ends


def _same(old: tuple[Any, dict[Any, Any]], new: tuple[Any, dict[Any, Any]]) -> bool:
    """Whether what both tasks have is limited alike."""
    (how, before), (now, after) = old, new
    return how == now and all(before[k] == after[k] for k in before.keys() & after.keys())
