"""A command that nobody has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.units import ANGLE, Angle, Dimension
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.command.base import Drawn


class Coin(Drawn):
    """An angle that is ``angle`` or ``-angle``, by the toss of a coin."""

    kind: Literal["coin"] = "coin"
    dimensions: ClassVar[Mapping[str, Dimension]] = {"side": ANGLE}
    angle: Angle = Field(description="Its size.")

    @property
    def draws_vary(self) -> bool:
        return True

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("side",)

    def told_of(self, element: str, drawn: Interval) -> Interval:
        return Interval(-abs(self.angle), abs(self.angle))
