"""Where episodes go on that a condition ends, as far as single quantities tell."""

import math
from collections.abc import Iterator

from ksim_schema.robot import RobotFacts
from ksim_schema.units.formula import Expression, constant
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.effects import Effect

_BASE = {"up": "climb"}
_PLACE = {"x": "x", "y": "y", "z": "height"}


def ends(tree: Expression, robot: RobotFacts, field: str) -> Iterator[Effect]:
    """The comparisons with a number each of which alone ends an episode.

    Args:
        tree: a condition.
        robot: the robot.
        field: the field that has it.
    """
    if tree.op == "or":
        for part in tree.arguments:
            yield from ends(part, robot, field)
    elif tree.op in ("<", "<=", ">", ">="):
        left, right = tree.arguments
        below = tree.op in ("<", "<=")
        if constant(left) is not None:
            left, right, below = right, left, not below
        limit = constant(right)
        if limit is None:
            return
        on = Interval(limit, math.inf) if below else Interval(-math.inf, limit)
        if left.op == "abs" and not below and limit >= 0.0:
            left, on = left.arguments[0], Interval(-limit, limit)
        name = quantity_of(left.name, robot) if left.op == "quantity" else ""
        if name:
            yield Effect("ends", name, field, fixed=on)


def quantity_of(name: str, robot: RobotFacts) -> str:
    """A quantity of a formula as effects call it; empty where they have no name for it."""
    kind, _, rest = name.partition(".")
    if kind == "base":
        return f"body.{robot.root}.{_BASE.get(rest, rest)}"
    if kind == "joint" and rest in robot.names("joint"):
        return name
    owner, _, axis = rest.rpartition(".")
    if kind in ("body", "site") and owner in robot.names(kind) and axis in _PLACE:
        return f"{kind}.{owner}.{_PLACE[axis]}"
    return ""
