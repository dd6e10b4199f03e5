"""Joints as formulas name them: one by its name, several by a pattern."""

import math
from collections.abc import Iterator, Sequence
from itertools import product

from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.robot.patterns import PatternError
from ksim_schema.units.formula import Quantity
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.formula_several import Found
from ksim_schema.vocabulary.formula_source import Source
from ksim_schema.vocabulary.sensortypes import Of, unit_of

_ASKED: tuple[Of, ...] = ("velocity", "acceleration", "torque")
"""What is asked of joints by a word after their names, of what they do."""
_HELD = "constraint_force"
"""What is asked of joints, of the forces of contacts, limits and equalities."""
_GIVEN = ("home", "lower", "upper", "target")
"""What is asked of joints in the unit of their positions: what the model says of them, the home
pose and the limits, and what their servos are told."""


def joints(robot: RobotFacts) -> Iterator[tuple[str, Source]]:
    """``joint.<name>``, and what is asked of it."""
    for joint in robot.motion_joints:
        yield f"joint.{joint.name}", Source(Quantity(joint.dimension), "position", joints=(joint,))
    for joint, what in product(robot.motion_joints, _ASKED):
        quantity = Quantity(unit_of(what, joint))
        yield f"joint.{joint.name}.{what}", Source(quantity, what, joints=(joint,))
    for joint in robot.motion_joints:
        quantity = Quantity(unit_of("torque", joint))
        yield f"joint.{joint.name}.{_HELD}", Source(quantity, "constraint", joints=(joint,))
    for joint, what in product(robot.motion_joints, _GIVEN):
        yield f"joint.{joint.name}.{what}", _given((joint,), what, Quantity(joint.dimension))


def by_pattern(robot: RobotFacts, text: str, _: Found) -> Source:
    """The joints that a pattern matches, one after the other: ``joints['hip_.*'].velocity``."""
    pattern, dot, last = text.rpartition(".")
    asked: dict[str, Of] = {name: name for name in _ASKED}
    what: Of = asked.get(last, "torque" if last == _HELD else "position")
    said = dot != "" and (last in asked or last in (*_GIVEN, _HELD))
    pattern = pattern if said else text
    try:
        found = robot.match_joints((pattern,))
    except PatternError as error:
        return Source(Quantity(None, wrong=f"{pattern!r} is not a pattern of names: {error}"), what)
    if not found:
        listed = ", ".join(joint.name for joint in robot.motion_joints[:12])
        wrong = Quantity(None, wrong=f"{pattern!r} matches no joint", help=f"joints: {listed}")
        return Source(wrong, what)
    units = dict.fromkeys(unit_of(what, joint) for joint in found)
    if len(units) > 1:
        both = " and ".join(map(str, units))
        wrong = f"{pattern!r} matches hinges and slides, whose units are {both}"
        help = "name hinges and slides by patterns of their own"
        return Source(Quantity(None, wrong=wrong, help=help), what)
    quantity = Quantity(next(iter(units)), len(found))
    if said and last in _GIVEN:
        return _given(found, last, quantity)
    if said and last == _HELD:
        return Source(quantity, "constraint", joints=found)
    return Source(quantity, what, joints=found)


def _given(found: Sequence[Joint], what: str, quantity: Quantity) -> Source:
    """What the model or an action says of joints; a limit that one has not is infinite."""
    if what == "target":
        return Source(quantity, "target", joints=tuple(found))
    free = (-math.inf, math.inf)
    if what == "home":
        values = tuple(joint.home[0] if joint.home else 0.0 for joint in found)
    else:
        side = 0 if what == "lower" else 1
        values = tuple((joint.limits or free)[side] for joint in found)
    known = all(map(math.isfinite, values))
    bounds = Interval(min(values), max(values)) if known else EVERYTHING
    return Source(quantity, "constant", values=values, bounds=bounds)
