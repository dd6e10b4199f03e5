"""Rewards of a body's velocity: commanded, and unwanted."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import Angle, AngularSpeed, Number, Speed, Time
from ksim_schema.units.interval import ZERO
from ksim_schema.vocabulary.base import BodyName, Wire
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.reward.base import Reward, velocity_of


class _BodyVelocity(Reward):
    moving = True
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return velocity_of(self.body or robot.root)


class _Tracking(_BodyVelocity):
    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The velocity command to follow."
    )


class _TrackingKernel(_Tracking):
    sq_scale: Annotated[Number, Ge(0)] = Field(
        default=0.1, description="Weight of -e^2, e in SI units."
    )
    abs_scale: Annotated[Number, Ge(0)] = Field(
        default=0.1, description="Weight of -|e|, e in SI units."
    )


class LinearVelocity(_TrackingKernel):
    """Speed and direction over the ground against a command, as four components.

    With (x, y) the velocity of the body's origin along its own x and y axes in m/s and
    ``k(e, s) = exp(-e^2 / s^2) - abs_scale |e| - sq_scale e^2``:

    * vel: ``k(sqrt(x^2 + y^2) - speed_cmd, error_scale)``
    * yaw: ``k(atan2(y, x) - yaw_cmd, direction_scale)``
    * x: ``k(x - x_cmd, error_scale)``; y: ``k(y - y_cmd, error_scale)``

    All but vel are 0 while the command is zero. The command is a planar or a linear velocity; a
    planar one gives ``speed = sqrt(x^2 + y^2)`` and ``yaw = atan2(y, x)``. After ksim's
    LinearVelocityReward, which takes the plain difference of the two directions even where it is
    more than half a turn (``wrap: false``).
    """

    kind: Literal["linear_velocity"] = "linear_velocity"
    effects = (
        Effect("wants", "body.{body}.forward", "command", element="forward", scale="error_scale"),
        Effect("wants", "body.{body}.left", "command", element="sideways", scale="error_scale"),
    )
    components = ("vel", "yaw", "x", "y")
    error_scale: Annotated[Speed, Gt(0)] = Field(
        default=0.35, description="Error of a speed at which the exponential falls to 1/e."
    )
    direction_scale: Annotated[Angle, Gt(0)] = Field(
        default=0.35, description="Error of the direction at which the exponential falls to 1/e."
    )
    zero_threshold: Annotated[Speed, Ge(0)] = Field(
        default=0.01, description="Commands below this speed are zero."
    )
    wrap: bool = Field(
        default=True, description="Whether a difference of directions is taken the short way round."
    )

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": ("forward", "sideways")}


class AngularVelocity(_TrackingKernel):
    """Turning rate about the body's z axis against a command, as two components.

    * mag: ``exp(-e^2 / error_scale^2) - abs_scale |e| - sq_scale e^2``, with e in rad/s
    * dir: 1 where it turns to the commanded side, -1 where it does not. Rates below
      ``zero_threshold`` are to neither side.

    After ksim's AngularVelocityReward.
    """

    kind: Literal["angular_velocity"] = "angular_velocity"
    effects = (Effect("wants", "body.{body}.turn", "command", element="turn", scale="error_scale"),)
    components = ("mag", "dir")
    error_scale: Annotated[AngularSpeed, Gt(0)] = Field(
        default=0.35, description="Error at which the exponential falls to 1/e."
    )
    zero_threshold: Annotated[AngularSpeed, Ge(0)] = Field(
        default=math.radians(5), description="Turning rates below this are zero."
    )

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": ("turn",)}


Averaging = Annotated[Time, Gt(0)] | None
_AVERAGE: Any = Field(
    default=None,
    description="Time constant of a running mean of the error, so that a body may sway about the"
    " command with its gait; the error of the tick alone by default.",
)


class TrackLinearVelocity(_Tracking):
    """``exp(-|v - v_cmd|^2 / error_scale^2)`` of the planar velocity, v in m/s.

    The heading frame is the body's frame turned upright: x points where the body's x axis points
    on the ground. As in Isaac Lab (track_lin_vel_xy_yaw_frame_exp with heading, and
    track_lin_vel_xy_exp with robot) and mjlab; error_scale is their std.
    """

    kind: Literal["track_linear_velocity"] = "track_linear_velocity"
    effects = (
        Effect("wants", "body.{body}.forward", "command", element="forward", scale="error_scale"),
        Effect("wants", "body.{body}.left", "command", element="sideways", scale="error_scale"),
    )
    error_scale: Annotated[Speed, Gt(0)] = Field(description="Error at which it falls to 1/e.")
    frame: Literal["heading", "robot", "world"] = Field(
        default="heading",
        description="Frame in which the velocity is compared; in the world's, forward is along x "
        "and sideways along y.",
    )
    average: Averaging = _AVERAGE

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        return () if self.frame == "world" else self.effects

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": ("forward", "sideways")}


class TrackAngularVelocity(_Tracking):
    """``exp(-(w - w_cmd)^2 / error_scale^2)`` of the turning rate, w in rad/s.

    About the vertical (heading) or about the body's own z axis (robot). As in Isaac Lab and mjlab;
    error_scale is their std.
    """

    kind: Literal["track_angular_velocity"] = "track_angular_velocity"
    effects = (Effect("wants", "body.{body}.turn", "command", element="turn", scale="error_scale"),)
    error_scale: Annotated[AngularSpeed, Gt(0)] = Field(
        description="Error at which it falls to 1/e."
    )
    frame: Literal["heading", "robot"] = Field(
        default="heading", description="Frame in which the turning rate is compared."
    )
    average: Averaging = _AVERAGE

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": ("turn",)}


class OffAxisVelocity(_BodyVelocity):
    """Small velocities where no command is: three components ``exp(-e^2 / s^2)``.

    * linz: e is the vertical velocity in the world's frame, m/s, and s is linear_scale
    * angx, angy: e is the angular velocity about the body's x or y axis, rad/s, and s is
      angular_scale

    After ksim's OffAxisVelocityReward, which by mistake takes the rates about y and z for those
    about x and y, and so punishes the commanded turn.
    """

    kind: Literal["off_axis_velocity"] = "off_axis_velocity"
    effects = (Effect("wants", "body.{body}.climb", fixed=ZERO, scale="linear_scale"),)
    components = ("linz", "angx", "angy")
    linear_scale: Annotated[Speed, Gt(0)] = Field(
        default=0.35, description="Vertical velocity at which linz falls to 1/e."
    )
    angular_scale: Annotated[AngularSpeed, Gt(0)] = Field(
        default=0.35, description="Angular velocity at which angx and angy fall to 1/e."
    )


class VerticalVelocity(Reward):
    """Squared vertical velocity of a body, (m/s)^2 (subtracted)."""

    kind: Literal["vertical_velocity"] = "vertical_velocity"
    effects = (Effect("wants", "body.{body}.climb", fixed=ZERO),)
    penalty = True
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return velocity_of(self.body or robot.root)[:1]


class VelocityAlong(Reward):
    """Velocity along a direction of the world, m/s: ``v . direction``.

    Of a body's origin (framelinvel), or of the centre of mass of the body with all that hangs from
    it (subtreelinvel): the forward reward of Gymnasium's Ant and Humanoid.
    """

    kind: Literal["velocity_along"] = "velocity_along"
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    of: Literal["origin", "center_of_mass"] = Field(
        default="origin", description="The point that moves."
    )
    direction: tuple[Number, Number, Number] = Field(
        default=(1.0, 0.0, 0.0), description="In the world's axes; its length is a factor."
    )

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not any(self.direction):
            about = {"help": "give for example [1, 0, 0]", "fields": "direction"}
            raise PydanticCustomError("one_form", "the direction has no length", about)
        return self

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        if self.of == "origin":
            return velocity_of(self.body or robot.root)[:1]
        return (SensorRequest("subtreelinvel", "body", self.body or robot.root),)
