"""A text with its certain repairs: applied, checked again, and taken back where that is no gain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ksim_schema.diagnostics import Diagnostic, Fix
from ksim_schema.records import dataclass
from ksim_schema.source.edits import applied

MAX_ROUNDS = 12
"""Most times that a text is repaired and checked again: a repair may show what it hid."""

Check = Callable[[str], Sequence[Diagnostic]]


@dataclass(frozen=True)
class Repaired:
    """A text after its repairs.

    Attributes:
        text: the new text.
        taken: what was repaired.
        diagnostics: what is wrong with the new text.
    """

    text: str
    taken: tuple[Diagnostic, ...]
    diagnostics: Sequence[Diagnostic]


def repair(text: str, file: str, check: Check) -> Repaired:
    """Apply the repairs that are certain, as long as each round leaves no more errors than before.

    A repair of a syntax error may let the rest of a file be read, and show mistakes that nothing
    repairs. Then the text stays as it was.

    Args:
        text: the text of a file.
        file: its name, as diagnostics have it.
        check: what is wrong with a text.
    """
    first = check(text)
    limit = _errors(first)
    best = state = Repaired(text, (), first)
    tried: set[Fix] = set()
    for _ in range(MAX_ROUNDS):
        sure = _certain(state.diagnostics, file, tried)
        if not sure:
            break
        after = _round(state, file, sure, check)
        if after is None:
            after, one_by_one = state, sure
            for diagnostic in one_by_one[:20]:
                single = _round(state, file, [diagnostic], check)
                if single is not None:
                    after = single
                    break
                if diagnostic.fix is not None:
                    tried.add(diagnostic.fix)
            else:
                break
        state = after
        if _errors(state.diagnostics) <= limit:
            best = state
    return best


def _certain(found: Sequence[Diagnostic], file: str, tried: set[Fix]) -> list[Diagnostic]:
    return [
        d
        for d in found
        if d.fix is not None
        and d.fix.certain
        and d.fix not in tried
        and all(edit.where.file == file for edit in d.fix.edits)
    ]


def _round(state: Repaired, file: str, sure: Sequence[Diagnostic], check: Check) -> Repaired | None:
    """The text after some repairs; None where one of what they repair is still there.

    What a repair uncovers is no fault of it, so the number of errors may grow for a while.
    """
    fixes = [d.fix for d in sure if d.fix is not None]
    text, taken = applied(state.text, file, fixes)
    if text == state.text:
        return None
    found = check(text)
    done = tuple(d for d in sure if d.fix in taken)
    same = {(d.code, d.path, d.message) for d in found}
    if any((d.code, d.path, d.message) in same for d in done):
        return None
    return Repaired(text, (*state.taken, *done), found)


def _errors(found: Sequence[Diagnostic]) -> int:
    return sum(d.severity == "error" for d in found)
