"""A picture of a terrain: shaded relief from above, with its levels and kinds named."""

from __future__ import annotations

import io
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ksim_compiler.report.formats import check
from ksim_schema.robot import RobotFacts, Surface, TileGrid
from ksim_schema.source.files import replacing

MOST = 1600
"""Most heights along a side that are drawn; of a larger field every second, third, ... is."""
_WIDE, _HIGH = 8.0, 9.0
"""Largest size of the map, in inches."""


def terrain_of(facts: RobotFacts) -> Surface | None:
    """The field of heights that is a robot's terrain; None on flat ground."""
    return next((s for s in facts.surfaces if s.type == "hfield"), None)


def write_relief(path: Path, facts: RobotFacts, title: str) -> None:
    """Draw the terrain of a robot.

    Args:
        path: the file, a PNG, SVG or PDF.
        facts: of the robot; it has a terrain.
        title: stands above it.

    Raises:
        PlotError: the format is unknown, or matplotlib is not installed.
    """
    check(path)
    figure = _figure(facts, title)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=130)


def relief_png(facts: RobotFacts, title: str) -> bytes:
    """As :func:`write_relief`, the bytes of a PNG.

    Raises:
        PlotError: matplotlib is not installed.
    """
    check(Path("relief.png"))
    buffer = io.BytesIO()
    _figure(facts, title).savefig(buffer, dpi=130, format="png")
    return buffer.getvalue()


def _figure(facts: RobotFacts, title: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    surface = terrain_of(facts)
    assert surface is not None
    (x, y), (half_x, half_y) = surface.position[:2], surface.size[:2]
    scale = min(_WIDE / half_x, _HIGH / half_y)
    figure = Figure(figsize=(half_x * scale + 2.6, half_y * scale + 1.4), layout="constrained")
    FigureCanvasAgg(figure)
    axis: Any = figure.add_subplot()
    step = -(-max(np.shape(surface.heights)) // MOST)
    heights = np.asarray(surface.heights)[::step, ::step] * surface.unit + surface.position[2]
    extent = (x - half_x, x + half_x, y - half_y, y + half_y)
    _draw(figure, axis, heights, extent)
    axis.set_xlabel("x (m)")
    axis.set_ylabel("y (m)")
    if facts.grid is not None:
        _name_tiles(axis, facts.grid)
    home = facts.base
    if home is not None:
        axis.plot(*home.home[:2], marker="+", color="black", markersize=8, markeredgewidth=1.2)
        axis.annotate("home", home.home[:2], (4, 4), textcoords="offset points", fontsize=7)
    axis.set_title(title, fontsize=11, loc="left", pad=26 if facts.grid else 8)
    return figure


def _draw(figure: Any, axis: Any, heights: np.ndarray, extent: tuple[float, ...]) -> None:
    """The heights as colours, lit from the upper left, and what the colours mean."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LightSource, Normalize

    low, high = float(heights.min()), float(heights.max())
    room = max(0.12 * (high - low), 1e-3)  # without the black and the white at the ends
    colours = ScalarMappable(Normalize(low - room, high + room), "gist_earth")
    rows, columns = heights.shape
    width, height = (extent[1] - extent[0]) / (columns - 1), (extent[3] - extent[2]) / (rows - 1)
    sun = LightSource(azdeg=315, altdeg=45)
    lit = sun.hillshade(heights[::-1], vert_exag=1.5, dx=width, dy=height)[::-1, :, None]
    image = colours.to_rgba(heights)[..., :3] * (0.45 + 0.75 * lit)
    axis.imshow(np.clip(image, 0.0, 1.0), extent=extent, origin="lower", interpolation="nearest")
    bar = figure.colorbar(colours, ax=axis, shrink=0.6, pad=0.02)
    bar.ax.set_ylim(low, max(high, low + 1e-3))
    bar.set_label("height (m)")


def _name_tiles(axis: Any, grid: TileGrid) -> None:
    """Lines between the tiles, the kinds of the columns and the levels."""
    (left, right), (bottom, top) = grid.extent
    line = {"color": "white", "linewidth": 0.4, "alpha": 0.6}
    for level in range(grid.levels + 1):
        axis.plot([left + level * grid.tile] * 2, [bottom, top], **line)
    for column in range(len(grid.kinds) + 1):
        axis.plot([left, right], [bottom + column * grid.tile] * 2, **line)
    ticks = axis.secondary_yaxis("right")
    names: list[tuple[float, str]] = []
    column = 0
    for kind, members in groupby(grid.kinds):
        count = len(list(members))
        names.append((bottom + (column + count / 2) * grid.tile, kind.replace("_", " ")))
        column += count
        if column < len(grid.kinds):
            axis.plot([left, right], [bottom + column * grid.tile] * 2, color="white", linewidth=1)
    ticks.set_yticks([place for place, _ in names], [name for _, name in names], fontsize=8)
    ticks.tick_params(length=0)
    levels = axis.secondary_xaxis("top")
    middles = [grid.middle(level, 0)[0] for level in range(grid.levels)]
    levels.set_xticks(middles, [str(level) for level in range(grid.levels)], fontsize=8)
    levels.tick_params(length=0)
    levels.set_xlabel("level", fontsize=8)
