"""Pictures of terrains and tiles: a cut through the heights that the compiler makes of them."""

from __future__ import annotations

import numpy as np

from docs.site.plots import Curve, plot
from ksim_compiler.robot import terrain as grounds, tiles
from ksim_schema.vocabulary import Model, terrain as v

GROUNDS: dict[type[Model], dict[str, object]] = {
    v.RoughTerrain: {"amplitude": "10 cm"},
    v.StairsTerrain: {"step": "10 cm", "depth": "50 cm"},
    v.SlopesTerrain: {"amplitude": "40 cm", "wavelength": "4 m"},
}
TILES: dict[type[Model], tuple[str, dict[str, object]]] = {
    v.StairsUpTile: ("stairs_up", {"step": "10 cm"}),
    v.StairsDownTile: ("stairs_down", {"step": "10 cm"}),
    v.SlopeUpTile: ("slope_up", {"angle": "15 deg"}),
    v.SlopeDownTile: ("slope_down", {"angle": "15 deg"}),
    v.WavesTile: ("waves", {"height": "20 cm"}),
    v.BoxesTile: ("boxes", {"height": "20 cm"}),
    v.SteppingStonesTile: ("stepping_stones", {"gap": "30 cm"}),
    v.GapsTile: ("gaps", {"gap": "40 cm"}),
}
"""What is drawn, and the values that its page shows it with; of tiles their name in a grid too."""


def cut(model: type[Model]) -> str:
    """A figure of the ground along x through the middle; "" for what is no ground."""
    if model in TILES:
        name, given = TILES[model]
        points = _tile(name, given)
    elif model in GROUNDS:
        given = GROUNDS[model]
        points = _whole(model, given)
    else:
        return ""
    values = ", ".join(f"<code>{name}: {value}</code>" for name, value in given.items())
    caption = f"A cut through the middle, with {values} and the defaults besides."
    return plot([Curve("", points)], "along x (m)", "height (m)", caption)


def _whole(model: type[Model], given: dict[str, object]) -> list[tuple[float, float]]:
    ground = model.model_validate(given)
    assert isinstance(ground, v.RoughTerrain | v.StairsTerrain | v.SlopesTerrain)
    heights = grounds.heights(ground)
    axis = np.linspace(-ground.size / 2, ground.size / 2, len(heights))
    return _points(axis, heights[len(heights) // 2])


def _tile(name: str, given: dict[str, object]) -> list[tuple[float, float]]:
    grid = v.GridTerrain.model_validate({"tiles": {name: given}, "levels": 1})
    side, border = tiles.cells(grid)
    field = tiles.field(grid)
    row = (field.heights * field.unit + field.lowest)[border + side // 2, border:][: side + 1]
    return _points((np.arange(side + 1) - side / 2) * grid.resolution, row)


def _points(axis: np.ndarray, heights: np.ndarray) -> list[tuple[float, float]]:
    return [(float(x), float(h)) for x, h in zip(axis, heights, strict=True)]
