"""Resets that put a robot on a terrain."""

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.units import Length
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.base import Part, Wire
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.reset_base import FloatingReset


class ResetHeightFieldPosition(FloatingReset):
    """The base is moved on a terrain, keeping its height above the highest ground near it.

    ``z += max h`` over nine points of the ground at most ``radius`` from the new place, h the
    height of the terrain above the world's zero. After ksim's HFieldXYPositionReset.
    """

    kind: Literal["height_field_position"] = "height_field_position"
    effects = (
        Effect("starts", "body.{body}.x", "x", "half_width", "add"),
        Effect("starts", "body.{body}.y", "y", "half_width", "add"),
    )
    x: Annotated[Length, Ge(0)] = Field(description="Half width of the range of x.")
    y: Annotated[Length, Ge(0)] = Field(description="Half width of the range of y.")
    radius: Annotated[Length, Ge(0)] = Field(
        default=0.25, description="Of the ground that must be below the robot."
    )


class ResetTerrainTile(FloatingReset):
    """The base is put on a tile of a terrain's grid, keeping its height above the ground there.

    The columns are shared out evenly among the environments, and each keeps its own. Its level is
    that of a curriculum, or without one drawn for each episode. The place is drawn about the middle
    of the tile; ``z += max h`` over nine points of the ground at most ``radius`` from it, h the
    height of the ground.
    """

    kind: Literal["terrain_tile"] = "terrain_tile"
    curriculum: Annotated[str | None, Wire("grade_reset")] = Field(
        default=None,
        description="The curriculum whose level it follows; the only terrain_level by default.",
    )
    x: Annotated[Length, Ge(0)] = Field(
        default=0.5, description="Half width of the range of x about the middle of the tile."
    )
    y: Annotated[Length, Ge(0)] = Field(
        default=0.5, description="Half width of the range of y about the middle of the tile."
    )
    radius: Annotated[Length, Ge(0)] = Field(
        default=0.25, description="Of the ground that must be below the robot."
    )

    def likely(self, field: str, choices: Mapping[str, Part]) -> tuple[str, ...]:
        if field != "curriculum":
            return super().likely(field, choices)
        return tuple(n for n, part in choices.items() if part.kind_name == "terrain_level")

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        """Where the tiles middles are, and as far from them as is drawn."""
        if robot.grid is None:
            return ()
        half = robot.grid.tile / 2
        return tuple(
            Effect(
                "starts",
                f"body.{{body}}.{axis}",
                axis,
                fixed=Interval(low + half - width, high - half + width),
            )
            for axis, width, (low, high) in zip(
                ("x", "y"), (self.x, self.y), robot.grid.extent, strict=True
            )
        )
