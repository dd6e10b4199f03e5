"""Laws of kernels ``exp(-e^2 / s^2)``: their width against the errors that there can be.

Beyond a few widths a kernel is 0 and has no slope (exp(-64) is 1e-28), and far within one it is 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ksim_schema.checks.asked import told
from ksim_schema.checks.proportions import place
from ksim_schema.checks.ranges import Ranges, display, shown, shown_range
from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import NARROW_KERNEL, WANTED_NEVER, WIDE_KERNEL
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.units import Dimension
from ksim_schema.units.interval import ZERO, Interval
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.motion import (
    CartesianCoordinate,
    SinusoidalGait as GaitCommand,
)
from ksim_schema.vocabulary.effects import Statement
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.reward.bodies import PositionTracking
from ksim_schema.vocabulary.reward.feet import FeetClock, SinusoidalGait
from ksim_schema.vocabulary.reward.formula import Formula

_NARROW = 8.0
"""Widths at which an average error is beyond all that can be felt."""
_LEADS = 4.0
"""Widths within which another kernel still leads there."""
_WIDE = 7.0
"""A kernel this many times as wide as the largest error is nowhere below 0.98."""
_SMALL = 0.1
_MOVES = ("forward", "left", "climb", "speed", "turn", "spin")
_FASTEST = {"forward": 5.0, "left": 5.0, "climb": 5.0, "speed": 5.0, "turn": 20.0, "spin": 20.0}
"""m/s and rad/s, of what is to be at rest."""


class Error(NamedTuple):
    """What a kernel's error can be: on average at the start, and at most."""

    usual: float
    largest: float
    target: Interval
    start: Interval


def kernels(task: Task, robot: RobotFacts, table: Mapping[str, Ranges]) -> Iterator[Diagnostic]:
    """Kernels that are too narrow or too wide for what is asked of them."""
    wants: dict[str, list[tuple[Statement, Ranges]]] = {}
    for ranges in table.values():
        for said in ranges.says("wants"):
            wants.setdefault(said.part, []).append((said, ranges))
    yield from _feet(task, robot)
    for name, said in wants.items():
        part = task.of(Reward)[name]
        scaled = [(s, r) for s, r in said if s.scale is not None and not s.penalty]
        if not scaled or _pulls(part):
            continue
        errors = [_error(task, robot, part, s, r) for s, r in scaled]
        known = [e for e in errors if e is not None]
        if len(known) < len(errors):
            continue
        usual = _together(part, [error.usual for error in known])
        largest = _together(part, [error.largest for error in known])
        first, ranges = scaled[0]
        scale = first.scale or 0.0
        if _squares(part):
            scale = math.sqrt(scale)
        at = place(task, "Reward", name, "error_scale")
        quantity, unit = display(ranges.quantity, robot), ranges.dimension
        if usual > _NARROW * scale and not _led(task, name, wants, usual, scaled):
            yield _narrow(task, name, at, quantity, unit, scale, usual, known[0])
        elif 0.0 < largest < scale / _WIDE:
            yield _wide(task, name, at, quantity, unit, scale, largest)


def _feet(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Feet that are to be lifted above the base, and gaits of which no error is small enough."""
    base = robot.measures.get(f"body.{robot.root}.height", 0.0) if robot.base else 0.0
    for name, part in task.of(Reward).items():
        gait = None
        if isinstance(part, SinusoidalGait):
            gait = task.of("Command").get(part.command)
        if isinstance(gait, GaitCommand) and part.max_height < _SMALL * gait.height:  # type: ignore[attr-defined]
            assert isinstance(part, SinusoidalGait)
            worth = 1.0 - gait.height * 2.0 / math.pi / part.max_height
            message = f"feet are to be lifted by {gait.height:.4g} m, and an error of "
            message += (
                f"{part.max_height:.4g} m makes this 0: for one that stays down it is {worth:.3g}"
            )
            help = f"give about {gait.height:.4g} m for each foot"
            yield task.report(NARROW_KERNEL, message, "Reward", name, "max_height", help=help)
        height = part.height if isinstance(part, FeetClock) else 0.0
        if 0.0 < base < height:
            message = (
                f"a foot is to be lifted by {height:.4g} m, and the base is at {base:.4g} m in "
            )
            message += "the home pose"
            help = "5 cm to 15 cm are usual"
            yield task.report(WANTED_NEVER, message, "Reward", name, "height", help=help)


def _narrow(
    task: Task,
    name: str,
    at: tuple[str | int, ...],
    quantity: str,
    unit: Dimension,
    scale: float,
    usual: float,
    error: Error,
) -> Diagnostic:
    exponent = (usual / scale) * (usual / scale)
    message = f"{name!r} wants {quantity} at {shown_range(error.target, unit)}, episodes start at "
    message += f"{shown_range(error.start, unit)}: the error is {shown(usual, unit)} on average, "
    message += f"and with a scale of {shown(scale, unit)} the kernel is exp(-{exponent:.3g}), "
    message += "which leads nowhere"
    help = f"give a scale of about {shown(usual / 2.0, unit)}, or add a wider kernel beside it"
    return task.report(NARROW_KERNEL, message, *at, help=help)


def _wide(
    task: Task,
    name: str,
    at: tuple[str | int, ...],
    quantity: str,
    unit: Dimension,
    scale: float,
    largest: float,
) -> Diagnostic:
    least = math.exp(-((largest / scale) ** 2))
    message = f"the error of {quantity} is {shown(largest, unit)} at most, and with a scale of "
    message += f"{shown(scale, unit)} the kernel of {name!r} is never below {least:.4g}"
    help = f"give a scale of about {shown(largest / 2.0, unit)}"
    return task.report(WIDE_KERNEL, message, *at, help=help)


def _pulls(part: Reward) -> bool:
    """Whether further terms of the kernel pull where the exponential is flat."""
    return any(getattr(part, field, 0.0) for field in ("abs_scale", "sq_scale"))


def _squares(part: Reward) -> bool:
    """Whether the error of a kernel is a squared distance, and its scale a square too."""
    return isinstance(part, PositionTracking) and part.norm == "l2"


def _together(part: Reward, errors: list[float]) -> float:
    """The error of a vector of the errors of its elements."""
    if isinstance(part, PositionTracking) and part.norm == "l1":
        return sum(errors)
    return math.sqrt(sum(e * e for e in errors))


def _error(
    task: Task, robot: RobotFacts, part: Reward, said: Statement, ranges: Ranges
) -> Error | None:
    """What the error of a statement can be; None where that is not known."""
    last = ranges.quantity.rpartition(".")[2]
    if isinstance(part, FeetClock):
        swing = Interval(0.0, part.height)  # half of the time 0, else a half sine of mean 2 / pi
        mean = part.height * (2.0 / math.pi if part.curve == "sine" else 0.5)
        return Error(mean, part.height, swing, ZERO)
    start = ZERO if last in _MOVES else ranges.start
    if ranges.lasting is not None:
        start = start.intersect(ranges.lasting) or start  # else it is told of the start
    if not start.bounded:
        return None
    if said.command:
        element = _element(last, ranges.quantity)
        command = task.of(Command).get(said.command)
        if isinstance(command, CartesianCoordinate) and command.relative_to != "world":
            return None  # it is measured from where the robot is
        target = told(task, robot, said.command, element)
        if target is None or not target.bounded:
            return None
        return Error(_mean_distance(target, start), _farthest(target, start), target, start)
    if last in _MOVES and said.within == ZERO:
        return Error(0.0, _FASTEST.get(last, math.inf), ZERO, ZERO)
    if not said.within.bounded:
        return None
    lasting = ranges.lasting
    if lasting is None:
        return None
    if last == "height":
        high = max(said.within.high, start.high)
        room = Interval(max(lasting.low, 0.0), high) if max(lasting.low, 0.0) < high else None
    else:
        room = lasting if lasting.bounded else None
    largest = math.inf if room is None else _farthest(said.within, room.hull(start))
    return Error(_mean_distance(said.within, start), largest, said.within, start)


_ELEMENTS = {"left": "sideways", "height": "z"}


def _element(last: str, quantity: str) -> str:
    """The element of a command that gives a quantity."""
    if quantity.startswith("joint."):
        return quantity.removeprefix("joint.")
    if last == "height" and quantity.startswith("body."):
        return "height"
    return _ELEMENTS.get(last, last)


def _mean_distance(target: Interval, start: Interval) -> float:
    """The mean of |a - b| with b in the middle of one and a uniform in the other; the larger."""
    return max(_about(target, start.middle), _about(start, target.middle))


def _about(values: Interval, middle: float) -> float:
    if not values.width or not values.contains(middle):
        return abs(values.middle - middle)
    return ((values.high - middle) ** 2 + (middle - values.low) ** 2) / (2.0 * values.width)


def _farthest(target: Interval, others: Interval) -> float:
    return max(abs(target.high - others.low), abs(others.high - target.low))


def _led(
    task: Task,
    name: str,
    wants: Mapping[str, list[tuple[Statement, Ranges]]],
    usual: float,
    scaled: list[tuple[Statement, Ranges]],
) -> bool:
    """Whether another reward leads to where a narrow kernel is felt."""
    quantities = {ranges.quantity for _, ranges in scaled}
    for other, part in task.of(Reward).items():
        if other == name or part.scale.is_zero:
            continue
        if isinstance(part, Formula | Custom):
            return True
        for said, ranges in wants.get(other, ()):
            if ranges.quantity not in quantities:
                continue
            if said.penalty or _pulls(part) or (said.scale or 0.0) * _LEADS >= usual:
                return True
    return False
