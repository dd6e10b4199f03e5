"""A terrain that is a grid of tiles: the heights of each kind of ground at each level."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import cast

import numpy as np

from ksim_schema.records import dataclass
from ksim_schema.vocabulary import terrain as v

STEPS = 65_000
"""Most steps between the lowest and the highest of the heights, which have 16 bits."""


class BadTile(ValueError):
    """A tile that cannot be made.

    Attributes:
        field: the field of the terrain that is to blame, as ``tiles.gaps.land``.
        help: what to do.
    """

    def __init__(self, message: str, field: str, help: str) -> None:
        super().__init__(message)
        self.field, self.help = field, help


@dataclass(frozen=True)
class Field:
    """Heights of a grid, and where it stands.

    Attributes:
        heights: (rows, columns) of steps above the lowest, rows along y, columns along x.
        unit: height of a step, m.
        lowest: the lowest height, m; the ground around the tiles is at 0.
        half: half extents along x and y, m.
        middle: the middle's x and y from the origin of the plane that it replaces, m.
    """

    heights: np.ndarray
    unit: float
    lowest: float
    half: tuple[float, float]
    middle: tuple[float, float]


def cells(terrain: v.GridTerrain) -> tuple[int, int]:
    """Cells along a side of a tile, and across the border.

    Raises:
        BadTile: a tile is not a whole number of cells.
    """
    count = terrain.tile / terrain.resolution
    side = round(count)
    if side < 4 or abs(count - side) > 1e-6 * side:
        message = f"a tile of {terrain.tile:g} m has {count:.6g} cells of {terrain.resolution:g} m"
        better = terrain.tile / max(side, 4)
        help = f"choose a resolution that divides the tile, at least by 4: {better:.4g} m"
        raise BadTile(message, "resolution", help)
    return side, max(round(terrain.border / terrain.resolution), 1)


def size(terrain: v.GridTerrain) -> tuple[int, int]:
    """Rows (along y) and columns (along x) of the field of heights.

    Raises:
        BadTile: a tile is not a whole number of cells.
    """
    side, border = cells(terrain)
    columns, rows = terrain.levels, len(terrain.kinds())
    return 2 * border + rows * side + 1, 2 * border + columns * side + 1


@lru_cache(maxsize=4)
def _field(terrain: v.GridTerrain) -> Field:
    """The heights of a grid; the same each time.

    Raises:
        BadTile: a tile cannot be made.
    """
    side, border = cells(terrain)
    heights = np.zeros(size(terrain))
    kinds = terrain.kinds()
    for column, kind in enumerate(kinds):
        for level in range(terrain.levels):
            share = level / max(terrain.levels - 1, 1)
            nth = column - kinds.index(kind)
            random = np.random.default_rng([terrain.seed, zlib.crc32(kind.encode()), nth, level])
            rows, columns = (border + n * side for n in (column, level))
            tile = _Tile(terrain, kind, share, random).heights()
            heights[rows : rows + side + 1, columns : columns + side + 1] = tile.T
    unit = max((heights.max() - heights.min()) / STEPS, 1e-9)
    steps = np.rint(heights / unit).astype(np.int64)  # 0 stays exactly 0
    lowest = int(steps.min())
    half = tuple((n - 1) * terrain.resolution / 2 for n in reversed(heights.shape))
    return Field(
        heights=(steps - lowest).astype(np.uint16),
        unit=float(unit),
        lowest=lowest * float(unit),
        half=(half[0], half[1]),
        middle=(half[0] - border * terrain.resolution / 2, 0.0),
    )


field = cast("Callable[[v.GridTerrain], Field]", _field)  # a frozen model has a hash


class _Tile:
    """One tile: x runs along the first axis of its heights, y along the second."""

    def __init__(
        self, terrain: v.GridTerrain, kind: str, level: float, random: np.random.Generator
    ) -> None:
        self.terrain, self.kind, self.level, self.random = terrain, kind, level, random
        self.tile = terrain.tiles.given()[kind]
        self.side, _ = cells(terrain)
        self.flat = terrain.flat / terrain.resolution / 2
        axis = np.abs(np.arange(self.side + 1) - self.side / 2)
        self.out = np.maximum(axis[:, None], axis[None, :])
        """Cells from the middle, along the longer of x and y."""
        for name in self.tile.fine:
            self._fits(name)
        if self.flat >= self.side / 2 - 1:
            message = (
                f"the flat spot of {terrain.flat:g} m takes all of a tile of {terrain.tile:g} m"
            )
            given = "tile" if "flat" not in terrain.model_fields_set else "flat"
            raise BadTile(message, given, "make the flat spot smaller, or the tile larger")

        if isinstance(self.tile, v.SteppingStonesTile | v.GapsTile) and max(self.tile.gap) > 0:
            self._fits("gap")

    def _fits(self, name: str) -> None:
        given = getattr(self.tile, name)
        length = float(max(given) if isinstance(given, tuple) else given)
        if length < self.terrain.resolution * (1 - 1e-9):
            message = f"a {name} of {length:g} m is less than a cell of the terrain"
            help = f"make it larger, or the resolution ({self.terrain.resolution:g} m) finer"
            raise BadTile(message, f"tiles.{self.kind}.{name}", help)

    def heights(self) -> np.ndarray:
        """(side + 1, side + 1) heights in m; 0 along the rim."""
        match self.tile:
            case v.RoughTile():
                return self._rough(self.tile)
            case v.StairsUpTile():
                climb = self._stairs(self.tile)
                return -climb if isinstance(self.tile, v.StairsDownTile) else climb
            case v.SlopeUpTile():
                climb = self._slope(self.tile)
                return -climb if isinstance(self.tile, v.SlopeDownTile) else climb
            case v.WavesTile():
                return self._waves(self.tile)
            case v.BoxesTile():
                return self._boxes(self.tile)
            case v.SteppingStonesTile():
                return self._stones(self.tile)
            case v.GapsTile():
                return self._gaps(self.tile)
            case _:
                return np.zeros_like(self.out)

    def _now(self, ends: tuple[float, float]) -> float:
        return float(ends[0] + (ends[1] - ends[0]) * self.level)

    def _count(self, length: float) -> int:
        return round(length / self.terrain.resolution)

    def _fade(self, over: float) -> np.ndarray:
        """From 0 at the flat spot and at the rim to 1 within so many cells."""
        away = np.minimum(self.out - self.flat, self.side / 2 - self.out)
        return np.clip(away / max(over, 1.0), 0.0, 1.0)

    def _rough(self, tile: v.RoughTile) -> np.ndarray:
        half, space = self._now(tile.height) / 2, self._count(tile.spacing)
        knots = np.arange(0, self.side + space, space)
        drawn = self.random.uniform(-half, half, (len(knots), len(knots)))
        axis = np.arange(self.side + 1)
        along = np.stack([np.interp(axis, knots, row) for row in drawn])
        smooth = np.stack([np.interp(axis, knots, column) for column in along.T], axis=1)
        return smooth * self._fade(space)

    def _waves(self, tile: v.WavesTile) -> np.ndarray:
        k = 2 * math.pi * self.terrain.resolution / tile.length
        wave = np.cos(k * (np.arange(self.side + 1) - self.side / 2))
        height = self._now(tile.height) / 4 * (wave[:, None] + wave[None, :])
        return height * self._fade(self._count(tile.length) / 4)

    def _stairs(self, tile: v.StairsUpTile) -> np.ndarray:
        depth = self._count(tile.depth)
        count = int((self.side / 2 - self.flat) // depth)
        if count < 1:
            message = f"there is no room for a step of {tile.depth:g} m beside the flat spot"
            help = "make the steps or the flat spot smaller, or the tile larger"
            raise BadTile(message, f"tiles.{self.kind}.depth", help)
        climbed = np.clip(np.ceil((self.out - self.flat) / depth - 1e-9), 0, count)
        return self._now(tile.step) * (climbed - count)

    def _slope(self, tile: v.SlopeUpTile) -> np.ndarray:
        run = (self.side / 2 - np.maximum(self.out, self.flat)) * self.terrain.resolution
        return -math.tan(self._now(tile.angle)) * run

    def _boxes(self, tile: v.BoxesTile) -> np.ndarray:
        half, width = self._now(tile.height) / 2, self._count(tile.width)
        block = np.arange(self.side + 1) // width
        drawn = self.random.uniform(-half, half, (block[-1] + 1,) * 2)
        inside = (self.out > self.flat) & (self.out < self.side / 2)
        return np.where(inside, drawn[np.ix_(block, block)], 0.0)

    def _stones(self, tile: v.SteppingStonesTile) -> np.ndarray:
        width, gap = self._count(tile.width), self._count(self._now(tile.gap))
        every, axis = width + gap, np.arange(self.side + 1)
        shift = self.random.integers(0, every, axis[-1] // every + 1)[axis // every]
        pit = (axis % every >= width)[:, None]  # between two rows
        pit = pit | ((axis[None, :] + shift[:, None]) % every >= width)
        pit &= (self.out > self.flat) & (self.out <= self.side / 2 - max(width / 2, 1))
        return np.where(pit, -tile.depth, 0.0)

    def _gaps(self, tile: v.GapsTile) -> np.ndarray:
        land, gap = self._count(tile.land), self._count(self._now(tile.gap))
        room, every = self.side / 2 - self.flat, land + gap
        if room < every:
            message = f"there is no room for a ditch and {tile.land:g} m of land beside the flat "
            help = "make them or the flat spot smaller, or the tile larger"
            raise BadTile(message + "spot", f"tiles.{self.kind}.land", help)
        after = np.ceil(self.out - self.flat - 1e-9) - 1  # whole cells since the flat spot
        ditch = (after >= 0) & (after % every < gap) & (after // every < room // every)
        return np.where(ditch, -tile.depth, 0.0)
