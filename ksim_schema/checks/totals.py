"""Laws of the sum of all rewards: clips that never act, or always, and what is called total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ksim_schema.checks.proportions import beside, period
from ksim_schema.checks.reach import reach, surroundings
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import IDLE_CLIP, NAMED_LIKE_THE_TOTAL, SECOND_CLIP
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.units.formula import FormulaError
from ksim_schema.units.formula_range import range_of
from ksim_schema.units.interval import EVERYTHING, ZERO, Interval
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.reward.episode import StayAlive, TerminationPenalty
from ksim_schema.vocabulary.reward.formula import Formula
from ksim_schema.vocabulary.reward.total import Clip


def totals(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Clips that do nothing, or leave nothing; names that logs confuse."""
    rewards = task.of(Reward)
    for name, part in rewards.items():
        if name == "total" and not part.components:
            message = "the sum of all rewards is logged as 'reward/total', and so is this one"
            help = "give it another name"
            yield task.report_key(NAMED_LIKE_THE_TOTAL, message, "Reward", name, help=help)
    clips = [name for name, part in rewards.items() if isinstance(part, Clip)]
    if len(clips) > 1:
        message = f"{clips[0]!r} and {clips[1]!r} both clip the total"
        help = "give both bounds to one of them"
        problem = task.report_key(SECOND_CLIP, message, "Reward", clips[1], help=help)
        yield beside(problem, task, "the other clip", "Reward", clips[0])
    elif clips and task.complete:
        yield from _idle(task, robot, clips[0], rewards)


def _idle(
    task: Task, robot: RobotFacts, name: str, rewards: Mapping[str, Reward]
) -> Iterator[Diagnostic]:
    clip = rewards[name]
    assert isinstance(clip, Clip)
    can = ZERO
    for part in rewards.values():
        if not isinstance(part, Clip):
            can = can + _within(task, robot, part)
    for field, low, high in (("min", can.low, can.high), ("max", -can.high, -can.low)):
        bound: float | None = getattr(clip, field)
        if bound is None:
            continue
        beyond = bound if field == "min" else -bound
        told = f"all other rewards together are {_text(can)}"
        if low >= beyond:
            message, help = f"this never acts: {told}", "take it out"
            yield task.report(IDLE_CLIP, message, "Reward", name, field, help=help)
        elif high <= beyond:
            message = f"the total is {bound:g} at each tick: {told}"
            help = "give a bound that the sum can be within"
            yield task.report(IDLE_CLIP, message, "Reward", name, field, help=help)


def _text(can: Interval) -> str:
    if can.bounded:
        return f"from {can.low:.4g} to {can.high:.4g}"
    return f"at least {can.low:.4g}" if can.low > -float("inf") else f"at most {can.high:.4g}"


def _within(task: Task, robot: RobotFacts, part: Reward) -> Interval:
    """All that a term can be as it enters the sum, as far as that is known."""
    value = _value(task, robot, part)
    value = part.scale.times(value) if part.scale.constant != 0.0 else ZERO
    tick = period(task)
    if part.per_second:
        value = value * Interval.exactly(tick) if tick else EVERYTHING
    value = -value if part.penalty else value
    return value.hull(ZERO)  # a gate that is shut; a tick that is no number


def _value(task: Task, robot: RobotFacts, part: Reward) -> Interval:
    """All that the value of a reward can be, before its weight."""
    match part:
        case Formula():
            try:
                around = surroundings(task, robot)
                tree, known = part.read(robot, around), part.sources(robot, around)
            except FormulaError:  # it is reported where formulas are read
                return EVERYTHING
            return range_of(tree, reach(task, robot, {n: known[n] for n in tree.quantities()}))
        case StayAlive():
            alive = Interval(-1.0, 1.0 / part.balance) if part.balance else Interval(0.0, 1.0)
            last = Interval.exactly(part.success) if part.success is not None else alive
            return alive.hull(last)
        case TerminationPenalty():
            return Interval(0.0, 1.0)
        case _ if part.penalty:
            return Interval(0.0, float("inf"))
        case _:
            return EVERYTHING
