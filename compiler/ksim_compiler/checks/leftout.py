"""What a pattern like ``.*`` leaves out: things without a name, and ball joints."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ksim_compiler.checks.jointunits import aliased
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.names import LEFT_OUT_OF_PATTERN
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary import Named, annotated_fields

ANY = "ksim/any"
"""A name that no pattern matches but one that means all."""
_SHOWN = 4


def left_out(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    """Say once of each kind of thing, at the first pattern that means all, what it leaves out."""
    reported: set[str] = set()
    for object, name, part in task:
        for path, named, value in annotated_fields(part, Named):
            if not named.pattern or not value or named.what in reported:
                continue
            texts = value if isinstance(value, tuple) else (value,)
            if not any(re.fullmatch(text, ANY) for text in texts):
                continue
            others = list(_others(facts, named.what))
            reported.add(named.what)
            if others:
                more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
                message = f"this leaves out {', '.join(others[:_SHOWN])}{more}"
                help = "give what is to be among them a name in the model"
                place = (object, name, *aliased(part, path))
                help = "" if all("ball" in other for other in others) else help
                yield task.report(LEFT_OUT_OF_PATTERN, message, *place, help=help)


def _body(facts: RobotFacts, name: str) -> str:
    return f"body number {facts.body_id(name)}" if name.startswith("ksim/") else f"body {name!r}"


def _others(facts: RobotFacts, what: str) -> Iterator[str]:
    if what == "joint":
        for joint in facts.joints:
            if joint.type == "ball":
                yield f"the ball joint of {_body(facts, joint.body)}"
            elif joint.type != "free" and not joint.name:
                yield f"the {joint.type} without a name of {_body(facts, joint.body)}"
    elif what == "body":
        for index, body in enumerate(facts.bodies):
            if body.startswith("ksim/"):
                yield f"body number {index} without a name"
    elif what == "geom":
        for geom in facts.solid:
            if geom.startswith("ksim/geom"):
                yield f"a geom without a name of {_body(facts, facts.body_of(geom))}"
