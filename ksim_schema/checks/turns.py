"""Angles of more than a full turn, where a turn brings nothing new: degrees read as radians."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import MANY_TURNS
from ksim_schema.source import Path_
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.task import Task
from ksim_schema.units import ANGLE, QuantityError, parse

_SECTIONS = ("Reset", "Command")
_OF_JOINTS = "joint_"
"""Kinds about joints begin so: a joint may turn several times."""
_TURN = 1.001 * math.tau


def turns(task: Task) -> Iterator[Diagnostic]:
    """Warn of attitudes and headings that are several turns."""
    for section in _SECTIONS:
        for name in task.of(section):
            written: Any = task.document.data[section][name]
            if not str(written.get("kind", "")).startswith(_OF_JOINTS):
                yield from _within(task, written, (section, name))


def _within(task: Task, value: Any, path: Path_) -> Iterator[Diagnostic]:
    """The first of the angles in a part that is too large."""
    for at, text in _texts(value, path):
        try:
            angle = parse(text)
        except QuantityError:
            continue
        if angle.dimension != ANGLE or abs(angle) <= _TURN or "deg" in text:
            continue
        message = f"{text} is {abs(angle) / math.tau:.3g} turns, and more than one is the same as "
        message += "less"
        number = text.split()[0] if " " in text else f"{float(angle):g}"
        help = f"if degrees are meant, write '{number} deg'"
        yield task.report(MANY_TURNS, message, *at, help=help)
        return


def _texts(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    if is_mapping(value):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif is_list(value):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
    elif isinstance(value, str) and value[:1] in "+-.0123456789":
        yield path, value
