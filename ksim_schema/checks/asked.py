"""What commands ask of a robot, by the physical quantities that they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ksim_schema.checks.ranges import commanded
from ksim_schema.robot import RobotFacts
from ksim_schema.source import Path_
from ksim_schema.task import Task
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.command import Command, Drawn, motion as m, velocity as v


class Asked(NamedTuple):
    """What a command asks of a quantity; ``at`` is the field that says so."""

    command: str
    quantity: str
    within: Interval
    at: Path_


def told(task: Task, robot: RobotFacts, name: str, element: str) -> Interval | None:
    """All that a command can tell as one of its elements, over all levels and chances.

    None where that is not known.
    """
    within = commanded(task, robot, name, element)
    if within is None:
        return None
    part = task.of(Command)[name]
    within = part.told_of(element, within) if isinstance(part, Drawn) else within
    return None if within == EVERYTHING else within


def asked(task: Task, robot: RobotFacts) -> Iterator[Asked]:
    """What the commands of a task ask of its robot by what they are, whoever follows them."""
    base = f"body.{robot.root}"
    for name, part in task.of(Command).items():
        elements: dict[str, tuple[str, str]] = {}
        match part:
            case m.BaseHeight():
                elements = {"height": (f"{base}.height", "range")}
            case m.JointPosition():
                joints = robot.match_joints(part.joints)
                elements = {j.name: (f"joint.{j.name}", "range") for j in joints}
            case v.PlanarVelocity():
                elements = {
                    "forward": (f"{base}.forward", "forward"),
                    "sideways": (f"{base}.left", "sideways"),
                    "turn": (f"{base}.turn", "turn"),
                }
            case v.LinearVelocity():
                elements = {"speed": (f"{base}.speed", "speed")}
            case v.AngularVelocity():
                elements = {"turn": (f"{base}.turn", "turn")}
            case _:
                pass
        for element, (quantity, field) in elements.items():
            within = told(task, robot, name, element)
            if within is not None:
                yield Asked(name, quantity, within, ("Command", name, field))


def size(within: Interval) -> float:
    """The largest distance from 0."""
    return max(abs(within.low), abs(within.high))
