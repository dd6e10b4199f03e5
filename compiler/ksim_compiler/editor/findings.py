"""What the checking process tells the editor's, as plain records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from ksim_compiler.editor.shapes import Kind
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.records import dataclass


@dataclass(frozen=True)
class Asked:
    """A text to check, or to repair.

    Attributes:
        number: of the question; the answers carry it.
        path: the text's file.
        text: the text.
        others: the files that are open besides -> their texts.
        repair: whether to put right what is certain to be a slip, rather than to check.
        study: whether the text is a study, and no task.
    """

    number: int
    path: Path
    text: str
    others: Mapping[Path, str]
    repair: bool = False
    study: bool = False


@dataclass(frozen=True)
class Found:
    """What is wrong with a text.

    Attributes:
        number: of the question.
        diagnostics: what is wrong.
        files: name of a file in them -> its path.
        sources: name of a file in them -> its text.
        repaired: the text without what was certain to be a slip, if that was asked for.
    """

    number: int
    diagnostics: Sequence[Diagnostic] = ()
    files: Mapping[str, Path] = field(default_factory=lambda: {})
    sources: Mapping[str, str] = field(default_factory=lambda: {})
    repaired: str | None = None


@dataclass(frozen=True)
class Thing:
    """Something of the robot that has a name.

    Attributes:
        name: its name.
        about: what the robot has there, in Markdown.
        brief: the same in a few words.
        file, line, column: where the model names it, from 1; no file where that is not known.
        matched: whether patterns match it: those of joints match hinges and slides alone.
    """

    name: str
    about: str
    brief: str = ""
    file: Path | None = None
    line: int = 1
    column: int = 1
    matched: bool = True


@dataclass(frozen=True)
class QuantityText:
    """What the task says of a physical quantity, or of several that are alike.

    Attributes:
        title: the quantities.
        rows: the lines that ``--emit ranges`` prints of them.
        parts: object and name of each part that says something of it.
    """

    title: str
    rows: tuple[str, ...]
    parts: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Known:
    """What is known of a task besides what is wrong with it.

    Attributes:
        number: of the question.
        robot: a line about its robot; "" where it could not be read.
        things: joint, body, site, geom, sensor, actuator or keyframe -> the robot's, in its order.
        quantities: what is said of each quantity.
        kinds: object -> kind -> the kinds that its own Python files declare.
        model: the file of its robot.
        signals: command -> the names of its elements, for formulas.
    """

    number: int
    robot: str = ""
    things: Mapping[str, Sequence[Thing]] = field(default_factory=lambda: {})
    quantities: Sequence[QuantityText] = ()
    kinds: Mapping[str, Mapping[str, Kind]] = field(default_factory=lambda: {})
    model: Path | None = None
    signals: Mapping[str, Sequence[str]] = field(default_factory=lambda: {})

    def thing(self, what: str, name: str) -> Thing | None:
        """The thing of a name."""
        return next((t for t in self.things.get(what, ()) if t.name == name), None)

    def matching(self, what: str, pattern: str) -> list[Thing]:
        """The things whose whole name a pattern matches; none of one that is no pattern."""
        try:
            whole = re.compile(pattern)
        except (re.error, RecursionError, OverflowError):
            return []
        return [t for t in self.things.get(what, ()) if t.matched and whole.fullmatch(t.name)]


NOTHING = Known(0)
"""What is known before anything was checked."""
