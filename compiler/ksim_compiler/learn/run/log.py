"""What a run tells: a line of JSON an iteration, and a display of its progress."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table


@runtime_checkable
class Logger(Protocol):
    """Something that is told of each iteration."""

    def log(self, steps: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Take note of an iteration.

        Args:
            steps: environment steps so far.
            seconds: since training began.
            metrics: numbers by name.
        """
        ...


class MetricsFile:
    """``metrics.jsonl``: one line an iteration. A number that is not finite is null.

    Args:
        path: the file; lines are appended.
        offset: seconds to add, those of the run before it was resumed.
    """

    def __init__(self, path: Path, offset: float = 0.0) -> None:
        self._file, self._offset = path.open("a", encoding="utf-8"), offset

    def log(self, steps: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Append a line."""
        row = {"steps": steps, "seconds": round(self._offset + seconds, 3), **metrics}
        row = {k: v if math.isfinite(v) else None for k, v in row.items()}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class TensorBoard:
    """The metrics as TensorBoard's event files.

    Args:
        folder: where they go.
        done: environment steps done before; later events of an earlier attempt are hidden.
    """

    def __init__(self, folder: Path, done: int = 0) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=done + 1, flush_secs=30)

    def log(self, steps: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Add an iteration."""
        for name, value in metrics.items():
            if math.isfinite(value):
                self._writer.add_scalar(name, value, steps)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


class MetricsError(Exception):
    """Metrics that cannot be sent; the message says why."""


class WeightsAndBiases:
    """The metrics at Weights & Biases; only ever made when it was asked for.

    Args:
        folder: the run folder, whose name the run has there.
        config: what the run is, to be shown there.
        identity: the run's id there, which no other run has.
        resumed: whether it goes on with the run of that id.

    Raises:
        MetricsError: the package is not installed, or it cannot begin a run.
    """

    def __init__(
        self, folder: Path, config: Mapping[str, object], identity: str, resumed: bool
    ) -> None:
        try:
            import wandb  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise MetricsError("it needs the package: pip install wandb") from error
        try:
            self._run = wandb.init(
                project="ksim",
                name=folder.name,
                id=identity,
                dir=str(folder),
                config=dict(config),
                resume="allow" if resumed else "never",
            )
        except wandb.Error as error:  # no account, no network
            raise MetricsError(" ".join(str(error).split())) from error

    def log(self, steps: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Add an iteration."""
        self._run.log({k: v for k, v in metrics.items() if math.isfinite(v)}, step=steps)

    def close(self) -> None:
        """Write what is left."""
        self._run.finish()


class Display:
    """The progress on a terminal; where there is none, a plain line every few seconds."""

    def __init__(self, console: Console, total_steps: int, done_steps: int = 0) -> None:
        self._console = console
        self._total = total_steps
        self._first = done_steps
        self._progress = Progress(
            TextColumn("[bold]{task.fields[what]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            expand=True,
        )
        self._task = self._progress.add_task(
            "train", total=total_steps, completed=done_steps, what="compiling", rate=""
        )
        self._live = Live(self._view({}), console=console, refresh_per_second=4, transient=True)
        self._last_line = -math.inf
        self._base: tuple[int, float] | None = None

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def log(self, steps: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Show an iteration."""
        rate = self._rate(steps, seconds)
        if self._console.is_terminal:
            what = f"{steps:,} steps"
            self._progress.update(
                self._task, completed=steps, what=what, rate=f"{rate:,.0f} env-steps/s"
            )
            self._live.update(self._view(metrics))
            return
        now = time.monotonic()
        if now - self._last_line >= 10.0 or steps >= self._total:
            self._last_line = now
            self._console.print(plain_line(steps, self._total, rate, metrics), soft_wrap=True)

    def _rate(self, steps: int, seconds: float) -> float:
        """Environment steps a second; the first iteration, which compiles, is left out."""
        if self._base is None:
            self._base = (steps, seconds)
            return (steps - self._first) / max(seconds, 1e-9)
        return (steps - self._base[0]) / max(seconds - self._base[1], 1e-9)

    def _view(self, metrics: Mapping[str, float]) -> Group:
        table = Table(box=None, padding=(0, 2), show_header=False)
        head = [("return", "episode/return"), ("length", "episode/length")]
        head += [("success", "episode/success")] if "episode/success" in metrics else []
        head += [("KL", "loss/kl")] if "loss/kl" in metrics else []
        for title, name in head:
            table.add_row(title, _number(metrics.get(name)))
        for name, value in metrics.items():
            if name.startswith(("reward/", "metric/")) and name != "reward/total":
                table.add_row(name, _number(value))
        return Group(self._progress, table)


def plain_line(steps: int, total: int, rate: float, metrics: Mapping[str, float]) -> str:
    """One line on an iteration: what the display shows, for a log file."""
    left = max(0, total - steps) / max(rate, 1e-9)
    success = metrics.get("episode/success")
    shown = "" if success is None else f"success {_number(success)}  "
    terms = " ".join(
        f"{name.removeprefix('reward/')} {value:.3f}"
        for name, value in metrics.items()
        if name.startswith("reward/") and name != "reward/total"
    )
    return (
        f"{steps:>11,}/{total:,} steps  {rate:,.0f} env-steps/s  {left / 60:.1f} min left  "
        f"return {_number(metrics.get('episode/return'))}  "
        f"length {_number(metrics.get('episode/length'))}  {shown}{terms}"
    )


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.4g}"
