"""What a task says of how its robot is simulated does what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import mujoco

from ksim_compiler.plan import Plan
from ksim_compiler.robot.moving import geom_moves
from ksim_schema.checks.proportions import written
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.physics import IDLE_OPTION, TOUCHES_NOTHING
from ksim_schema.robot.patterns import fits
from ksim_schema.source import Path_


def simulated(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of options that do nothing, or not what they are for."""
    yield from _empty(plan)
    yield from _solver(plan)
    yield from _collide(plan)


def left_out(plan: Plan, geoms: Iterable[str]) -> str | None:
    """The first of some geoms that touches nothing because ``collide`` does not name it."""
    part, model = plan.robot.part.collide, plan.robot.model
    if part is None:
        return None
    for name in geoms:
        index = plan.robot.facts.geom_id(name)
        if geom_moves(model, index) and not any(fits(text, name) for text in part.geoms):
            return name
    return None


def _empty(plan: Plan) -> Iterator[Diagnostic]:
    """Sections that are written and set nothing."""
    part, at = plan.robot.part, ("PhysicsState", plan.task.robot)
    sections = {"solver": part.solver, "joint_dynamics": part.joint_dynamics}
    for field, section in sections.items():
        if section is None or not written(plan.task, *at, field):
            continue
        names = type(section).model_fields
        if all(value is None for _, value in section):
            message = f"{field!r} sets nothing: all stays as the model has it"
            help = f"take it out, or give {', '.join(names)}"
            yield plan.task.report(IDLE_OPTION, message, *at, field, help=help)


def _solver(plan: Plan) -> Iterator[Diagnostic]:
    given, option = plan.robot.part.solver, plan.robot.model.opt
    at = ("PhysicsState", plan.task.robot, "solver")
    pyramidal = option.cone == mujoco.mjtCone.mjCONE_PYRAMIDAL
    if pyramidal and option.impratio > 1 and (given.cone, given.impratio) != (None, None):
        whose = "" if given.impratio is not None else " of the model"
        message = f"an impratio of {option.impratio:g}{whose} under pyramidal cones: there it "
        message += "changes normal forces too, and contacts slip in spite of it"
        help = "write 'cone: elliptic', which costs more, or 'impratio: 1'"
        field = "cone" if given.impratio is None else "impratio"
        yield plan.task.report(IDLE_OPTION, message, *at, field, help=help)
    if given.ls_iterations is not None and option.solver == mujoco.mjtSolver.mjSOL_PGS:
        message = "ls_iterations change nothing: the method pgs has no line search"
        help = "take it out, or write 'method: newton' or 'method: cg'"
        yield plan.task.report(IDLE_OPTION, message, *at, "ls_iterations", help=help)


def _collide(plan: Plan) -> Iterator[Diagnostic]:
    """Patterns of geoms that touch nothing for being named."""
    part, model = plan.robot.part.collide, plan.robot.model
    if part is None:
        return
    paired = {*map(int, model.pair_geom1), *map(int, model.pair_geom2)}
    for index, text in enumerate(part.geoms):
        rows = [i for i in range(model.ngeom) if fits(text, model.geom(i).name)]
        moving = [i for i in rows if geom_moves(model, i)]
        if not rows or any(
            i in paired or model.geom_contype[i] or model.geom_conaffinity[i] for i in moving
        ):
            continue
        shown = repr(model.geom((moving or rows)[0]).name)
        if moving:
            message = f"{text!r} lets nothing touch: the model has 0 for contype and conaffinity"
            message += f" of geom {shown}"
            help = "name geoms that collide in the model, or give this one its masks there"
        else:
            message = f"{text!r} is of geom {shown}, which does not move: it touches things in any "
            message += "case"
            help = "name geoms of moving bodies"
        place = _place(plan, index)
        yield plan.task.report(TOUCHES_NOTHING, message, *place, help=help)


def _place(plan: Plan, index: int) -> Path_:
    """Where a pattern is written: alone or in a list, in a mapping or not."""
    at = ("PhysicsState", plan.task.robot, "collide")
    values = plan.task.document.values
    ways = ((*at, "geoms", index), (*at, index), (*at, "geoms"))
    return next((way for way in ways if way in values), at)
