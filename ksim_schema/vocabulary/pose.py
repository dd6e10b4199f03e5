"""Poses that are drawn: ranges of a position and of an orientation."""

import math
from typing import Annotated, Literal, Self

from annotated_types import Ge
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.units import Angle, Length
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.base import Model, Spread

PLACES = ("x", "y", "z")
TURNS = ("roll", "pitch", "yaw")
QUATERNION_LABELS = ("qw", "qx", "qy", "qz")


class PoseRanges(Model):
    """Ranges of a pose, each drawn uniformly; what is left out is 0.

    With a ``radius`` the place is that far from x and y, in a direction of its own:
    ``x + radius cos(azimuth), y + radius sin(azimuth)``.

    The orientation is ``Rz(yaw) Ry(pitch) Rx(roll)``: first a roll about the fixed x axis, then a
    pitch about the fixed y axis, then a yaw about the fixed z axis. ``orientation: any`` draws
    uniformly from all orientations instead (Shoemake 1992).
    """

    x: Spread[Length] | None = Field(default=None, description="Range of x, or one value.")
    y: Spread[Length] | None = Field(default=None, description="Range of y, or one value.")
    z: Spread[Length] | None = Field(default=None, description="Range of z, or one value.")
    radius: Spread[Annotated[Length, Ge(0)]] | None = Field(
        default=None, description="Range of a distance from x and y, in the plane of x and y."
    )
    azimuth: Spread[Angle] | None = Field(
        default=None, description="Range of its direction from the x axis to the y axis; any."
    )
    roll: Spread[Angle] | None = Field(default=None, description="Of the roll, or one value.")
    pitch: Spread[Angle] | None = Field(default=None, description="Of the pitch, or one value.")
    yaw: Spread[Angle] | None = Field(default=None, description="Of the yaw, or one value.")
    orientation: Literal["any"] | None = Field(
        default=None, description="Any orientation, instead of roll, pitch and yaw."
    )

    @model_validator(mode="after")
    def _one_orientation(self) -> Self:
        if self.orientation and any(getattr(self, name) is not None for name in TURNS):
            raise PydanticCustomError(
                "one_form",
                "any orientation is drawn, and angles are given besides",
                {"help": "give one of the two", "fields": "orientation " + " ".join(TURNS)},
            )
        if self.azimuth is not None and self.radius is None:
            raise PydanticCustomError(
                "one_form",
                "a direction is given, and no distance",
                {"help": "add a radius", "fields": "azimuth"},
            )
        return self

    @property
    def direction(self) -> tuple[float, float]:
        """The range of the azimuth, rad."""
        return self.azimuth or (-math.pi, math.pi)

    @property
    def positioned(self) -> bool:
        """Whether a position is drawn."""
        return any(getattr(self, name) is not None for name in (*PLACES, "radius"))

    @property
    def turned(self) -> bool:
        """Whether an orientation is drawn."""
        return bool(self.orientation) or any(getattr(self, name) is not None for name in TURNS)

    @property
    def varies(self) -> bool:
        """Whether it holds more than one pose."""
        ranges = (getattr(self, name) for name in (*PLACES, *TURNS))
        around = self.radius is not None and self.radius[1] > 0
        varied = around and self.direction[0] < self.direction[1]
        varied = varied or any(r is not None and r[0] < r[1] for r in (*ranges, self.radius))
        return bool(self.orientation) or varied

    def place(self, axis: str) -> Interval:
        """The range of one coordinate, m; 0 where it is not given."""
        ends: tuple[float, float] | None = getattr(self, axis)
        along = Interval(*map(float, ends or (0.0, 0.0)))
        if self.radius is None or axis == "z":
            return along
        turn = Interval(*map(float, self.direction))
        return along + Interval(*map(float, self.radius)) * (
            turn.cos() if axis == "x" else turn.sin()
        )

    @property
    def tilts(self) -> tuple[Interval, Interval]:
        """Ranges of roll and pitch, rad."""
        if self.orientation:
            return Interval(-math.pi, math.pi), Interval(-math.pi / 2, math.pi / 2)
        roll, pitch = (getattr(self, name) or (0.0, 0.0) for name in TURNS[:2])
        return Interval(*map(float, roll)), Interval(*map(float, pitch))
