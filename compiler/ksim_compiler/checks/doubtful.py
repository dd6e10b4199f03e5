"""What is drawn that no robot is like: masses below zero, percents for factors, clipped starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import at_field
from ksim_schema.diagnostics import Code, Diagnostic
from ksim_schema.diagnostics.codes.physics import (
    CLIPPED_STARTS,
    CROSSED_AT_ONCE,
    DOUBTFUL_DRAW,
    NO_MASS_LEFT,
)
from ksim_schema.robot import Joint
from ksim_schema.vocabulary import randomizer as v, reset
from ksim_schema.vocabulary.apart import apart
from ksim_schema.vocabulary.each import one

FACTOR = 5.0
"""Factors that are all above this, or below one part of it, are hardly meant."""
FRICTION = 3.0
"""No ground is rougher: rubber on concrete has 1."""
TURNED = 0.5
"""rad: no calibration and no mounting is off by half a radian."""


class _Doubt(NamedTuple):
    """What is wrong with a draw: where, and why."""

    code: Code
    field: str
    message: str
    help: str


def doubtful(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of randomizers and resets that draw what no robot is like."""
    facts = plan.robot.facts
    for name, part in plan.parts(v.Randomizer).items():
        if part.scale.is_zero:
            continue
        for piece in apart(part, facts):
            for doubt in _randomizer(plan, piece):
                yield _told(plan, doubt, "Randomizer", name)
    for name, part in plan.parts(reset.Reset).items():
        for piece in apart(part, facts):
            for doubt in _reset(plan, piece):
                yield _told(plan, doubt, "Reset", name)


def _told(plan: Plan, doubt: _Doubt, object: str, name: str) -> Diagnostic:
    at = (object, name, doubt.field)
    return at_field(plan.task, doubt.code, doubt.message, *at, help=doubt.help)


def _randomizer(plan: Plan, part: v.Randomizer) -> Iterator[_Doubt]:
    scale = part.scale.extremes[1]
    for field, ends in _factors(part).items():
        if scale <= 1.0 and (min(ends) > FACTOR or max(ends) < 1.0 / FACTOR):
            yield _factor(field, min(ends), max(ends))
    match part:
        case v.BodyMass():
            yield from _mass(plan, part, scale)
        case v.CentreOfMass():
            yield from _centre(plan, part, scale)
        case v.Gravity():
            yield from _gravity(plan, part, scale)
        case v.JointZero() if one(part.range) * scale > TURNED:
            if all(j.type == "hinge" for j in plan.robot.facts.match_joints(part.joints)):
                yield _turned("range", "the zero of a joint is off", one(part.range) * scale)
        case v.ImuAlignment() if part.tilt * scale > TURNED:
            yield _turned("tilt", "the sensor is turned", part.tilt * scale)
        case v.FloorFriction() if min(part.range) > FRICTION:
            low, high = part.range
            message = f"friction from {low:g} to {high:g} is more than any ground has"
            help = "it is a coefficient: rubber on concrete has 1, ice 0.05"
            yield _Doubt(DOUBTFUL_DRAW, "range", message, help)
        case v.GeomFriction() if part.sliding is not None and part.sliding[0] > FRICTION:
            low, high = part.sliding
            message = f"friction from {low:g} to {high:g} is more than any two things have"
            help = "it is a coefficient: rubber on concrete has 1, ice 0.05"
            yield _Doubt(DOUBTFUL_DRAW, "sliding", message, help)
        case _:
            pass


def _factors(part: v.Randomizer) -> dict[str, tuple[float, float]]:
    """The fields of a randomizer that are factors of what the model has."""
    match part:
        case v.ServoGains():
            return {"kp": one(part.kp), "kd": one(part.kd)}
        case v.StaticFriction() | v.Armature() | v.JointDamping() | v.MotorStrength():
            return {"factor": one(part.factor)}
        case v.BodyMass() | v.BodyInertia() | v.CollisionGeometry():
            return {"factor": one(part.factor)}
        case _:
            return {}


def _factor(field: str, low: float, high: float) -> _Doubt:
    message = f"a factor from {low:g} to {high:g} is never near 1: no robot of the training is "
    message += "like the model"
    help = "1 is what the model has"
    if 10.0 <= low <= 100.0 <= high or 50.0 <= low <= high <= 200.0:
        help += f"; if percents are meant, write [{low / 100:g}, {high / 100:g}]"
    return _Doubt(DOUBTFUL_DRAW, field, message, help)


def _turned(field: str, what: str, angle: float) -> _Doubt:
    message = f"{what} by up to {angle:.3g} rad ({math.degrees(angle):.3g} deg)"
    return _Doubt(DOUBTFUL_DRAW, field, message, "if degrees are meant, write 'deg'")


def _mass(plan: Plan, part: v.BodyMass, scale: float) -> Iterator[_Doubt]:
    model, facts = plan.robot.model, plan.robot.facts
    worst: tuple[float, str, float] = (math.inf, "", 0.0)
    for name in facts.match("body", part.body):
        index = facts.body_id(name)
        own = float(model.body_mass[index])
        least = own * (1.0 + scale * (one(part.factor)[0] - 1.0)) + scale * one(part.add)[0]
        if own > 0.0 and model.body_weldid[index] and least <= 0.0:
            worst = min(worst, (least, name, own))
    if worst[1]:
        least, name, own = worst
        message = f"body {name!r} has {own:.4g} kg in the model, and down to {least:.4g} kg are "
        yield _Doubt(NO_MASS_LEFT, "add", message + "drawn", "take away less than it has")


def _centre(plan: Plan, part: v.CentreOfMass, scale: float) -> Iterator[_Doubt]:
    """Farther out than the body's geoms, and than its neighbours."""
    model, facts = plan.robot.model, plan.robot.facts
    for name in facts.match("body", part.body):
        index = facts.body_id(name)
        own = np.flatnonzero(model.geom_bodyid == index)
        sizes = [
            float(np.linalg.norm(model.geom_pos[g]) + model.geom_rbound[g])
            for g in own
            if model.geom_rbound[g] > 0.0
        ]
        children = np.flatnonzero(model.body_parentid == index)
        sizes += [float(np.linalg.norm(model.body_pos[child])) for child in children if child]
        size = max(sizes, default=0.0)
        if size and one(part.range) * scale > 2.0 * size:
            message = f"the centre of mass of body {name!r} is moved by up to "
            message += f"{one(part.range) * scale:.3g} m, and the body is {2.0 * size:.2g} m large"
            yield _Doubt(DOUBTFUL_DRAW, "range", message, "check the number and its unit")
            return


def _gravity(plan: Plan, part: v.Gravity, scale: float) -> Iterator[_Doubt]:
    pull = float(np.linalg.norm(plan.robot.model.opt.gravity))
    for field, width in (("vertical", part.vertical), ("horizontal", part.horizontal)):
        if pull > 0.0 and width * scale >= 0.95 * pull:
            message = f"up to {width * scale:.3g} m/s^2 are added to gravity, {pull:.3g} m/s^2: "
            up = "in some episodes nothing weighs anything, or falls up"
            message += up if field == "vertical" else "in some episodes down is sideways"
            help = "it is the half width of what is added, not gravity itself"
            yield _Doubt(DOUBTFUL_DRAW, field, message, help)


def _reset(plan: Plan, part: reset.Reset) -> Iterator[_Doubt]:
    facts = plan.robot.facts
    if isinstance(part, reset.ResetJointVelocity):
        for joint in facts.match_joints(part.joints):
            low, high = joint.limits or (-math.inf, math.inf)
            if one(part.range) * plan.period > high - low > 0.0:
                unit = "rad" if joint.type == "hinge" else "m"
                message = (
                    f"with {one(part.range):.4g} {unit}/s joint {joint.name!r} crosses its whole "
                )
                message += f"range of {high - low:.3g} {unit} within one control period"
                yield _Doubt(CROSSED_AT_ONCE, "range", message, "check the number and its unit")
                return
    elif isinstance(part, reset.ResetJointPosition):
        yield from _clipped(facts.match_joints(part.joints), part)


def _clipped(joints: tuple[Joint, ...], part: reset.ResetJointPosition) -> Iterator[_Doubt]:
    """Joints that are drawn around zero, and zero is beyond their limits.

    Of a home pose beyond them something else is told, and so of ranges that are too wide.
    """
    cut = [joint for joint in joints if joint.limits and _cut(joint.limits, one(part.range))]
    if not cut or part.around == "home" or one(part.offset):
        return
    joint, low, high = cut[0], *(cut[0].limits or (0.0, 0.0))
    message = f"joint {joint.name!r}{'' if len(cut) == 1 else f' (and {len(cut) - 1} more)'} is "
    message += (
        f"drawn from {-one(part.range):.4g} to {one(part.range):.4g} {joint.dimension}, and its "
    )
    message += f"limits are {low:.4g} to {high:.4g} {joint.dimension}: it always starts at a limit"
    yield _Doubt(CLIPPED_STARTS, "around", message, "draw around: home")


def _cut(limits: tuple[float, float], width: float) -> bool:
    """Whether nearly all draws within +-width are beyond limits that do not hold 0."""
    low, high = limits
    inside = max(0.0, min(high, width) - max(low, -width))
    return not low <= 0.0 <= high and inside < 0.1 * width + 1e-9
