"""What is known of a diagnostic's code."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Entry(NamedTuple):
    """What ``--explain`` prints of a code."""

    title: str
    severity: Literal["error", "warning", "info"]
    explanation: str


def error(title: str, explanation: str) -> Entry:
    return Entry(title, "error", explanation)


def info(title: str, explanation: str) -> Entry:
    return Entry(title, "info", explanation)


def warning(title: str, explanation: str) -> Entry:
    return Entry(title, "warning", explanation)
