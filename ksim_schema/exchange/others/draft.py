"""A task in the making: parts as data, what was left out and why, and the text of it all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ksim_schema.diagnostics import Diagnostic, Span
from ksim_schema.diagnostics.codes.robots_program import NOT_TRANSLATED
from ksim_schema.exchange.others.tagged import Value
from ksim_schema.source import flow as source

SECTIONS = (
    "PhysicsState",
    "Command",
    "Observation",
    "Action",
    "Policy",
    "Critic",
    "Reward",
    "Termination",
    "Reset",
    "Event",
    "Randomizer",
    "PPO",
)
WIDTH = 96


@dataclass
class Draft:
    """What was made of another training's file.

    Attributes:
        file: that file.
        name: of the task.
        sections: section -> part -> its fields; of PPO the fields.
        notes: section -> lines that stand in it as comments.
        told: what was left out, or is otherwise here, with its place.
    """

    file: Path
    name: str
    about: str = ""
    sections: dict[str, dict[str, Any]] = field(default_factory=lambda: {})
    notes: dict[str, list[str]] = field(default_factory=lambda: {})
    told: list[Diagnostic] = field(default_factory=lambda: [])

    def add(self, section: str, name: str, fields: Any) -> None:
        """A part, or a field of PPO; a name that is taken gets a number."""
        parts = self.sections.setdefault(section, {})
        parts[self.free(section, name)] = fields

    def free(self, section: str, name: str) -> str:
        """The name of a new part: of letters, digits and _, and not taken."""
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:60] or "part"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        parts, wanted, count = self.sections.get(section, {}), plain, 2
        while wanted in parts:
            wanted, count = f"{plain}_{count}", count + 1
        return wanted

    def leave(self, section: str, path: str, at: Value, why: str, what: str = "") -> None:
        """Tell that something is left out, or is otherwise here.

        Args:
            section: where it would stand.
            path: its place in the file, as keys.
            at: the same, as a line.
            why: the reason, a sentence without its end.
            what: the function or class, where that says more.
        """
        called = f" ({plain(what)})" if what else ""
        text = f"{plain(path)}{called}: {plain(why)}"
        where = f"{plain(self.file.name)}:{at.line}"
        self.notes.setdefault(section, []).append(f"{where}: {text}")
        place = Span(str(self.file), at.line, at.column, at.line, at.column + 1)
        self.told.append(Diagnostic(NOT_TRANSLATED, text, place))

    def text(self) -> str:
        """The task as YAML."""
        lines = [
            f"# After {plain(str(self.file))}. What was not translated stands as a comment.",
            "",
        ]
        lines += ["ksim: 1", f"task: {self.name}"]
        lines += [f"about: {scalar(self.about)}"] if self.about else []
        for section in SECTIONS:
            parts, notes = self.sections.get(section, {}), self.notes.get(section, [])
            if not parts and not notes:
                continue
            lines += ["", f"{section}:"] if parts else ["", f"# {section}:"]
            for name, fields in parts.items():
                lines += entry(name, fields)
            lines += [f"  # {note}" for note in notes]
        return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """A text of somebody else's, for one line of a comment."""
    return "".join(c if c.isprintable() else " " for c in text[:200])


def entry(name: str, fields: Any, indent: str = "  ") -> list[str]:
    """The lines of a key and its value: in one line, where that has room."""
    line = f"{indent}{scalar(name)}: {flow(fields)}"
    if len(line) <= WIDTH or not isinstance(fields, Mapping) or not fields:
        return [line]
    parts = cast("Mapping[str, Any]", fields)
    inner = [text for key, value in parts.items() for text in entry(key, value, indent + "  ")]
    return [f"{indent}{scalar(name)}:", *inner]


def flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in parts.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, cast("Sequence[Any]", value))) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """A scalar in YAML; a text stands in quotes where it would be read as something else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return source.scalar(value if isinstance(value, bool) else str(value))


def number(value: float) -> str:
    """A number, short, and read as one by YAML 1.1 too."""
    if abs(value) < 1e6 and value == int(value):
        return str(int(value))
    text = f"{value:.6g}"
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    return f"{mantissa}{'' if '.' in mantissa else '.0'}e{int(exponent):+d}"


def quantity(value: float, unit: str) -> str | float:
    """A number with its unit; a plain number where there is none."""
    return f"{number(value)} {unit}" if unit else value


def span(ends: tuple[float, float], unit: str) -> list[str | float]:
    """A range with its unit."""
    return [quantity(end, unit) for end in ends]


def even(ends: tuple[float, float]) -> float | None:
    """Half the width of a range about zero; None where it is not about zero."""
    low, high = ends
    return high if math.isclose(low, -high, abs_tol=1e-9) else None
