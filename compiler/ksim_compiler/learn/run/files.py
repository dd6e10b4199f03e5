"""The files of a run's folder: their names, and what is read of them without JAX."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

METRICS, EVALUATIONS = "metrics.jsonl", "evaluations.jsonl"
RUN_FILE = "run.json"
TASK = "task.ksim"
DUMPS = "dumps"
CHECKPOINTS = "checkpoints"
VELOCITIES = "velocities.json"
UNITS = {"forward": "m/s", "sideways": "m/s", "turn": "rad/s"}
"""Of each element of a commanded velocity."""
_CHECKPOINT = re.compile(r"(\d{12})\.safetensors")


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a log; a last line that was not written whole is left out."""
    found: list[dict[str, Any]] = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                break
    return found


def row(line: str | bytes) -> dict[str, Any] | None:
    """A line of a log as its row; None where it is damaged, or has no number of steps."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    steps = found.get("steps") if isinstance(found, dict) else None
    if isinstance(steps, bool) or not isinstance(steps, int | float) or not math.isfinite(steps):
        return None
    return found


def checkpoints(run: Path) -> list[tuple[int, Path]]:
    """Steps and file of a run's checkpoints, the newest last."""
    found: list[tuple[int, Path]] = []
    folder = run / CHECKPOINTS
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _CHECKPOINT.fullmatch(path.name)
        if match:
            found.append((int(match[1]), path))
    return sorted(found)


def velocities(run: Path) -> dict[str, Any]:
    """What ``velocities.json`` holds; empty where there is none, or it is damaged."""
    try:
        found = json.loads((run / VELOCITIES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def unit_of(name: str) -> str:
    """The unit of a velocity, ``<command>.<element>``."""
    return UNITS.get(name.rpartition(".")[2], "")
