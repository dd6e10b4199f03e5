"""The laws of a task: what its parts say together, of each other and of the robot."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_schema.checks.contradictions import contradictions
from ksim_schema.checks.disturbances import disturbances, strong
from ksim_schema.checks.information import information
from ksim_schema.checks.kernels import kernels
from ksim_schema.checks.learner import learner
from ksim_schema.checks.levels import levels
from ksim_schema.checks.order import order
from ksim_schema.checks.ranges import table
from ksim_schema.checks.spans import spans
from ksim_schema.checks.spread import spread
from ksim_schema.checks.weights import unfelt, weights
from ksim_schema.checks.worth import worth
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import WANTED_NEVER
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task


def without_robot(task: Task) -> Iterator[Diagnostic]:
    """What shows in the task alone."""
    yield from worth(task)
    yield from information(task)
    yield from learner(task)
    yield from levels(task)
    yield from spans(task)
    yield from disturbances(task)


def with_robot(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """What the task says against what its robot is."""
    found = table(task, robot)
    problems = list(contradictions(task, robot, found))
    yield from problems
    never = {d.path.split(".")[1] for d in problems if d.code == WANTED_NEVER}
    widths = kernels(task, robot, found)
    yield from (d for d in widths if d.path.split(".")[1] not in never)
    yield from weights(task, robot)
    yield from unfelt(task, robot)
    yield from spread(task, robot)
    yield from order(task, robot)
    yield from strong(task, robot)
