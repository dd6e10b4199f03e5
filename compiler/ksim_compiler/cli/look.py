"""What ``ksim-run --probe`` prints: a task before it is trained."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ksim_compiler.cli.common import ERRORS, OK

if TYPE_CHECKING:
    import argparse

    from ksim_compiler.pipeline import Compiled


def look(program: str, compiled: Compiled, options: argparse.Namespace) -> int:
    """Print what zero and random actions give. Returns the exit status."""
    from ksim_compiler.engine import EngineUnavailable
    from ksim_compiler.report.probe import probe, table, warnings

    plan = compiled.plan
    assert plan is not None
    spread = plan.task.policy.distribution.init_std
    noted: set[str] = set()
    for title, std in (("zero actions", 0.0), (f"random actions, std {spread:g}", spread)):
        try:
            found = probe(plan, options.engine or "auto", std, options.seed or 0, options.threads)
        except (EngineUnavailable, NotImplementedError, ValueError) as error:
            print(f"{program}: {error}", file=sys.stderr)
            return ERRORS
        ended = found.lengths is not None
        lasted = f"episodes last {found.lengths:.0f} ticks" if ended else "no episode ended"
        print(f"{title}: {lasted}")
        for row in table(found):
            print("  " + f"{row[0]:<34}" + "".join(f"{cell:>10}" for cell in row[1:]))
        if std:
            noted |= set(warnings(found, plan.task.learner.normalize_observations))
    for text in sorted(noted):
        print(f"warning: {text}")
    return OK
