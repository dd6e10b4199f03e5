"""What an engine cannot simulate of a task's robot and world."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_compiler.plan import Plan
from ksim_compiler.robot.engines import EngineKind, Shortfall, shortfalls, slow
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.values import NOT_ON_THIS_ENGINE, SLOW_ON_MJX
from ksim_schema.vocabulary.state import Robot
from ksim_schema.vocabulary.terrain import FlatTerrain


def on_engine(plan: Plan, engine: EngineKind) -> Iterator[Diagnostic]:
    """Say of a compiled task what keeps an engine from simulating it as native MuJoCo does.

    Where nothing does, say what will take MJX long.
    """
    model = plan.robot.model
    found = shortfalls(model, engine, plan.model_fields)
    for short in found:
        help = f"the engine native can; {short.help}" if short.help else "the engine native can"
        message = f"the engine {engine} {short.what}"
        yield plan.task.report(NOT_ON_THIS_ENGINE, message, *_place(plan, short), help=help)
    if engine == "mjx" and not found:
        for short in slow(model):
            message = f"the engine mjx {short.what}"
            yield plan.task.report(SLOW_ON_MJX, message, *_place(plan, short), help=short.help)


def _place(plan: Plan, short: Shortfall) -> tuple[str, ...]:
    """Where the task says what a shortfall is about: its terrain, or its model."""
    at = ("PhysicsState", plan.task.robot)
    terrain = plan.task.of(Robot)[plan.task.robot].terrain
    own = "hfield" in short.what and not isinstance(terrain, FlatTerrain | None)
    return (*at, "terrain" if own else "model")
