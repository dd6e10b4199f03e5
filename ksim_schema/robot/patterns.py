"""Patterns of names: Python's regular expressions, matched in a time that is bounded.

Python's own matcher tries one way after the other, which can take a time that doubles with each
letter. This one follows all ways at once (Thompson 1968): for each part of the pattern and each
place in the name it finds once where the part can end. The language is the same, without what
cannot be matched so: references to groups, conditions on them, and atomic or possessive parts.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

# Python's own parser of patterns, so that a pattern means what it means in Python
_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")
_MANY = int(importlib.import_module("re._constants").MAXREPEAT)
"""The largest number of repetitions, which stands for any."""

Ends = int
"""A set of places in a name, as bits."""


class PatternError(ValueError):
    """A text that is not a pattern of names."""


class Pattern:
    """A regular expression.

    Raises:
        PatternError: it is not one, or has a part that takes an unbounded time.
    """

    def __init__(self, text: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._flags = re.compile(text).flags
                tree = _parser.parse(text)
        except (re.error, OverflowError, RecursionError, ValueError) as error:
            raise PatternError(str(error)) from error
        self._match = self._sequence(tree)

    def fullmatch(self, name: str) -> bool:
        """Whether the whole of a name is one that the pattern describes."""
        return bool(self._match(_Name(name), 0) >> len(name) & 1)

    def _sequence(self, items: Any) -> Matcher:
        parts = [self._part(op, argument) for op, argument in items]

        def match(name: _Name, start: int) -> Ends:
            places = 1 << start
            for part in parts:
                places = _from_each(part, name, places)
            return places

        return _once(match)

    def _part(self, op: Any, argument: Any) -> Matcher:
        match str(op):
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._letter(op, argument)
            case "AT":
                return self._place(op, argument)
            case "SUBPATTERN":
                _, added, removed, inner = argument
                outer, self._flags = self._flags, (self._flags | added) & ~removed
                try:
                    return self._sequence(inner)
                finally:
                    self._flags = outer
            case "BRANCH":
                ways = [self._sequence(way) for way in argument[1]]
                return lambda name, start: _union(way(name, start) for way in ways)
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = argument
                return _repeated(self._sequence(inner), int(least), int(most))
            case "ASSERT" | "ASSERT_NOT":
                direction, inner = argument
                wanted = str(op) == "ASSERT"
                return _looking(self._sequence(inner), ahead=direction > 0, wanted=wanted)
            case "FAILURE":
                return lambda name, start: 0
            case "GROUPREF" | "GROUPREF_IGNORE" | "GROUPREF_EXISTS":
                raise PatternError("a reference to a group is not part of a pattern of names")
            case _:
                raise PatternError("an atomic or possessive part is not part of a pattern of names")

    def _compiled(self, op: Any, argument: Any) -> re.Pattern[str]:
        """One part alone, as Python compiles it."""
        return _compiler.compile(_parser.SubPattern(_parser.State(), [(op, argument)]), self._flags)

    def _letter(self, op: Any, argument: Any) -> Matcher:
        fits = self._compiled(op, argument).fullmatch

        def match(name: _Name, start: int) -> Ends:
            letter = name.text[start : start + 1]
            return 1 << start + 1 if letter and fits(letter) else 0

        return match

    def _place(self, op: Any, argument: Any) -> Matcher:
        holds = self._compiled(op, argument).match
        return lambda name, start: 1 << start if holds(name.text, start) else 0


class _Name:
    """A name, and where the parts of a pattern can end that begin at each of its places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.known: dict[tuple[int, int], Ends] = {}


Matcher = Callable[[_Name, int], Ends]
"""Where a part of a pattern can end that begins at a place."""


def _once(match: Matcher) -> Matcher:
    """The same matcher, that computes each place of a name once."""

    def remembered(name: _Name, start: int) -> Ends:
        key = (id(remembered), start)
        if key not in name.known:
            name.known[key] = match(name, start)
        return name.known[key]

    return remembered


def _from_each(part: Matcher, name: _Name, places: Ends) -> Ends:
    return _union(part(name, start) for start in range(len(name.text) + 1) if places >> start & 1)


def _union(sets: Any) -> Ends:
    found = 0
    for one in sets:
        found |= one
    return found


def _repeated(inner: Matcher, least: int, most: int) -> Matcher:
    unbounded = most == _MANY

    def match(name: _Name, start: int) -> Ends:
        places = 1 << start
        for _ in range(least):
            before, places = places, _from_each(inner, name, places)
            if places in (0, before):
                break
        reached, count = places, least
        while places and (unbounded or count < most):
            places = _from_each(inner, name, places) & ~reached
            reached, count = reached | places, count + 1
        return reached

    return _once(match)


def _looking(inner: Matcher, *, ahead: bool, wanted: bool) -> Matcher:
    def match(name: _Name, start: int) -> Ends:
        if ahead:
            seen = inner(name, start) != 0
        else:
            seen = any(inner(name, first) >> start & 1 for first in range(start + 1))
        return 1 << start if seen == wanted else 0

    return _once(match)


@lru_cache(maxsize=10_000)
def pattern(text: str) -> Pattern:
    """A pattern, compiled once.

    Raises:
        PatternError: as :class:`Pattern`.
    """
    return Pattern(text)


@lru_cache(maxsize=100_000)
def fits(text: str, name: str) -> bool:
    """Whether a name is one that a pattern describes.

    Raises:
        PatternError: as :class:`Pattern`.
    """
    return pattern(text).fullmatch(name)
