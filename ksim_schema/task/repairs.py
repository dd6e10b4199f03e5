"""What a value of the wrong type or name is likely to mean, and the repair that writes it so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ksim_schema.diagnostics import Fix, Span
from ksim_schema.diagnostics.codes.structure import WRONG_TYPE
from ksim_schema.source import Document, Path_, resolve
from ksim_schema.source.edits import alone, rewrite, swap, written
from ksim_schema.units.readings import Reading, first_reading, range_meant, truth


def reading_of(
    kind: str, given: object, context: dict[str, Any], *, range: bool = False
) -> Reading | None:
    """What a value is likely to mean.

    Args:
        kind: of the error, as Pydantic names it.
        given: the value.
        context: of the error.
        range: whether the value stands for a range.
    """
    reading = context.get("reading")
    if isinstance(reading, Reading):
        return reading
    if kind == "bool_type":
        return truth(given)
    if not isinstance(given, str):
        return None
    if kind in ("int_type", "int_parsing"):
        return _quoted(given, _is_whole) or first_reading(given, _is_whole, whole=True)
    if kind == "float_type":
        return first_reading(given, lambda text: isinstance(resolve(text), int | float))
    return range_meant(given) if kind == "tuple_type" or range else None


_COMMA = re.compile(r"(?<![\d.])([-+]?\d+),(?=\d+(?![\d.]))")


def decimal_points(document: Document, where: Span, count: int) -> str | None:
    """A range whose decimal commas are points, where that makes two values of all.

    Args:
        document: the source.
        where: the place of the list.
        count: how many values it was read as.
    """
    text = written(document, where)
    if text is None or not text.startswith("["):
        return None
    pointed, changed = _COMMA.subn(r"\1.", text)
    return pointed if changed and count - changed == 2 else None


def _quoted(text: str, reads: Callable[[str], bool]) -> Reading | None:
    """A number as a text."""
    if not reads(text):
        return None
    help = f"write {text.strip()}, without quotes"
    return Reading(f"{text!r} is a string", text.strip(), WRONG_TYPE, help=help)


def _is_whole(text: str) -> bool:
    value = resolve(text)
    return not isinstance(value, bool) and isinstance(value, int | float) and value == int(value)


def reread(document: Document, where: Span, reading: Reading) -> Fix | None:
    """The repair that writes a value as this language spells it."""
    if reading.after and not alone(document, where):
        return None  # the rest of the line would be a comment
    text = reading.text + reading.after
    return rewrite(document, where, text, certain=reading.certain)


def repair(kind: str, document: Document, path: Path_, where: Span, unit: str) -> Fix | None:
    """The repair of an error, where it is known.

    Args:
        kind: of the error, as Pydantic names it.
        document: the source.
        path: of the value.
        where: the place of the value.
        unit: the one unit that a number may be in, or "".
    """
    match kind:
        case "range_order":
            return swap(document, path)
        case "unit_missing" if unit:
            return rewrite_with_unit(document, where, unit)
        case _:
            return None


def rewrite_with_unit(document: Document, where: Span, unit: str) -> Fix | None:
    """The repair that gives a number its unit."""
    number = written(document, where)
    if number is None or not isinstance(resolve(number), int | float):
        return None
    return rewrite(document, where, f"{number} {unit}")
