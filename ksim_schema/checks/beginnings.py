"""Laws of resets: they draw something, and a robot survives what they draw."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_schema.checks.proportions import at_field
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import IDLE_RESET, IMPLAUSIBLE_MOTION
from ksim_schema.task import Task
from ksim_schema.vocabulary import reset as v
from ksim_schema.vocabulary.each import all_of
from ksim_schema.vocabulary.pose import PLACES, TURNS

_SPIN = 20.0
"""rad/s: three turns a second of a whole robot."""


def beginnings(task: Task) -> Iterator[Diagnostic]:
    """What is wrong with resets, as far as it shows without a robot."""
    resets = task.of(v.Reset)
    placed = any(part.whole for part in resets.values())
    for name, part in resets.items():
        fields = _widths(part)
        if fields and not any(any(ends) for ends in fields.values()) and not _sets(part, placed):
            one = next(iter(fields))
            what = " and ".join(repr(field) for field in fields)
            message = f"{what} {'is' if len(fields) == 1 else 'are'} 0, so this reset changes "
            message += "nothing"
            help = "give the range that is meant, or take the reset out"
            yield at_field(task, IDLE_RESET, message, "Reset", name, one, help=help)
        yield from _fast(task, name, part)


def _widths(part: v.Reset) -> dict[str, tuple[float, ...]]:
    """The fields that say how much a reset changes, with their values."""
    match part:
        case v.ResetJointPosition() if part.factor not in (None, (1.0, 1.0)):
            return {}
        case v.ResetJointPosition() | v.ResetJointVelocity():
            return {"range": all_of(part.range)}
        case v.ResetHeading():
            return {"range": (part.range,)}
        case v.ResetHeight():
            return {"range": part.range}
        case v.ResetBaseVelocity():
            speeds = {"horizontal": part.horizontal, "vertical": part.vertical}
            return {name: (w,) for name, w in {**speeds, "angular": part.angular}.items()}
        case v.ResetTilt():
            return {"pitch": (part.pitch,), "roll": (part.roll,)}
        case v.ResetPlanePosition():
            return {"x": (part.x,), "y": (part.y,)}
        case v.ResetBodyPose() if part.around == "home" and not part.orientation:
            ranges = {name: getattr(part, name) for name in (*PLACES, *TURNS)}
            return {name: ends for name, ends in ranges.items() if ends is not None} or {"x": ()}
        case v.ResetJitter():
            return {"position": (part.position,), "velocity": (part.velocity,)}
        case _:
            return {}


def _sets(part: v.Reset, placed: bool) -> bool:
    """Whether a reset of no width still sets something: joints, off home or back to it."""
    if isinstance(part, v.ResetJointPosition):
        return placed or part.around != "home" or any(all_of(part.offset))
    return placed and isinstance(part, v.ResetJointVelocity)


def _fast(task: Task, name: str, part: v.Reset) -> Iterator[Diagnostic]:
    if isinstance(part, v.ResetBaseVelocity) and part.angular > _SPIN:
        rate = part.angular
        message = f"a start with {rate:.4g} rad/s, {rate / math.tau:.2g} turns a second"
        help = f"if degrees are meant, write '{rate:.4g} deg/s'"
        yield task.report(IMPLAUSIBLE_MOTION, message, "Reset", name, "angular", help=help)
