"""Where the tiles of a terrain stand, as plain data."""

from __future__ import annotations

from ksim_schema.records import dataclass


@dataclass(frozen=True, slots=True)
class TileGrid:
    """The tiles of a terrain: levels one after the other along x, kinds side by side along y.

    Attributes:
        kinds: the kind of each column.
        levels: the number of levels.
        tile: length of a tile's side, m.
        corner: x and y of the corner of the first level and the first column, m.
    """

    kinds: tuple[str, ...]
    levels: int
    tile: float
    corner: tuple[float, float]

    def middle(self, level: int, column: int) -> tuple[float, float]:
        """x and y of the middle of a tile, m."""
        x, y = self.corner
        return x + (level + 0.5) * self.tile, y + (column + 0.5) * self.tile

    @property
    def extent(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ends of all tiles along x and along y, m."""
        x, y = self.corner
        return (x, x + self.levels * self.tile), (y, y + len(self.kinds) * self.tile)
