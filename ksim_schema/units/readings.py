"""Numbers as people write them, and how this language spells them: ``4,096``, ``0,5 m``, ``2°``.

A text that is not a number here may be one elsewhere: in another country, another program, or an
older YAML. Each way is a reading of the text; whoever needs a value takes the first reading that
is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.reading import GLUED_COMMENT, LOOKALIKE
from ksim_schema.diagnostics.codes.structure import (
    NOT_A_QUANTITY,
    NUMBER_WRITTEN_OTHERWISE,
    WRONG_TYPE,
)
from ksim_schema.diagnostics.lookalikes import explained, plain
from ksim_schema.records import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text may mean.

    Attributes:
        message: what is unusual in it.
        text: the same as this language spells it.
        code: the diagnostic that it is.
        certain: whether nothing else can well be meant.
        help: what to write; by default, the text.
        after: what is written after the text, in a comment.
    """

    message: str
    text: str
    code: Code = NUMBER_WRITTEN_OTHERWISE
    certain: bool = True
    help: str = ""
    after: str = ""

    @property
    def instead(self) -> str:
        """What to write instead."""
        text = self.text + self.after
        return self.help or f"write {repr(text) if ' ' in text else text}"


def first_reading(text: str, reads: Callable[[str], bool], **how: bool) -> Reading | None:
    """The likeliest reading of a text that is a value.

    Args:
        text: what was written.
        reads: whether a text is a value here.
        how: as :func:`readings`.
    """
    if len(text) > 80:
        return None
    return next((reading for reading in readings(text, **how) if reads(reading.text)), None)


def readings(text: str, *, whole: bool = False) -> Iterator[Reading]:
    """Every reading of a text as a number or quantity, the likeliest first.

    Args:
        text: what was written.
        whole: whether it can only be a whole number, in which a comma stands between thousands.
    """
    base = plain(text, unit=True).strip()
    odd = explained(text)
    if odd:
        yield Reading(odd, base, LOOKALIKE)
    comment = re.fullmatch(r"(.*[^\s#])(#.*)", base)
    if comment:
        message = "a '#' begins a comment only after a space; here it belongs to the value"
        head = comment[1].rstrip()
        yield Reading(message, head, GLUED_COMMENT, after=f"  {comment[2]}")
    for reading in (*_separated(base, whole), *_arithmetic(base), *_respelt(base)):
        yield (
            reading
            if not odd
            else Reading(
                f"{reading.message}; {odd}",
                reading.text,
                reading.code,
                reading.certain,
                reading.help,
            )
        )


_GROUPS = re.compile(
    r"([-+]?\d{1,3})(?P<all>(?P<mark>[,_' .])\d{3}(?:(?P=mark)\d{3})*)(?P<rest>.*)"
)
_COMMA = re.compile(r"([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)(\s*(?:[A-Za-z%].*)?)")
_UNDERLINED = re.compile(r"([-+]?\d+(?:_\d+)+(?:\.\d+)?)(\s*(?:[A-Za-z%].*)?)")
_REST = re.compile(r"(?:[.]\d+)?\s*(?:[A-Za-z%].*)?")


def _separated(text: str, whole: bool) -> Iterator[Reading]:
    """Marks between thousands, and a comma for the point."""
    groups = _GROUPS.fullmatch(text)
    if groups and _REST.fullmatch(groups["rest"]):
        mark = groups["mark"]
        count = groups["all"].count(mark)
        joined = groups[1] + groups["all"].replace(mark, "") + groups["rest"]
        what = {" ": "spaces", "'": "apostrophes", "_": "'_'", ",": "commas", ".": "points"}[mark]
        message = f"{text!r} has {what} between its digits"
        if count > 1 or mark in "_' " or (whole and mark == ","):
            yield Reading(message, joined)
        elif mark == ",":
            point = text.replace(",", ".")
            help = f"write {joined!r}, or {point!r} if the comma is a decimal point"
            yield Reading(message, joined, certain=False, help=help)
    comma = _COMMA.fullmatch(text)
    if comma:
        message = f"{text!r} has a comma where numbers have a point"
        yield Reading(message, f"{comma[1]}.{comma[2]}{comma[3]}")
    underlined = _UNDERLINED.fullmatch(text)
    if underlined:
        message = f"{text!r} has '_' between its digits"
        yield Reading(message, underlined[1].replace("_", "") + underlined[2])


_TIME = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2}))?(\.\d+)?")
_FRACTION = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)(\s*(?:[A-Za-z%].*)?)")
_POWER = re.compile(r"(?:([-+]?\d+(?:\.\d+)?)\s*[*x]\s*)?(\d{1,2})\s*(?:\^|\*\*)\s*([-+]?\d{1,2})")
_PI = re.compile(
    r"([-+]?)\s*(?:(\d+(?:\.\d+)?)\s*\*?\s*)?(?:pi|PI|Pi|π)(?:\s*/\s*(\d+(?:\.\d+)?))?(?:\s*rad)?"
)
_SHORT = re.compile(r"(\d+(?:\.\d+)?)\s*(k|K|M|B|G|thousand|million|billion|mln|mio)")
_BASE = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")
_FACTORS = {"k": 1e3, "K": 1e3, "thousand": 1e3, "B": 1e9, "G": 1e9, "billion": 1e9}


def _arithmetic(text: str) -> Iterator[Reading]:
    """What is to be computed."""
    time = _TIME.fullmatch(text)
    if time:
        hours, minutes = int(time[1]), int(time[2])
        seconds = float(f"{int(time[3] or 0)}{time[4] or ''}")
        total = hours * 3600 + minutes * 60 + seconds if time[3] else hours * 60 + minutes
        long = f", or '{hours * 60 + minutes} min' if hours are meant" if not time[3] else ""
        message = f"{text!r} is a string: digits with ':' are not a number"
        yield Reading(message, f"{total:g} s", certain=False, help=f"write '{total:g} s'{long}")
    fraction = _FRACTION.fullmatch(text)
    if fraction and float(fraction[2]):
        value = float(f"{float(fraction[1]) / float(fraction[2]):.12g}")
        message = f"{text!r} is to be divided, and a value is a number"
        yield Reading(message, f"{value:g}{fraction[3]}", certain=False)
    power = _POWER.fullmatch(text)
    if power and abs(int(power[3])) * len(power[2]) < 18:
        value = float(power[1] or 1) * float(power[2]) ** int(power[3])
        shown = str(int(value)) if value.is_integer() and value < 1e15 else repr(value)
        yield Reading(f"{text!r} is to be computed, and a value is a number", shown)
    pi = _PI.fullmatch(text)
    if pi and float(pi[3] or 1):
        degrees = 180 * float(pi[2] or 1) / float(pi[3] or 1)
        message = f"{text!r} is to be computed, and a value is a number"
        yield Reading(message, f"{pi[1]}{degrees:.12g} deg")
    short = _SHORT.fullmatch(text)
    if short:
        value = float(short[1]) * _FACTORS.get(short[2], 1e6)
        message = f"{text!r} is a string: numbers are written out, or with an exponent"
        shown = f"{value:.0f}" if value.is_integer() else repr(value)
        yield Reading(
            message,
            shown,
            certain=False,
            help=f"write {shown}" + (f" or {value:g}" if f"{value:g}" != shown else ""),
        )
    if _BASE.fullmatch(text):
        message = f"{text!r} is a string: numbers are decimal"
        yield Reading(message, str(int(text, 0)))


_RIVALS = (
    frozenset(("s", "ms", "us", "min", "h", "Hz", "kHz")),
    frozenset(("m", "cm", "mm", "km")),
    frozenset(("rad", "deg")),
)
"""Units of which a value has one: beside each other they are not multiplied."""
_SPACED = re.compile(r"([-+])\s+(\d.*|\.\d.*)")
_EXPONENT = re.compile(r"([-+]?\d+(?:\.\d*)?)\s+([eE][-+]?\d+)(.*)")
_LETTERS = re.compile(r"([-+]?)([OolI\d]*[.]?[OolI\d]+)(\s.*)?")


def _respelt(text: str) -> Iterator[Reading]:
    """Slips of the fingers."""
    spaced = _SPACED.fullmatch(text)
    if spaced:
        yield Reading(
            f"a space stands between the sign and the number in {text!r}", spaced[1] + spaced[2]
        )
    exponent = _EXPONENT.fullmatch(text)
    if exponent:
        yield Reading(f"a space stands before the exponent in {text!r}", "".join(exponent.groups()))
    if text and text[-1] in ",;.":
        yield Reading(f"{text!r} ends with {text[-1]!r}", text[:-1].rstrip())
    letters = _LETTERS.fullmatch(text)
    if letters and re.search(r"[OolI]", letters[2]) and re.search(r"[\d.]", letters[2]):
        digits = letters[2].translate(str.maketrans("OolI", "0011"))
        message = f"{text!r} has a letter among its digits"
        yield Reading(message, f"{letters[1]}{digits}{letters[3] or ''}", LOOKALIKE)
    number = re.fullmatch(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*)", text)
    both = number[2].split() if number else []
    if number and len(both) == 2 and any(set(both) <= group for group in _RIVALS):
        first, second = (f"{number[1]} {unit}" for unit in both)
        message = f"{text!r} has two units"
        help = f"write {first!r} or {second!r}"
        yield Reading(message, first, NOT_A_QUANTITY, certain=False, help=help)
    elif number:
        unit = unit_meant(number[2])
        if unit != number[2]:
            message = f"unknown unit {number[2]!r}"
            yield Reading(
                message, f"{number[1]} {unit}", NOT_A_QUANTITY, help=f"did you mean {unit!r}?"
            )


_NAMES = {
    "m": "meter meters metre metres",
    "cm": "centimeter centimeters centimetre centimetres",
    "mm": "millimeter millimeters millimetre millimetres",
    "km": "kilometer kilometers kilometre kilometres",
    "s": "sec secs second seconds",
    "ms": "msec msecs millisecond milliseconds",
    "us": "usec usecs microsecond microseconds",
    "min": "mins minute minutes",
    "h": "hour hours hr hrs",
    "rad": "radian radians rads",
    "deg": "degree degrees degs",
    "rev": "revolution revolutions turn turns",
    "kg": "kilo kilos kilogram kilograms kgs",
    "g": "gram grams",
    "N": "newton newtons",
    "Nm": "newtonmeter newtonmetre newtonmeters newtonmetres",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "J": "joule joules",
    "W": "watt watts",
    "%": "percent",
}
_WORDS = {word: unit for unit, words in _NAMES.items() for word in words.split()}
_CASES = {
    unit.lower(): unit
    for unit in (
        "m",
        "km",
        "cm",
        "mm",
        "kg",
        "s",
        "ms",
        "us",
        "min",
        "h",
        "rad",
        "mrad",
        "deg",
        "rev",
        "rpm",
        "Hz",
        "kHz",
        "N",
        "kN",
        "Nm",
    )
}
_KNOWN = frozenset((*_CASES.values(), *"gJW%"))


def unit_meant(text: str) -> str:
    """A unit as it is spelt here: ``degrees/sec`` is ``deg/s``, ``N.m`` is ``N*m``."""
    text = re.sub(r"\bper\b", "/", text.strip())
    text = re.sub(r"\s*([*/^])\s*", r"\1", text)
    text = re.sub(r"(?<=[A-Za-z\d])(?:\s+|\.|-(?=[A-Za-z]))(?=[A-Za-z])", "*", text)
    text = re.sub(r"([A-Za-z])(-?[123])(?=$|[*/])", r"\1^\2", text)
    return re.sub(r"[A-Za-z]+", lambda word: _unit_name(word[0]), text)


def _unit_name(word: str) -> str:
    if word in _KNOWN:
        return word
    low = word.lower()
    return _WORDS.get(low) or _CASES.get(low, word)


_TRUE = frozenset(("on", "yes", "y", "t", "enable", "enabled", "1"))
_FALSE = frozenset(("off", "no", "n", "f", "none", "disable", "disabled", "0"))
NOTHING = frozenset(("none", "nil", "null", "~", "nan", "n/a", "na", "undefined", "-"))
"""Words that elsewhere mean that there is no value, in small letters."""


def truth(value: object) -> Reading | None:
    """What is written for true or false."""
    word = str(value).strip().lower()
    if word in ("true", "false"):
        return Reading(
            f"{value!r} is a string", word, WRONG_TYPE, help=f"write {word}, without quotes"
        )
    for words, meant in ((_TRUE, "true"), (_FALSE, "false")):
        if word in words and not isinstance(value, (bool, float)):
            text = f"{value!r} is a string" if isinstance(value, str) else f"{value} is a number"
            return Reading(
                f"expected true or false, and {text}", meant, WRONG_TYPE, help=f"write {meant}"
            )
    return None


_END = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"[A-Za-z%][A-Za-z%*/^\d]*"
_BETWEEN = re.compile(
    rf"[\[(<{{]?\s*(?P<low>{_END})\s*(?P<one>{_UNIT})?\s*(?:,|;|\.{{2,3}}|\bto\b|\band\b|-|:)\s*"
    rf"(?P<high>{_END})\s*(?P<two>{_UNIT})?\s*[\])>}}]?\s*(?P<all>{_UNIT})?"
)
_AROUND = re.compile(rf"(?:\+\s*/?\s*-|±)\s*({_END})\s*({_UNIT})?")


def range_meant(text: str) -> Reading | None:
    """A range that is written as a text: ``0.5..1.2``, ``(0, 1) m/s``, ``±2 deg``."""
    around = _AROUND.fullmatch(text.strip())
    message = f"{text!r} is a string, and a range is a list"
    if around:
        unit = f" {unit_meant(around[2])}" if around[2] else ""
        return Reading(message, f"[-{around[1]}{unit}, {around[1]}{unit}]")
    folded = plain(text, unit=True).strip()
    found = _BETWEEN.fullmatch(folded)
    if not found or len(text) > 80 or re.fullmatch(rf"{_END}\s*({_UNIT})?", folded):
        return None
    unit = found["two"] or found["all"] or ""
    units = [unit_meant(u) for u in (found["one"] or unit, unit or found["one"] or "")]
    ends = [
        f"{end} {unit}".strip()
        for end, unit in zip((found["low"], found["high"]), units, strict=True)
    ]
    return Reading(message, f"[{', '.join(ends)}]")
