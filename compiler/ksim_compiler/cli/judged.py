"""What is printed of a policy that was judged over some episodes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ksim_compiler.cli import untrained
from ksim_compiler.cli.common import OK, UsageError

if TYPE_CHECKING:
    from ksim_compiler.learn.run.evaluate import Evaluation
    from ksim_compiler.learn.run.policy import Policy
    from ksim_compiler.plan import Plan


def judge(plan: Plan, policy: Policy, options: argparse.Namespace) -> int:
    """Judge a policy as the options of ksim-play say, and print its figures.

    Raises:
        UsageError: an option does not go with it.
    """
    from ksim_compiler.learn.run import judge as judging

    for name, given in (("seconds", options.seconds), ("command", options.fixed)):
        if given:
            raise UsageError(f"--episodes runs whole episodes as the task says; leave out --{name}")
    result = judging.judge(plan, policy, options.episodes, options.seed or 0)
    what = untrained.named(options) or f"policy after {policy.steps:,} steps"
    print(f"{what}: {judging.describe(result, plan)}")
    width = max(map(len, result.terms), default=0)
    for name, value in result.terms.items():
        print(f"  {name:<{width}}  {float(value):+.4f} a tick")
    for line in clips(result):
        print(line)
    return OK


def clips(result: Evaluation) -> Iterator[str]:
    """How each clip of a recorded motion was followed, as lines of a table; none without one."""
    from ksim_compiler.learn.run import figures
    from ksim_compiler.report.tables import lines

    found = figures.clip_table(figures.clips(result))
    yield from lines(*found) if found else ()
