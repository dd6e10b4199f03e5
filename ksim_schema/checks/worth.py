"""Laws of rewards that need no robot: signs, sums, and what is the same."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_schema.checks.proportions import beside, period
from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import (
    BAD_NORMAL,
    LASTING_IS_A_LOSS,
    RATES_AND_AMOUNTS,
    SAME_REWARD,
)
from ksim_schema.diagnostics.codes.typed import CONSTANT_REWARD
from ksim_schema.task import Task
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.reward.base import Following
from ksim_schema.vocabulary.reward.episode import StayAlive, TerminationPenalty
from ksim_schema.vocabulary.reward.formula import Formula
from ksim_schema.vocabulary.reward.joints import PairwiseSymmetry, Symmetry
from ksim_schema.vocabulary.reward.posture import FlatBody
from ksim_schema.vocabulary.termination import Termination

_LENGTH = 0.02
"""How far the length of a normal may be from 1: of a direction with two digits."""


def worth(task: Task) -> Iterator[Diagnostic]:
    """What rewards are worth, one by one and together."""
    for name, part in task.of(Reward).items():
        match part:
            case FlatBody():
                yield from _normal(task, name, part)
            case PairwiseSymmetry() if part.left == part.right:
                yield from _itself(task, name, part)
            case StayAlive() if part.success is not None and part.success < 0.0:
                yield from _success(task, name, part)
            case _:
                pass
    yield from _twice(task)
    if task.complete:
        yield from _only_losses(task)
        yield from _rates(task)
        yield from _events(task)


def _normal(task: Task, name: str, part: FlatBody) -> Iterator[Diagnostic]:
    at = ("Reward", name, "plane")
    length = math.hypot(*part.plane)
    up = [x / length + 0.0 for x in part.plane] if length else []
    if length == 0.0:
        yield task.report(CONSTANT_REWARD, "a normal of length 0 makes this always 0", *at)
    elif part.plane[2] < 0.0:
        turned = "[" + ", ".join(f"{-x + 0.0:.4g}" for x in up) + "]"
        message = "the normal of the plane points down, and its sign makes no difference: the "
        message += f"reward is the same as with {turned}"
        help = f"write {turned}; for how a body lies upside down use a formula of base.tilt"
        yield task.report(BAD_NORMAL, message, *at, help=help)
    elif abs(length - 1.0) > _LENGTH:
        message = f"the normal has a length of {length:.4g}, and the reward is multiplied by the "
        message += f"square of it, {length**2:.4g}"
        help = "write [" + ", ".join(f"{x:.4g}" for x in up) + "], and the factor in 'scale'"
        yield task.report(BAD_NORMAL, message, *at, help=help)


def _itself(task: Task, name: str, part: PairwiseSymmetry) -> Iterator[Diagnostic]:
    message = f"'left' and 'right' are both {part.left!r}: a joint is always where it is itself"
    help = "name the joint of the other side"
    problem = task.report(CONSTANT_REWARD, message, "Reward", name, "right", help=help)
    yield beside(problem, task, "the same joint", "Reward", name, "left")


def _success(task: Task, name: str, part: StayAlive) -> Iterator[Diagnostic]:
    assert part.success is not None
    tick = 1.0 if part.balance is None else 1.0 / part.balance
    message = f"lasting until the time limit is worth {part.success:g}, less than any other tick "
    message += f"({tick:.3g}): it is punished"
    help = "'success' is added: give a positive value, or leave it out"
    yield task.report(LASTING_IS_A_LOSS, message, "Reward", name, "success", help=help)


def _twice(task: Task) -> Iterator[Diagnostic]:
    """Rewards that are equal but for a constant weight."""
    seen: dict[object, str] = {}
    for name, part in task.of(Reward).items():
        if part.scale.constant is None:
            continue
        fields = ((f, getattr(part, f)) for f in type(part).model_fields if f != "scale")
        key = (type(part), repr(tuple(fields)))
        first = seen.setdefault(key, name)
        if first == name:
            continue
        total = float(task.of(Reward)[first].scale.constant or 0.0) + part.scale.constant
        message = f"{name!r} is the same as {first!r} but for the weight"
        help = f"leave one of them, with a scale of {total:g}; if they are to differ, say in what"
        problem = task.report_key(SAME_REWARD, message, "Reward", name, help=help)
        yield beside(problem, task, "the same reward", "Reward", first)


def _gain(part: Reward) -> bool:
    """Whether a reward may give something. A component of the task's own may."""
    if isinstance(part, Custom | Formula):
        return True
    return not part.penalty and not isinstance(part, Symmetry)


def _only_losses(task: Task) -> Iterator[Diagnostic]:
    """All rewards take away, and an episode can be ended early for nothing."""
    rewards = task.of(Reward)
    if not rewards or any(_gain(part) for part in rewards.values()):
        return
    fails = [name for name, t in task.of(Termination).items() if not t.is_timeout]
    if fails and not any(isinstance(part, TerminationPenalty) for part in rewards.values()):
        first = next(iter(rewards))
        message = "all rewards take something away and a failure costs nothing, so it is best to "
        message += f"end each episode at once ({', '.join(map(repr, fails[:3]))})"
        help = "add a reward for going on, such as {kind: stay_alive}, or a penalty of failures, "
        help += "{kind: termination}"
        problem = task.report_key(LASTING_IS_A_LOSS, message, "Reward", help=help)
        yield beside(problem, task, "takes away at each tick", "Reward", first)


def _rates(task: Task) -> Iterator[Diagnostic]:
    """What follows commands is a rate, what does not is an amount, and so rules."""
    tick = period(task)
    gains = {n: p for n, p in task.of(Reward).items() if _gain(p) and not p.of_total}
    rewards = {n: p for n, p in gains.items() if not isinstance(p, Formula)}
    following = {n: p for n, p in rewards.items() if isinstance(p, Following) and p.command}
    if tick is None or any(isinstance(p, Custom | Formula) for p in task.of(Reward).values()):
        return
    rates = {n: p for n, p in rewards.items() if p.per_second}
    amounts = {n: p for n, p in rewards.items() if not p.per_second}
    led = [n for n in following if n in rates]
    stay = {n: p for n, p in amounts.items() if n not in following}
    if not led or not stay or any(_kernel(p) for n, p in following.items() if n not in rates):
        return
    first = led[0]
    raw = sum(rates[n].scale.extremes[1] for n in led)
    other = max(stay, key=lambda n: stay[n].scale.extremes[1])
    weight = stay[other].scale.extremes[1]
    if raw * tick < weight <= raw:
        message = f"with per_second, what follows the command ({', '.join(led)}) is worth "
        message += (
            f"{raw * tick:.3g} a tick at most, {raw:g} x {tick:g} s, and {other!r} without it "
        )
        message += f"{weight:g}: it turns around which is worth more"
        help = "give per_second to all rewards, or to none"
        at = ("Reward", first, "per_second")
        problem = task.report(RATES_AND_AMOUNTS, message, *at, help=help)
        yield beside(problem, task, "an amount for each tick", "Reward", other)


def _events(task: Task) -> Iterator[Diagnostic]:
    """A failure as a rate beside amounts: an event has no duration."""
    tick = period(task)
    rewards = task.of(Reward)
    amount = next(
        (
            n
            for n, p in rewards.items()
            if not (p.per_second or p.of_total or isinstance(p, TerminationPenalty))
        ),
        None,
    )
    for name, part in rewards.items():
        if tick and amount and isinstance(part, TerminationPenalty) and part.per_second:
            weight = part.scale.extremes[1]
            message = (
                f"a failure is one tick, so that with per_second it costs {weight:g} x {tick:g} "
            )
            message += f"s = {weight * tick:.3g}, and {amount!r} is an amount for each tick"
            help = "take per_second out, or give it to all rewards"
            at = ("Reward", name, "per_second")
            problem = task.report(RATES_AND_AMOUNTS, message, *at, help=help)
            yield beside(problem, task, "an amount for each tick", "Reward", amount)


def _kernel(part: Reward) -> bool:
    """Whether a reward tracks: its error has a scale."""
    return "error_scale" in type(part).model_fields
