"""Names and patterns of names that parts give, against those that the robot has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ksim_schema.diagnostics import Diagnostic, did_you_mean
from ksim_schema.diagnostics.codes.names import (
    BAD_PATTERN,
    PATTERN_WITHOUT_MATCH,
    UNKNOWN_ACTUATOR,
    UNKNOWN_BODY,
    UNKNOWN_GEOM,
    UNKNOWN_JOINT,
    UNKNOWN_KEYFRAME,
    UNKNOWN_SENSOR,
    UNKNOWN_SITE,
)
from ksim_schema.diagnostics.codes.structure import PATTERN_OF_A_SHELL
from ksim_schema.robot import RobotFacts
from ksim_schema.robot.patterns import PatternError, fits, pattern
from ksim_schema.source import Path_
from ksim_schema.source.accidents import regular
from ksim_schema.task import Task

CODES = {
    "joint": UNKNOWN_JOINT,
    "geom": UNKNOWN_GEOM,
    "body": UNKNOWN_BODY,
    "site": UNKNOWN_SITE,
    "sensor": UNKNOWN_SENSOR,
    "actuator": UNKNOWN_ACTUATOR,
    "keyframe": UNKNOWN_KEYFRAME,
}
_PLURAL = {"body": "bodies"}
MAX_PATTERN = 200
"""Longest pattern of names."""
MAX_REPEATS = 4
"""Largest number of ``*``, ``+`` and ``{`` in a pattern that a reader can still follow."""
_UNBOUNDED = re.compile(r"(?<!\\)[*+{]")
_NESTED = re.compile(r"(?<![\\(])[*+{|?][^()]*\)+[*+{]")
"""A repeated group that holds a repetition or a choice. It would be matched in a bounded time here,
and could take for ever wherever else the pattern is used."""


def choices(facts: RobotFacts, what: str, pattern: bool) -> list[str]:
    if what == "joint":
        joints = facts.motion_joints if pattern else facts.joints
        return [joint.name for joint in joints if joint.name]
    return [name for name in facts.names(what) if name]


def name_problems(
    task: Task, facts: RobotFacts, what: str, text: str, place: Path_
) -> Iterator[Diagnostic]:
    names = choices(facts, what, False)
    if text not in names:
        meant = _matched(text, names)
        if meant:
            several = ", ".join(meant) if isinstance(place[-1], int) or len(meant) > 1 else meant[0]
            help = f"names stand here, not patterns: {text!r} would match {several}"
            yield task.report(CODES[what], f"unknown {what} {text!r}", *place, help=help)
            return
        help = _of_another(facts, what, text) + did_you_mean(text, names, of=_those(facts, what))
        fix = task.respell_as(text, names, *place)
        yield task.report(CODES[what], f"unknown {what} {text!r}", *place, help=help, fix=fix)


def _those(facts: RobotFacts, what: str) -> str:
    """What a list of a robot's names begins with."""
    merged = facts.source.lower().endswith(".urdf") and what == "body"
    note = " (links that are fixed to each other are one body)" if merged else ""
    return f"{facts.source} has {_PLURAL.get(what, what + 's')}{note}"


def _of_another(facts: RobotFacts, what: str, text: str) -> str:
    """That something else of the robot has the name."""
    others = [other for other in CODES if other != what and text in choices(facts, other, False)]
    if not others:
        return ""
    those = " and ".join(f"{'an' if other[0] == 'a' else 'a'} {other}" for other in others)
    return f"{text!r} is {those} here, no {what}; "


def _matched(text: str, names: Sequence[str]) -> list[str]:
    """The names that a text would match if it were a pattern; none where it is a plain word."""
    if re.fullmatch(r"[\w./-]*", text) or len(text) > MAX_PATTERN or _NESTED.search(text):
        return []
    try:
        return [name for name in names if fits(text, name)]
    except PatternError:
        return []


_GLOB = "a pattern is a regular expression, in which '.*' stands for any text: write {!r}"


def _as_glob(text: str, names: list[str]) -> str | None:
    """What a pattern would be if it were meant as shells take it, where that matches a name."""
    meant = regular(text)
    try:
        return meant if meant != text and any(fits(meant, name) for name in names) else None
    except PatternError:
        return None


def pattern_problems(
    task: Task, facts: RobotFacts, what: str, text: str, place: Path_
) -> Iterator[Diagnostic]:
    try:
        if len(text) > MAX_PATTERN:
            raise PatternError(f"it is longer than {MAX_PATTERN} characters")
        if len(_UNBOUNDED.findall(text)) > MAX_REPEATS or _NESTED.search(text):
            raise PatternError("it has too many or nested repetitions")
        pattern(text)  # compiled once
    except PatternError as error:
        message = f"{text[:60]!r} is not a regular expression: {error}"
        globbed = _as_glob(text, choices(facts, what, True))
        help = _GLOB.format(globbed) if globbed else ""
        fix = task.respell(text, globbed, *place) if globbed else None
        yield task.report(BAD_PATTERN, message, *place, help=help, fix=fix)
        return
    names = choices(facts, what, True)
    matched = [name for name in names if fits(text, name)]
    globbed = _as_glob(text, names)
    if globbed and matched:
        more = [name for name in names if fits(globbed, name) and name not in matched]
        if more:
            message = f"{text!r} matches {', '.join(matched[:3])}, and not {more[0]}"
            yield task.report(PATTERN_OF_A_SHELL, message, *place, help=_GLOB.format(globbed))
    elif globbed:
        message = f"{text!r} matches no {what}"
        help, fix = _GLOB.format(globbed), task.respell(text, globbed, *place)
        yield task.report(PATTERN_WITHOUT_MATCH, message, *place, help=help, fix=fix)
    elif not matched:
        plain = re.fullmatch(r"[\w-]+", text)
        code = CODES[what] if plain else PATTERN_WITHOUT_MATCH
        message = f"unknown {what} {text!r}" if plain else f"{text!r} matches no {what}"
        help = _of_another(facts, what, text) + did_you_mean(text, names, of=_those(facts, what))
        fix = task.respell_as(text, names, *place) if plain else None
        yield task.report(code, message, *place, help=help, fix=fix)
