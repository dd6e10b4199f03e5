"""Poses that are drawn: ranges of a position and of an orientation."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.units import Angle, Length
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.base import Model, Range

PLACES = ("x", "y", "z")
TURNS = ("roll", "pitch", "yaw")
QUATERNION_LABELS = ("qw", "qx", "qy", "qz")


class PoseRanges(Model):
    """Ranges of a pose, each drawn uniformly; what is left out is 0.

    The orientation is ``Rz(yaw) Ry(pitch) Rx(roll)``: first a roll about the fixed x axis, then a
    pitch about the fixed y axis, then a yaw about the fixed z axis. ``orientation: any`` draws
    uniformly from all orientations instead (Shoemake 1992).
    """

    x: Range[Length] | None = Field(default=None, description="Range of x.")
    y: Range[Length] | None = Field(default=None, description="Range of y.")
    z: Range[Length] | None = Field(default=None, description="Range of z.")
    roll: Range[Angle] | None = Field(default=None, description="Range of the roll.")
    pitch: Range[Angle] | None = Field(default=None, description="Range of the pitch.")
    yaw: Range[Angle] | None = Field(default=None, description="Range of the yaw.")
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
        return self

    @property
    def positioned(self) -> bool:
        """Whether a position is drawn."""
        return any(getattr(self, name) is not None for name in PLACES)

    @property
    def turned(self) -> bool:
        """Whether an orientation is drawn."""
        return bool(self.orientation) or any(getattr(self, name) is not None for name in TURNS)

    @property
    def varies(self) -> bool:
        """Whether it holds more than one pose."""
        ranges = (getattr(self, name) for name in (*PLACES, *TURNS))
        return bool(self.orientation) or any(r is not None and r[0] < r[1] for r in ranges)

    def place(self, axis: str) -> Interval:
        """The range of one coordinate, m; 0 where it is not given."""
        ends: tuple[float, float] | None = getattr(self, axis)
        return Interval(*map(float, ends or (0.0, 0.0)))

    @property
    def tilts(self) -> tuple[Interval, Interval]:
        """Ranges of roll and pitch, rad."""
        if self.orientation:
            return Interval(-math.pi, math.pi), Interval(-math.pi / 2, math.pi / 2)
        roll, pitch = (getattr(self, name) or (0.0, 0.0) for name in TURNS[:2])
        return Interval(*map(float, roll)), Interval(*map(float, pitch))
