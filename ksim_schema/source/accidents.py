"""Slips in the writing of YAML: what stands there, and what was meant.

A slip is sure to be one only where its repair reads better than the text: the parser comes to the
end, or at least further.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.reading import (
    COMMA,
    ESCAPE,
    INVALID_YAML,
    LOOKALIKE,
    NO_ALIAS,
    NO_SPACE,
    UNIT_OF_A_LIST,
)
from ksim_schema.diagnostics.lookalikes import named
from ksim_schema.records import dataclass


@dataclass(frozen=True, slots=True)
class Accident:
    """A slip: the stretch of text from ``start`` up to ``stop``, and the text that was meant."""

    code: Code
    message: str
    help: str
    start: int
    stop: int
    text: str
    certain: bool = True
    more: tuple[tuple[int, int, str], ...] = ()
    """Further stretches that change with it."""


def lookalike(text: str, changes: Sequence[tuple[int, str]]) -> Iterator[Accident]:
    """The characters that were read as marks of YAML, each once, at the first of its places."""
    places: dict[str, list[tuple[int, str]]] = {}
    for at, new in changes:
        places.setdefault(text[at], []).append((at, new))
    for character, found in places.items():
        at, new = found[0]
        lines = list(dict.fromkeys(text.count("\n", 0, place) + 1 for place, _ in found))
        others = f", also in line{'s' if len(lines) > 2 else ''} " + ", ".join(map(str, lines[1:9]))
        others += ", ..." if len(lines) > 9 else ""
        shown = "a space" if new == " " else repr(new)
        help = f"write {shown}{others if len(lines) > 1 else ''}"
        more = tuple((place, place + 1, new_) for place, new_ in found[1:])
        yield Accident(LOOKALIKE, named(character), help, at, at + 1, new, True, more)


_JOINED = re.compile(r"([A-Za-z_][\w-]*):(?!/)(\S.*)")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"[A-Za-z%][A-Za-z%]*(?:[*/^][A-Za-z\d%]+)*"
_QUANTITY = re.compile(rf"{_NUMBER}\s*(?:{_UNIT})?")


def in_flow(text: str, start: int, key: str) -> Accident | None:
    """A slip that shows as a key without a value within braces.

    Args:
        text: the text of the file.
        start: where the key begins.
        key: the key, which stands there without quotes.
    """
    stop = start + len(key)
    if text[start:stop] != key or text[stop : stop + 20].lstrip()[:1] not in ("}", ","):
        return None
    joined = _JOINED.fullmatch(key)
    if joined:
        meant = f"{joined[1]}: {joined[2]}"
        message = f"a space is missing after the ':' of {key!r}"
        return Accident(NO_SPACE, message, f"write {meant!r}", start, stop, meant)
    if not _QUANTITY.fullmatch(key):
        return None
    line = text.rfind("\n", 0, start) + 1
    head = re.search(r"[-+]?\d[\d,]*,$", text[line:start])
    if head is None:
        before = re.search(rf":\s+({_NUMBER}(?:\s*{_UNIT})?)\s*,\s*$", text[line:start])
        if before is None:
            return None
        meant = f"[{before[1]}, {key}]"
        message = "a range stands in brackets; here the comma begins another entry"
        return Accident(COMMA, message, f"write {meant!r}", line + before.start(1), stop, meant)
    tail = re.match(r"(?:,\d{3}(?!\d))*", text[stop:])
    stop += tail.end() if tail else 0
    written = text[line + head.start() : stop]
    groups = re.fullmatch(rf"([-+]?\d{{1,3}})((?:,\d{{3}})+)(\s*(?:{_UNIT})?)", written)
    message = f"a comma ends an entry here, so {written!r} is read as two"
    joined_, point = written.replace(",", ""), written.replace(",", ".")
    begin = line + head.start()
    if groups and groups[1] not in ("0", "-0", "+0"):
        sure = written.count(",") > 1
        help = f"write {joined_}" + ("" if sure else f", or {point} if it is a decimal point")
        return Accident(COMMA, message, help, begin, stop, joined_, sure)
    if written.count(",") > 1:
        return None
    return Accident(COMMA, message, f"write {point}", begin, stop, point)


_FILE = re.compile(
    r"[A-Za-z]:\\|\.{1,2}\\|.*\.(xml|mjcf|urdf|xacro|ya?ml|npz|csv|png|py|ksim|stl|obj)$", re.I
)


def escapes(text: str, start: int, stop: int) -> Accident | None:
    """A path of Windows, or a pattern, in double quotes, of which parts were read as escapes.

    Args:
        text: the text of the file.
        start: where the quotes open.
        stop: where they close.
    """
    written = text[start + 1 : stop - 1]
    slips = re.search(r"\\[0abtnvfreN_LP]", written)  # nobody writes \x1F by accident
    if not slips or "\\\\" in written or "\n" in written:
        return None
    if not (_FILE.match(written) or re.search(r"\\[abfve]", written)):
        return None
    return _escaped(written, start, stop)


def _escaped(written: str, start: int, stop: int) -> Accident:
    first = re.search(r"\\.?", written)
    mark = first[0] if first else "\\"
    if _FILE.match(written):
        meant = written.replace("\\", "/")
        message = f"a backslash in double quotes begins an escape, such as {mark} here"
        return Accident(
            ESCAPE, message, f"write the path with '/': {meant}", start, stop, f'"{meant}"'
        )
    meant = "'" + written.replace("'", "''") + "'"
    message = f"a backslash in double quotes begins an escape of YAML, such as {mark} here"
    help = f"write a pattern in single quotes: {meant}"
    return Accident(ESCAPE, message, help, start, stop, meant)


_ALIAS = re.compile(r"\*[^\s,\]}#]*")


def alias(text: str, start: int) -> Accident | None:
    """A pattern that begins with ``*``, as shells take it."""
    found = _ALIAS.match(text, start)
    if found is None:
        return None
    meant = regular(found[0])
    shown = found[0][:40]
    message = f"'*' begins an alias of YAML, and {shown} is none"
    help = f"a pattern of names is a regular expression: write {meant}"
    return Accident(NO_ALIAS, message, help, start, found.end(), meant)


def regular(glob: str) -> str:
    """A pattern of a shell as a regular expression."""
    words = re.sub(r"(?<![\])\w*.(])\?", ".", glob).replace("[!", "[^")
    return re.sub(r"(?<![.\])])(?<!\\\w)\*", ".*", words)


def unparsed(error: yaml.MarkedYAMLError, text: str) -> Accident | None:
    """The slip for which a text is not YAML, if it is one that is known.

    Args:
        error: what the parser says of it.
        text: the text of the file.
    """
    problem = error.problem or ""
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
    if re.search("unknown escape|hexdec", problem) and error.context_mark is not None:
        opened = error.context_mark.index
        closed = re.compile(r'"(?P<inner>[^"\n]*)"').match(text, opened)
        if closed:
            return _escaped(closed["inner"], opened, closed.end())
    reached = error.problem_mark.index if error.problem_mark else 0
    lines = list(dict.fromkeys(line for mark in marks for line in _near(text, mark.index)))
    for guess in (_unit_of_list, _glob, _without_space, _tab):
        for start, line in lines:
            found = guess(line, start)
            if found is not None and _reads_further(text, found, reached):
                return found
    return None


def _near(text: str, index: int) -> Iterator[tuple[int, str]]:
    """The line of a place and the two before it that hold something, with where they begin."""
    stop = text.find("\n", index)
    stop = len(text) if stop < 0 else stop
    for _ in range(3):
        start = text.rfind("\n", 0, stop) + 1
        while not text[start:stop].strip() and start > 0:
            stop = start - 1
            start = text.rfind("\n", 0, stop) + 1
        yield start, text[start:stop]
        if start == 0:
            return
        stop = start - 1


def _reads_further(text: str, accident: Accident, reached: int) -> bool:
    """Whether YAML's parser comes to the end of a repaired text, or beyond where it stopped."""
    repaired = text[: accident.start] + accident.text + text[accident.stop :]
    try:
        for event in yaml.parse(repaired, Loader=_LOADER):  # pyright: ignore
            del event
    except yaml.MarkedYAMLError as error:
        grown = len(repaired) - len(text)
        line_end = text.find("\n", max(reached, accident.stop))
        mark = error.problem_mark
        return mark is not None and line_end >= 0 and mark.index > line_end + grown
    return True


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LIST = re.compile(rf"\[(?P<items>[^\[\]{{}}]*)\]\s*(?P<unit>{_UNIT})\s*(?=[,}}#]|$)")


def _unit_of_list(line: str, start: int) -> Accident | None:
    """``[0, 1] m/s``."""
    found = _LIST.search(line)
    if found is None:
        return None
    items = [item.strip() for item in found["items"].split(",")]
    if not all(re.fullmatch(_NUMBER, item) for item in items):
        return None
    meant = "[" + ", ".join(f"{item} {found['unit']}" for item in items) + "]"
    message = "a unit stands after the list; each number has its own"
    return Accident(
        UNIT_OF_A_LIST,
        message,
        f"write {meant}",
        start + found.start(),
        start + found.end("unit"),
        meant,
    )


_GLOB = re.compile(r"(?<=[\s\[,])\*[^\s,\]}#]*")


def _glob(line: str, start: int) -> Accident | None:
    """``joints: *left*``, which is not an alias either."""
    found = _GLOB.search(line)
    return None if found is None else alias(" " * start + line, start + found.start())


_ENTRY = re.compile(r"(?P<head>\s*(?:-\s+)*[A-Za-z_][\w-]*:)(?P<rest>[^\s:/\\].*)")


def _without_space(line: str, start: int) -> Accident | None:
    """``scale:0.5``."""
    found = _ENTRY.fullmatch(line)
    if found is None:
        return None
    at = start + found.end("head") - 1
    key = found["head"].strip()
    message = f"a space is missing after {key!r}"
    help = f"write '{key} {found['rest'].split(' #')[0].strip()[:40]}'"
    return Accident(NO_SPACE, message, help, at, at + 1, ": ")


def _tab(line: str, start: int) -> Accident | None:
    """A tab that indents."""
    lead = re.match(r"[ \t]*", line)
    if lead is None or "\t" not in lead[0]:
        return None
    message, help = "a tab stands where YAML takes spaces", "indent with spaces"
    return Accident(INVALID_YAML, message, help, start, start + lead.end(), lead[0].expandtabs(2))
