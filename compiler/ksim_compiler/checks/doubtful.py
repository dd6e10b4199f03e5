"""What is drawn that no robot is like: masses below zero, percents for factors, clipped starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import extremes, place
from ksim_schema.diagnostics import Code, Diagnostic
from ksim_schema.diagnostics.codes.physics import (
    CLIPPED_STARTS,
    CROSSED_AT_ONCE,
    DOUBTFUL_DRAW,
    NO_MASS_LEFT,
)
from ksim_schema.robot import Joint
from ksim_schema.vocabulary import randomizer as v, reset

FACTOR = 5.0
"""Factors that are all above this, or below one part of it, are hardly meant."""
FRICTION = 3.0
"""No ground is rougher: rubber on concrete has 1."""
TURNED = 0.5
"""rad: no calibration and no mounting is off by half a radian."""
MOSTLY = 0.5
"""Part of the draws of a joint beyond its limits from which on it is told."""
ALWAYS = 0.95


class _Doubt(NamedTuple):
    """What is wrong with a draw: where, and why."""

    code: Code
    field: str
    message: str
    help: str


def doubtful(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of randomizers and resets that draw what no robot is like."""
    for name, part in plan.parts(v.Randomizer).items():
        if part.scale.is_zero:
            continue
        for doubt in _randomizer(plan, part):
            yield _told(plan, doubt, "Randomizer", name)
    for name, part in plan.parts(reset.Reset).items():
        for doubt in _reset(plan, part):
            yield _told(plan, doubt, "Reset", name)


def _told(plan: Plan, doubt: _Doubt, object: str, name: str) -> Diagnostic:
    at = place(plan.task, object, name, doubt.field)
    report = plan.task.report if len(at) > 2 else plan.task.report_key
    return report(doubt.code, doubt.message, *at, help=doubt.help)


def _randomizer(plan: Plan, part: v.Randomizer) -> Iterator[_Doubt]:
    scale = extremes(part.scale)[1]
    factors = {"factor": getattr(part, "factor", None)}
    if isinstance(part, v.ServoGains):
        factors = {"kp": part.kp, "kd": part.kd}
    for field, ends in factors.items():
        if ends is not None and scale <= 1.0 and (min(ends) > FACTOR or max(ends) < 1.0 / FACTOR):
            yield _factor(field, min(ends), max(ends))
    match part:
        case v.BodyMass():
            yield from _mass(plan, part, scale)
        case v.CentreOfMass():
            yield from _centre(plan, part, scale)
        case v.Gravity():
            yield from _gravity(plan, part, scale)
        case v.JointZero() if part.range * scale > TURNED:
            if all(j.type == "hinge" for j in plan.robot.facts.match_joints(part.joints)):
                yield _turned("range", "the zero of a joint is off", part.range * scale)
        case v.ImuAlignment() if part.tilt * scale > TURNED:
            yield _turned("tilt", "the sensor is turned", part.tilt * scale)
        case v.FloorFriction() if min(part.range) > FRICTION:
            low, high = part.range
            message = f"friction from {low:g} to {high:g} is more than any ground has"
            help = "it is a coefficient: rubber on concrete has 1, ice 0.05"
            yield _Doubt(DOUBTFUL_DRAW, "range", message, help)
        case _:
            pass


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
        least = own * (1.0 + scale * (part.factor[0] - 1.0)) + scale * part.add[0]
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
        if size and part.range * scale > 2.0 * size:
            message = f"the centre of mass of body {name!r} is moved by up to "
            message += f"{part.range * scale:.3g} m, and the body is {2.0 * size:.2g} m large"
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
            if part.range * plan.period > high - low > 0.0:
                unit = "rad" if joint.type == "hinge" else "m"
                message = f"with {part.range:.4g} {unit}/s joint {joint.name!r} crosses its whole "
                message += f"range of {high - low:.3g} {unit} within one control period"
                yield _Doubt(CROSSED_AT_ONCE, "range", message, "check the number and its unit")
                return
    elif isinstance(part, reset.ResetJointPosition):
        yield from _clipped(facts.match_joints(part.joints), part)


def _clipped(joints: tuple[Joint, ...], part: reset.ResetJointPosition) -> Iterator[_Doubt]:
    shares = {joint.name: _beyond(joint, part) for joint in joints if _counts(joint, part)}
    if not shares:
        return
    name = max(shares, key=lambda joint: shares[joint])
    mean = sum(shares.values()) / len(shares)
    if shares[name] <= ALWAYS and mean <= MOSTLY:
        return
    joint = next(j for j in joints if j.name == name)
    low, high = joint.limits or (0.0, 0.0)
    unit, middle = joint.dimension, joint.home[0] if part.around == "home" else 0.0
    message = f"joint {name!r} is drawn from {middle - part.range:.4g} to "
    message += f"{middle + part.range:.4g} {unit}, and its limits are {low:.4g} to {high:.4g} "
    message += f"{unit}: {100 * shares[name]:.0f} of 100 starts are at a limit"
    help = "narrow the range" if part.around == "home" else "draw around: home, or narrow the range"
    if joint.type == "hinge" and part.range >= 1.0:
        help += f"; if degrees are meant, write '{part.range:g} deg'"
    yield _Doubt(CLIPPED_STARTS, "range", message, help)


def _counts(joint: Joint, part: reset.ResetJointPosition) -> bool:
    """Whether a joint has limits, and its home pose is within them (else that is the cause)."""
    if joint.limits is None:
        return False
    low, high = joint.limits
    return part.around != "home" or low - 1e-6 <= joint.home[0] <= high + 1e-6


def _beyond(joint: Joint, part: reset.ResetJointPosition) -> float:
    """Part of the draws that lies beyond a joint's limits."""
    low, high = joint.limits or (-math.inf, math.inf)
    middle = joint.home[0] if part.around == "home" else 0.0
    if part.range == 0.0:
        return 0.0 if low - 1e-9 <= middle <= high + 1e-9 else 1.0
    inside = min(high, middle + part.range) - max(low, middle - part.range)
    return 1.0 - max(0.0, inside) / (2.0 * part.range)
