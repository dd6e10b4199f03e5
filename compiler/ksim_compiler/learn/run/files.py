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
MOTIONS = "motions.json"
UNITS = {"forward": "m/s", "sideways": "m/s", "turn": "rad/s"}
"""Of each element of a commanded velocity."""
MOTION = "motion/"
"""What names of a clip's numbers begin with in logs: ``motion/<command>.<clip>/<figure>``."""
CLIP_UNITS = {"completed": "", "body_error": "m", "joint_error": "rad", "worst_second": "m"}
"""The figures of a clip of a recorded motion and their units; ``completed`` is a share."""
WORST = 1.0
"""Seconds over which an error is averaged to find the worst of them."""
_CHECKPOINT = re.compile(r"(\d{12})\.safetensors")


Row = dict[str, Any]


def rows(path: Path) -> list[Row]:
    """The rows of a log, as far as they are sound; none where there is no such file.

    Raises:
        OSError: it cannot be read.
    """
    return read_rows(path)[0]


def read_rows(path: Path) -> tuple[list[Row], str]:
    """The rows of a log, and what is wrong with it; "" where nothing is.

    A last line that was not written whole is left out, and what follows a line that is damaged.

    Raises:
        OSError: it cannot be read; that it is not there is no error.
    """
    if not path.is_file():
        return [], ""
    found: list[Row] = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        sound = row(line)
        if sound is None:
            if number == len(lines):
                return found, f"the last line of {path.name} is half-written, and left out"
            return found, f"{path.name} is damaged from line {number} on: what follows is left out"
        found.append(sound)
    return found, ""


def row(line: str | bytes) -> Row | None:
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
    return _object(run / VELOCITIES)


def motions(run: Path) -> dict[str, Any]:
    """What ``motions.json`` holds; empty where there is none, or it is damaged."""
    return _object(run / MOTIONS)


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def unit_of(name: str) -> str:
    """The unit of a velocity, ``<command>.<element>``."""
    return UNITS.get(name.rpartition(".")[2], "")
