"""Gates of rewards that are always open, or never."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ksim_schema.checks.formula_words import Known, Law, in_degrees, text_of, told_range
from ksim_schema.checks.ranges import Ranges
from ksim_schema.diagnostics.codes.laws import IDLE_GATE
from ksim_schema.robot import RobotFacts
from ksim_schema.units.formula import spelt
from ksim_schema.units.formula_range import range_of
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.bounds import quantity_of

OPEN, SHUT = "so the reward always counts", "so the reward never counts"
_HALF = 0.5
"""Between what a condition is where it holds, 1, and where it does not, 0."""


def gate_laws(known: Known, found: Mapping[str, Ranges], robot: RobotFacts) -> Iterator[Law]:
    """What a condition is in all states that can be, and in those in which episodes go on.

    Args:
        known: the condition.
        found: what the task says of each physical quantity.
        robot: the robot.
    """
    if not known.tree.quantities():
        yield Law(IDLE_GATE, "this names no quantity, so it is the same at each tick", "")
        return
    law = _always(known, "")
    if law is None:
        lasting = {n: _lasting(n, within, found, robot) for n, within in known.reach.items()}
        law = _always(replace(known, reach=lasting), " while episodes go on")
    if law is not None:
        yield law


def _lasting(
    name: str, within: Interval, found: Mapping[str, Ranges], robot: RobotFacts
) -> Interval:
    """All that a quantity can be without that the episode ends."""
    ranges = found.get(quantity_of(name, robot))
    lasting = ranges.lasting if ranges and ranges.says("ends") else None
    return (within.intersect(lasting) if lasting else None) or within


def _always(known: Known, while_: str) -> Law | None:
    can = range_of(known.tree, known.reach)
    if can.low <= _HALF < can.high:
        return None
    told = [f"{spelt(n)} is {told_range(n, known)}" for n in known.tree.quantities()]
    told = [text for text in told if "anything" not in text]
    what, so = ("always holds", OPEN) if can.low > _HALF else ("never holds", SHUT)
    message = f"{text_of(known.tree)} {what}{while_}, {so}"
    message += f": {', '.join(told)}" if told else ""
    help = "take it out, or give it a bound inside of what can be reached"
    return Law(IDLE_GATE, message, in_degrees(known.tree, known) or help)
