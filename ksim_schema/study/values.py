"""What is searched of one path: values, how they are written, and how many there are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ksim_schema.records import dataclass
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.source.yaml_reader import resolve
from ksim_schema.units import parse_unit

DIGITS = 6
"""Significant digits of a value that is drawn: enough to tell two apart, few enough to read."""


@dataclass(frozen=True)
class Choices:
    """Values one by one.

    Attributes:
        path: of the task's value.
        values: as data of YAML.
    """

    path: str
    values: tuple[Any, ...]

    def texts(self) -> tuple[str, ...]:
        """Each as it is written in a setting."""
        return tuple(map(text_of, self.values))

    def probes(self) -> dict[tuple[str | int, ...], str]:
        """The values to look at before anything runs, by their place below the path."""
        return {("choices", number): text for number, text in enumerate(self.texts())}

    def grid(self) -> tuple[str, ...] | None:
        """Every value."""
        return self.texts()


@dataclass(frozen=True)
class Span:
    """Numbers between two ends, in the unit in which the lower end is written.

    Attributes:
        path: of the task's value.
        low, high: the ends, both included.
        unit: as it is written, "" for plain numbers.
        log: whether orders of magnitude are even.
        step: distance of the values, from ``low`` on; None for all numbers between.
        integers: whether both ends are written as whole numbers.
        whole: whether only whole numbers are meant, because the task takes no others here.
        texts: the ends as they are written.
    """

    path: str
    low: float
    high: float
    unit: str = ""
    log: bool = False
    step: float | None = None
    integers: bool = False
    whole: bool = False
    texts: tuple[str, str] = ("", "")

    def of_whole(self) -> Span:
        """The same for a value that must be a whole number."""
        return replace(self, whole=True)

    def text(self, value: float) -> str:
        """A value as it is written in a setting."""
        for end, text in zip((self.low, self.high), self.texts, strict=True):
            if value == end and text:
                return text
        if self.whole:
            number = str(round(value))
        else:
            rounded = float(f"{value:.{DIGITS}g}")
            number = f"{rounded if self.low <= rounded <= self.high else value!r}"
        return f"{number} {self.unit}".rstrip()

    @property
    def middle(self) -> float:
        """The value half way, by orders of magnitude where these are even."""
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2.0

    def probes(self) -> dict[tuple[str | int, ...], str]:
        """As :meth:`Choices.probes`: both ends."""
        return {("from",): self.text(self.low), ("to",): self.text(self.high)}

    def grid(self) -> tuple[str, ...] | None:
        """Every value; None where there is no end of them."""
        step = self.step or (1.0 if self.whole else None)
        if step is None:
            return None
        count = math.floor((self.high - self.low) / step * (1 + 1e-9)) + 1
        return tuple(self.text(self.low + number * step) for number in range(count))


Searched = Choices | Span


_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*(.*?)\s*")


def number_of(written: Any, unit: str | None = None) -> tuple[float, str]:
    """The number and the unit of what is written, in another unit where one is given.

    Args:
        written: a number, or a text that is a quantity, such as ``5 cm``.
        unit: the unit that the number is wanted in, of the same dimension.
    """
    match = _NUMBER.fullmatch(written) if isinstance(written, str) else None
    number, own = (match[1], match[2]) if match else (str(written), "")
    if unit is None or unit == own:
        return float(number), own
    factor = parse_unit(own)[0] if own else Decimal(1)
    wanted = parse_unit(unit)[0] if unit else Decimal(1)
    return float(Decimal(number) * factor / wanted), unit


def text_of(value: Any) -> str:
    """A value of YAML in one line, as it stands in a setting."""
    if is_list(value):
        return f"[{', '.join(map(text_of, value))}]"
    if is_mapping(value):
        return f"{{{', '.join(f'{key}: {text_of(v)}' for key, v in value.items())}}}"
    if isinstance(value, str):
        plain = value == value.strip() and not set(value) & set("[]{},:#&*!|>'\"%@`\n")
        return value if plain and value and resolve(value) == value else json.dumps(value)
    return json.dumps(value)


def settings(assigned: dict[str, str]) -> list[str]:
    """Paths with their texts, as ``--set`` takes them."""
    return [f"{path}={text}" for path, text in assigned.items()]


def combinations(spaces: tuple[Searched, ...]) -> Iterator[dict[str, str]]:
    """Every combination of a grid, the last path changing first."""
    if not spaces:
        yield {}
        return
    for text in spaces[0].grid() or ():
        for rest in combinations(spaces[1:]):
            yield {spaces[0].path: text, **rest}
