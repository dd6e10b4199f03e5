"""The units of values that are angles for hinges and lengths for slides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ksim_schema.diagnostics import Diagnostic, Related
from ksim_schema.diagnostics.codes.values import WRONG_JOINT_UNIT
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.robot.patterns import fits
from ksim_schema.source import Path_
from ksim_schema.task import Task
from ksim_schema.units import NUMBER, Dimension, Measured, Unit
from ksim_schema.vocabulary import Named, Part, annotated_fields
from ksim_schema.vocabulary.apart import replaced
from ksim_schema.vocabulary.base import OfJoints
from ksim_schema.vocabulary.each import by_patterns
from ksim_schema.vocabulary.state import Robot


def joint_units(task: Task, facts: RobotFacts, part: Part, at: Path_) -> Iterator[Diagnostic]:
    """Values that are angles for hinges and lengths for slides fit the joints of their part.

    The first dimension that such a field allows is that for hinges, the second that for slides.
    """
    everything = _joints(facts, part)
    if not everything:
        return
    problems: list[Diagnostic] = []
    for path, unit, value in annotated_fields(part, Unit):
        if len(unit.allowed) != 2:
            continue
        joints = _of(everything, part, path)
        types = {joint.type for joint in joints}
        place = (*at, *aliased(part, path))
        for number in value if isinstance(value, tuple) else (value,):
            given = _dimension(number)
            if given is None or not number:
                continue
            meant = "hinge" if given == unit.allowed[0] else "slide"
            if types != {meant}:
                other = next(j for j in joints if j.type != meant)
                wanted = unit.allowed[0 if other.type == "hinge" else 1]
                message = f"joint {other.name!r} is a {other.type}, which takes {wanted.phrase}, "
                message += f"not {given.phrase}"
                each = unit.text_of_each(float(f"{number:.6g}"))
                mixed = f"select joints of one type, or write '{each}' to give each its own"
                help = f"give it in '{wanted}'" if len(types) == 1 else mixed
                problems.append(task.report(WRONG_JOINT_UNIT, message, *place, help=help))
                break
    if len({joint.type for joint in everything}) > 1 and len(problems) > 1:
        yield _as_one(problems)
    else:
        yield from problems


def _as_one(problems: list[Diagnostic]) -> Diagnostic:
    """Joints of both types in one part are one mistake, wherever it shows."""
    first = min(problems, key=lambda d: d.where)
    rest = [d for d in problems if d is not first]
    fields = ", ".join(repr(d.path.split(".", 2)[2]) for d in rest)
    message = f"{first.message}; so it is with {fields}"
    return replace(first, message=message, related=tuple(Related(d.where, d.message) for d in rest))


def settled(task: Task, facts: RobotFacts) -> Task:
    """The task with the unit of each default that is in that of its joints.

    A default such as 20 rad/s or m/s is 20 m/s where all joints of the part are slides, as if its
    author had written it; of joints of both types it stays what it is for each.
    """
    parts = {
        object: {name: _settled(part, facts) for name, part in named.items()}
        for object, named in task.parts.items()
    }
    return replace(task, parts=parts)


def _settled(part: Part, facts: RobotFacts) -> Part:
    bare = [
        (path, unit, value)
        for path, unit, value in annotated_fields(part, Unit)
        if len(unit.allowed) == 2 and NUMBER not in unit.allowed and _is_bare(value)
    ]
    everything = _joints(facts, part) if bare else ()
    for path, unit, value in bare:
        types = {joint.type for joint in _of(everything, part, path)}
        if len(types) != 1:
            continue
        dimension = unit.allowed[0 if types == {"hinge"} else 1]
        many = isinstance(value, tuple)
        numbers = [
            Measured(v, dimension) if _is_bare(v) else v for v in (value if many else [value])
        ]
        part = replaced(part, path, tuple(numbers) if many else numbers[0])
    return part


def _is_bare(value: Any) -> bool:
    """Whether there is a number in it without a dimension of its own. Zero is the same in any."""
    if isinstance(value, tuple):
        return any(map(_is_bare, value))
    return isinstance(value, float) and not isinstance(value, Measured) and bool(value)


def _joints(facts: RobotFacts, part: Part) -> tuple[Joint, ...]:
    """The joints that the values of a part are of: those of ``joints``, or all that it names."""
    if isinstance(part, Robot):
        return facts.motion_joints
    if isinstance(part, OfJoints):
        return facts.match_joints(part.joints)
    named = annotated_fields(part, Named)
    texts = (value for _, name, value in named if name.what == "joint" and value)
    return facts.match_joints([p for v in texts for p in (v if isinstance(v, tuple) else (v,))])


def _of(joints: tuple[Joint, ...], part: Part, path: tuple[str, ...]) -> tuple[Joint, ...]:
    """The joints that the value at a path is of: those of its pattern, where it has one."""
    for place, _, _ in by_patterns(part):
        if path[: len(place)] == place and len(path) > len(place):
            pattern = path[len(place)]
            return tuple(joint for joint in joints if fits(pattern, joint.name))
    return joints


def aliased(part: Part, path: tuple[str, ...]) -> tuple[str, ...]:
    """The path of a field as the task's author writes it."""
    alias = type(part).model_fields[path[0]].alias
    return (alias or path[0], *path[1:])


def _dimension(value: Any) -> Dimension | None:
    return value.dimension if isinstance(value, Measured) and value.dimension != NUMBER else None
