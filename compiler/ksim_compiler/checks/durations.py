"""Times of a task that are not whole numbers of the steps in which they are counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ksim_compiler.plan import Plan
from ksim_compiler.plan.clock import NEAR, ticks
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.values import LONGER_THAN_EPISODE, ROUNDED_TIME, VANISHING_TIME
from ksim_schema.vocabulary.observation import Observation

TOLD = 1e-3
"""A time that becomes another by more than this part of it is told."""


class _Counted(NamedTuple):
    """A field that is counted in whole steps.

    ``physics``: in physics timesteps, not control periods; ``least``: the fewest that it can be;
    ``up``: a message that is late by a part of a step is late by the whole of it.
    """

    object: str
    field: str
    least: int
    physics: bool = False
    up: bool = False


COUNTED = (
    _Counted("Observation", "delay", 0),
    _Counted("Command", "resample", 1),
    _Counted("Command", "duration", 1),
    _Counted("Command", "blend", 0),
    _Counted("Event", "every", 1),
    _Counted("Event", "duration", 0),
    _Counted("Termination", "after", 1),
    _Counted("Action", "update", 1, physics=True),
    _Counted("Action", "latency", 0, physics=True, up=True),
)


def durations(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of times that are rounded, and of those that are rounded to nothing.

    Of a range only an end that becomes nothing is told, for the draws in it are not whole either.
    """
    for counted in COUNTED:
        step = plan.robot.facts.timestep if counted.physics else plan.period
        for name, part in plan.parts(counted.object).items():
            if counted.field not in type(part).model_fields:
                continue
            written: Any = getattr(part, counted.field)
            ends = written if isinstance(written, tuple) else (written,)
            if not all(isinstance(end, int | float) for end in ends):
                continue
            fixed = len(set(ends)) == 1
            if not fixed and all(end > 0 and _count(counted, end, step) == 0 for end in ends):
                # the whole range is one mistake
                at = (counted.object, name, counted.field)
                yield _told(plan, counted, max(ends), 0, step, at)
                continue
            for index, end in enumerate(dict.fromkeys(ends)):
                count = _count(counted, end, step)
                away = abs(count * step - end) > TOLD * end
                if counted.field == "after" and end < step:
                    continue  # told of the episode
                if end <= 0 or not away or not (fixed or count == 0):
                    continue
                place = (counted.object, name, counted.field)
                listed = isinstance(_value(plan, place), list)
                at = (*place, index) if listed else place
                yield _told(plan, counted, end, count, step, at)


def _count(counted: _Counted, seconds: float, step: float) -> int:
    whole = math.ceil(seconds / step - NEAR) if counted.up else ticks(seconds, step)
    return max(whole, counted.least)


def _value(plan: Plan, place: tuple[str, str, str]) -> Any:
    value: Any = plan.task.document.data
    for key in place:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _told(
    plan: Plan, counted: _Counted, end: float, count: int, step: float, at: tuple[str | int, ...]
) -> Diagnostic:
    kind = "timestep" if counted.physics else "control period"
    if count == 0:
        message = f"{end * 1e3:.4g} ms is less than half a {kind} of {step * 1e3:.4g} ms: "
        message += f"no {counted.field} at all"
        help = f"write 0 s, or at least {step * 1e3:.4g} ms"
        return plan.task.report(VANISHING_TIME, message, *at, help=help)
    message = f"{end * 1e3:.6g} ms is not a whole number of {kind}s of {step * 1e3:.4g} ms and "
    message += f"becomes {count * step * 1e3:.6g} ms ({count})"
    help = f"write a multiple of {step * 1e3:.4g} ms"
    return plan.task.report(ROUNDED_TIME, message, *at, help=help)


def outlasting(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of what is kept, or comes late by, longer than an episode lasts."""
    if plan.longest_episode is None:
        return
    cut = plan.task.learner.episode
    longest = min(plan.longest_episode * plan.period, cut or math.inf)
    for name, part in plan.parts(Observation).items():
        kept = (int(part.history) - 1) * plan.period
        late = float(part.delay)
        for field, value in (("history", kept), ("delay", late)):
            if value >= longest:
                message = f"a {field} of {value:.4g} s is longer than an episode of {longest:.4g} s"
                yield _outlasts(plan, message, ("Observation", name, field))


def _outlasts(plan: Plan, message: str, place: tuple[str, str, str]) -> Diagnostic:
    help = f"a control period is {plan.period * 1e3:.4g} ms; shorten it, or lengthen the episode"
    return plan.task.report(LONGER_THAN_EPISODE, message, *place, help=help)
