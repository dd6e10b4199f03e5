"""How a run is: what its folder says of it, in a word and a line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ksim_compiler.learn.run.files import DUMPS
from ksim_compiler.learn.run.lock import LOCK

Kind = Literal["gone", "starts", "runs", "ends", "finished", "stopped", "killed", "diverged"]
RECENT = 20
"""Rows that the speed is taken from."""
QUIET = 120.0
"""Seconds without a row after which a run of which no lock is known counts as stopped."""


@dataclass(frozen=True)
class Status:
    """How a run is.

    Attributes:
        kind: in a word, for programs.
        word: the same for people.
        text: steps, time left, speed.
        share: of the training that is done, 0 to 1; None where it has no end.
    """

    kind: Kind
    word: str
    text: str
    share: float | None = None

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


def status(
    folder: Path,
    about: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    held: bool | None,
    age: float | None,
) -> Status:
    """How a run is.

    Args:
        folder: of the run.
        about: what ``run.json`` says; empty where there is none yet.
        rows: of its metrics.
        held: whether a process trains in the folder; None where it is not known.
        age: seconds since the newest row was written.
    """
    if not folder.is_dir():
        said = f"the folder {folder} is gone; what is below is what was read of it last"
        return Status("gone", "gone", said)
    steps, total = (int(rows[-1]["steps"]) if rows else 0), goal(about)
    share = None if not total else min(1.0, steps / total)
    alive = held if held is not None else age is not None and age < QUIET
    kind, word = _kind(folder, rows, steps, total, alive)
    parts = [f"{steps:,} of {total:,} steps" if total else f"{steps:,} steps"]
    rate = speed(rows)
    if alive and rate and total and steps < total:
        parts.append(f"{(total - steps) / rate / 60:.1f} min left")
    if rate:
        parts.append(f"{rate:,.0f} steps/s")
    if alive and age is not None and rows:
        parts.append(f"the last row came {_seconds(age)} ago")
    if kind == "diverged":
        parts.append(_finding(folder, steps))
    if kind == "killed":
        parts.append("its process ended without a word")
    if kind in ("killed", "stopped"):
        parts.append(f"go on with: ksim-run --resume {shlex.quote(str(folder))}")
    return Status(kind, word, " · ".join(parts), share)


def _kind(
    folder: Path, rows: Sequence[Mapping[str, Any]], steps: int, total: int | None, alive: bool
) -> tuple[Kind, str]:
    whole = total is not None and steps >= total
    if alive and whole:
        return "ends", "is evaluated and reported"
    if alive:
        return ("runs", "runs") if rows else ("starts", "starts: the task is being compiled")
    if whole:
        return "finished", "finished"
    if (folder / LOCK).exists():
        return "killed", "was killed"
    if _finding(folder, steps):
        return "diverged", "diverged"
    return "stopped", "stopped"


def goal(about: Mapping[str, Any]) -> int | None:
    """Environment steps that a run goes to: what it was begun with, or resumed with since.

    None where it has no end, or none is known.
    """
    resumed = about.get("resumed")
    for command in reversed(resumed if isinstance(resumed, list) else []):
        found = _option(str(command.get("command", "")) if isinstance(command, dict) else "")
        if found is not None:
            return found
    steps = about.get("steps")
    return int(steps) if isinstance(steps, int | float) and steps > 0 else None


def _option(command: str) -> int | None:
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for i, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--steps":
            given = value if equals else next(iter(words[i + 1 :]), "")
            try:
                return int(float(given.replace("_", "")))
            except (ValueError, OverflowError):
                return None
    return None


def speed(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Environment steps a second over the newest rows; None where it is not known."""
    recent = [row for row in rows[-RECENT:] if isinstance(row.get("seconds"), int | float)]
    if len(recent) < 2:
        return None
    seconds = recent[-1]["seconds"] - recent[0]["seconds"]
    steps = recent[-1]["steps"] - recent[0]["steps"]
    return steps / seconds if seconds > 0 and steps > 0 else None


def _finding(folder: Path, steps: int) -> str:
    """What made a training end that was not finite; "" where nothing did.

    An update that was thrown away leaves a dump that is called by the steps before it.
    """
    dumps = folder / DUMPS
    names = sorted(dumps.glob("*.npz")) if dumps.is_dir() else []
    if not names or not names[-1].stem.isdigit() or int(names[-1].stem) < steps:
        return ""
    try:
        import numpy as np

        with np.load(names[-1], allow_pickle=False) as data:
            about = json.loads(data["about"].tobytes())
        return "" if about["kept"] else str(about["message"])
    except Exception:  # damaged: a dump says nothing then
        return ""


def _seconds(age: float) -> str:
    return f"{age:.0f} s" if age < 90 else f"{age / 60:.0f} min"
