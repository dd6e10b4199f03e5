"""Laws of events: they happen, they act on something that moves, and a robot survives them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_schema.checks.proportions import beside, period, seconds
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import (
    IDLE_EVENT,
    IMPLAUSIBLE_MOTION,
    OVERLAPPING_EVENTS,
)
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary import event as v
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.velocity import (
    AngularVelocity,
    LinearVelocity,
    PlanarVelocity,
    Velocity,
)

_GRAVITY = 9.81
_SPIN = 20.0
"""rad/s, three turns a second: no push leaves a robot with that."""
_TURN = 15.0
"""rad/s, more than two turns a second, for as long as the command lasts."""
_WEIGHTS = 10.0
"""Times a robot's weight."""
_SELDOM = 10.0
"""What happens less often in a run teaches nothing."""
_SHOVE = 0.3
"""How long, s, a force acts before a robot has stepped against it."""


def disturbances(task: Task) -> Iterator[Diagnostic]:
    """What is wrong with events, as far as it shows without a robot."""
    for name, part in task.of(v.Event).items():
        yield from _idle(task, name, part)
        yield from _overlapping(task, name, part)
        if isinstance(part, v.AngularPush):
            yield from _fast(task, name, part)
    yield from whirling(task)


def whirling(task: Task) -> Iterator[Diagnostic]:
    """Commands to turn faster than any robot does."""
    for name, command in task.of(Command).items():
        if isinstance(command, PlanarVelocity | AngularVelocity):
            rate = max(map(abs, command.turn))
            if rate > _TURN:
                message = f"{rate:.4g} rad/s are {rate / math.tau:.2g} turns a second"
                help = f"if degrees are meant, write '{rate:.4g} deg/s'"
                yield task.report(IMPLAUSIBLE_MOTION, message, "Command", name, "turn", help=help)


_STRENGTH = {"linear_push": "speed", "angular_push": "rate", "jump": "speed", "force_push": "force"}


def _idle(task: Task, name: str, part: v.Event) -> Iterator[Diagnostic]:
    """Events that never come, or have no strength."""
    at = ("Event", name)
    strength = _STRENGTH.get(part.kind_name)
    if part.probability == 0.0:
        message = "the probability is 0, so this never happens"
        help = "give the probability that it happens when it is due, or take the event out"
        yield task.report(IDLE_EVENT, message, *at, "probability", help=help)
    elif (times := _times(task, part)) is not None and times < _SELDOM:
        message = (
            f"with a probability of {part.probability:g} this happens {times:.2g} times in the "
        )
        message += "whole run, in all environments together"
        help = "it is the probability that it happens when it is due"
        yield task.report(IDLE_EVENT, message, *at, "probability", help=help)
    elif part.scale.is_zero:
        yield task.report(IDLE_EVENT, "the scale is 0, so this does nothing", *at, "scale")
    elif strength and getattr(part, strength) == (0.0, 0.0):
        message = f"its {strength} is 0, so this does nothing"
        yield task.report(IDLE_EVENT, message, *at, strength)


def _times(task: Task, part: v.Event) -> float | None:
    """How often an event happens in a run; None where that is not known, or it always does."""
    tick, steps = period(task), task.learner.steps
    if tick is None or steps is None or part.probability == 1.0:
        return None
    return part.probability * steps * tick / max(sum(part.every) / 2.0, tick)


def _overlapping(task: Task, name: str, part: v.Event) -> Iterator[Diagnostic]:
    if isinstance(part, v.ForcePush) and part.duration[0] >= part.every[1]:
        message = f"each lasts at least {seconds(part.duration[0])}, and the next one comes after "
        message += f"at most {seconds(part.every[1])}: there is always a force"
        help = "shorten 'duration', or give longer times in 'every'"
        problem = task.report(OVERLAPPING_EVENTS, message, "Event", name, "duration", help=help)
        yield beside(problem, task, "when the next one comes", "Event", name, "every")


def _fast(task: Task, name: str, part: v.AngularPush) -> Iterator[Diagnostic]:
    rate = part.rate[1] * part.scale.extremes[1]
    if rate > _SPIN:
        message = f"a push of {rate:.4g} rad/s, {rate / math.tau:.2g} turns a second, throws over "
        message += "any robot"
        help = f"if degrees are meant, write '{part.rate[1]:.4g} deg/s'"
        yield task.report(IMPLAUSIBLE_MOTION, message, "Event", name, "rate", help=help)


_RUN = 5.0
"""Times sqrt(g h) for a base at a height h, a Froude number of 25: nothing runs so fast."""
_DRIVE = 20.0
"""m/s: nothing that is commanded by its velocity on the ground goes faster."""


def hasty(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Commands of speeds that no robot of this size runs."""
    height = robot.measures.get(f"body.{robot.root}.height", math.nan)
    for name, command in task.of("Command").items():
        ranges: dict[str, tuple[float, float]] = {}
        if isinstance(command, PlanarVelocity):
            ranges = {"forward": command.forward, "sideways": command.sideways}
        elif isinstance(command, LinearVelocity):
            ranges = {"speed": command.speed}
        if not isinstance(command, Velocity):
            continue
        for field, ends in ranges.items():
            speed = max(map(abs, ends)) * max(map(abs, command.scale.extremes))
            if height > 0.0 and speed > max(_RUN * math.sqrt(_GRAVITY * height), _DRIVE):
                message = f"{speed:.4g} m/s are asked of a robot whose base is at {height:.3g} m"
                at = ("Command", name, field)
                yield task.report(IMPLAUSIBLE_MOTION, message, *at, help=_GENTLER)


def strong(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Events that are too strong for a robot of this size and mass.

    A robot whose base is at a height h catches itself by a step of ``v sqrt(h / g)`` after a push
    of a speed v (the capture point: Pratt et al. 2006). With a speed of ``2 sqrt(g h)`` that is
    twice its height away.
    """
    height = robot.measures.get(f"body.{robot.root}.height", math.nan)
    weight = robot.mass * _GRAVITY
    for name, part in task.of(v.Event).items():
        at, factor = ("Event", name), part.scale.extremes[1]
        if isinstance(part, v.ForcePush):
            force = part.force[1] * factor
            lasts = min(part.duration[0], _SHOVE)
            speed = force * lasts / robot.mass if robot.mass > 0 else 0.0
            if weight > 0 and force > _WEIGHTS * weight:
                message = f"a force of {force:.4g} N is {force / weight:.3g} times the robot's "
                message += f"weight of {weight:.4g} N ({robot.mass:.4g} kg)"
                yield task.report(IMPLAUSIBLE_MOTION, message, *at, "force", help=_GENTLER)
            elif robot.base is not None and speed > 2.0 * math.sqrt(_GRAVITY * max(height, 0.1)):
                message = f"a force of {force:.4g} N during {seconds(lasts)} gives the "
                message += f"robot's {robot.mass:.4g} kg a speed of {speed:.3g} m/s"
                yield task.report(IMPLAUSIBLE_MOTION, message, *at, "force", help=_GENTLER)
        if not isinstance(part, v.LinearPush | v.Jump) or (part.body or robot.root) != robot.root:
            continue
        speed, often = part.speed[1] * factor, sum(part.every) / 2.0
        sideways = isinstance(part, v.LinearPush)
        bound = math.sqrt((4.0 if sideways else 10.0) * _GRAVITY * max(height, 0.0))
        if height > 0.0 and speed > bound:
            message = f"a push of {speed:.4g} m/s throws over a robot whose base is at "
            message += f"{height:.3g} m: a step to catch it would be "
            message += f"{speed * math.sqrt(height / _GRAVITY):.3g} m long"
            if not sideways:
                message = f"a speed of {speed:.4g} m/s upwards is a jump of "
                message += f"{speed * speed / (2.0 * _GRAVITY):.3g} m, and the robot's base is at "
                message += f"{height:.3g} m"
            yield task.report(IMPLAUSIBLE_MOTION, message, *at, "speed", help=_GENTLER)
        elif sum(part.speed) / 2.0 * factor / often > _GRAVITY:
            message = f"{sum(part.speed) / 2.0 * factor:.3g} m/s each {seconds(often)} are "
            message += f"{sum(part.speed) / 2.0 * factor / often:.3g} m/s^2, more than gravity"
            yield task.report(IMPLAUSIBLE_MOTION, message, *at, "every", help=_GENTLER)


_GENTLER = "check the number and its unit"
