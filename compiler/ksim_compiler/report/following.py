"""Commanded and achieved velocities of runs that were written without."""

from __future__ import annotations

from pathlib import Path

from ksim_compiler.learn.run import velocities
from ksim_compiler.learn.run.judge import judge
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.command import Command

EPISODES = 32
"""Of the evaluation that is made up for."""


def complete(run: Path, plan: Plan, policy: Policy) -> None:
    """Judge a policy for the charts of its run, where a velocity is commanded and none are there.

    Args:
        run: its folder.
        plan: the task.
        policy: the newest.

    Raises:
        EngineUnavailable, ValueError, OSError: it cannot be judged, or written.
    """
    labels = (command.labels(plan.robot.facts) for command in plan.parts(Command).values())
    if not any(set(velocities.UNITS) & set(each) for each in labels) or velocities.read(run):
        return
    velocities.write(run, policy.steps, judge(plan, policy, EPISODES), plan.period)
