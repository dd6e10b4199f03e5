"""Events: what the world does to the robot at random times."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.units import AngularSpeed, Force, Speed, Time
from ksim_schema.vocabulary.base import (
    BodyName,
    FloatingBody,
    Part,
    Probability,
    Range,
    Spread,
    Wire,
)
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Event(Part):
    """What all events share: they act at the start of a tick, at random intervals.

    Class attributes:
        floating: whether it needs a robot with a free joint.
        pulls: whether it acts by a force during some time, and not by a change of velocity.
    """

    object = "Event"
    floating = False
    pulls: ClassVar[bool] = False
    disturb: Annotated[str | None, Wire("disturb")] = Field(
        default=None, description="The state it acts on; the task's only one by default."
    )
    every: Range[Annotated[Time, Gt(0)]] = Field(
        description="Range of the time between two events; drawn anew after each."
    )
    probability: Probability = Field(
        default=1.0, description="Probability that it happens when it is due."
    )
    scale: ScaleValue = Field(
        default=constant_scale(1.0), description="Factor of its strength; may follow the level."
    )


class Push(Event):
    """What the events share that change the velocity of a floating body at once."""

    floating = True
    body: FloatingBody | None = Field(
        default=None, description="A body that floats; the robot's base by default."
    )


class LinearPush(Push):
    """The base's velocity changes at once by ``speed`` in a random horizontal direction."""

    kind: Literal["linear_push"] = "linear_push"
    effects = (Effect("adds", "body.{body}.speed", "speed", "symmetric", "add"),)
    speed: Spread[Annotated[Speed, Ge(0)]] = Field(
        description="Change of the velocity, or a range of it."
    )


class AngularPush(Push):
    """The base's angular velocity changes at once by ``rate`` about a random axis."""

    kind: Literal["angular_push"] = "angular_push"
    effects = (Effect("adds", "body.{body}.spin", "rate", "symmetric", "add"),)
    rate: Spread[Annotated[AngularSpeed, Ge(0)]] = Field(
        description="Change of the angular velocity, or a range of it."
    )


class Jump(Push):
    """The base's velocity changes at once by ``speed`` upwards."""

    kind: Literal["jump"] = "jump"
    effects = (Effect("adds", "body.{body}.climb", "speed", change="add"),)
    speed: Spread[Annotated[Speed, Ge(0)]] = Field(
        description="Change of the velocity, or a range of it."
    )


class ForcePush(Event):
    """A force on a body's centre of mass in a random horizontal direction, for some time."""

    kind: Literal["force_push"] = "force_push"
    effects = (Effect("adds", "body.{body}.push", "force", "symmetric", "add"),)
    pulls = True
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    force: Spread[Annotated[Force, Ge(0)]] = Field(description="The force, or a range of it.")
    duration: Spread[Annotated[Time, Gt(0)]] = Field(
        description="How long it lasts, or a range; rounded to whole control periods."
    )
