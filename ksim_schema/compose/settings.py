"""Changes to a task from outside of its file: ``--set Reward.linvel.scale=3``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from ksim_schema.diagnostics import Diagnostic, Edit, Fix, Sink, Span, did_you_mean
from ksim_schema.diagnostics.codes.structure import MISSING_KIND, NO_SUCH_PATH, REPLACED_WHOLE
from ksim_schema.diagnostics.suggest import surely
from ksim_schema.source import Document, Path_, parse
from ksim_schema.source.plain import is_mapping

COMMAND_LINE = "--set"
"""The file name under which values of the command line are reported."""


def apply_settings(
    document: Document, settings: Sequence[str], flat: Collection[str], sink: Sink
) -> Document:
    """Set values by path.

    Args:
        document: the task.
        settings: texts ``path=value``; the value is YAML.
        flat: sections that hold fields and no parts.
        sink: where what is wrong with them is reported.

    Returns:
        The changed document.
    """
    data = document.data
    values, keys = dict(document.values), dict(document.keys)
    for line, setting in enumerate(settings, start=1):
        path_text, equals, value_text = setting.partition("=")
        where = Span(COMMAND_LINE, line, 1, line, len(path_text) + 1)
        if not equals or not path_text.strip():
            help = "write for example --set Reward.linvel.scale=3"
            sink.report(NO_SUCH_PATH, f"{setting!r} is not path=value", where, help=help)
            continue
        path: Path_ = tuple(path_text.strip().split("."))
        problems = Sink()
        parsed = parse(value_text, COMMAND_LINE, problems)
        column = len(path_text) + 2
        place = Span(COMMAND_LINE, line, column, line, len(setting) + 1)
        sink.add(replace(p, where=place) for p in problems)
        if parsed is None:
            continue
        problem = unknown_place(data, path, where, flat)
        if problem is not None:
            sink.add([problem])
            continue
        for added in created_mappings(data, path):
            keys[added] = values[added] = where
        data = with_value(data, path, parsed.data)
        for old in [p for p in values if p[: len(path)] == path]:
            del values[old]
        values[path] = place
        keys.setdefault(path, where)
    return replace(document, data=data, values=values, keys=keys)


def sources(document: Document, settings: Sequence[str]) -> dict[str, str]:
    """The texts that diagnostics about a task may point into."""
    return {document.file: document.text, COMMAND_LINE: "\n".join(settings)}


def unknown_place(data: Any, path: Path_, where: Span, flat: Collection[str]) -> Diagnostic | None:
    """A path must lead to a value of the task, or to a field that is left at its default."""
    for depth, step in enumerate(path):
        if not is_mapping(data):
            message = f"{'.'.join(map(str, path[:depth]))} has no parts"
            return Diagnostic(NO_SUCH_PATH, message, where)
        if step not in data:
            if depth >= 2 or (depth == 1 and path[0] in flat):
                return None  # a field: its model says whether there is one of this name
            if depth == 0 and step in flat:
                return None
            owner = ".".join(map(str, path[:depth])) or "the task"
            help = did_you_mean(str(step), data, of=f"{owner} has")
            message = f"{owner} has no {step!r}"
            fix = _respelt(path, depth, surely(str(step), map(str, data)), where)
            return Diagnostic(NO_SUCH_PATH, message, where, help=help, fix=fix)
        data = data[step]
    return None


def _respelt(path: Path_, depth: int, step: str | None, where: Span) -> Fix | None:
    """The repair of one step of a path in the section 'set', where it is sure."""
    written = ".".join(map(str, path))
    whole = where.line == where.end_line and where.end_column - where.column == len(written)
    if step is None or not whole or where.file == COMMAND_LINE:
        return None
    new = ".".join(map(str, (*path[:depth], step, *path[depth + 1 :])))
    return Fix(f"write {new!r}", (Edit(where, new),), certain=True)


def created_mappings(data: Any, path: Path_) -> list[Path_]:
    """The beginnings of a path that lead to no mapping yet, and are made with what it sets."""
    added: list[Path_] = []
    for depth, step in enumerate(path[:-1], start=1):
        data = data[step] if is_mapping(data) and step in data else None
        if not is_mapping(data):
            added.append(path[:depth])
    return added


def with_value(data: Any, path: Path_, value: Any) -> Any:
    """A copy of a task with a value at a path; mappings that lead to it are made where missing."""
    if not path:
        return value
    inner: dict[Any, Any] = data if is_mapping(data) else {}
    return {**inner, path[0]: with_value(inner.get(path[0]), path[1:], value)}


def value_at(data: Any, path: Path_) -> Any:
    """The value at a path, or None where there is nothing."""
    for step in path:
        inner: dict[Any, Any] = data if is_mapping(data) else {}
        data = inner.get(step)
    return data


def replaced_whole(
    data: Any, path: Path_, value: Any, where: Span, flat: Collection[str]
) -> list[Diagnostic]:
    """A section, or a part without its kind, that is set as a whole and loses what it had.

    Args:
        data: the task before.
        path: what is set.
        value: what it becomes.
        where: the place of the path.
        flat: sections that hold fields and no parts.
    """
    old = value_at(data, path)
    if not is_mapping(old) or not is_mapping(value):
        return []
    lost = [key for key in old if key not in value]
    part = len(path) == 2 and path[0] not in flat
    if not lost or (len(path) > 1 and not part) or (part and "kind" in value):
        return []
    if part and "kind" not in old:
        return []
    listed = ", ".join(lost[:4]) + (f" and {len(lost) - 4} more" if len(lost) > 4 else "")
    name = ".".join(map(str, path))
    message = f"this replaces the whole of {name}: its {listed} {'are' if lost[1:] else 'is'} gone"
    first = next(iter(value), None)
    help = f"to change one value, write its path: '{name}.{first}: ...'" if first else ""
    return [Diagnostic(MISSING_KIND if part else REPLACED_WHOLE, message, where, name, help)]
