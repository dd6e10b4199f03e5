"""Which change that a task makes (set, remove, extends) causes what is reported in its bases.

A base is right by itself: what is wrong at a line of it may follow from a change that the task
makes. The change is found by leaving it out: if the report is gone then, and nothing else is wrong
that was not before, it is the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ksim_schema.compose.extends import REMOVE
from ksim_schema.compose.settings import COMMAND_LINE
from ksim_schema.diagnostics import Diagnostic, Related, Span, has_errors
from ksim_schema.diagnostics.codes.structure import REPLACED_WHOLE
from ksim_schema.records import dataclass
from ksim_schema.source import Document
from ksim_schema.source.paths import EXTENDS, SET
from ksim_schema.source.plain import is_list, is_mapping

MAX_CHANGES = 24
"""Most changes of a task that are left out one by one."""

Check = Callable[[Document], Sequence[Diagnostic]]


@dataclass(frozen=True, eq=False)
class Made:
    """One change of what a file says.

    Attributes:
        where: its place.
        path: what it changes, as it is written.
        verb: what becomes of that, in a word: ``set``, ``removed`` or ``added``.
    """

    where: Span
    path: str
    verb: str


@dataclass(frozen=True, eq=False)
class Change(Made):
    """One change that a task makes to what it extends.

    Attributes:
        without: the task without it.
        alone: for one of several bases, a task of this one and nothing else.
    """

    without: Document
    alone: Document | None = None


def changes(document: Document) -> Iterator[Change]:
    """Every change that a task makes to what it extends."""
    data = document.data
    if not is_mapping(data) or EXTENDS not in data:
        return
    given = data.get(SET)
    given = given if is_mapping(given) else {}
    for name in given:
        rest = {key: value for key, value in given.items() if key != name}
        yield _change(document, document.at((SET, name), key=True), name, "set", SET, rest)
    for section, verb in ((REMOVE, "removed"), (EXTENDS, "added")):
        listed = data.get(section)
        names = listed if is_list(listed) else (listed,)
        if section == EXTENDS and len(names) < 2:
            continue
        for index, name in enumerate(names):
            place = (section, index) if is_list(listed) else (section,)
            rest_ = tuple(other for other in names if other != name)
            if isinstance(name, str):
                change = _change(document, document.at(place), name, verb, section, rest_)
                yield (
                    replace(change, alone=_alone(document, name)) if section == EXTENDS else change
                )


def _change(
    document: Document, where: Span, path: str, verb: str, section: str, rest: Any
) -> Change:
    data = {key: value for key, value in document.data.items() if key != section}
    without = {**data, section: rest} if rest else data
    return Change(where, path, verb, replace(document, data=without))


def _alone(document: Document, base: str) -> Document:
    """A task of one base and nothing else."""
    head = {key: document.data[key] for key in ("ksim", "task") if key in document.data}
    return replace(document, data={**head, EXTENDS: base})


def blamed(diagnostics: Sequence[Diagnostic], document: Document, check: Check) -> list[Diagnostic]:
    """Diagnostics, of which those in a base that a change of the task causes stand at the change.

    What one change causes is one diagnostic, with the other places beside it.

    Args:
        diagnostics: what is wrong with the task.
        document: the task.
        check: what is wrong with a task.
    """
    in_bases = [d for d in diagnostics if d.where.file != document.file and d.severity != "info"]
    if not in_bases:
        return list(diagnostics)
    known = {_key(d) for d in diagnostics}
    causes: dict[Diagnostic, Change] = {}
    for change, _ in zip(_likeliest(changes(document), in_bases), range(MAX_CHANGES), strict=False):
        if len(causes) == len(in_bases):
            break
        left = {_key(d) for d in check(change.without) if d.severity != "info"}
        if left <= known:
            if change.alone is not None:  # what a base has by itself is its own
                left |= {_key(d) for d in check(change.alone)}
            for d in in_bases:
                if _key(d) not in left:
                    causes.setdefault(d, change)
    if not causes:
        return list(diagnostics)
    kept = [d for d in diagnostics if d not in causes]
    replaced = {d.path for d in kept if d.code == REPLACED_WHOLE}
    for change in dict.fromkeys(causes.values()):
        caused = [d for d in in_bases if causes.get(d) == change]
        if change.path in replaced and not has_errors(caused):
            continue  # what is gone is told, and this is what comes of it
        kept.append(_at_its_cause(change, caused))
    return kept


def blamed_settings(
    diagnostics: Sequence[Diagnostic],
    settings: Sequence[str],
    check: Callable[[Sequence[str]], Sequence[Diagnostic]],
) -> list[Diagnostic]:
    """Diagnostics, of which those in a file that a setting causes stand at the setting.

    Args:
        diagnostics: what is wrong with the task as it is set.
        settings: texts ``path=value``.
        check: what is wrong with the task under some of them.
    """
    in_files = [d for d in diagnostics if d.where.file != COMMAND_LINE and d.severity != "info"]
    causes: dict[Diagnostic, Made] = {}
    known = {_key(d) for d in in_files}
    for line, setting in enumerate(settings[:MAX_CHANGES] if in_files else (), start=1):
        others = [*settings[: line - 1], *settings[line:]]
        told = [d for d in check(others) if d.severity != "info"]
        left = {_key(d) for d in told if d.where.file != COMMAND_LINE}
        if left <= known:
            path = setting.partition("=")[0]
            made = Made(Span(COMMAND_LINE, line, 1, line, len(path) + 1), path.strip(), "set")
            for d in in_files:
                if _key(d) not in left:
                    causes.setdefault(d, made)
    kept = [d for d in diagnostics if d not in causes]
    for made in dict.fromkeys(causes.values()):
        kept.append(_at_its_cause(made, [d for d in in_files if causes.get(d) == made]))
    return kept


def _likeliest(made: Iterator[Change], in_bases: Sequence[Diagnostic]) -> list[Change]:
    """Changes in the order of how much of their path is that of a diagnostic, or named in one."""

    def likeness(change: Change) -> int:
        steps = change.path.split(".")
        paths = [d.path.replace("[", ".").split(".") for d in in_bases]
        same = max(sum(a == b for a, b in zip(steps, path, strict=False)) for path in paths)
        return same + 2 * any(f"'{steps[-1]}'" in d.message for d in in_bases)

    return sorted(made, key=likeness, reverse=True)


def _key(d: Diagnostic) -> tuple[str, Span]:
    return d.code, d.where


def _at_its_cause(change: Made, caused: Sequence[Diagnostic]) -> Diagnostic:
    """What a change causes, at its place."""
    first = min(caused, key=lambda d: (d.severity != "error", d.where))
    more = f", and {len(caused) - 1} more" if len(caused) > 1 else ""
    place = f"{first.where.file}:{first.where.line}"
    message = f"{change.path} is {change.verb} here, and so in {place}: {first.message}{more}"
    related = tuple(Related(d.where, d.message) for d in sorted(caused, key=lambda d: d.where))
    at = {"where": change.where, "path": change.path, "fix": None, "related": related}
    return replace(first, message=message, **at)
