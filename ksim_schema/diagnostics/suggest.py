"""What an unknown name may have been meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

from ksim_schema.diagnostics.lookalikes import explained, meant, plain


def did_you_mean(name: str, choices: Iterable[str], *, of: str = "", limit: int = 8) -> str:
    """The help for an unknown name: the closest choice, then what there is.

    Args:
        name: what was written.
        choices: what could have been written.
        of: an introduction of the list, for example ``"scene.xml has geoms"``.
        limit: how many choices to list; of more, those most like the name.
    """
    known = list(dict.fromkeys(choices))
    alike = meant(name, known)
    turned = [choice for choice in known if _words(choice) == _words(name)]
    guesses = [alike] if alike else turned[:1] or closest(name, known, limit=1)
    guess = f"did you mean {guesses[0]!r}?" if guesses else ""
    guess = f"{explained(name)}: write {alike!r}." if alike else guess
    if not known:
        listed = f"{of}: none" if of else ""
    elif len(known) <= limit:
        listed = f"{of or 'known'}: " + ", ".join(known)
    else:
        likely = closest(name, known, limit=limit, cutoff=0.0) or known[:limit]
        listed = f"{of or 'known'}: " + ", ".join(likely) + f", ... ({len(known)} in all)"
    return " ".join(filter(None, (guess, listed)))


def _words(name: str) -> list[str]:
    """The words of a name in no order: ``knee_left`` has those of ``left_knee``."""
    words = sorted(word.lower() for word in re.split(r"[-_ ./]+", name) if word)
    return words or [name]


_MANY = 400
"""Number of choices of which each is compared with a name."""


def closest(
    name: str, choices: Iterable[str], *, limit: int = 1, cutoff: float = 0.65
) -> list[str]:
    """The choices most like a name, the likest first.

    Args:
        name: what was written; only its beginning counts when it is long.
        choices: what could have been written.
        limit: how many to give.
        cutoff: least likeness, from 0 to 1.
    """
    return list(_closest(name[:60].lower(), tuple(choices), limit, cutoff))


@lru_cache(maxsize=4096)
def _closest(name: str, choices: tuple[str, ...], limit: int, cutoff: float) -> tuple[str, ...]:
    if len(choices) > _MANY:  # comparing takes long, and a slip is rarely in the first letters
        choices = tuple(c for c in _beginning(choices).get(name[:2], ()) if len(c) < len(name) + 3)
        choices = choices[:_MANY]
    lowered = {c.lower(): c for c in reversed(choices)}
    close = difflib.get_close_matches(name, lowered, n=limit, cutoff=cutoff)
    return tuple(lowered[c] for c in close)


@lru_cache(maxsize=8)
def _beginning(choices: tuple[str, ...]) -> dict[str, list[str]]:
    """The choices by their first two letters."""
    found: dict[str, list[str]] = {}
    for choice in choices:
        found.setdefault(choice[:2].lower(), []).append(choice)
    return found


_SHORTEST = 4
"""Fewest letters of a name that can be told from a slip of the fingers."""
_ENGLISH = (("our", "or"), ("ise", "ize"), ("isation", "ization"), ("yse", "yze"), ("tre", "ter"))
_MARKS = str.maketrans("", "", "-_ .")


def surely(name: str, choices: Iterable[str]) -> str | None:
    """The choice that a name can only be a misspelling of, or None where that is not certain.

    It is certain where they differ in look-alikes, case, hyphens, or American spelling alone; and
    where one slip of the fingers is between them, and more between the name and all other choices.
    A letter in place of another in a part of the name of one or two letters is no slip: ``l_hip``
    is as good a name as ``r_hip``. Neither is a digit.

    Args:
        name: what was written.
        choices: what could have been written.
    """
    known = list(dict.fromkeys(choices))
    if len(known) > _MANY or not name or len(name) > 60:
        return None
    for fold in (_plain, _folded, _american):
        same = [choice for choice in known if fold(choice) == fold(name)]
        if same:
            return same[0] if len(same) == 1 else None
    folded = _american(name)
    ranked = sorted((_slips(folded, _american(choice)), choice) for choice in known)
    allowed = 1 if len(folded) < 8 else 2
    if not ranked or ranked[0][0] > allowed or (ranked[1:] and ranked[1][0] <= ranked[0][0]):
        return None
    best = ranked[0][1]
    if max(len(folded), len(_american(best))) < _SHORTEST or len(folded) < _SHORTEST - 1:
        return None
    if ranked[0][0] > 1 and ranked[1:] and ranked[1][0] <= ranked[0][0] + 1:
        return None
    return best if _told_apart(name, best) else None


def _plain(name: str) -> str:
    return plain(name).strip()


def _folded(name: str) -> str:
    return plain(name).lower().translate(_MARKS)


def _american(name: str) -> str:
    folded = _folded(name)
    for british, american in _ENGLISH:
        folded = folded.replace(british, american)
    return folded


def _told_apart(name: str, choice: str) -> bool:
    """Whether two names differ within words, and not in a digit or a letter that is a word."""
    matcher = difflib.SequenceMatcher(None, name.lower(), choice.lower(), autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        if any(letter.isdigit() for letter in name[a:b] + choice[c:d]):
            return False
        if len(_word_at(choice, c)) < 3 and len(_word_at(name, a)) < 3:
            return False
    return True


def _word_at(name: str, place: int) -> str:
    """The word of a name, between marks and digits, in which a place is."""
    for word in re.finditer(r"[^\W\d_]+", name):
        if word.start() <= place <= word.end():
            return word[0]
    return ""


def _slips(a: str, b: str) -> int:
    """How many letters are added, left out, replaced or exchanged with the next (Damerau 1964)."""
    if abs(len(a) - len(b)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        last, before_last = row, before
        row = [i]
        for j, y in enumerate(b, start=1):
            best = min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, before_last[j - 2] + 1)
            row.append(best)
        before = last
    return row[-1]
