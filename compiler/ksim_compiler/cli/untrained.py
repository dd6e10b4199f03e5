"""``ksim-play TASK --zero|--random``: a task is looked at before it is trained."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, trained
from ksim_compiler.cli.common import UsageError

if TYPE_CHECKING:
    from ksim_compiler.learn.run.policy import Policy
    from ksim_compiler.pipeline import Compiled
    from ksim_compiler.plan import Plan

TRAINED = ("events", "verify", "report", "dump")
"""What is of a trained policy."""


def named(options: argparse.Namespace) -> str:
    """What acts in place of a trained policy, "" where one is asked for."""
    return "zero actions" if options.zero else "random actions" if options.random else ""


def check(options: argparse.Namespace) -> None:
    """See that there is a task, and nothing asked for that a trained policy alone has.

    Raises:
        UsageError: it is not so.
    """
    for name in TRAINED:
        if getattr(options, name):
            raise UsageError(f"--{name} is of a trained policy; leave out one of the two")
    if options.run.is_dir() or options.run.suffix == trained.ENDING:
        trained.check(options.run)
    elif not options.run.is_file():
        raise UsageError(f"there is no {options.run}")


def load(options: argparse.Namespace, settings: Sequence[str]) -> Compiled:
    """The task: of a file, or that of a run or a policy."""
    if options.run.is_dir() or options.run.suffix == trained.ENDING:
        return trained.load(options.run, settings, "ksim-play", options.trust)
    return common.load(options.run, settings, options.trust)


def policy(options: argparse.Namespace, plan: Plan) -> Policy:
    """What acts: nothing, or as much at random as a fresh policy explores."""
    from ksim_compiler.learn.run.untrained import untrained

    std = 0.0 if options.zero else plan.task.policy.distribution.init_std
    return untrained(plan, std, options.seed or 0)
