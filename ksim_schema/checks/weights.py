"""Laws of weights: a penalty at sizes that nothing avoids against all that can be gained.

The torque of a tenth of each motor's limit is what holding a pose takes; the changes of an action
are those that the policy's own noise makes: with a standard deviation s of independent draws, the
differences of first, second and third order have the variances 2, 6 and 20 times s^2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ksim_schema.checks.proportions import period, place
from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import DWARFED
from ksim_schema.diagnostics.codes.typed import CONSTANT_REWARD
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.reward import Normed, Reward, actions as a
from ksim_schema.vocabulary.reward.bodies import (
    Force,
    LinkAcceleration,
    LinkJerk,
    UndesiredContacts,
)
from ksim_schema.vocabulary.reward.episode import StayAlive
from ksim_schema.vocabulary.reward.formula import Formula
from ksim_schema.vocabulary.reward.joints import JointDeviation, Symmetry
from ksim_schema.vocabulary.reward.posture import FlatBody, FlatOrientation
from ksim_schema.vocabulary.reward.velocity import VerticalVelocity

_TIMES = 10.0
"""How many times all gains a penalty may be at a size that nothing avoids."""
_WILD = 10.0
"""Standard deviation of actions that is odd itself."""
_FEW = 2
"""So many penalties may be too large; of more it is the gains that are too small."""
_SHARE = 0.1
"""Of a motor's limit, or of a joint's range."""
_ACCELERATION = 5.0
"""m/s^2, of the links of anything that moves its legs."""
_SWAY = math.radians(10.0)
_GRAVITY = 9.81
_IMPACT = 30.0
"""Times a robot's weight, more than any step or fall gives."""
_BOUNCE = 0.3
"""Tilt, rad, and vertical speed, m/s, of anything that walks."""


class _Cost(NamedTuple):
    """What a penalty is at a size that nothing avoids, and that size in words."""

    value: float
    at: str


def weights(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Penalties that dwarf all that is positive."""
    tick = period(task)
    gains = _gains(task, tick or 1.0)
    if tick is None or not gains:
        return
    large: list[tuple[float, str, _Cost]] = []
    for name, part in task.of(Reward).items():
        always = part.penalty and part.when is None
        cost = _cost(task, robot, part, tick) if always else None
        if cost is not None:
            taken = cost.value * part.scale.extremes[0] * (tick if part.per_second else 1.0)
            large += [(taken, name, cost)] if taken > _TIMES * gains else []
    large.sort(reverse=True, key=lambda row: row[0])
    few = len(large) <= _FEW  # else it is the gains that are small
    for taken, name, cost in large if few else large[:1]:
        message = f"at {cost.at} this takes away {taken:.3g} a tick, and all that is positive "
        message += f"gives {gains:.3g} at most"
        others = ", ".join(repr(other) for _, other, _ in large[1:])
        message += "" if few else f"; so do {others}"
        fair = 0.1 * gains / taken * task.of(Reward)[name].scale.extremes[0]
        help = f"a scale of {_round(fair)} would take away a tenth of that"
        help = help if few else "give more for what is wanted"
        yield task.report(DWARFED, message, *place(task, "Reward", name, "scale"), help=help)


def unfelt(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Forces that count only where no contact of this robot is so strong."""
    weight = robot.mass * _GRAVITY
    for name, part in task.of(Reward).items():
        match part:
            case Force():
                field, force = "bias", part.bias
            case UndesiredContacts():
                field, force = "threshold", part.threshold
            case _:
                continue
        if weight > 0.0 and force > _IMPACT * weight:
            message = f"only forces above {force:.4g} N count, {force / weight:.3g} times the "
            message += f"robot's weight of {weight:.4g} N, so this is always 0"
            help = "give what the robot stands on at most, a few times its weight"
            yield task.report(CONSTANT_REWARD, message, "Reward", name, field, help=help)


def _round(value: float) -> str:
    return f"{float(f'{value:.1g}'):g}"


def _gains(task: Task, tick: float) -> float | None:
    """The most that a tick can give; None where that is not known."""
    total = 0.0
    for part in task.of(Reward).values():
        if part.penalty or part.of_total or isinstance(part, Symmetry):
            continue
        if isinstance(part, Custom | Formula):
            return None
        most = float(max(len(part.components), 1))
        if isinstance(part, StayAlive):
            most = 1.0 / (part.balance or 1.0)
        elif isinstance(part, FlatBody):
            most = sum(x * x for x in part.plane)
        total += most * part.scale.extremes[1] * (tick if part.per_second else 1.0)
    return total


_DIFFERENCES = {a.ActionVelocity: 2.0, a.ActionAcceleration: 6.0, a.ActionJerk: 20.0}
"""Variance of the differences of independent draws of variance 1."""


def _cost(task: Task, robot: RobotFacts, part: Reward, tick: float) -> _Cost | None:
    for kind, variance in _DIFFERENCES.items():
        if isinstance(part, kind):
            return _noise(task, robot, part, variance)
    match part:
        case a.TorquePenalty():
            limits = _limits(robot, part.joints)
            each = [_SHARE * (1.0 if part.relative else limit) for limit in limits]
            return _norm(part, each, "a tenth of the motors' torques") if each else None
        case a.Energy():
            limits = _limits(robot, part.joints)
            each = [_SHARE * (1.0 if part.relative else limit) for limit in limits]
            return _norm(part, each, "a tenth of the motors' torques and 1 rad/s") if each else None
        case JointDeviation():
            joints = robot.match_joints(part.joints)
            if part.weights is not None or any(joint.limits is None for joint in joints):
                return None
            each = [_SHARE * (j.limits[1] - j.limits[0]) for j in joints if j.limits]
            return _norm(part, each, "a tenth of the joints' ranges off their targets")
        case LinkAcceleration() | LinkJerk():
            bodies = len(robot.match("body", part.bodies))
            jerk = isinstance(part, LinkJerk)
            size = _ACCELERATION / tick if jerk else _ACCELERATION
            what = f"{size:.3g} m/s^3" if jerk else f"{size:.3g} m/s^2"
            return _norm(part, [size] * bodies, f"{what} of each body")
        case VerticalVelocity():
            return _Cost(_BOUNCE**2, f"a bounce of {_BOUNCE:g} m/s")
        case FlatOrientation():
            return _Cost(math.sin(_SWAY) ** 2, "a tilt of 10 deg")
        case _:
            return None


def _limits(robot: RobotFacts, patterns: tuple[str, ...]) -> list[float]:
    joints = robot.match_joints(patterns)
    found = [robot.torque_limits.get(joint.name) for joint in joints]
    return [limit for limit in found if limit is not None and math.isfinite(limit)]


def _norm(part: Normed, each: list[float], at: str) -> _Cost | None:
    values = [abs(x) if part.norm == "l1" else x * x for x in each]
    if not values:
        return None
    return _Cost(sum(values) / (len(values) if part.reduce == "mean" else 1), at)


def _noise(task: Task, robot: RobotFacts, part: Normed, variance: float) -> _Cost | None:
    actor = next(iter(task.of(Actor).values()), None)
    if actor is None:
        return None
    spread: Any = actor.distribution
    std = min(float(spread.init_std), 0.6) if spread.kind == "tanh_gaussian" else spread.init_std
    if std > _WILD:
        return None  # told of the policy
    count = sum(action.size(robot) for action in task.of(Action).values())
    each = variance * std * std
    if part.norm == "l1":
        each = math.sqrt(each * 2.0 / math.pi)
    value = each * (1.0 if part.reduce == "mean" else count)
    return _Cost(value, f"the policy's own noise at the start (init_std {spread.init_std:g})")
