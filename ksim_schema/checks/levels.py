"""Laws of curricula: thresholds that can be reached, ramps that go somewhere, and who follows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_schema.checks.proportions import (
    beside,
    longest,
    period,
    place,
    run_ticks,
    scales,
    seconds,
)
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import CROSSED_LEVELS, IDLE_RAMP, STUCK_LEVEL
from ksim_schema.task import Task
from ksim_schema.vocabulary import curriculum as v
from ksim_schema.vocabulary.command.velocity import LinearVelocity, PlanarVelocity, Velocity
from ksim_schema.vocabulary.reset import Reset, ResetHeightFieldPosition, ResetPlanePosition
from ksim_schema.vocabulary.state import Robot
from ksim_schema.vocabulary.termination import FarFromOrigin, Termination
from ksim_schema.vocabulary.terrain import GridTerrain

_NEARLY = 0.9
"""A level that gets at least so far is not worth a word."""
_FASTER = 2.0
"""How many times faster than asked a robot may run."""
_TICK = 0.05
"""How far, m, the tick that ends an episode may take a robot beyond."""


def levels(task: Task) -> Iterator[Diagnostic]:
    """What is wrong with the curricula of a task, and with what follows them."""
    for name, part in task.of(v.Curriculum).items():
        match part:
            case v.EpisodeLengthLevel():
                yield from _ordered(task, name, part.lower_below, part.raise_above, "s")
                yield from _long_episodes(task, name, part)
            case v.DistanceFromOriginLevel():
                yield from _ordered(task, name, part.lower_below, part.raise_above, "m")
                yield from _far(task, name, part)
                yield from _too_far(task, name, part)
            case v.StepWhenSaturated():
                yield from _saturated(task, name, part)
            case v.LinearLevel():
                yield from _linear(task, name, part)
            case v.TerrainLevel():
                yield from _tiles(task, name, part)
            case _:
                pass
        if isinstance(part, v.Stepwise):
            yield from _stepwise(task, name, part)
        if isinstance(part, v.LinearLevel | v.Stepwise) and part.min_level == 1.0:
            message = "the level begins at 1 and cannot rise"
            help = "leave 'min_level' out to begin at 0, or use {kind: constant}"
            yield task.report(STUCK_LEVEL, message, "Curriculum", name, "min_level", help=help)
        if isinstance(part, v.ConstantLevel) and part.level == 0.0:
            yield from _never_begun(task, name)
    yield from _ramps(task)


def _ordered(task: Task, name: str, lower: float, upper: float, unit: str) -> Iterator[Diagnostic]:
    """An episode between the two would move the level both ways."""
    if upper < lower:
        what = "of" if unit == "s" else "that gets"
        message = f"an episode {what} {(upper + lower) / 2:.4g} {unit} is above raise_above "
        message += f"({upper:.4g} {unit}) and below lower_below ({lower:.4g} {unit}): "
        message += "it raises the level and lowers it"
        at = ("Curriculum", name)
        help = f"swap them: raise_above: {lower:.4g} {unit}, lower_below: {upper:.4g} {unit}"
        problem = task.report(CROSSED_LEVELS, message, *at, "raise_above", help=help)
        yield beside(problem, task, "lowers the level below this", *at, "lower_below")


def _saturated(task: Task, name: str, part: v.StepWhenSaturated) -> Iterator[Diagnostic]:
    at = ("Curriculum", name)
    if part.raise_below > part.lower_above:
        share = (part.raise_below + part.lower_above) / 2
        message = f"a share of failures of {share:.4g} is below raise_below ({part.raise_below:g}) "
        message += f"and above lower_above ({part.lower_above:g}): it raises the level and lowers "
        message += "it"
        help = f"swap them: raise_below: {part.lower_above:g}, lower_above: {part.raise_below:g}"
        problem = task.report(CROSSED_LEVELS, message, *at, "raise_below", help=help)
        yield beside(problem, task, "lowers the level above this", *at, "lower_above")
    if not any(not end.timeout for end in task.of(Termination).values()):
        message = "no termination is a failure, so the share of failures is always 0: the level "
        message += "rises with each episode"
        help = "add a Termination that is a failure, or use the kind linear"
        yield task.report(STUCK_LEVEL, message, *at, "raise_below", help=help)
    if part.raise_below == 0.0:
        message = "no share of failures is below 0, so the level never rises"
        help = "give the share that counts as mastered, such as 0.1"
        yield task.report(STUCK_LEVEL, message, *at, "raise_below", help=help)


def _long_episodes(task: Task, name: str, part: v.EpisodeLengthLevel) -> Iterator[Diagnostic]:
    limit, at = longest(task)
    own = ("Curriculum", name)
    if part.raise_above >= limit:
        message = f"episodes of the training last at most {limit:.4g} s, and only a longer one "
        message += f"than {part.raise_above:.4g} s raises the level: it never rises"
        help = f"give less than {limit:.4g} s, or lengthen the episodes"
        problem = task.report(STUCK_LEVEL, message, *own, "raise_above", help=help)
        yield beside(problem, task, "ends the episodes", *at)
    tick, ticks = period(task), run_ticks(task)
    if tick is None or ticks is None or part.raise_above >= limit:
        return
    steps = part.levels * (1.0 - part.min_level) * part.wait
    needed = steps * part.raise_above / tick
    if part.min_level < 1.0 and ticks < _NEARLY * needed:
        reached = part.min_level + (1.0 - part.min_level) * ticks / needed
        message = f"{part.levels} steps, each after an episode of more than {part.raise_above:.4g} "
        message += f"s, take at least {needed:.6g} control ticks of an environment, and the run "
        message += f"has {ticks:.6g}: the level gets to {min(1.0, reached):.2g} at most"
        if part.wait > 1:
            message = message.replace("each after an episode", f"each after {part.wait} episodes")
        help = f"give fewer 'levels', or train for longer ({task.learner.section}.steps)"
        field = "wait" if part.wait > 1 else "levels"
        problem = task.report(STUCK_LEVEL, message, *place(task, *own, field), help=help)
        yield beside(problem, task, "the length of the run", task.learner.section, "steps")


def _far(task: Task, name: str, part: v.DistanceFromOriginLevel) -> Iterator[Diagnostic]:
    """Farther than where the episode ends, nothing gets."""
    for other, end in task.of(FarFromOrigin.object).items():
        if not isinstance(end, FarFromOrigin) or end.body != part.body:
            continue
        if part.raise_above > 1.01 * end.distance + _TICK:
            message = f"only who gets farther than {part.raise_above:.4g} m raises the level, and "
            message += f"{other!r} ends the episode at {end.distance:.4g} m: it never rises"
            help = f"give less than {end.distance:.4g} m, or more to {other!r}"
            at = ("Curriculum", name, "raise_above")
            problem = task.report(STUCK_LEVEL, message, *at, help=help)
            yield beside(problem, task, "ends it", "Termination", other, "distance")


def _too_far(task: Task, name: str, part: v.DistanceFromOriginLevel) -> Iterator[Diagnostic]:
    """Farther than the commanded speeds get in an episode."""
    limit, at = longest(task)
    speeds = [s for c in task.of(Velocity).values() if (s := _speed(c)) is not None]
    offset = 0.0
    for reset in task.of(Reset).values():
        if isinstance(reset, ResetPlanePosition | ResetHeightFieldPosition):
            offset += math.hypot(reset.x, reset.y)
    if not speeds or part.body is not None or not math.isfinite(limit):
        return
    gets = offset + _FASTER * max(speeds) * limit
    if part.raise_above > gets:
        message = f"only who gets farther than {part.raise_above:.4g} m raises the level, and at "
        message += (
            f"{max(speeds):.4g} m/s, the most that is asked, {seconds(limit)} are enough for "
        )
        message += f"{max(speeds) * limit:.4g} m: it never rises"
        help = f"give less than {max(speeds) * limit:.4g} m, or lengthen the episodes"
        problem = task.report(STUCK_LEVEL, message, "Curriculum", name, "raise_above", help=help)
        yield beside(problem, task, "ends the episodes", *at)


def _tiles(task: Task, name: str, part: v.TerrainLevel) -> Iterator[Diagnostic]:
    """A way that the commanded speed does not lead to in an episode."""
    limit, at = longest(task)
    command = task.of(Velocity).get(part.command)
    terrain = next(iter(task.of(Robot).values())).terrain
    speed = None if command is None else _speed(command)
    if speed is None or not isinstance(terrain, GridTerrain) or not math.isfinite(limit):
        return
    way = terrain.tile / 2 if part.raise_above is None else part.raise_above
    if way > _FASTER * speed * limit:
        message = f"only who comes farther than {way:.4g} m raises the level, and at {speed:.4g} "
        message += f"m/s, the most that {part.command!r} asks, {seconds(limit)} are enough for "
        message += f"{speed * limit:.4g} m: it never rises"
        help = f"give a 'raise_above' of less than {speed * limit:.4g} m, or lengthen the episodes"
        own = place(task, "Curriculum", name, "raise_above")
        problem = task.report(STUCK_LEVEL, message, *own, help=help)
        yield beside(problem, task, "ends the episodes", *at)


def _speed(command: Velocity) -> float | None:
    """The largest speed along the ground that a command asks for, m/s."""
    most = max(map(abs, command.scale.extremes))
    match command:
        case PlanarVelocity():
            along = (max(map(abs, ends)) for ends in (command.forward, command.sideways))
            return most * math.hypot(*along)
        case LinearVelocity():
            return most * max(map(abs, command.speed))
        case _:
            return None


def _stepwise(task: Task, name: str, part: v.Stepwise) -> Iterator[Diagnostic]:
    if part.smoothing == 1.0:
        message = "with a smoothing of 1 the average stays that of the first episode for ever"
        help = "give less than 1, such as 0.9"
        yield task.report(STUCK_LEVEL, message, "Curriculum", name, "smoothing", help=help)
    ticks, episodes = run_ticks(task), part.levels * part.wait
    if ticks is not None and episodes > ticks and not isinstance(part, v.EpisodeLengthLevel):
        message = f"{part.levels} steps, each after {part.wait} episodes, take {episodes:,} "
        message += f"episodes of an environment, and the run has {ticks:,.0f} control ticks"
        help = f"give less, or train for longer ({task.learner.section}.steps)"
        at = place(task, "Curriculum", name, "wait" if part.wait > 1 else "levels")
        problem = task.report(STUCK_LEVEL, message, *at, help=help)
        yield beside(problem, task, "the length of the run", task.learner.section, "steps")


def _linear(task: Task, name: str, part: v.LinearLevel) -> Iterator[Diagnostic]:
    ticks, at = run_ticks(task), ("Curriculum", name)
    if part.min_level == 1.0:
        return
    if ticks is not None and ticks < part.after + _NEARLY * part.ticks:
        run = f"the run has {task.learner.steps:,} steps / {task.learner.envs:,} environments"
        run += f" = {ticks:,.0f}"
        if ticks <= part.after:
            message = f"the level begins to rise after {part.after:,} control ticks, and {run}"
            message += ": it never does"
            field = "after"
        else:
            share = (ticks - part.after) / part.ticks
            reached = part.min_level + (1.0 - part.min_level) * share
            message = f"the level is at its top after {part.after + part.ticks:,} control ticks, "
            message += f"and {run}: it gets to {reached:.2g}"
            field = "ticks"
        help = "'ticks' and 'after' count the control ticks of one environment; shorten them, or "
        help += f"train for longer ({task.learner.section}.steps)"
        problem = task.report(STUCK_LEVEL, message, *at, field, help=help)
        yield beside(problem, task, "the length of the run", task.learner.section, "steps")
    elif part.after + part.ticks < task.learner.rollout:
        message = f"the level is at its top after {part.after + part.ticks} control ticks, within "
        message += (
            f"the first rollout of {task.learner.rollout}: nothing is learned at lower levels"
        )
        help = "'ticks' counts control ticks, not updates or millions of steps"
        yield task.report(STUCK_LEVEL, message, *at, "ticks", help=help)


def _never_begun(task: Task, level: str) -> Iterator[Diagnostic]:
    """Ramps from 0 at a level that is always 0."""
    for object, name, part in task:
        for path, scale in scales(part):
            ramp = scale.ramp
            if scale.is_zero or ((ramp is None or ramp[1].start) and scale.non_zero is None):
                continue
            message = f"this is 0 at level 0, and the level of {level!r} is always 0"
            help = "give the level that is meant, such as level: 1"
            problem = task.report(IDLE_RAMP, message, object, name, *path, help=help)
            yield beside(problem, task, "the level", "Curriculum", level)


def _ramps(task: Task) -> Iterator[Diagnostic]:
    """Ramps from a value to the same one. Of 0 to 0 is said elsewhere that it is nothing."""
    for object, name, part in task:
        for path, scale in scales(part):
            ramp = scale.ramp
            if ramp is None or ramp[1].start != ramp[1].to or scale.is_zero:
                continue
            value = f"{ramp[1].to:g}"
            message = f"this goes from {value} to {value}, so it is the same at each level"
            help = f"write {value} alone, or another value in 'to'"
            yield task.report(IDLE_RAMP, message, object, name, *path, ramp[0], help=help)
