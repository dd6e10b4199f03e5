"""Values that a task may have and that its author hardly means: what needs no robot to see."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

from ksim_schema.checks.laws import without_robot
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.structure import OUT_OF_RANGE
from ksim_schema.diagnostics.codes.typed import (
    CONSTANT_COMMAND,
    CONSTANT_REWARD,
    EMPTY_VALUE,
    IMPLAUSIBLE_NUMBER,
    LATE_EVENT,
    NAMED_TWICE,
    PART_WITHOUT_EFFECT,
    TERMINATION_NEVER_COMES,
)
from ksim_schema.source import Path_
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.task import OPTIONAL_KIND, SECTIONS, Task
from ksim_schema.units import (
    ACCELERATION,
    ANGLE,
    ANGULAR_ACCELERATION,
    ANGULAR_SPEED,
    DAMPING,
    FORCE,
    FREQUENCY,
    LENGTH,
    LINEAR_DAMPING,
    LINEAR_STIFFNESS,
    MASS,
    NUMBER,
    SPEED,
    STIFFNESS,
    TIME,
    TORQUE,
    Dimension,
    Measured,
    QuantityError,
    parse,
)
from ksim_schema.vocabulary import Named, Part, annotated_fields
from ksim_schema.vocabulary.base import MayBeEmpty
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.each import all_of
from ksim_schema.vocabulary.event import Event
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.reward.episode import StayAlive
from ksim_schema.vocabulary.termination import NotUpright, Termination

LARGEST = 3.4028234e38
SMALLEST = 1.1754944e-38
"""Bounds of normal numbers in single precision, in which tasks are computed."""

PLAUSIBLE: dict[Dimension, float] = {
    NUMBER: 1e7,
    LENGTH: 1e4,
    ANGLE: 1e3,
    TIME: 1e6,
    FREQUENCY: 1e6,
    MASS: 1e6,
    SPEED: 1e3,
    ACCELERATION: 1e6,
    ANGULAR_SPEED: 1e4,
    ANGULAR_ACCELERATION: 1e7,
    FORCE: 1e6,
    TORQUE: 1e6,
    STIFFNESS: 1e7,
    LINEAR_STIFFNESS: 1e8,
    DAMPING: 1e6,
    LINEAR_DAMPING: 1e6,
}
"""Largest size in SI units that a robot's task has a use for; far above what is usual."""
_ANY_OTHER = 1e9
"""The same for any other dimension."""


def lint(task: Task, *, broken: bool = False) -> Iterator[Diagnostic]:
    """Values that are valid one by one and make no sense.

    Args:
        task: the task.
        broken: whether it has errors, so that what is missing may only be misspelt.
    """
    data = task.document.data
    may_be = {(o, n, *p) for o, n, part in task for p, _, _ in annotated_fields(part, MayBeEmpty)}
    canonical = "hold" in (_written(task, ("morphisms",)) or ())  # it writes out empty defaults
    for section in (*SECTIONS, *LEARNERS):
        if section in data:
            yield from _numbers(task, data[section], (section,))
            yield from () if canonical else _empty(task, data[section], (section,), may_be)
    for object, name, part in task:
        yield from _twice(task, part, (object, name))
        if isinstance(part, Reward):
            yield from _constant_reward(task, name, part, broken)
        if isinstance(part, Command):
            yield from _fixed_command(task, name, part)
        if isinstance(part, NotUpright) and part.max_tilt >= math.pi:
            message = "no tilt is more than 180 deg, so this never ends an episode"
            yield task.report(TERMINATION_NEVER_COMES, message, object, name, "max_tilt")
        if isinstance(part, Event):
            yield from _late_event(task, name, part)
        if isinstance(part, Observation) and not any(all_of(part.scale)):
            message = "the scale is 0, so the policy sees nothing of this"
            yield task.report(PART_WITHOUT_EFFECT, message, object, name, "scale")
    if not broken:
        yield from without_robot(task)


def _numbers(task: Task, value: Any, path: Path_) -> Iterator[Diagnostic]:
    """The numbers of a source that are out of all proportion."""
    if is_mapping(value):
        for key, inner in value.items():
            yield from _numbers(task, inner, (*path, key))
    elif is_list(value):
        for index, inner in enumerate(value):
            yield from _numbers(task, inner, (*path, index))
    else:
        measured = _measured(value)
        if measured is not None:
            yield from _number(task, measured, str(value), path)


def _measured(value: object) -> Measured | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    return _quantity(value) if isinstance(value, str) else Measured(value)


@lru_cache(maxsize=4096)
def _quantity(text: str) -> Measured | None:
    if text[:1] not in "+-.0123456789":
        return None
    try:
        return parse(text)
    except QuantityError:
        return None


def _number(task: Task, value: Measured, text: str, path: Path_) -> Iterator[Diagnostic]:
    size = abs(value)
    if size > LARGEST or 0 < size < SMALLEST:
        what = "large" if size > 1 else "small"
        message = f"{text[:40]} is too {what}: numbers are kept in single precision"
        help = f"a number is at most {LARGEST:.2g}" if size > 1 else "write 0"
        yield task.report(OUT_OF_RANGE, message, *path, help=help)
        return
    bound = PLAUSIBLE.get(value.dimension, _ANY_OTHER)
    if learner := LEARNERS.get(str(path[0])):
        named = [step for step in path if isinstance(step, str)]
        bound = learner.plausible.get(named[-1], bound)
    elif value.dimension == NUMBER and value.is_integer() and "." not in text and "e" not in text:
        bound = _ANY_OTHER  # a count of ticks, for example
    if size > bound:
        unit = f" {value.dimension}".rstrip()
        what = value.dimension.phrase if value.dimension != NUMBER else f"{path[-1]!r}"
        message = f"{text[:40]} is implausibly large for {what}"
        help = f"more than {bound:g}{unit} is hardly meant; check the number and its unit"
        yield task.report(IMPLAUSIBLE_NUMBER, message, *path, help=help)


def _empty(task: Task, value: Any, path: Path_, may_be: Collection[Path_]) -> Iterator[Diagnostic]:
    """Keys that nothing is written after, and empty lists. An explicit null is a value.

    Args:
        task: the task.
        value: what stands at a path of it.
        path: the path.
        may_be: paths of what says something when it is empty.
    """
    if is_mapping(value):
        for key, inner in value.items():
            yield from _empty(task, inner, (*path, key), may_be)
    elif is_list(value) and value:
        for index, inner in enumerate(value):
            yield from _empty(task, inner, (*path, index), may_be)
    elif is_list(value) and path not in may_be:
        help = "write something in it, or leave the field out"
        yield task.report(EMPTY_VALUE, "the list is empty", *path, help=help)
    elif value is None and len(path) > (2 if path[0] in OPTIONAL_KIND else 1):
        span = task.document.values.get(path)
        empty = span and (span.line, span.column) == (span.end_line, span.end_column)
        if empty and path not in may_be:
            message = f"nothing is written after {path[-1]!r}"
            help = "give a value, or leave the field out"
            yield task.report_key(EMPTY_VALUE, message, *path, help=help)


def _written(task: Task, path: Path_) -> Any:
    value = task.document.data
    for step in path:
        value = value.get(str(step)) if is_mapping(value) else None
    return value


def _twice(task: Task, part: Part, at: Path_) -> Iterator[Diagnostic]:
    """Names in the robot's model that a list has twice."""
    for path, _, value in annotated_fields(part, Named):
        aliased = type(part).model_fields[path[0]].alias or path[0]
        for index, name in enumerate(value if is_list(value) else ()):
            if name in value[:index]:
                place = (*at, aliased, *path[1:], index)
                yield task.report(NAMED_TWICE, f"{name!r} is named twice", *place)


def _constant_reward(task: Task, name: str, part: Reward, broken: bool) -> Iterator[Diagnostic]:
    """A reward that is the same whatever the policy does."""
    if part.scale.is_zero:
        message = "the scale is 0, so this reward adds nothing"
        place = ("Reward", name, "scale")
        yield task.report(CONSTANT_REWARD, message, *place, help="give it a weight, or take it out")
        return
    terminations = task.of(Termination).values()
    fails = any(not t.is_timeout for t in terminations)
    succeeds = isinstance(part, StayAlive) and part.success is not None
    only_failures = part.channels == ("termination",) and not succeeds
    if only_failures and not fails and not broken:
        message = f"no termination is a failure, so {part.kind_name!r} is the same at each tick"
        help = "add a Termination that is one, such as min_height or not_upright"
        yield task.report_key(CONSTANT_REWARD, message, "Reward", name, help=help)


def _late_event(task: Task, name: str, event: Event) -> Iterator[Diagnostic]:
    """An event that is due when most episodes of the training are over."""
    terminations = task.of(Termination).values()
    limits = [limit for t in terminations if (limit := t.time_limit()) is not None]
    limits += [task.learner.episode] if task.learner.episode is not None else []
    longest = min(limits, default=math.inf)
    first, last = event.every
    if (first + last) / 2 >= longest:
        often = "never comes" if first >= longest else "seldom comes"
        message = f"episodes of the training last at most {longest:g} s, so this {often}"
        cut = f"{task.learner.section}.episode"
        help = f"shorten 'every', or lengthen the episodes ({cut}, episode_length)"
        yield task.report(LATE_EVENT, message, "Event", name, "every", help=help)


def _fixed_command(task: Task, name: str, part: Command) -> Iterator[Diagnostic]:
    """Ranges of a command from which only one value can be drawn."""
    for field, info in type(part).model_fields.items():
        value: Any = getattr(part, field)
        paired = is_list(value) and len(value) == 2 and all(isinstance(v, float) for v in value)
        written = _written(task, ("Command", name, info.alias or field))
        if paired and value[0] == value[1] and value != info.default and is_list(written):
            message = f"the range has no width, so the command is always {written[0]}"
            if field != "resample":
                yield task.report(CONSTANT_COMMAND, message, "Command", name, info.alias or field)
