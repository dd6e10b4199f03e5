"""Laws of observations: their errors and their clips against what they can be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ksim_schema.checks.proportions import at_field, beside, place
from ksim_schema.checks.ranges import Ranges, shown, shown_range
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import DROWNED_SIGNAL, ODD_LEARNING, SHUT_CLIP
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.task import Task
from ksim_schema.units import (
    ANGULAR_SPEED,
    LENGTH,
    NUMBER,
    SPEED,
    Dimension,
)
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.apart import apart
from ksim_schema.vocabulary.each import all_of
from ksim_schema.vocabulary.noise import Noise
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.body import OrientationObservation
from ksim_schema.vocabulary.observation.feet import Contact
from ksim_schema.vocabulary.observation.joint import (
    CommandedJointPosition,
    JointPosition,
    JointVelocity,
)
from ksim_schema.vocabulary.observation.signal import LastAction, PhaseClock
from ksim_schema.vocabulary.observation.trunk import (
    BaseHeight,
    BaseLinearVelocity,
    BaseOrientation,
    ProjectedGravity,
)

_USUAL: dict[Dimension, float] = {LENGTH: 2.0, SPEED: 10.0, ANGULAR_SPEED: 20.0}
"""Sizes, SI units, that a robot's places and speeds hardly exceed."""
_LARGE = 200.0
"""Networks are initialized for inputs of about 1."""
_UNIT = Interval(-1.0, 1.0)
_TOUCH = Interval(0.0, 1.0)
_UNITS = (ProjectedGravity, BaseOrientation, OrientationObservation, PhaseClock)
"""Kinds whose elements are between -1 and 1."""


class _Signal(NamedTuple):
    """What an observation can be, element by element.

    Attributes:
        ranges: the interval of each element, in the unit of the raw value.
        homes: its value in the home pose of each, or nothing where that is not known.
        certain: whether it can be nothing else.
    """

    ranges: list[Interval]
    homes: list[float]
    certain: bool
    unit: Dimension


def signals(
    task: Task, robot: RobotFacts, known: Mapping[str, Ranges] | None = None
) -> Iterator[Diagnostic]:
    """Errors as large as what they disturb, and clips that let nothing through.

    Args:
        task: the task.
        robot: the facts of its robot.
        known: what the task says of each quantity, such as where a joint ends the episode.
    """
    pieces = ((n, piece) for n, o in task.of(Observation).items() for piece in apart(o, robot))
    for name, part in pieces:
        signal = _signal(task, part, robot, known or {})
        clip = part.clip
        if clip is not None and (problem := _shut(task, name, part, signal)) is not None:
            yield problem
            continue
        yield from _raw(task, name, part, signal)
        for field, chain in (("noise", part.noise), ("bias", part.bias)):
            if field == "bias" and not part.additive_bias:
                continue
            for index, error in enumerate(chain):
                problem = _drowned(task, name, part, signal, (field, index), error)
                if problem is not None:
                    yield problem


def _raw(task: Task, name: str, part: Observation, signal: _Signal | None) -> Iterator[Diagnostic]:
    """Large numbers that networks read as they are."""
    if task.learner.normalize_observations or signal is None or not signal.ranges:
        return
    scale = max(map(abs, all_of(part.scale)))
    largest = max(max(abs(can.low), abs(can.high)) for can in signal.ranges) * scale
    if largest > _LARGE:
        message = f"with a scale of {scale:g} the networks read values of up to {largest:.3g}"
        message += ", and observations are not normalized"
        help = "give a scale with which the values are about 1, or leave them normalized"
        problem = at_field(task, ODD_LEARNING, message, "Observation", name, "scale", help=help)
        section = task.learner.section
        yield beside(problem, task, "not normalized", section, "normalize_observations")


def _signal(
    task: Task, part: Observation, robot: RobotFacts, known: Mapping[str, Ranges]
) -> _Signal | None:
    match part:
        case JointPosition() | CommandedJointPosition():
            joints = robot.match_joints(part.joints)
            units = {joint.dimension for joint in joints}
            away = part.relative_to == "home"
            allowed = [_allowed(joint, known) for joint in joints]
            each = [limits for limits in allowed if limits is not None]
            if len(units) != 1 or len(each) < len(joints):
                return None
            ranges = [_off(can, joint, away) for can, joint in zip(each, joints, strict=True)]
            homes = [0.0 if away else joint.home[0] for joint in joints]
            return _Signal(ranges, homes, True, units.pop())
        case JointVelocity():
            joints = robot.match_joints(part.joints)
            if not joints or any(j.type != "hinge" or j.limits is None for j in joints):
                return None
            return _moving(ANGULAR_SPEED, len(joints))
        case LastAction():
            stds = [float(actor.distribution.init_std) for actor in task.of(Actor).values()]
            size = max(1.0, *(3.0 * std for std in stds)) if stds else 1.0
            return _Signal([Interval(-size, size)], [0.0], False, NUMBER)
        case Contact():
            return _Signal([_TOUCH], [], True, NUMBER)
        case BaseHeight():
            height = robot.measures.get(f"body.{part.body or robot.root}.height")
            if height is None or height <= 0.0:
                return None
            return _Signal([Interval(0.0, 2.0 * height)], [height], False, LENGTH)
        case _ if isinstance(part, _UNITS):
            return _Signal([_UNIT], [], True, NUMBER)
        case BaseLinearVelocity():
            return _moving(SPEED, 1)
        case _:
            units = part.dimensions(robot)
            return _moving(ANGULAR_SPEED, 1) if units == (ANGULAR_SPEED,) else None


def _hull(clips: tuple[tuple[float, float], ...]) -> Interval:
    lows, highs = zip(*clips, strict=True)
    return Interval(float(min(lows)), float(max(highs)))


def _moving(unit: Dimension, count: int) -> _Signal:
    size = _USUAL[unit]
    return _Signal([Interval(-size, size)] * count, [0.0] * count, False, unit)


def _allowed(joint: Joint, known: Mapping[str, Ranges]) -> Interval | None:
    """Where a joint can be: its limits, or where the episode ends; None where there are none."""
    if joint.limits is not None:
        return Interval(*joint.limits)
    ranges = known.get(f"joint.{joint.name}")
    lasting = ranges.lasting if ranges and ranges.says("ends") else None
    return lasting if lasting and lasting.bounded else None


def _off(can: Interval, joint: Joint, away: bool) -> Interval:
    """The same as it is observed, from home on or from zero."""
    home = joint.home[0] if away and joint.home else 0.0
    return Interval(can.low - home, can.high - home)


def _drowned(
    task: Task,
    name: str,
    part: Observation,
    signal: _Signal | None,
    at: tuple[str, int],
    error: Noise,
) -> Diagnostic | None:
    """Of one source of error, why it leaves next to nothing of the signal."""
    size = max(map(float, all_of(error.size))) * max(map(abs, error.scale.extremes))
    where = place(task, "Observation", name, at[0], at[1], error.form)
    where = place(task, "Observation", name, at[0], error.form) if len(where) < 5 else where
    if error.mode == "multiplicative":
        if size <= 1.0:
            return None
        message = f"the value is multiplied by 1 + a draw of ±{size:.4g}: it often changes its sign"
        help = f"if {size:.4g}% is meant, write {size / 100.0:.4g}"
        return task.report(DROWNED_SIGNAL, message, *where, help=help)
    if signal is None or not signal.ranges:
        return None
    drowned = [can for can in signal.ranges if size >= can.width / 2.0]
    if 2 * len(drowned) <= len(signal.ranges):
        return None
    widest = max(drowned, key=lambda can: can.width)
    can = "is never outside of" if signal.certain else "is hardly ever outside of"
    of = "an error of ±" if error.form == "uniform" else "a standard deviation of "
    message = f"{of}{shown(size, signal.unit)} is as large as all that is to be observed: "
    message += f"{part.kind_name} {can} {shown_range(widest, signal.unit)}"
    few = len(drowned) < len(signal.ranges)
    message += f" (so it is with {len(drowned)} of {len(signal.ranges)} joints)" if few else ""
    help = "check the number and its unit; 'noise' and 'bias' are in the unit of the value before "
    return task.report(DROWNED_SIGNAL, message, *where, help=help + "'scale'")


def _shut(task: Task, name: str, part: Observation, signal: _Signal | None) -> Diagnostic | None:
    """A clip that what is observed never gets into, or that is narrower than its noise."""
    assert part.clip is not None
    clip = _hull(all_of(part.clip))
    unit = signal.unit if signal is not None else NUMBER
    at = ("Observation", name, "clip")
    help = "'clip' is of the value in its own unit, before 'scale'"
    if clip.width == 0.0:
        message = "the clip has no width, so that the value is always the same"
        return task.report(SHUT_CLIP, message, *at, help=help)
    if signal is not None and signal.ranges:
        if signal.certain and all(can.intersect(clip) is None for can in signal.ranges):
            message = f"{part.kind_name} is within {shown_range(signal.ranges[0], unit)}, and the "
            message += f"clip of {shown_range(clip, unit)} makes one and the same of all that"
            return task.report(SHUT_CLIP, message, *at, help=help)
        if signal.homes and not any(clip.contains(home) for home in signal.homes):
            message = f"in the home pose the value is {shown(signal.homes[0], unit)}, outside of "
            message += f"the clip of {shown_range(clip, unit)}: all around it looks the same"
            return task.report(SHUT_CLIP, message, *at, help=help)
    errors = (error for error in part.noise if error.mode == "additive")
    sizes = [float(size) for error in errors for size in all_of(error.size)]
    noise = max(sizes, default=0.0)
    if clip.bounded and noise >= clip.width and math.isfinite(noise):
        unit = signal.unit if signal is not None else NUMBER
        message = f"the clip of {shown_range(clip, unit)} is narrower than the noise of "
        message += f"±{shown(noise, unit)} that comes before it: what is left is noise"
        return task.report(SHUT_CLIP, message, *at, help=help)
    return None
