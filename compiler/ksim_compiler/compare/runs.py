"""Runs as they are compared: what their folders hold, whatever state they are in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ksim_compiler.learn.run import files, manifest
from ksim_compiler.learn.run.files import EVALUATIONS, METRICS, RUN_FILE, Row


class Unreadable(Exception):
    """A folder that cannot be compared; the message says why."""


@dataclass(frozen=True)
class RunData:
    """What is known of a run.

    Attributes:
        folder: of the run.
        about: what ``run.json`` says.
        metrics: a row an iteration.
        evaluations: a row an evaluation.
        remarks: what is wrong with its files, and was left out.
    """

    folder: Path
    about: Mapping[str, Any]
    metrics: list[Row]
    evaluations: list[Row]
    remarks: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """How it is called."""
        return str(self.folder)

    @property
    def seed(self) -> int | None:
        """Of its random numbers."""
        return self.about.get("seed")

    @property
    def steps(self) -> int:
        """Environment steps that were trained."""
        return int(self.metrics[-1]["steps"]) if self.metrics else 0

    @property
    def minutes(self) -> float | None:
        """How long that took."""
        seconds = self.metrics[-1].get("seconds") if self.metrics else None
        return None if seconds is None else seconds / 60.0

    @property
    def last(self) -> Row:
        """Its newest evaluation; empty where there is none."""
        return self.evaluations[-1] if self.evaluations else {}


def read_run(folder: Path) -> RunData:
    """Read a run.

    Raises:
        Unreadable: it is none, or nothing was logged yet.
    """
    if not folder.is_dir():
        raise Unreadable(f"there is no folder {folder}")
    try:
        about = manifest.read(folder)
    except manifest.ManifestError as error:
        raise Unreadable(str(error)) from error
    remarks: list[str] = []
    logs: list[list[Row]] = []
    for name in (METRICS, EVALUATIONS):
        found, remark = read_rows(folder / name)
        logs.append(found)
        remarks += [remark] if remark else []
    metrics, evaluations = logs
    if not metrics and not evaluations:
        why = "; ".join(remarks) or "nothing was logged yet"
        raise Unreadable(f"{folder}: {why}")
    return RunData(folder, about, metrics, evaluations, tuple(remarks))


def read_rows(path: Path) -> tuple[list[Row], str]:
    """The numbers that a log holds, row by row, and what is wrong with it; "" where nothing is."""
    try:
        found, remark = files.read_rows(path)
    except OSError as error:
        return [], f"{path.name} cannot be read: {(error.strerror or 'error').lower()}"
    return [_numbers(row) for row in found], remark


def _numbers(row: Row) -> Row:
    numbers = {k: v for k, v in row.items() if isinstance(v, int | float)}
    return {k: v for k, v in numbers.items() if math.isfinite(v)}


def runs_in(folder: Path) -> list[Path]:
    """The runs that a folder holds, itself or one level below, by name."""
    if (folder / RUN_FILE).is_file() or not folder.is_dir():
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{RUN_FILE}"))


def runs_of(task: str, folder: Path) -> list[Path]:
    """The runs in a folder whose task has a name, by their own names."""
    found: list[Path] = []
    for run in runs_in(folder) if folder.is_dir() else ():
        with suppress(manifest.ManifestError):
            found += [run] if manifest.read(run).get("task") == task else []
    return found


def line(rows: list[Row], name: str, over: str = "steps") -> Iterator[tuple[float, float]]:
    """What a log says of a name, over the steps or the ``minutes``."""
    for row in rows:
        x = row.get("seconds", math.nan) / 60.0 if over == "minutes" else row["steps"]
        if name in row and math.isfinite(x):
            yield float(x), float(row[name])
