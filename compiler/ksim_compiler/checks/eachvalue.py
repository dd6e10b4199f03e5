"""Values by patterns of names: each thing that they are of has exactly one."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_compiler.checks.spelling import pattern_problems
from ksim_schema.diagnostics import Diagnostic, did_you_mean
from ksim_schema.diagnostics.codes.names import PATTERN_WITHOUT_MATCH
from ksim_schema.diagnostics.codes.values import (
    NAMELESS_ELEMENTS,
    VALUED_TWICE,
    WITHOUT_A_VALUE,
)
from ksim_schema.robot import RobotFacts
from ksim_schema.robot.patterns import fits
from ksim_schema.source import Path_
from ksim_schema.task import Task
from ksim_schema.vocabulary import Named, Part
from ksim_schema.vocabulary.base import field_annotation
from ksim_schema.vocabulary.each import ByPattern, by_patterns
from ksim_schema.vocabulary.state import EVERY_JOINT

_SHOWN = 6


def by_pattern_problems(
    task: Task, facts: RobotFacts, part: Part, at: Path_
) -> Iterator[Diagnostic]:
    """Patterns that match nothing or what another one does, and things without a value."""
    for path, each, value in by_patterns(part):
        place = _written(task, (*at, *path))
        things = part.things(each.field, facts)
        if things is None:
            message = f"the elements of {part.kind_name!r} have no names that a pattern could match"
            yield task.report(NAMELESS_ELEMENTS, message, *place, help="give one value for all")
            continue
        names = tuple(dict.fromkeys(things))
        what = _what(part, each.field, names, facts)
        yield from _patterns(task, facts, value, names, what, place)


def _patterns(
    task: Task,
    facts: RobotFacts,
    value: ByPattern[object],
    names: tuple[str, ...],
    what: str,
    place: Path_,
) -> Iterator[Diagnostic]:
    taken: dict[str, str] = {}
    matched_all = True
    for text in _in_order(task, value, place):
        own = (*place, text)
        problems = list(pattern_problems(task, facts, what, text, own))
        if problems:
            yield from problems
            matched_all = False
            continue
        matched = [name for name in names if fits(text, name)]
        if not matched:
            message = f"{text!r} matches no {what} that this is about"
            help = did_you_mean(text, names, of="they are")
            yield task.report_key(PATTERN_WITHOUT_MATCH, message, *own, help=help)
            matched_all = False
        twice = [name for name in matched if name in taken]
        if twice:
            message = f"{text!r} matches {_list(twice)}, which {taken[twice[0]]!r} matches already"
            help = "let each be matched by one pattern alone"
            yield task.report_key(VALUED_TWICE, message, *own, help=help)
        taken |= dict.fromkeys((name for name in matched if name not in taken), text)
    left = [name for name in names if name not in taken]
    if matched_all and "" in left:
        message = f"no pattern can match a {what} of the model that has no name"
        help = f"name it in the model, or give one value for each {what}"
        yield task.report_key(WITHOUT_A_VALUE, message, *place, help=help)
    elif left and matched_all:
        message = f"no pattern here matches {_list(left)}"
        help = f"give each {what} a value, for example with a pattern for those that are left"
        yield task.report_key(WITHOUT_A_VALUE, message, *place, help=help)


def _in_order(task: Task, value: ByPattern[object], place: Path_) -> list[str]:
    """The patterns in the order in which they are written."""
    spans = task.document.keys
    return sorted(
        (text for text, _ in value.entries),
        key=lambda text: (
            (span.line, span.column) if (span := spans.get((*place, text))) else (0, 0)
        ),
    )


def _what(part: Part, field: str, names: tuple[str, ...], facts: RobotFacts) -> str:
    """What the things that values are of are, in a message."""
    fields = type(part).model_fields
    if field == EVERY_JOINT:
        return "joint"
    for name in (field,) if field in fields else fields:
        named = field_annotation(fields[name], Named)
        if named is not None and set(part.things(name, facts) or ()) == set(names):
            return named.what
    return "body"


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


def _written(task: Task, path: Path_) -> Path_:
    """The path without the places in lists that stand for one value."""
    if path in task.document.values or path in task.document.keys:
        return path
    return tuple(step for step in path if isinstance(step, str))
