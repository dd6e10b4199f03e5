"""All that the quantities of a formula can be, and states in which they are."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import pairwise

from ksim_schema.checks.asked import told
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.source import Path_
from ksim_schema.task import Task
from ksim_schema.units.formula import Expression
from ksim_schema.units.formula_range import value_of
from ksim_schema.units.formula_text import AXES, MEMBERS
from ksim_schema.units.interval import EVERYTHING, ZERO, Interval
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.command import Command, Drawn
from ksim_schema.vocabulary.formula import Formulated, Source, Surroundings
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.termination import Termination

BEYOND = 0.05
"""How far a joint may be pushed beyond its limits, as a share of their range: they are soft."""
FAST = (10.0, 100.0)
"""Speeds and actions that can be reached, if only when something goes wrong; SI units."""


def surroundings(task: Task, robot: RobotFacts) -> Surroundings:
    """What formulas of a task can name besides its robot."""
    commands = task.of(Command).items()
    return Surroundings(
        {name: part.labels(robot) for name, part in commands},
        sum(action.size(robot) for action in task.of(Action).values()),
        {name: part.dimensions for name, part in commands},
        frames_of(task, robot),
    )


def frames_of(task: Task, robot: RobotFacts) -> dict[str, str]:
    """The commands that tell a pose -> the body in whose frame, "" for the world."""
    frames = ((name, part.frame_of(robot)) for name, part in task.of(Command).items())
    return {name: frame for name, frame in frames if frame is not None}


def formulated(task: Task) -> Iterator[tuple[Path_, Formulated]]:
    """What has a formula in a task, with the place of its text."""
    for object, name, part in task:
        if isinstance(part, Formulated):
            yield (object, name, "expression"), part
        if isinstance(part, Reward) and part.when is not None:
            yield (object, name, "when"), part.when


def reach(task: Task, robot: RobotFacts, named: Mapping[str, Source]) -> dict[str, Interval]:
    """All that the quantities of formulas can be, in SI units.

    Args:
        task: the task.
        robot: the facts of its robot.
        named: quantities, as formulas name them, and what they are.
    """
    return {name: _reach(task, robot, name, source) for name, source in named.items()}


def _reach(task: Task, robot: RobotFacts, name: str, source: Source) -> Interval:
    match source.kind:
        case "time":
            limits = [part.time_limit() for part in task.of(Termination).values()]
            limits.append(task.learner.episode)
            return Interval(0.0, min((x for x in limits if x is not None), default=math.inf))
        case "position":
            each = [_allowed(joint) for joint in source.joints]
            return reduce(Interval.hull, each)
        case "command":
            return _element(task, robot, name.removeprefix("command."))
        case "pose" if not source.turn and frames_of(task, robot).get(source.what) == "":
            return _element(task, robot, name.removeprefix("command."))
        case _:
            return Interval(0.0, math.pi) if name == "base.tilt" else source.bounds


def _allowed(joint: Joint) -> Interval:
    if joint.limits is None:
        return EVERYTHING
    low, high = joint.limits
    slack = BEYOND * (high - low)
    return Interval(low - slack, high + slack)


def _element(task: Task, robot: RobotFacts, rest: str) -> Interval:
    """All that an element of a command can be, from ``<command>.<element>``."""
    for command, part in task.of(Command).items():
        label = rest.removeprefix(f"{command}.")
        if label == rest or label not in part.labels(robot):
            continue
        within = told(task, robot, command, label) or EVERYTHING
        begins_at_rest = isinstance(part, Drawn) and part.from_rest and part.rates()
        return within.hull(ZERO) if begins_at_rest else within
    return EVERYTHING


def states(known: Mapping[str, Interval], *, wild: bool, count: int = 96) -> list[dict[str, float]]:
    """Values that the quantities can have together, at least nearly: witnesses of what can be.

    Args:
        known: quantity -> all that it can be.
        wild: whether speeds, actions and places may be large.
        count: how many states.
    """
    draw = random.Random(0)
    return [{name: _value(draw, name, known[name], wild) for name in known} for _ in range(count)]


def climbs(
    tree: Expression, name: str, lasting: Interval, drawn: Iterable[Mapping[str, float]]
) -> bool:
    """Whether a formula rises from the middle of an interval of a quantity to both of its ends."""
    places = [
        [lasting.middle + side * lasting.width * i / 16.0 for i in range(9)] for side in (1.0, -1.0)
    ]
    return all(
        value_of(tree, {**state, name: a}).middle < value_of(tree, {**state, name: b}).middle
        for state in drawn
        for side in places
        for a, b in pairwise(side)
    )


def _value(draw: random.Random, name: str, within: Interval, wild: bool) -> float:
    kind, _, rest = name.partition(".")
    if (kind in ("body", "site") and _is_place(rest)) or name == "base.height":
        # places are hardly ever 0, or the same; the ground is about at 0
        upward = name == "base.height" or not rest.endswith((".x", ".y"))
        place = draw.uniform(0.05, 2.0)
        far = draw.choice((1.0, 1.0, FAST[0])) if wild else 1.0
        return place * far if upward else place * far * draw.choice((-1.0, 1.0))
    if name == "time":
        return draw.uniform(0.01, min(within.high, 1e3))
    if within.bounded:
        low, high = within.low, within.high
        zero = [0.0] if within.contains(0.0) else []
        return draw.choice([low, high, within.middle, draw.uniform(low, high), *zero])
    sizes = (0.5, 1.0, *(FAST if wild and kind != "action" else FAST[:1] if wild else ()))
    value = draw.choice((0.0, *sizes, *(-size for size in sizes)))
    return min(max(value, within.low), within.high)


def _is_place(rest: str) -> bool:
    """Whether a name asks where a body or a site is, rather than how it moves or stands."""
    owner, _, last = rest.rpartition(".")
    asked = owner.rpartition(".")[2] if last in AXES else last
    return asked not in MEMBERS or asked == "com"
