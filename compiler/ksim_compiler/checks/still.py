"""Parts that watch a body which cannot move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mujoco

from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import at_field
from ksim_schema.checks.ranges import statements
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import IDLE_EVENT
from ksim_schema.diagnostics.codes.typed import CONSTANT_REWARD, TERMINATION_NEVER_COMES
from ksim_schema.vocabulary.base import OfBody
from ksim_schema.vocabulary.effects import Statement
from ksim_schema.vocabulary.event import Event


def never(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of terminations and rewards of the place or motion of bodies that are fixed."""
    facts, model = plan.robot.facts, plan.robot.model
    reported: set[tuple[str, str]] = set()
    for said in statements(plan.task, facts):
        body = _body(said)
        if said.verb not in ("ends", "wants") or body not in facts.bodies:
            continue
        flat = _level(model, facts.body_id(body)) and said.quantity.rpartition(".")[2] in _LEVEL
        welded = model.body_weldid[facts.body_id(body)] == 0
        if not (welded or flat) or (said.object, said.part) in reported:
            continue
        if said.part not in plan.parts(said.object):
            continue
        reported.add((said.object, said.part))
        fixed = "fixed to the world" if welded else "moved level by all of its joints"
        message = f"body {body!r} is {fixed}, so this "
        if said.verb == "ends":
            if not said.within.contains(facts.measures.get(said.quantity, 0.0)):
                continue  # told of the home pose
            code, rest = TERMINATION_NEVER_COMES, "never ends an episode"
        else:
            code, rest = CONSTANT_REWARD, "is the same whatever the policy does"
        help = "name a body that moves; a floating robot has a <freejoint/> in its model"
        at = (said.object, said.part, "body")
        yield at_field(plan.task, code, message + rest, *at, help=help)


_LEVEL = ("height", "tilt", "climb", "pitch", "roll")
"""What is constant of a body that moves in a level plane."""


def _level(model: Any, body: int) -> bool:
    """Whether all joints of a body and its parents move it in a level plane.

    Slides along level axes and hinges about vertical ones, of bodies that are not tilted.
    """
    slide, hinge = int(mujoco.mjtJoint.mjJNT_SLIDE), int(mujoco.mjtJoint.mjJNT_HINGE)
    while body > 0:
        if abs(abs(float(model.body_quat[body][0])) - 1.0) > 1e-6:
            return False  # its axes are not the world's
        first = int(model.body_jntadr[body])
        for joint in range(first, first + int(model.body_jntnum[body])):
            kind, up = int(model.jnt_type[joint]), abs(float(model.jnt_axis[joint][2]))
            if not ((kind == slide and up < 1e-6) or (kind == hinge and up > 1.0 - 1e-6)):
                return False
        body = int(model.body_parentid[body])
    return True


def pushed(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of forces on bodies that are fixed."""
    facts, model = plan.robot.facts, plan.robot.model
    for name, part in plan.parts(Event).items():
        if not part.pulls or not isinstance(part, OfBody):
            continue
        body = part.body or facts.root
        if body not in facts.bodies:
            continue
        if model.body_weldid[facts.body_id(body)] == 0:
            message = f"the force acts on body {body!r}, which is fixed to the world"
            help = "name a body that moves"
            yield at_field(plan.task, IDLE_EVENT, message, "Event", name, "body", help=help)


def _body(said: Statement) -> str:
    what, _, rest = said.quantity.partition(".")
    return rest.rpartition(".")[0] if what == "body" else ""
