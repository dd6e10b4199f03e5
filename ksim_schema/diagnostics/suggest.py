"""What an unknown name may have been meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache

from ksim_schema.diagnostics.lookalikes import explained, meant


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
    guesses = [alike] if alike else closest(name, known, limit=1)
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
