"""Characters that look like those of a keyboard and are not: a minus sign, a Cyrillic letter.

Text that was copied from a page, a chat or a word processor holds them; nobody sees them.
"""

# ruff: noqa: RUF001 - such characters are what this is about
from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_LETTERS = {
    # Cyrillic
    **dict(zip("аеорсухіјѕһԁԛԝѵкмтнӏ", "aeopcyxijshdqwvkmthl", strict=True)),
    **dict(zip("АВЕІЈКМНОРЅСТУХЗ", "ABEIJKMHOPSCTYX3", strict=True)),
    # Greek
    **dict(zip("αορνυικτμ", "aopvuiktu", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    # Latin: without its dot, of phonetics, a unit's sign
    **dict(zip("ıɑɡ\u212aµ", "iagKu", strict=True)),
}
_MARKS = {
    **dict.fromkeys("‐‑‒–—―−﹣⁻", "-"),
    **dict.fromkeys("“”„‟«»〝〞", '"'),
    **dict.fromkeys("‘’‚‛′´`ʹʼ", "'"),
    **dict.fromkeys("·⋅•∙×∗⁎", "*"),
    **dict.fromkeys("⁄∕÷", "/"),
    **dict.fromkeys("∶﹕", ":"),
    **dict.fromkeys("、،٬‚", ","),
    **dict.fromkeys("。٫", "."),
    **{"…": "...", "≤": "<=", "≥": ">=", "≠": "!="},
}
_NOTHING = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
"""Characters without any width."""
_UNITS = {"°": "deg", "²": "^2", "³": "^3", "⁻¹": "^-1", "⁻²": "^-2", "Ω": "ohm", "℃": "degC"}
"""Signs of units, as the units of a quantity are spelt."""


def plain(text: str, *, unit: bool = False) -> str:
    """A text in the characters of a keyboard, as far as it is one that looks like it.

    Args:
        text: any text.
        unit: whether it is a quantity, in which also ``°`` and ``²`` have a spelling.
    """
    if text.isascii():
        return text
    for sign, spelling in _UNITS.items() if unit else ():
        before = text.find(sign)
        apart = sign == "°" and before > 0 and text[before - 1 : before].isdigit()
        text = text.replace(sign, f" {spelling}" if apart else spelling)
    return "".join(_plain_character(character) for character in text)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if character in _NOTHING:
        return ""
    known = _LETTERS.get(character) or _MARKS.get(character)
    if known is not None:
        return known
    if unicodedata.category(character) == "Zs":
        return " "
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    compatible = unicodedata.normalize("NFKC", character)  # full-width and mathematical letters
    return compatible if compatible.isascii() else character


def strange(text: str) -> list[int]:
    """The places of characters that look like others of a keyboard, or like nothing."""
    if text.isascii():
        return []
    return [n for n, c in enumerate(text) if not c.isascii() and plain(c, unit=True) != c]


def named(character: str) -> str:
    """What a character is, for example ``'°' is a degree sign (U+00B0)``."""
    full = unicodedata.name(character, "character")
    script = full.split(" ", 1)[0]
    if script in ("CYRILLIC", "GREEK") and character.isalpha():
        what = f"a {script.capitalize()} letter"
    elif script == "FULLWIDTH":
        digit = "digit" if character.isdecimal() else "character"
        what = f"a full-width {digit}"
    else:
        name = full.lower()
        what = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    shown = f"{character!r} is " if character.isprintable() else "there is "
    return f"{shown}{what} (U+{ord(character):04X})"


def explained(text: str) -> str:
    """What is strange in a text that should be plain: each character once, and what to write."""
    found = dict.fromkeys(text[n] for n in strange(text))
    return "; ".join(f"{named(c)}, {_instead(c)}" for c in found)


def _instead(character: str) -> str:
    new = plain(character, unit=True).strip()
    if new:
        return f"write {new!r}"
    return "write a space" if plain(character) == " " else "take it out"


def meant(text: str, choices: Iterable[str]) -> str | None:
    """The one of some names that a text looks like, or None."""
    if text.isascii():
        return None
    folded = plain(text).strip()
    return folded if folded in choices else None
