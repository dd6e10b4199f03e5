"""Plots of a recording: what the policy read and did, and what it got for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ksim_compiler.play.record import Recording
from ksim_compiler.report.formats import check
from ksim_schema.source.files import replacing

MANY = 8
"""From this many lines on, a legend does not help."""


def write_plots(
    path: Path, recording: Recording, title: str, labels: Mapping[str, Sequence[str]]
) -> None:
    """Write one picture with a row for each input, the action and the reward.

    Args:
        path: the file.
        recording: what is plotted.
        title: stands above it.
        labels: part that the policy reads -> the names of its elements; () where they have none.

    Raises:
        PlotError: the format is unknown, or matplotlib is not installed.
    """
    check(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows: list[tuple[str, dict[str, np.ndarray]]] = [
        (name, _columns(values[:-1], labels.get(name, ())))
        for name, values in recording.inputs.items()
    ]
    rows.append(("action", _columns(recording.action)))
    rows.append(("reward terms", dict(recording.terms)))
    rows.append(("reward", {"total": recording.reward}))
    figure = Figure(figsize=(10, 1.7 * len(rows) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    seconds = np.arange(recording.ticks) * recording.period
    for axis, (name, lines) in zip(axes, rows, strict=True):
        for label, values in lines.items():
            axis.plot(seconds, values, linewidth=0.9, label=label)
        for end in np.flatnonzero(recording.done):
            axis.axvline(end * recording.period, color="0.5", linestyle=":", linewidth=0.8)
        axis.set_title(name, loc="left", fontsize=9)
        axis.grid(alpha=0.25)
        axis.margins(x=0.01)
        if 1 < len(lines) < MANY or name == "reward terms":
            axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, frameon=False)
    axes[-1].set_xlabel("time (s)")
    figure.suptitle(title, fontsize=11)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)


def _columns(values: np.ndarray, labels: Sequence[str] = ()) -> dict[str, np.ndarray]:
    names = labels or tuple(map(str, range(values.shape[1])))
    return {name: values[:, i] for i, name in enumerate(names)}
