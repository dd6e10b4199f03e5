"""Rewards: what is good and bad about a tick.

A reward sees the state after the action, and the observations and commands from before it. The
total is the plain sum of ``scale * value`` over the rewards, minus that of the penalties.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.facts import RobotFacts, SensorRequest
from ksim_schema.quantity import AngularSpeed, JointValue, Length, Speed, Time
from ksim_schema.vocabulary.base import (
    BodyName,
    JointPattern,
    Names,
    Part,
    Wire,
)
from ksim_schema.vocabulary.base import Named as Named
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Reward(Part):
    """What all rewards share.

    Class attributes:
        fields: the MjData fields of the new state that it reads.
        channels: what it reads of the tick besides what its fields name: state, action,
            termination.
        penalty: whether the value is subtracted from the total. Scales are never negative.
        floating: whether it needs a robot with a free joint.
    """

    object: ClassVar[str] = "Reward"
    fields: ClassVar[tuple[str, ...]] = ()
    channels: ClassVar[tuple[str, ...]] = ("state",)
    penalty: ClassVar[bool] = False
    floating: ClassVar[bool] = False
    scale: ScaleValue = Field(
        constant_scale(1.0), description="Weight in the total; may follow the curriculum's level."
    )
    per_second: bool = Field(
        False, description="Multiply by the control period, so that the weight is a rate."
    )

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        return ()


class StayAlive(Reward):
    """1 at each tick that does not end in a failure, 0 at one that does."""

    kind: Literal["stay_alive"] = "stay_alive"
    channels: ClassVar[tuple[str, ...]] = ("termination",)


class TerminationPenalty(Reward):
    """1 at a tick that ends in a failure (subtracted)."""

    kind: Literal["termination"] = "termination"
    channels: ClassVar[tuple[str, ...]] = ("termination",)
    penalty: ClassVar[bool] = True


class _Tracking(Reward):
    """What the velocity rewards share."""

    floating: ClassVar[bool] = True
    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The planar velocity command to follow."
    )
    body: BodyName | None = Field(None, description="The body; the floating base by default.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        body = self.body or robot.root
        return (
            SensorRequest("framelinvel", "xbody", body),
            SensorRequest("frameangvel", "xbody", body),
            SensorRequest("framequat", "xbody", body),
        )


class LinearVelocity(_Tracking):
    """``exp(-|v - v_cmd|^2 / error_scale^2)`` of the planar velocity in the heading frame.

    The heading frame is the body's frame turned upright: x points where the body's x axis points
    on the ground.
    """

    kind: Literal["linear_velocity"] = "linear_velocity"
    error_scale: Annotated[Speed, Gt(0)] = Field(description="Error at which it falls to 1/e.")


class AngularVelocity(_Tracking):
    """``exp(-(w - w_cmd)^2 / error_scale^2)`` of the turning rate about the vertical."""

    kind: Literal["angular_velocity"] = "angular_velocity"
    error_scale: Annotated[AngularSpeed, Gt(0)] = Field(
        description="Error at which it falls to 1/e."
    )


class Upright(Reward):
    """Cosine of the tilt of a body: 1 upright, 0 lying, -1 upside down."""

    kind: Literal["upright"] = "upright"
    body: BodyName | None = Field(None, description="The body; the floating base by default.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framequat", "xbody", self.body or robot.root),)


class JointDeviation(Reward):
    """Mean of the squared distances of joints from the home pose, (rad or m)^2 (subtracted)."""

    kind: Literal["joint_deviation"] = "joint_deviation"
    fields: ClassVar[tuple[str, ...]] = ("qpos",)
    penalty: ClassVar[bool] = True
    joints: JointPattern = Field((".*",), description="Names or patterns of hinges and slides.")


class FeetAirTime(Reward):
    """Time each foot spent in the air before it touches down, less ``target``; summed, in s.

    Given at the tick of the touch-down (as in legged_gym); nothing while the command is zero.
    """

    kind: Literal["feet_air_time"] = "feet_air_time"
    channels: ClassVar[tuple[str, ...]] = ()
    contact: Annotated[str, Wire("reward", of="Observation")] = Field(
        description="A contact observation with one entry for each foot."
    )
    command: Annotated[str | None, Wire("reward", of="Command")] = Field(
        None, description="A command that is zero when the robot should stand."
    )
    target: Time = Field(0.4, description="Air time of a step that is neither good nor bad.")


class FeetClock(Reward):
    """``exp(-|h - h_ref|^2 / error_scale^2)``: feet follow half-sine heights on a clock.

    Foot i of n is up during half of its turn: ``h_ref = height * max(0, sin(2 pi (t / period +
    i / n)))``, with t the time since the episode began and h the height of the foot's site above
    the world's zero. ksim's SinusoidalGaitReward is the model.
    """

    kind: Literal["feet_clock"] = "feet_clock"
    sites: Annotated[Names, Named("site")] = Field(description="One site at the sole of each foot.")
    period: Annotated[Time, Gt(0)] = Field(description="Time of one full gait cycle.")
    height: Length = Field(description="Height of the swing foot at the top.")
    error_scale: Annotated[Length, Gt(0)] = Field(description="Error at which it falls to 1/e.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return tuple(SensorRequest("framepos", "site", s) for s in self.sites)


class TorquePenalty(Reward):
    """Sum of the squared actuator forces, (N*m)^2 or N^2 (subtracted)."""

    kind: Literal["torque_penalty"] = "torque_penalty"
    fields: ClassVar[tuple[str, ...]] = ("actuator_force",)
    penalty: ClassVar[bool] = True


class ActionVelocity(Reward):
    """Sum of the squared changes of the action since the last tick (subtracted)."""

    kind: Literal["action_velocity"] = "action_velocity"
    channels: ClassVar[tuple[str, ...]] = ("action",)
    penalty: ClassVar[bool] = True


class VerticalVelocity(Reward):
    """Squared vertical velocity of a body, (m/s)^2 (subtracted)."""

    kind: Literal["vertical_velocity"] = "vertical_velocity"
    penalty: ClassVar[bool] = True
    body: BodyName | None = Field(None, description="The body; the floating base by default.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framelinvel", "xbody", self.body or robot.root),)


class JointTracking(Reward):
    """``exp(-|q - target|^2 / error_scale^2)`` of some joints."""

    kind: Literal["joint_tracking"] = "joint_tracking"
    fields: ClassVar[tuple[str, ...]] = ("qpos",)
    joints: JointPattern = Field(description="Names or patterns of hinges and slides.")
    target: JointValue = Field(0.0, description="The position that all of them should have.")
    error_scale: Annotated[JointValue, Gt(0)] = Field(description="Error at which it falls to 1/e.")
