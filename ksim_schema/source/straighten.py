"""Marks of YAML that are written with characters that only look like them.

A no-break space does not indent, a full-width colon ends no key, and “these” are not quotes. They
are read as what they look like where they stand for a mark of the syntax, each is reported, and
the places of all else stay as they are, since one character stands for one.
"""

# ruff: noqa: RUF001 - such characters are what this is about
from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator

from ksim_schema.diagnostics.lookalikes import plain

_OPENING = "“„‟«＂"
_CLOSING = "”“‟»＂"
_MARKS = "：，｛｝［］"
_PROSE = re.compile(r"about[ \t]*:")
_BLOCK = re.compile(r":[ \t]+[|>][-+0-9]*[ \t]*(#.*)?$")


def straighten(text: str) -> tuple[str, list[tuple[int, str]]]:
    """Write marks of YAML with the characters of the keyboard.

    Args:
        text: the text of a file.

    Returns:
        A text of the same length, and each change: the offset and the new character.
    """
    if text.isascii():
        return text, []
    changes = [(at, new) for at, new in _changes(text) if text[at] != new]
    characters = list(text)
    for at, new in changes:
        characters[at] = new
    return "".join(characters), changes


def _changes(text: str) -> Iterator[tuple[int, str]]:
    """The characters to change, line by line; not in prose, quotes and comments."""
    start, quote, prose, block = 0, "", False, -1
    for line in text.splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        if block >= 0 and (not line.strip() or indent > block):
            start += len(line)
            continue
        block = -1
        if not quote and line.strip():
            prose = bool(_PROSE.match(line)) or (prose and line[0].isspace())
        if _BLOCK.search(line):
            block = indent
        if prose:
            first = _PROSE.match(line)
            for at in range(first.end() if first else 0, len(line)):  # up to the text itself
                if not _is_space(line[at]) or not first:
                    break
                yield start + at, " "
        else:
            quote = yield from _in_line(line, start, quote)
        start += len(line)


def _in_line(line: str, start: int, quote: str) -> Generator[tuple[int, str], None, str]:
    """The characters of one line; returns the quotation mark that is open at its end."""
    at, fresh = 0, True  # whether a value may begin here
    while at < len(line):
        character = line[at]
        if quote:
            if character == "\\" and quote == '"':
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'" and fresh:
            quote, fresh = character, False
        elif character in "#＃" and (at == 0 or line[at - 1].isspace()):
            yield start + at, "#"
            return ""
        elif character in _OPENING and fresh and (close := _closing(line, at)):
            yield start + at, '"'
            yield start + close, '"'
            at, fresh = close, False
        elif character in "‘‚＇" and fresh and (close := _closing(line, at, "’‘＇", "'")):
            yield start + at, "'"
            yield start + close, "'"
            at, fresh = close, False
        elif _is_space(character):
            yield start + at, " "
        elif character in _MARKS:
            yield start + at, unicodedata.normalize("NFKC", character)
            fresh = True
        elif plain(character) == "-" and not line[:at].strip() and line[at + 1 : at + 2].isspace():
            yield start + at, "-"
        else:
            fresh = character in "[{,:" or (fresh and character in " \t-")
        at += 1
    return quote


def _closing(line: str, at: int, marks: str = _CLOSING, other: str = '"') -> int:
    """Where the quotation that opens at a place closes, or 0."""
    for close in range(at + 1, len(line)):
        if line[close] == other:
            return 0
        if line[close] in marks:
            rest = line[close + 1 :].lstrip()
            return close if not rest or rest[0] in ",]}:#：，］｝" else 0
    return 0


def _is_space(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) == "Zs"
