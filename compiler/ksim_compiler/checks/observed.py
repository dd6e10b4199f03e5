"""Checks of the observations that rewards and terminations name: kind, unit, and size."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import CROSSED_FEET
from ksim_schema.diagnostics.codes.values import UNEQUAL_FEET, WRONG_OBSERVATION
from ksim_schema.graph import Node
from ksim_schema.source import Path_
from ksim_schema.units import NUMBER, Dimension
from ksim_schema.vocabulary import Part, annotated_fields
from ksim_schema.vocabulary.base import Measures
from ksim_schema.vocabulary.objects import JUDGES
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.base import selected
from ksim_schema.vocabulary.observation.feet import Contact
from ksim_schema.vocabulary.reward.base import Places, Touching
from ksim_schema.vocabulary.reward.feet import FeetSlip


def observed(plan: Plan) -> Iterator[Diagnostic]:
    """What is wrong with the observations that other parts name, after shape inference."""
    for object in JUDGES:
        for name, part in plan.task.of(object).items():
            for path, wanted, value in annotated_fields(part, Measures):
                if isinstance(value, str):
                    yield from _measures(plan, value, wanted, (object, name, *path))
            if isinstance(part, Touching) and isinstance(part, Places):
                yield from _feet(plan, part, (object, name))


def _measures(plan: Plan, name: str, wanted: Measures, at: Path_) -> Iterator[Diagnostic]:
    part = plan.task.of(Observation).get(name)
    if not isinstance(part, Observation):
        return
    field, units = at[-1], plan.units[Node("Observation", name)]
    given = f"{name!r} ({part.kind_name}) gives {_units(units)}"
    if wanted.contact and not part.tells_contact(plan.robot.facts):
        message = f"{field!r} names an observation of what touches, and {given}"
        help = "name one of the kinds contact and feet_contact, or geoms instead"
        yield plan.task.report(WRONG_OBSERVATION, message, *at, help=help)
    elif wanted.dimensions and not _fits(set(units), wanted):
        message = f"{field!r} names an observation of {_units(wanted.dimensions)}, and {given}"
        yield plan.task.report(WRONG_OBSERVATION, message, *at)
    elif plan.measured(name) % wanted.each:
        message = f"{field!r} takes {wanted.each} numbers of each, and {name!r} has "
        message += f"{plan.measured(name)} in all"
        yield plan.task.report(UNEQUAL_FEET, message, *at)


def _fits(units: set[Dimension], wanted: Measures) -> bool:
    allowed = set(wanted.dimensions)
    return bool(units & allowed) and units <= allowed | set(wanted.beside)


def _units(dimensions: tuple[Dimension, ...]) -> str:
    """Such as "an angle (rad) or a length (m)"."""
    each = (d.phrase if d == NUMBER else f"{d.phrase} ({d})" for d in dimensions)
    return " or ".join(each)


def _feet(plan: Plan, part: Part, at: Path_) -> Iterator[Diagnostic]:
    """A reward that asks which feet touch, and where or how fast they are, has one of each."""
    assert isinstance(part, Touching)
    assert isinstance(part, Places)
    first, touching = ("contact", 0) if part.contact is not None else ("geoms", len(part.geoms))
    if part.contact is not None:
        if part.contact not in plan.task.of(Observation):
            return
        touching = plan.measured(part.contact)
    velocity = part.velocity if isinstance(part, FeetSlip) else None
    second = "sites" if part.sites else "bodies"
    moving = len(part.sites or part.bodies)
    if velocity is not None:
        second, moving = "velocity", touching
        size = plan.measured(velocity) if velocity in plan.task.of(Observation) else 0
        if size % touching:
            message = f"'velocity' has {size} numbers, which are not those of {touching} feet"
            yield plan.task.report(UNEQUAL_FEET, message, *at, second)
    if touching != moving:
        message = f"{first!r} tells of {touching} {'foot' if touching == 1 else 'feet'}, "
        message += f"and {second!r} of {moving}"
        help = "name the same feet in both, in the same order"
        yield plan.task.report(UNEQUAL_FEET, message, *at, second, help=help)
    elif velocity is None:
        yield from _crossed(plan, part, at)


def _crossed(plan: Plan, part: Part, at: Path_) -> Iterator[Diagnostic]:
    """Geoms and places of the same feet in different orders."""
    assert isinstance(part, Touching)
    assert isinstance(part, Places)
    facts, model = plan.robot.facts, plan.robot.model
    geoms: tuple[str, ...] = part.geoms
    source = plan.task.of(Observation).get(part.contact) if part.contact is not None else None
    if isinstance(source, Contact):
        geoms = selected(facts, "geom", source.geoms)
    known = set(geoms) <= set(facts.geoms)
    if (
        not known
        or not set(part.sites) <= set(facts.sites)
        or not set(part.bodies) <= set(facts.bodies)
    ):
        return
    touching = [facts.body_of(geom) for geom in geoms]
    places = [facts.bodies[int(model.site_bodyid[facts.sites.index(s)])] for s in part.sites]
    places = places or list(part.bodies)
    if touching != places and sorted(touching) == sorted(places) and len(set(places)) > 1:
        index = next(i for i, (a, b) in enumerate(zip(touching, places, strict=True)) if a != b)
        second = "sites" if part.sites else "bodies"
        first = "contact" if part.contact is not None else "geoms"
        message = f"foot {index + 1} of {first!r} is {touching[index]!r}, and of {second!r} it is "
        message += f"{places[index]!r}: the order of the feet differs"
        help = "name the same feet in both, in the same order"
        yield plan.task.report(CROSSED_FEET, message, *at, second, help=help)
