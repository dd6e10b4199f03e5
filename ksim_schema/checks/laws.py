"""The laws of a task: what its parts say together, of each other and of the robot."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_schema.checks.beginnings import beginnings
from ksim_schema.checks.contradictions import contradictions
from ksim_schema.checks.disturbances import disturbances, hasty, strong, whirling
from ksim_schema.checks.goals import goals
from ksim_schema.checks.information import information
from ksim_schema.checks.kernels import kernels
from ksim_schema.checks.learner import learner
from ksim_schema.checks.levels import levels
from ksim_schema.checks.order import order
from ksim_schema.checks.posture import posture
from ksim_schema.checks.ranges import table
from ksim_schema.checks.rivals import rivals
from ksim_schema.checks.signals import signals
from ksim_schema.checks.spans import fine, spans
from ksim_schema.checks.spread import spread
from ksim_schema.checks.steepness import steep
from ksim_schema.checks.turns import turns
from ksim_schema.checks.weights import unfelt, weights
from ksim_schema.checks.worth import worth
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import WANTED_NEVER
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.reward.base import Following


def without_robot(task: Task) -> Iterator[Diagnostic]:
    """What shows in the task alone."""
    yield from worth(task)
    yield from information(task)
    yield from learner(task)
    yield from levels(task)
    yield from spans(task)
    yield from disturbances(task)
    yield from beginnings(task)
    yield from goals(task)
    yield from turns(task)


def with_robot(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """What the task says against what its robot is."""
    known = table(task, robot)
    contradicting = list(contradictions(task, robot, known))
    yield from contradicting
    fast = list(hasty(task, robot))
    yield from fast
    fast_commands = {d.path.split(".")[1] for d in (*fast, *whirling(task))}
    widths = list(kernels(task, robot, known))
    never = {d.path.split(".")[1] for d in (*contradicting, *widths) if d.code == WANTED_NEVER}
    for width in widths:
        name = width.path.split(".")[1]
        reward = task.of(Reward)[name]
        hurried = isinstance(reward, Following) and reward.command in fast_commands
        if width.code == WANTED_NEVER or (name not in never and not hurried):
            yield width
    yield from fine(task, robot)
    yield from posture(task, robot)
    yield from rivals(task, robot, known)
    yield from signals(task, robot, known)
    yield from weights(task, robot)
    yield from unfelt(task, robot)
    yield from spread(task, robot)
    yield from order(task, robot)
    yield from strong(task, robot)
    yield from steep(task, robot)
