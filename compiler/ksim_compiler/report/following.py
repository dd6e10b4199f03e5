"""Commanded velocities and recorded motions of runs that were written without."""

from __future__ import annotations

from pathlib import Path

from ksim_compiler.learn.run import checkpoint, checkpoints, motions, velocities
from ksim_compiler.learn.run.files import motions as written
from ksim_compiler.learn.run.judge import judge
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.clips import Motion

EPISODES, OF_MOTIONS = 32, 128
"""Of the evaluation that is made up for; of one of recorded motions."""


def complete(run: Path, plan: Plan, policy: Policy) -> None:
    """Judge a policy for the charts of its run, where its evaluations did not write what they need.

    Args:
        run: its folder.
        plan: the task.
        policy: the newest.

    Raises:
        EngineUnavailable, ValueError, OSError: it cannot be judged, or written.
        CheckpointError: its checkpoint cannot be read.
    """
    commands = plan.parts(Command).values()
    told = any(set(velocities.UNITS) & set(c.labels(plan.robot.facts)) for c in commands)
    told = told and not velocities.read(run)
    recorded = any(isinstance(c, Motion) for c in commands) and not written(run)
    if not (told or recorded):
        return
    result = judge(plan, policy, OF_MOTIONS if recorded else EPISODES)
    if told:
        velocities.write(run, policy.steps, result, plan.period)
    if recorded:
        paths = dict(checkpoints.checkpoints(run))
        own = paths.get(policy.steps)
        arrays = checkpoint.read_arrays(own) if own else {}
        motions.write(run, policy.steps, plan, result, motions.counts_of_arrays(arrays))
