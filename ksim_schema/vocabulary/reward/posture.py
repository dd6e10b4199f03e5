"""Rewards of a body's height and tilt."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import Dimension, Length, Number, Unit
from ksim_schema.units.interval import ZERO
from ksim_schema.vocabulary.base import BodyName, Named, Names, Range, Wire
from ksim_schema.vocabulary.choice import exactly_one
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.heights import OfHeight
from ksim_schema.vocabulary.reward.base import (
    AngleKernel,
    AngularSpeedKernel,
    Reward,
    SpeedKernel,
    orientation_of,
    position_of,
    velocity_of,
)

PerLength = Annotated[float, Unit((Dimension(m=-1),))]


class _OfBody(Reward):
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )


class BaseHeight(_OfBody, OfHeight):
    """``exp(-(z - height)^2 / error_scale^2)``, z the height of a body.

    After ksim's BaseHeightReward. The height is a number, or that of a command.
    """

    kind: Literal["base_height"] = "base_height"
    effects = (
        Effect("wants", "body.{body}.height", "height", "value", scale="error_scale"),
        Effect("wants", "body.{body}.height", "command", element="height", scale="error_scale"),
    )
    height: Length | None = Field(default=None, description="The height to keep; or `command`.")
    command: Annotated[str | None, Wire("reward", of="Command")] = Field(
        default=None, description="A command of the height, instead of `height`."
    )
    error_scale: Annotated[Length, Gt(0)] = Field(
        default=0.35, description="Error at which it falls to 1/e."
    )

    @model_validator(mode="after")
    def _height_or_command(self) -> Self:
        exactly_one(self, "height", "command")
        return self

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": ("height",)}

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (position_of(self.body or robot.root),)


class BaseHeightRange(_OfBody, OfHeight):
    """1 while a body's height is in a range; outside it falls by ``dropoff`` a metre, down to 0.

    After ksim's BaseHeightRangeReward.
    """

    kind: Literal["base_height_range"] = "base_height_range"
    effects = (Effect("wants", "body.{body}.height", "range"),)
    range: Range[Length] = Field(description="Heights that are good.")
    dropoff: Annotated[PerLength, Ge(0)] = Field(
        default=10.0, description="Loss for each metre outside of the range, such as 10 1/m."
    )

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (position_of(self.body or robot.root),)


class Upright(_OfBody):
    """No pitch, no pitching, no bouncing: three kernels of a body's motion, as components.

    Each is ``exp(-e^2 / error_scale^2) - abs_scale |e| - sq_scale e^2``.

    * angvel: e is the angular velocity about the body's y axis, rad/s
    * linvel: e is the vertical velocity in the world's frame, m/s
    * pose: e is the pitch, ``atan2(u_x, u_z)`` with u the world's up in the body's frame, rad

    After ksim's UprightReward. ``no_roll`` is the same about the other axis; for one number that
    only says how upright a body is see ``flat_body`` and ``flat_orientation``.
    """

    kind: Literal["upright"] = "upright"
    effects = (
        Effect("wants", "body.{body}.pitch", fixed=ZERO),
        Effect("wants", "body.{body}.climb", fixed=ZERO),
    )
    components = ("angvel", "linvel", "pose")
    angvel: AngularSpeedKernel = Field(
        default=AngularSpeedKernel(), description="Kernel of the pitching rate."
    )
    linvel: SpeedKernel = Field(
        default=SpeedKernel(), description="Kernel of the vertical velocity."
    )
    pose: AngleKernel = Field(default=AngleKernel(), description="Kernel of the pitch.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return velocity_of(self.body or robot.root)


class NoRoll(_OfBody):
    """No roll and no rolling: two kernels of a body's motion, as components.

    Each is ``exp(-e^2 / error_scale^2) - abs_scale |e| - sq_scale e^2``.

    * angvel: e is the angular velocity about the body's x axis, rad/s
    * pose: e is the roll, ``-atan2(u_y, u_z)`` with u the world's up in the body's frame, rad

    After ksim's NoRollReward.
    """

    kind: Literal["no_roll"] = "no_roll"
    effects = (Effect("wants", "body.{body}.roll", fixed=ZERO),)
    components = ("angvel", "pose")
    angvel: AngularSpeedKernel = Field(
        default=AngularSpeedKernel(), description="Kernel of the rolling rate."
    )
    pose: AngleKernel = Field(default=AngleKernel(), description="Kernel of the roll.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return velocity_of(self.body or robot.root)[1:]


class FlatBody(Reward):
    """Cosine of the tilt of bodies, their mean: 1 upright, 0 lying, -1 upside down.

    ``(R^T n) . n`` with R a body's orientation and n the normal of the plane that it should be
    parallel to, by default the ground. After ksim's FlatBodyReward.
    """

    kind: Literal["flat_body"] = "flat_body"
    effects = (Effect("wants", "body.{bodies}.tilt", fixed=ZERO),)
    bodies: Annotated[Names, Named("body")] = Field(
        default=(), description="The bodies; the robot's base by default."
    )
    plane: tuple[Number, Number, Number] = Field(
        default=(0.0, 0.0, 1.0), description="Normal of the plane, of length 1."
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        upwards = not any(self.plane[:2])  # the sign of the normal makes no difference
        return self.effects if upwards else ()

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return tuple(orientation_of(body) for body in self.bodies or (robot.root,))


class FlatOrientation(_OfBody):
    """``g_x^2 + g_y^2`` of the unit vector of gravity in a body's frame (subtracted).

    The squared sine of the tilt: 0 upright, 1 lying. Isaac Lab's flat_orientation_l2.
    """

    kind: Literal["flat_orientation"] = "flat_orientation"
    effects = (Effect("wants", "body.{body}.tilt", fixed=ZERO),)
    penalty = True

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (orientation_of(self.body or robot.root),)
