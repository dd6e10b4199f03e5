"""The laws of a task: what its parts say together, of each other and of the robot."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_schema.checks.disturbances import disturbances, strong
from ksim_schema.checks.information import information
from ksim_schema.checks.learner import learner
from ksim_schema.checks.levels import levels
from ksim_schema.checks.worth import worth
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task


def without_robot(task: Task) -> Iterator[Diagnostic]:
    """What shows in the task alone."""
    yield from worth(task)
    yield from information(task)
    yield from learner(task)
    yield from levels(task)
    yield from disturbances(task)


def with_robot(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """What the task says against what its robot is."""
    yield from strong(task, robot)
