"""Velocities that are drawn."""

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
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
    Number,
    Speed,
)
from ksim_schema.units.interval import ZERO, Interval
from ksim_schema.vocabulary.base import BodyName, Model, Probability, Range, Wire
from ksim_schema.vocabulary.command.base import Drawn
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Velocity(Drawn):
    """What velocity commands share. With an acceleration limit they begin at rest."""

    from_rest = True
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


class Heading(Model):
    """A turning rate that follows from a direction to face, drawn with the command.

    ``turn = gain * (target - heading)``, the difference the short way round, within the range of
    the turning rate (times `scale`). As in Isaac Lab's UniformVelocityCommand with a heading.
    """

    range: Range[Angle] = Field(
        default=(-math.pi, math.pi), description="Range of the direction, from the world's x axis."
    )
    gain: Annotated[Number, Gt(0)] = Field(
        default=0.5, description="Turning rate for each rad of the error, 1/s."
    )
    share: Probability = Field(
        default=1.0, description="Probability that a draw turns so; else `turn` is drawn."
    )
    body: BodyName | None = Field(
        default=None, description="The body that is to face it; the robot's base by default."
    )


class PlanarVelocity(Velocity):
    """Velocity on the ground: forward (m/s), sideways to the left (m/s), turning left (rad/s).

    With `heading` some draws are directions to face, and the turning rate that is told at each
    tick is what brings the robot there.
    """

    kind: Literal["planar_velocity"] = "planar_velocity"
    dimensions: ClassVar[Mapping[str, Dimension]] = {
        "forward": SPEED,
        "sideways": SPEED,
        "turn": ANGULAR_SPEED,
    }
    effects = (
        Effect("asks", "command.{name}.forward", "forward"),
        Effect("asks", "command.{name}.sideways", "sideways"),
        Effect("asks", "command.{name}.turn", "turn"),
    )
    forward: Range[Speed] = Field(description="Range of the forward speed.")
    sideways: Range[Speed] = Field(
        default=(0.0, 0.0), description="Range of the speed to the left."
    )
    turn: Range[AngularSpeed] = Field(default=(0.0, 0.0), description="Range of the turning rate.")
    heading: Heading | None = Field(
        default=None, description="A direction to face, that the turning rate follows from."
    )
    inform: Annotated[str | None, Wire("inform")] = Field(
        default=None,
        description="The state that a heading is read from; the task's only one by default.",
    )
    acceleration: Annotated[Acceleration, Gt(0)] | None = Field(
        default=None, description="Largest change of each speed in a second."
    )
    turn_acceleration: Annotated[AngularAcceleration, Gt(0)] | None = Field(
        default=None, description="Largest change of the turning rate in a second."
    )

    @model_validator(mode="after")
    def _may_turn(self) -> Self:
        if self.heading is not None and self.heading.share and not any(self.turn):
            help = "give a range of 'turn', within which it turns to its heading"
            about = {"help": help, "fields": "heading"}
            raise PydanticCustomError("one_form", "a heading, and no turning rate", about)
        return self

    @property
    def draws_vary(self) -> bool:
        return self.heading is not None or super().draws_vary

    def infers(self, field: str) -> bool:
        """As :meth:`Part.infers`."""
        return field != "inform" or self.heading is not None

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        if self.heading is None:
            return ()
        return (SensorRequest("framequat", "xbody", self.heading.body or robot.root),)

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
    effects = (
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
    effects = (Effect("asks", "command.{name}.turn", "turn"),)
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
