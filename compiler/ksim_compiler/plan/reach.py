"""How far the numbers of an action count: the bounds of a task's space of actions."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_compiler.plan.plan import Plan
from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary.action import Action, Actuator, Binary, TargetMotion, Torque

Bounds = tuple[float, float]
FREE: Bounds = (-math.inf, math.inf)


def action_bounds(plan: Plan) -> tuple[Bounds, ...]:
    """For each number of the policy's output the ends beyond which it changes nothing.

    They are those of the action's ``clip``; else the numbers at which a motor gives all it can, or
    at which a target is at the limits that it is kept to; else -1 and 1 where the task's policy has
    a squashed distribution. Infinite where there is none of these.
    """
    found = [
        bounds
        for name in plan.actions()
        for bounds in _of(plan.parts(Action)[name], plan.robot.facts)
    ]
    if plan.task.policy.distribution.squashed:
        found = [(max(low, -1.0), min(high, 1.0)) for low, high in found]
    return tuple(found)


def _of(part: Action, facts: RobotFacts) -> Iterator[Bounds]:
    """The bounds of an action's numbers."""
    size = part.size(facts)
    clips = None if part.squash else part.clips(facts)  # a clip of tanh is none of its argument
    if clips is not None:
        yield from ((float(low), float(high)) for low, high in clips)
    elif isinstance(part, Binary) and not part.squash:
        yield from [(-1.0, 1.0)] * size  # its sign alone counts
    else:
        saturated = None if part.squash else _saturated(part, facts)
        yield from saturated or [FREE] * size


def _saturated(part: Action, facts: RobotFacts) -> list[Bounds] | None:
    """The numbers at which the targets get to their ends; None where it has no ends."""
    if isinstance(part, Torque):
        if part.low_pass is not None or part.bias or part.noise:
            return None  # what comes after them is not the target alone
        drives = part.drives(facts)
        ends = [drive.stall or drive.limit for drive in drives]
        return [
            (-end / unit, end / unit)
            for end, (_, unit) in zip(ends, part.targets(facts), strict=True)
        ]
    kept = part.bounds(facts)
    moved = isinstance(part, TargetMotion) and part.moves_limited
    if kept is None or moved or not isinstance(part, Actuator | TargetMotion):
        return None
    targets = part.targets(facts)
    if part.around not in ("home", "zero", "middle") or len(targets) != len(kept):
        return None  # from where it is, any step may count
    return [
        ((low - zero) / unit, (high - zero) / unit)
        for (low, high), (zero, unit) in zip(kept, targets, strict=True)
    ]
