"""The passes of the compiler, in order. Each takes a valid plan and leaves a valid one."""

from __future__ import annotations

from collections.abc import Callable

from ksim_compiler.checks.foresee import foresee
from ksim_compiler.checks.resolve import resolve
from ksim_compiler.passes.equip import equip
from ksim_compiler.passes.infer import infer
from ksim_compiler.passes.prune import prune
from ksim_compiler.passes.reflect import reflect
from ksim_compiler.passes.schedule import schedule
from ksim_compiler.plan import Plan, invariants
from ksim_schema.diagnostics import Diagnostic, has_errors

Pass = Callable[[Plan], tuple[Plan, list[Diagnostic]]]

PASSES: tuple[tuple[Pass, Callable[[Plan], None]], ...] = (
    (resolve, invariants.resolved),  # names and patterns mean things of the robot
    (infer, invariants.inferred),  # shapes and units, from the robot to the networks
    (reflect, invariants.reflected),  # the mirror image of the inputs and the output
    (prune, invariants.pruned),  # what nothing uses is dropped
    (equip, invariants.equipped),  # sensors and servos are put into the model
    (schedule, invariants.scheduled),  # the order of a tick
    (foresee, invariants.scheduled),  # what will go wrong when it runs
)


def run(plan: Plan) -> tuple[Plan, list[Diagnostic]]:
    """Run the passes; stop after the first that finds an error."""
    diagnostics: list[Diagnostic] = []
    for step, check in PASSES:
        plan, problems = step(plan)
        diagnostics += problems
        if has_errors(problems):
            break
        check(plan)
    return plan, diagnostics
