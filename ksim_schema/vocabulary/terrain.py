"""Terrains: what takes the place of the floor of a model.

A terrain is one ground, or a grid of tiles: kinds of ground side by side, easy ones first.
"""

from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.source.plain import is_mapping
from ksim_schema.units import Angle, Length
from ksim_schema.vocabulary.base import FileName, MayBeEmpty, Model, PositiveInt, as_pair

T = TypeVar("T")
Graded = Annotated[tuple[T, T], BeforeValidator(as_pair)]
"""From the first level to the last, evenly; one value is the same at all levels."""
Rise = Graded[Annotated[Length, Ge(0)]]


class _Ground(Model):
    """What all terrains share."""

    replaces: str = Field(
        default="floor",
        description="The plane that becomes the terrain; it keeps its name, friction and material.",
    )


class FlatTerrain(_Ground):
    """The plane as the model has it."""

    kind: Literal["flat"] = "flat"


class _Field(_Ground):
    """A square height field around the origin, with a flat spot in the middle."""

    size: Annotated[Length, Gt(0)] = Field(default=20.0, description="Length of a side.")
    resolution: Annotated[Length, Gt(0)] = Field(
        default=0.1, description="Distance of two heights."
    )
    flat: Annotated[Length, Ge(0)] = Field(
        default=1.0, description="Radius of the flat spot in the middle, at height 0."
    )


class RoughTerrain(_Field):
    """Uneven ground: heights drawn uniformly at points on a grid, with straight lines between."""

    kind: Literal["rough"] = "rough"
    amplitude: Annotated[Length, Gt(0)] = Field(description="Largest height above the lowest.")
    spacing: Annotated[Length, Gt(0)] = Field(
        default=0.5, description="Distance of the points whose height is drawn."
    )
    seed: Annotated[int, Ge(0)] = Field(default=0, description="Of the drawn heights.")


class StairsTerrain(_Field):
    """Square steps around the middle, up or down outwards."""

    kind: Literal["stairs"] = "stairs"
    step: Annotated[Length, Gt(0)] = Field(description="Height of a step.")
    depth: Annotated[Length, Gt(0)] = Field(description="Depth of a step.")
    outwards: Literal["up", "down"] = Field(default="up", description="Where they lead outwards.")


class SlopesTerrain(_Field):
    """Waves in both directions: ``h = amplitude / 2 * (2 - cos(kx) - cos(ky)) / 2``."""

    kind: Literal["slopes"] = "slopes"
    amplitude: Annotated[Length, Gt(0)] = Field(description="Height of the tops.")
    wavelength: Annotated[Length, Gt(0)] = Field(description="Distance of two tops, 2 pi / k.")


class ImageTerrain(_Ground):
    """A grey PNG: black is the lowest, white the highest; its middle stands on the origin."""

    kind: Literal["image"] = "image"
    file: FileName = Field(description="The PNG file, relative to the task file.")
    size: tuple[Annotated[Length, Gt(0)], Annotated[Length, Gt(0)]] = Field(
        description="Lengths of its sides along x and y."
    )
    height: Annotated[Length, Gt(0)] = Field(description="Height of white above black.")


class Tile(Model):
    """What all tiles share: a square piece of ground, at height 0 along its rim.

    In its middle is a flat spot, ``flat`` of the grid wide, on which robots begin. Lengths along
    the ground are rounded to whole cells.

    Class attributes:
        fine: fields with a length along the ground that takes at least a cell.
    """

    fine: ClassVar[tuple[str, ...]] = ()
    columns: PositiveInt = Field(default=1, description="Number of columns of this kind.")


class FlatTile(Tile):
    """Level ground."""


class RoughTile(Tile):
    """Heights drawn uniformly within half of ``height`` to either side of 0, on a grid, with
    straight lines between them."""

    fine = ("spacing",)
    height: Rise = Field(description="Largest height above the lowest.")
    spacing: Annotated[Length, Gt(0)] = Field(
        default=0.3, description="Distance of the points whose height is drawn."
    )


class StairsUpTile(Tile):
    """Square steps that lead up from the middle, which lies lowest, to the rim."""

    fine = ("depth",)
    step: Rise = Field(description="Height of a step.")
    depth: Annotated[Length, Gt(0)] = Field(default=0.3, description="Depth of a step.")


class StairsDownTile(StairsUpTile):
    """Square steps that lead down from the middle, which lies highest, to the rim."""


class SlopeUpTile(Tile):
    """A square funnel: from the flat middle, which lies lowest, straight up to the rim."""

    angle: Graded[Annotated[Angle, Ge(0), Le(1.0)]] = Field(description="Of the slope.")


class SlopeDownTile(SlopeUpTile):
    """A square pyramid: from the flat middle, which lies highest, straight down to the rim."""


class WavesTile(Tile):
    """Waves in both directions: ``h = height / 4 * (cos(kx) + cos(ky))``, from the middle."""

    fine = ("length",)
    height: Rise = Field(description="Height of the tops above the bottoms.")
    length: Annotated[Length, Gt(0)] = Field(
        default=2.0, description="Distance of two tops, 2 pi / k."
    )


class BoxesTile(Tile):
    """Square blocks side by side, of heights drawn within half of ``height`` to either side."""

    fine = ("width",)
    height: Rise = Field(description="Largest height above the lowest.")
    width: Annotated[Length, Gt(0)] = Field(default=0.4, description="Length of a block's side.")


class SteppingStonesTile(Tile):
    """Square stones at height 0 in rows, each row shifted by a draw, with pits between them."""

    fine = ("width",)
    gap: Rise = Field(description="Distance of two stones.")
    width: Annotated[Length, Gt(0)] = Field(default=0.5, description="Length of a stone's side.")
    depth: Annotated[Length, Gt(0)] = Field(default=1.0, description="Depth of the pits.")


class GapsTile(Tile):
    """Square ditches around the middle, with strips of land at height 0 between them."""

    fine = ("land",)
    gap: Rise = Field(description="Width of a ditch.")
    land: Annotated[Length, Gt(0)] = Field(default=0.8, description="Width of a strip of land.")
    depth: Annotated[Length, Gt(0)] = Field(default=1.0, description="Depth of the ditches.")


class Tiles(Model):
    """The kinds of tiles of a grid, at least one; its columns stand in this order."""

    flat: Annotated[FlatTile | None, MayBeEmpty()] = Field(
        default=None, description="Level ground."
    )
    rough: RoughTile | None = Field(default=None, description="Drawn heights.")
    stairs_up: StairsUpTile | None = Field(default=None, description="Steps up to the rim.")
    stairs_down: StairsDownTile | None = Field(default=None, description="Steps down to the rim.")
    slope_up: SlopeUpTile | None = Field(default=None, description="A slope up to the rim.")
    slope_down: SlopeDownTile | None = Field(default=None, description="A slope down to the rim.")
    waves: WavesTile | None = Field(default=None, description="Waves in both directions.")
    boxes: BoxesTile | None = Field(default=None, description="Blocks of drawn heights.")
    stepping_stones: SteppingStonesTile | None = Field(
        default=None, description="Stones with pits between them."
    )
    gaps: GapsTile | None = Field(default=None, description="Ditches around the middle.")

    @model_validator(mode="before")
    @classmethod
    def _nothing_more(cls, data: Any) -> Any:
        """``flat:`` with nothing after it is a kind with its defaults."""
        if not is_mapping(data):
            return data
        empty: dict[str, Any] = {}
        return {kind: empty if tile is None else tile for kind, tile in data.items()}

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.given():
            kinds = ", ".join(type(self).model_fields)
            raise PydanticCustomError(
                "no_tiles", "a grid needs a kind of tiles", {"help": f"give some of: {kinds}"}
            )
        return self

    def given(self) -> dict[str, Tile]:
        """The kinds that are given, in the order of their columns."""
        return {name: tile for name in type(self).model_fields if (tile := getattr(self, name))}


class GridTerrain(_Ground):
    """A grid of square tiles: a row for each level of difficulty, columns for each kind.

    Levels follow each other along x, from the easiest on, columns along y, in the order of
    ``--explain tiles``; flat ground of height 0 is around them. The origin is in the middle of
    the flat ground before the first level. Each environment has a column of its own; the reset
    ``terrain_tile`` puts its robot on a tile of it.

    Where a task has a grid, heights in rewards, terminations, observations and formulas are above
    the ground beneath. All environments share one field of heights, of 16 bits each.
    """

    kind: Literal["grid"] = "grid"
    tiles: Tiles = Field(description="The kinds of ground, each with what it takes.")
    levels: Annotated[PositiveInt, Le(100)] = Field(
        default=10, description="Number of levels, the rows."
    )
    tile: Annotated[Length, Gt(0)] = Field(default=8.0, description="Length of a tile's side.")
    flat: Annotated[Length, Gt(0)] = Field(
        default=2.0, description="Length of a side of the flat spot in the middle of each tile."
    )
    border: Annotated[Length, Gt(0)] = Field(
        default=8.0, description="Width of the flat ground around the tiles."
    )
    resolution: Annotated[Length, Gt(0)] = Field(
        default=0.1, description="Distance of two heights; the length of a cell."
    )
    seed: Annotated[int, Ge(0)] = Field(default=0, description="Of all that is drawn.")

    def kinds(self) -> tuple[str, ...]:
        """The kind of each column."""
        return tuple(n for n, tile in self.tiles.given().items() for _ in range(tile.columns))


Terrain = Annotated[
    FlatTerrain | RoughTerrain | StairsTerrain | SlopesTerrain | ImageTerrain | GridTerrain,
    Field(discriminator="kind"),
]
"""Any terrain."""
