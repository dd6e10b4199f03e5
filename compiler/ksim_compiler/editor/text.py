"""Places in a text: offsets, the lines and columns of diagnostics, the positions of the protocol.

The protocol counts lines by CR, LF and CR LF, and characters in the units that client and server
agreed on, UTF-16 if nothing else. The checker counts characters, and lines as YAML has them.
"""

from __future__ import annotations

import bisect
import re
from typing import NamedTuple

from ksim_schema.diagnostics import Span
from ksim_schema.source.edits import offset as offset_of

_BREAK = re.compile("\r\n|\n|\r")


class Stretch(NamedTuple):
    """A stretch of a text, by its offsets; the end is exclusive."""

    start: int
    end: int


class Position(NamedTuple):
    """A position of the protocol, from 0: a line and the units before it in the line."""

    line: int
    character: int


class Text:
    """A text with its lines.

    Args:
        text: the text.
        encoding: the unit of the protocol's characters: ``utf-8``, ``utf-16`` or ``utf-32``.
    """

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text, self.encoding = text, encoding
        breaks = [found.span() for found in _BREAK.finditer(text)]
        self.starts = (0, *(end for _, end in breaks))
        self.ends = (*(start for start, _ in breaks), len(text))
        self.plain = encoding == "utf-32" or text.isascii()

    def line_of(self, offset: int) -> int:
        """The line of an offset, from 0."""
        return bisect.bisect_right(self.starts, offset) - 1

    def line(self, number: int) -> str:
        """The text of a line, without its break."""
        return self.text[self.starts[number] : self.ends[number]]

    def position(self, offset: int) -> Position:
        """The position of an offset."""
        offset = max(0, min(offset, len(self.text)))
        line = self.line_of(offset)
        before = self.text[self.starts[line] : offset]
        return Position(line, len(before) if self.plain else sum(map(self._units, before)))

    def offset(self, line: int, character: int) -> int:
        """The offset of a position; of one beyond its line or the text, the end of that."""
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start, end = self.starts[line], self.ends[line]
        if self.plain:
            return min(start + max(character, 0), end)
        units = 0
        for index in range(start, end):
            if units >= character:
                return index
            units += self._units(self.text[index])
        return end

    def stretch(self, span: Span) -> Stretch:
        """The stretch of a diagnostic's place, which holds a character wherever the text does."""
        start = offset_of(self.text, span.line, span.column)
        end = max(start, offset_of(self.text, span.end_line, span.end_column))
        return Stretch(start, end)

    def _units(self, character: str) -> int:
        if self.encoding == "utf-16":
            return 2 if character > "\uffff" else 1
        if self.encoding == "utf-8":
            return len(character.encode("utf-8", "surrogatepass"))
        return 1
