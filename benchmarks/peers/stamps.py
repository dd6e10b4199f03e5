"""What a peer leaves behind: checkpoints, and when each was ready, counted from its start.

`stamps.jsonl` in the peer's folder has a line for each checkpoint: its file, environment steps, and
seconds since the process began. NumPy and the standard library alone.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

STARTED = "PEER_STARTED"
"""Environment variable: `time.time()` at which the parent started this process."""


@dataclass(frozen=True)
class Stamp:
    """A checkpoint: its file, environment steps, and seconds since the process began."""

    file: Path
    steps: int
    seconds: float


def begun() -> float:
    """`time.time()` at which this process was started; now, where nobody said so."""
    return float(os.environ.get(STARTED) or time.time())


def command_line(about: str | None) -> argparse.ArgumentParser:
    """What every peer's program is told: the robot's folder, where to write, and the seed."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def write(folder: Path, steps: int, arrays: Mapping[str, np.ndarray], since: float) -> Stamp:
    """Save a checkpoint, and say when it was ready."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{steps:012d}.npz"
    np.savez(file, allow_pickle=False, **dict(arrays))
    stamp = Stamp(file, steps, time.time() - since)
    with (folder / "stamps.jsonl").open("a", encoding="utf-8") as lines:
        row = {"file": file.name, "steps": steps, "seconds": round(stamp.seconds, 3)}
        lines.write(json.dumps(row) + "\n")
    return stamp


def read(folder: Path) -> list[Stamp]:
    """The checkpoints of a peer, the first one first."""
    return list(_rows(folder))


def _rows(folder: Path) -> Iterator[Stamp]:
    file = folder / "stamps.jsonl"
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield Stamp(folder / row["file"], int(row["steps"]), float(row["seconds"]))
