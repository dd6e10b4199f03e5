"""Events: what the world does to the robot at random times."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.quantity import Speed, Time
from ksim_schema.vocabulary.base import Part, Range, Wire
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Event(Part):
    """What all events share: they act at the start of a tick, at random intervals.

    Class attributes:
        floating: whether it needs a robot with a free joint.
    """

    object: ClassVar[str] = "Event"
    floating: ClassVar[bool] = False
    disturb: Annotated[str | None, Wire("disturb")] = Field(
        None, description="The state it acts on; the task's only one by default."
    )
    every: Range[Annotated[Time, Gt(0)]] = Field(
        description="Range of the time between two events; drawn anew after each."
    )
    scale: ScaleValue = Field(
        constant_scale(1.0), description="Factor of its strength; may follow the level."
    )


class LinearPush(Event):
    """The base's velocity changes at once by ``speed`` in a random horizontal direction."""

    kind: Literal["linear_push"] = "linear_push"
    floating: ClassVar[bool] = True
    speed: Annotated[Speed, Ge(0)] = Field(description="Change of the velocity.")
