"""The files that plots and maps are drawn into."""

from __future__ import annotations

import importlib
from pathlib import Path

from ksim_schema.source.files import Named

PLOT = Named("a plot", (".png", ".svg", ".pdf"), any_case=True)


class PlotError(Exception):
    """Plots that cannot be made; the message says what to do."""


def check(path: Path) -> None:
    """See that plots can be made.

    Raises:
        PlotError: the format is unknown, or matplotlib is not installed.
    """
    if wrong := PLOT.wrong(path):
        raise PlotError(wrong)
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise PlotError("plots need: pip install 'ksim-schema[plots]'") from error
