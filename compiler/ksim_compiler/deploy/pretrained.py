"""The policies that ship, by name."""

from __future__ import annotations

from pathlib import Path

ENDING = ".ksimp"
"""How the name of a policy file ends."""
PREFIX = "pretrained:"
"""What a policy that ships is named with."""
FOLDER = Path(__file__).parents[1] / "pretrained"
"""Where they are."""


class UnknownPolicyError(ValueError):
    """No policy of a name ships; the message says which do."""


def names() -> list[str]:
    """What ships."""
    return sorted(path.stem for path in FOLDER.glob(f"*{ENDING}"))


def path_of(text: str) -> Path:
    """The file of ``pretrained:NAME``.

    Raises:
        UnknownPolicyError: no policy of that name ships.
    """
    name, known = text.removeprefix(PREFIX), names()
    if name in known:
        return FOLDER / f"{name}{ENDING}"
    from ksim_schema.diagnostics.suggest import did_you_mean

    help = did_you_mean(name, known, of="there are")
    raise UnknownPolicyError(f"no policy {name!r} ships; {help}")


def shown(place: Path) -> str:
    """How to call a trained policy in messages."""
    return f"{PREFIX}{place.stem}" if place.parent == FOLDER else str(place)
