"""The files that plots and maps are drawn into."""

from __future__ import annotations

import importlib
from pathlib import Path

FORMATS = (".png", ".svg", ".pdf")


class PlotError(Exception):
    """Plots that cannot be made; the message says what to do."""


def check(path: Path) -> None:
    """See that plots can be made.

    Raises:
        PlotError: the format is unknown, or matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise PlotError(f"{path.name}: a plot's name ends in {', '.join(FORMATS)}")
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise PlotError("plots need: pip install 'ksim-schema[plots]'") from error
