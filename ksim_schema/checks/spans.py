"""Laws of time: what takes longer than an episode, and what is shorter than a control period."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ksim_schema.checks.proportions import beside, longest, period, place, seconds, time_limit
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import IDLE_STEPS, OUTLASTED, SHORT_PERIOD
from ksim_schema.diagnostics.codes.typed import PART_WITHOUT_EFFECT
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary.action import Action, PositionTarget, PositionVelocityTarget
from ksim_schema.vocabulary.command import Drawn, motion as m, velocity as v
from ksim_schema.vocabulary.command.vector import FloatVector, Vector
from ksim_schema.vocabulary.each import all_of
from ksim_schema.vocabulary.observation.signal import PhaseClock
from ksim_schema.vocabulary.reward.feet import FeetAirTime, FeetClock, FeetGaitTime
from ksim_schema.vocabulary.reward.velocity import TrackAngularVelocity, TrackLinearVelocity

_TURN = 4.0
"""Control ticks in a turn of a clock below which it is not seen as one."""
_SECOND = 1.0
_FOLLOWS = 0.1
"""s: a robot follows no command that lasts for less than this."""
_LAGS = 20.0
"""An action that follows later than this part of an episode hardly acts in it."""
_THROUGH = 0.95
"""Share of a step that a filter passes on within one tick, at which it filters nothing."""


def spans(task: Task) -> Iterator[Diagnostic]:
    """Times of a task that do not fit its episodes or its control period."""
    tick = period(task)
    if tick is None:
        return
    short = list(_short_episodes(task, tick))
    yield from short
    for name, part in task.of("Command").items():
        yield from () if short else _commands(task, name, part)
        yield from _hasty(task, name, part, tick)
    for object, name, part in task:
        yield from () if short else _clock(task, object, name, part, tick)
        if isinstance(part, FeetAirTime) and not short:
            yield from _air_time(task, name, part, tick)
        if isinstance(part, TrackLinearVelocity | TrackAngularVelocity):
            yield from () if part.average is None else _average(task, name, part.average, tick)
        if isinstance(part, Action):
            yield from () if part.low_pass is None else _filter(task, name, part.low_pass, tick)
            yield from _targets(task, name, part, tick)


def brief(task: Task) -> bool:
    """Whether episodes are over within a rollout and a second: all else seems long beside them."""
    tick = period(task)
    return tick is not None and longest(task)[0] < min(_SECOND, task.learner.rollout * tick)


def odd_turn(task: Task, turn: float) -> bool:
    """Whether a clock is told of for itself: it is slower than an episode, or not seen."""
    tick, limit = period(task), time_limit(task)
    return (tick is not None and turn < _TURN * tick) or (limit is not None and turn > limit[0])


def _short_episodes(task: Task, tick: float) -> Iterator[Diagnostic]:
    """Episodes that are over within a rollout and a second."""
    limit, at = longest(task)
    if brief(task):
        message = f"episodes of {seconds(limit)} are {limit / tick:.3g} control ticks, less than a "
        message += f"rollout of {task.learner.rollout}"
        help = "give the time of an episode, such as 20 s"
        problem = task.report(OUTLASTED, message, *at, help=help)
        yield beside(problem, task, "the rollout", task.learner.section, "rollout")


def _hasty(task: Task, name: str, part: Any, tick: float) -> Iterator[Diagnostic]:
    """Commands of motions that change before anything can follow."""
    if not isinstance(part, Drawn) or isinstance(part, Vector):
        return
    if 1.0 in (part.switch, part.stand_still if isinstance(part, v.Velocity) else None):
        field = "switch" if part.switch == 1.0 else "stand_still"
        does = "drawn anew at each tick" if field == "switch" else "always zero"
        message = f"with a probability of 1 the command is {does}"
        yield task.report(PART_WITHOUT_EFFECT, message, "Command", name, field)
    if part.resample is None:
        return
    last = part.resample[1]
    if last < max(2.0 * tick, min(_FOLLOWS, 5.0 * tick)):
        message = f"the command is drawn anew after {seconds(last)} at the latest, "
        message += f"{last / tick:.3g} control periods: nothing can follow it"
        help = "give some seconds"
        yield task.report(SHORT_PERIOD, message, "Command", name, "resample", help=help)


def _outlasted(
    task: Task, message: str, at: tuple[str | int, ...], help: str
) -> Iterator[Diagnostic]:
    """A report of what takes longer than the longest episode of the training."""
    limit, ends = longest(task)
    if brief(task):
        return  # the episodes are what is told
    message += f", and episodes of the training last at most {seconds(limit)}"
    problem = task.report(OUTLASTED, message, *at, help=help)
    yield beside(problem, task, "ends the episodes", *ends)


def _commands(task: Task, name: str, part: Any) -> Iterator[Diagnostic]:
    limit, _ = longest(task)
    at = ("Command", name)
    if isinstance(part, Drawn) and part.resample is not None and part.resample[0] > limit:
        message = f"the command is drawn anew after {seconds(part.resample[0])} at the earliest"
        help = "shorten it, or leave it out for one command an episode"
        yield from _outlasted(task, message, (*at, "resample"), help)
    if isinstance(part, m.JointPosition) and part.duration[0] > limit:
        message = f"the way to a target takes at least {seconds(part.duration[0])}"
        yield from _outlasted(task, message, (*at, "duration"), "shorten it")
    for field, takes, what in _rises(part):
        if takes > limit:
            message = f"with this it takes {seconds(takes)} to {what}"
            yield from _outlasted(task, message, (*at, field), "let it change faster")


def _rises(part: Any) -> Iterator[tuple[str, float, str]]:
    """Fields that limit how fast a command changes, how long half of its range takes, and what."""
    match part:
        case v.PlanarVelocity():
            speed = max(map(abs, (*part.forward, *part.sideways)))
            if part.acceleration:
                what = f"half of {speed:.4g} m/s, from rest"
                yield "acceleration", speed / 2.0 / part.acceleration, what
            rate = max(map(abs, part.turn))
            if part.turn_acceleration:
                what = f"half of {rate:.4g} rad/s, from rest"
                yield "turn_acceleration", rate / 2.0 / part.turn_acceleration, what
        case v.LinearVelocity() if part.acceleration:
            speed = max(map(abs, part.speed))
            what = f"half of {speed:.4g} m/s, from rest"
            yield "acceleration", speed / 2.0 / part.acceleration, what
        case v.AngularVelocity() if part.acceleration:
            rate = max(map(abs, part.turn))
            what = f"half of {rate:.4g} rad/s, from rest"
            yield "acceleration", rate / 2.0 / part.acceleration, what
        case m.BaseHeight() if part.speed:
            width = part.range[1] - part.range[0]
            yield "speed", width / 2.0 / part.speed, f"half of the range of {width:.4g} m"
        case m.CartesianCoordinate() if part.speed:
            way = math.dist(*zip(part.x, part.y, part.z, strict=True))
            yield "speed", way / 3.0 / part.speed[1], f"a third of the box, {way / 3.0:.3g} m"
        case FloatVector() if part.rate:
            width = max(high - low for low, high in part.ranges)
            yield "rate", width / 2.0 / part.rate, f"half of a range of {width:.4g}"
        case _:
            pass


def _clock(task: Task, object: str, name: str, part: Any, tick: float) -> Iterator[Diagnostic]:
    """Clocks that turn slower than an episode lasts, or faster than the policy can see."""
    clocks = (PhaseClock, FeetClock, FeetGaitTime, m.SinusoidalGait, m.Phase)
    if not isinstance(part, clocks):
        return
    low = part.period[0] if isinstance(part, m.Phase) else part.period
    if low is None:
        return  # that of a command
    limit, at = time_limit(task), place(task, object, name, "period")
    report = task.report if len(at) == 3 else task.report_key
    if low < _TURN * tick:
        message = f"a turn of {seconds(low)} has {low / tick:.3g} control periods of "
        message += f"{seconds(tick)}: it is not seen as a turn"
        help = f"give at least {seconds(_TURN * tick)}; a gait takes some 0.3 s to 1 s"
        yield report(SHORT_PERIOD, message, *at, help=help)
    elif limit is not None and low > limit[0]:
        message = f"a turn takes {seconds(low)}, and episodes last {seconds(limit[0])}"
        help = "shorten the period; a gait takes some 0.3 s to 1 s"
        problem = report(OUTLASTED, message, *at, help=help)
        yield beside(problem, task, "ends the episodes", "Termination", limit[1], "after")


def _air_time(task: Task, name: str, part: FeetAirTime, tick: float) -> Iterator[Diagnostic]:
    at = place(task, "Reward", name, "target")
    limit = longest(task)[0]
    if len(at) == 3 and 0.0 < part.target < tick:
        message = f"a step of {seconds(part.target)} in the air is shorter than a control period "
        message += f"of {seconds(tick)}, so each step is a good one"
        yield task.report(SHORT_PERIOD, message, *at, help="0.2 s to 0.5 s are usual")
    elif part.target > limit:
        message = f"only a step of more than {seconds(part.target)} in the air is a good one"
        yield from _outlasted(task, message, at, "0.2 s to 0.5 s are usual")


def _average(task: Task, name: str, average: float, tick: float) -> Iterator[Diagnostic]:
    at, limit = ("Reward", name, "average"), longest(task)[0]
    if average < tick:
        message = f"a mean over {seconds(average)} is shorter than a control period of "
        message += f"{seconds(tick)}: nothing is averaged"
        help = "give the time of a step or two, such as 0.4 s, or leave it out"
        yield task.report(SHORT_PERIOD, message, *at, help=help)
    elif average > limit:
        message = f"the mean takes {seconds(average)} to follow"
        yield from _outlasted(task, message, at, "give the time of a step or two, such as 0.4 s")


def _targets(task: Task, name: str, part: Action, tick: float) -> Iterator[Diagnostic]:
    """Targets that are never taken over, never arrive, or hardly move."""
    at, limit = ("Action", name), longest(task)[0]
    if part.update is not None and part.update > tick * (1.0 + 1e-6):
        seen = tick / part.update
        message = f"targets are taken over each {seconds(part.update)}, and the policy gives one "
        message += f"each {seconds(tick)}: {1.0 - seen:.0%} of them are never seen"
        help = f"give {seconds(tick)} or less, or a slower control"
        yield task.report(SHORT_PERIOD, message, *at, "update", help=help)
    if part.drop == 1.0:
        message = "with a probability of 1 each action is lost, so the policy does nothing"
        yield task.report(PART_WITHOUT_EFFECT, message, *at, "drop", help="give less than 1")
    if not isinstance(part, PositionTarget | PositionVelocityTarget):
        return
    if part.max_speed is None or part.scale is None:
        return
    shortest = min(all_of(part.scale)) / max(all_of(part.max_speed))
    if shortest > limit:
        message = f"a target takes {seconds(shortest)} to move by what an action of 1 asks"
        yield from _outlasted(task, message, (*at, "max_speed"), "let it move faster")


def _filter(task: Task, name: str, cut_off: float, tick: float) -> Iterator[Diagnostic]:
    constant, limit = 1.0 / (2.0 * math.pi * cut_off), longest(task)[0]
    at = ("Action", name, "low_pass")
    passed = tick / (tick + constant)
    if passed > _THROUGH:
        message = f"a filter of {cut_off:.4g} Hz passes on {passed:.0%} of each change within a "
        message += f"control period of {seconds(tick)}: it filters nothing"
        help = f"the control runs at {1.0 / tick:.4g} Hz; give less than half of that"
        yield task.report(SHORT_PERIOD, message, *at, help=help)
    elif constant > min(limit, max(_SECOND, limit / _LAGS)):
        message = f"a filter of {cut_off:.4g} Hz takes {seconds(constant)} to follow"
        yield from _outlasted(task, message, at, "give a few Hz")


_STEPS = 1000.0
"""Physics steps in a control period beyond which a unit has slipped."""
_FINE = 1e-4
"""s: no robot's contacts ask for shorter steps."""


def fine(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """A timestep that is far too short."""
    tick = period(task)
    if tick is None or robot.timestep <= 0.0:
        return
    steps = tick / robot.timestep
    if steps > _STEPS and robot.timestep < _FINE:
        message = f"a timestep of {robot.timestep * 1e3:.4g} ms makes {steps:,.0f} physics steps "
        message += f"in a control period of {seconds(tick)}"
        help = "2 ms to 5 ms are usual, 0.5 ms for stiff contacts"
        state = task.robot
        at = place(task, "PhysicsState", state, "timestep")
        at = at if len(at) == 3 else ("PhysicsState", state, "model")
        yield task.report(IDLE_STEPS, message, *at, help=help)
