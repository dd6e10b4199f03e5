"""Checks of components that a task's own files declare: what the built-in ones cannot get wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import mujoco

from ksim_schema.custom.api import Custom
from ksim_schema.custom.files import custom_parts
from ksim_schema.diagnostics import Diagnostic, closest
from ksim_schema.diagnostics.codes.custom import FAILING_COMPONENT
from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.task import Task

_WHAT = {"body": "body", "xbody": "body", "geom": "geom", "site": "site", "joint": "joint"}


def own_problems(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    """What the components of a task's own files ask of the robot that it does not have."""
    for object, name, part in custom_parts(task.parts):
        problems = (*_fields(part), *_sensors(part, facts), *_shape(part, facts), *_changes(part))
        for problem in problems:
            message = f"{object}.{name}: {problem}"
            yield Diagnostic(FAILING_COMPONENT, message, part.declared_at, f"{object}.{name}")


def _fields(part: Custom) -> Iterator[str]:
    fields: Any = part.fields
    if not isinstance(fields, tuple) or not all(isinstance(field, str) for field in fields):
        yield "'fields' is a tuple of names, as in fields = ('qpos',)"
        return
    known = [name for name in dir(mujoco.MjData) if not name.startswith("_")]
    for field in fields:
        if field not in known:
            guess = closest(field, known)
            yield f"MjData has no field {field!r}" + (f"; is it {guess[0]!r}?" if guess else "")


def _changes(part: Custom) -> Iterator[str]:
    """The fields of the model that a randomizer changes."""
    if part.object != "Randomizer":
        return
    changes: Any = part.changes  # type: ignore[attr-defined]
    named = isinstance(changes, tuple) and all(isinstance(field, str) for field in changes)
    if not named or not changes:
        yield "'changes' is a tuple of fields of MjModel, as in changes = ('geom_friction',)"
        return
    known = [name for name in dir(mujoco.MjModel) if not name.startswith("_")]
    known += [f"opt.{name}" for name in dir(mujoco.MjOption) if not name.startswith("_")]
    for field in changes:
        if field not in known:
            guess = closest(field, known)
            yield f"MjModel has no field {field!r}" + (f"; is it {guess[0]!r}?" if guess else "")


def _sensors(part: Custom, facts: RobotFacts) -> Iterator[str]:
    asked: Any = part.sensors(facts)
    if not isinstance(asked, tuple) or not all(isinstance(s, SensorRequest) for s in asked):
        yield "'sensors' returns a tuple of sensor requests"
        return
    for request in asked:
        if not hasattr(mujoco.mjtSensor, f"mjSENS_{request.type.upper()}"):
            yield f"MuJoCo has no sensor {request.type!r}"
        ends = ((request.objtype, request.objname), (request.reftype, request.refname))
        for kind, name in ends:
            if kind and kind not in _WHAT:
                yield f"a sensor is on a {', '.join(_WHAT)}, not on a {kind!r}"
            elif kind and name not in facts.names(_WHAT[kind]) and name != "world":
                guess = closest(name, facts.names(_WHAT[kind]))
                yield f"unknown {_WHAT[kind]} {name!r}" + (
                    f"; is it {guess[0]!r}?" if guess else ""
                )


def _shape(part: Custom, facts: RobotFacts) -> Iterator[str]:
    """The declared size of an observation, command or action."""
    if part.object == "Observation":
        shape: Any = part.shape(facts)  # type: ignore[attr-defined]
    elif part.object == "Command":
        labels: Any = part.labels(facts)  # type: ignore[attr-defined]
        if not isinstance(labels, tuple) or not all(isinstance(t, str) for t in labels):
            yield "'elements' is a tuple of names, as in elements = ('forward', 'turn')"
            return
        if len(set(labels)) != len(labels) or not all(re.fullmatch(r"[\w-]+", t) for t in labels):
            yield "each of 'elements' is a name of its own"
        shape = (len(labels),)
    elif part.object == "Action":
        shape = (part.size(facts),)  # type: ignore[attr-defined]
    else:
        return
    whole = isinstance(shape, tuple) and all(isinstance(n, int) and n > 0 for n in shape)
    if not whole:
        yield f"its shape is a tuple of sizes of at least 1, not {shape!r}"
