"""Velocities that are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.robot.mirror import Mirror, Signed, signs
from ksim_schema.units import (
    ANGLE,
    ANGULAR_SPEED,
    SPEED,
    Acceleration,
    Angle,
    AngularAcceleration,
    AngularSpeed,
    Dimension,
    Speed,
)
from ksim_schema.units.interval import ZERO, Interval
from ksim_schema.vocabulary.base import Probability, Range
from ksim_schema.vocabulary.command.base import Drawn
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Velocity(Drawn):
    """What velocity commands share. With an acceleration limit they begin at rest."""

    from_rest: ClassVar[bool] = True
    stand_still: Probability | None = Field(
        default=None, description="Probability that a draw is zero."
    )
    scale: ScaleValue = Field(
        default=constant_scale(1.0), description="Factor of the speeds; may follow the level."
    )

    @property
    def draws_vary(self) -> bool:
        return bool(self.stand_still) or super().draws_vary

    def told_of(self, element: str, drawn: Interval) -> Interval:
        told = super().told_of(element, self.scale.times(drawn))
        return told.hull(ZERO) if self.stand_still else told


class PlanarVelocity(Velocity):
    """Velocity on the ground: forward (m/s), sideways to the left (m/s), turning left (rad/s)."""

    kind: Literal["planar_velocity"] = "planar_velocity"
    dimensions: ClassVar[Mapping[str, Dimension]] = {
        "forward": SPEED,
        "sideways": SPEED,
        "turn": ANGULAR_SPEED,
    }
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("asks", "command.{name}.forward", "forward"),
        Effect("asks", "command.{name}.sideways", "sideways"),
        Effect("asks", "command.{name}.turn", "turn"),
    )
    forward: Range[Speed] = Field(description="Range of the forward speed.")
    sideways: Range[Speed] = Field(
        default=(0.0, 0.0), description="Range of the speed to the left."
    )
    turn: Range[AngularSpeed] = Field(default=(0.0, 0.0), description="Range of the turning rate.")
    acceleration: Annotated[Acceleration, Gt(0)] | None = Field(
        default=None, description="Largest change of each speed in a second."
    )
    turn_acceleration: Annotated[AngularAcceleration, Gt(0)] | None = Field(
        default=None, description="Largest change of the turning rate in a second."
    )

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("forward", "sideways", "turn")

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return signs(1.0, -1.0, -1.0)

    def rates(self) -> tuple[float | None, ...]:
        limits = (self.acceleration, self.acceleration, self.turn_acceleration)
        return () if all(limit is None for limit in limits) else limits


class LinearVelocity(Velocity):
    """A speed along a direction: speed (m/s), direction (rad, left of ahead), forward and sideways.

    ``forward = speed * cos(direction)`` and ``sideways = speed * sin(direction)``, m/s. Backward is
    a negative speed. After ksim's LinearVelocityCommand.
    """

    kind: Literal["linear_velocity"] = "linear_velocity"
    dimensions: ClassVar[Mapping[str, Dimension]] = {
        "speed": SPEED,
        "direction": ANGLE,
        "forward": SPEED,
        "sideways": SPEED,
    }
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("asks", "command.{name}.speed", "speed"),
        Effect("asks", "command.{name}.direction", "direction", "half_width"),
    )
    speed: Range[Speed] = Field(description="Range of the speed.")
    direction: Annotated[Angle, Ge(0)] = Field(
        default=0.0, description="Half width of the range of the direction about ahead."
    )
    backward: Probability | None = Field(
        default=None, description="Probability that the sign of the speed is changed."
    )
    acceleration: Annotated[Acceleration, Gt(0)] | None = Field(
        default=None, description="Largest change of the speed in a second."
    )
    turn: Annotated[AngularSpeed, Gt(0)] | None = Field(
        default=None, description="Largest change of the direction in a second."
    )

    @property
    def draws_vary(self) -> bool:
        return bool(self.direction or self.backward) or super().draws_vary

    def told_of(self, element: str, drawn: Interval) -> Interval:
        if element == "direction":
            return drawn
        speed = drawn if element == "speed" else Interval(*self.speed)
        speed = super().told_of(element, speed.hull(-speed) if self.backward else speed)
        direction = Interval(-self.direction, self.direction)
        match element:
            case "forward":
                return speed * direction.cos()
            case "sideways":
                return speed * direction.sin()
            case _:
                return speed

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("speed", "direction", "forward", "sideways")

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return signs(1.0, -1.0, 1.0, -1.0)

    def rates(self) -> tuple[float | None, ...]:
        limits = (self.acceleration, self.turn)
        return () if all(limit is None for limit in limits) else limits


class AngularVelocity(Velocity):
    """Turning rate about the vertical, to the left, rad/s."""

    kind: Literal["angular_velocity"] = "angular_velocity"
    dimensions: ClassVar[Mapping[str, Dimension]] = {"turn": ANGULAR_SPEED}
    effects: ClassVar[tuple[Effect, ...]] = (Effect("asks", "command.{name}.turn", "turn"),)
    turn: Range[AngularSpeed] = Field(description="Range of the turning rate.")
    either_way: bool = Field(
        default=False, description="Half of the draws have their sign changed."
    )
    acceleration: Annotated[AngularAcceleration, Gt(0)] | None = Field(
        default=None, description="Largest change of the turning rate in a second."
    )

    def told_of(self, element: str, drawn: Interval) -> Interval:
        return super().told_of(element, drawn.hull(-drawn) if self.either_way else drawn)

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("turn",)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return signs(-1.0)

    def rates(self) -> tuple[float | None, ...]:
        return () if self.acceleration is None else (self.acceleration,)
