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
        place, own = _place(plan, short)
        advice = own or short.help
        help = f"the engine native can; {advice}" if advice else "the engine native can"
        message = f"the engine {engine} {short.what}"
        yield plan.task.report(NOT_ON_THIS_ENGINE, message, *place, help=help)
    if engine == "mjx" and not found:
        for short in slow(model):
            message = f"the engine mjx {short.what}"
            yield plan.task.report(SLOW_ON_MJX, message, *_place(plan, short)[0], help=short.help)


_OPTIONS = {
    "has no solver ": ("method", "'method: newton' finds the same forces"),
    "has no integrator ": ("integrator", "'integrator: implicitfast' is its best"),
}
"""How a shortfall begins that is about an option -> the task's field, and what to write there."""


def _place(plan: Plan, short: Shortfall) -> tuple[tuple[str, ...], str]:
    """Where the task says what a shortfall is about, and help in its terms where that is its own.

    It is its terrain, an option of its solver, or its model.
    """
    at = ("PhysicsState", plan.task.robot)
    part = plan.task.of(Robot)[plan.task.robot]
    if "hfield" in short.what and not isinstance(part.terrain, FlatTerrain | None):
        return (*at, "terrain"), ""
    for begin, (field, help) in _OPTIONS.items():
        if short.what.startswith(begin) and getattr(part.solver, field) is not None:
            return (*at, "solver", field), help
    return (*at, "model"), ""
