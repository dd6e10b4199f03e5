"""The passes of the compiler, in order. Each takes a valid plan and leaves a valid one."""

from __future__ import annotations

from collections.abc import Callable

from ksim_compiler.checks.foresee import foresee
from ksim_compiler.checks.resolve import resolve
from ksim_compiler.passes.equip import equip
from ksim_compiler.passes.infer import infer
from ksim_compiler.passes.prune import prune
from ksim_compiler.passes.reflect import reflect
from ksim_compiler.plan import Plan, invariants
from ksim_schema.diagnostics import Sink

Pass = Callable[[Plan, Sink], Plan]

PASSES: tuple[tuple[Pass, Callable[[Plan], None]], ...] = (
    (resolve, invariants.resolved),  # names and patterns mean things of the robot
    (infer, invariants.inferred),  # shapes and units, from the robot to the networks
    (reflect, invariants.reflected),  # the mirror image of the inputs and the output
    (prune, invariants.pruned),  # what nothing uses is dropped
    (equip, invariants.equipped),  # sensors and servos are put into the model
    (foresee, invariants.typed),  # what will go wrong when it runs
)


def run(plan: Plan, sink: Sink) -> Plan:
    """Run the passes; stop after the first that reports an error."""
    for step, check in PASSES:
        plan = step(plan, sink)
        if sink.failed:
            break
        check(plan)
    return plan
