"""Names of the model that all have, or all lack, one ending or beginning: one cause, one report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ksim_schema.diagnostics import Diagnostic, Fix, Related
from ksim_schema.records import dataclass
from ksim_schema.robot.patterns import PatternError, fits
from ksim_schema.source import Document
from ksim_schema.source.edits import respell

LEAST = 3
"""How many different names have to be alike for it to be no accident."""


@dataclass(frozen=True)
class Unknown:
    """A name or pattern that fits nothing of the model.

    Attributes:
        diagnostic: what is said of it alone.
        text: the name.
        choices: the names that there are.
    """

    diagnostic: Diagnostic
    text: str
    choices: Sequence[str]


Change = tuple[str, str]
"""``with`` or ``without``, and the ending (``_joint``) or the beginning (``left_``)."""


def one_cause(unknown: Sequence[Unknown], document: Document) -> list[Diagnostic]:
    """What to report of unknown names: of those that one ending explains, the first."""
    changes = [dict(_changes(u.text, tuple(u.choices))) for u in unknown]
    by_name = {u.text: tuple(c) for u, c in zip(unknown, changes, strict=True)}
    alike = Counter(change for found in by_name.values() for change in found)
    if not alike or alike.most_common(1)[0][1] < LEAST:
        return [u.diagnostic for u in unknown]
    change = alike.most_common(1)[0][0]
    same = [(u, c[change]) for u, c in zip(unknown, changes, strict=True) if change in c]
    rest = [u.diagnostic for u, c in zip(unknown, changes, strict=True) if change not in c]
    first = same[0][0].diagnostic
    message = f"{first.message}, and {len(same) - 1} more: the model's names are {change[0]} "
    message += repr(change[1])
    fixes = [respell(document, u.diagnostic.where, u.text, new) for u, new in same]
    edits = tuple(edit for fix in fixes if fix is not None for edit in fix.edits)
    fix = Fix(f"write them {change[0]} {change[1]!r}", edits, True) if all(fixes) else None
    related = tuple(Related(u.diagnostic.where, f"here {new!r}") for u, new in same[1:])
    help = f"write {same[0][1]!r}"
    return [replace(first, message=message, help=help, fix=fix, related=related), *rest]


def _changes(text: str, choices: tuple[str, ...]) -> Iterator[tuple[Change, str]]:
    """The endings and beginnings without or with which a text fits a name, and the new text."""
    end, start = re.search(r"_[A-Za-z0-9]+$", text), re.match(r"[A-Za-z0-9]+[_/]", text)
    if end and _fits(text[: end.start()], choices):
        yield ("without", end[0]), text[: end.start()]
    if start and _fits(text[start.end() :], choices):
        yield ("without", start[0]), text[start.end() :]
    for ending in {n[n.rindex("_") :] for n in choices if "_" in n}:
        if _fits(text + ending, choices):
            yield ("with", ending), text + ending
    for begin in {n[: n.index("_") + 1] for n in choices if "_" in n}:
        if _fits(begin + text, choices):
            yield ("with", begin), begin + text


def _fits(text: str, choices: tuple[str, ...]) -> bool:
    try:
        return bool(text) and any(fits(text, name) for name in choices)
    except PatternError:
        return False
