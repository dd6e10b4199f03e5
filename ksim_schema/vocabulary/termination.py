"""Terminations: when an episode ends, by failure or by time."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.facts import RobotFacts, SensorRequest
from ksim_schema.quantity import Angle, JointValue, Length, Time
from ksim_schema.vocabulary.base import BodyName, JointPattern, Part, Range


class Termination(Part):
    """What all terminations share. A state that is not finite always ends an episode.

    Class attributes:
        timeout: whether the end is no failure: the return goes on beyond it.
    """

    object: ClassVar[str] = "Termination"
    fields: ClassVar[tuple[str, ...]] = ()
    channels: ClassVar[tuple[str, ...]] = ("state",)
    timeout: ClassVar[bool] = False

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        return ()


class MinHeight(Termination):
    """A body's origin is below a height above the world's zero."""

    kind: Literal["min_height"] = "min_height"
    body: BodyName | None = Field(None, description="The body; the floating base by default.")
    height: Length = Field(description="Lowest height that is no failure.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class NotUpright(Termination):
    """A body is tilted by more than an angle."""

    kind: Literal["not_upright"] = "not_upright"
    body: BodyName | None = Field(None, description="The body; the floating base by default.")
    max_tilt: Annotated[Angle, Gt(0)] = Field(description="Largest tilt that is no failure.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framequat", "xbody", self.body or robot.root),)


class JointOutside(Termination):
    """One of some joints is outside of a range."""

    kind: Literal["joint_outside"] = "joint_outside"
    fields: ClassVar[tuple[str, ...]] = ("qpos",)
    joints: JointPattern = Field(description="Names or patterns of hinges and slides.")
    range: Range[JointValue] = Field(description="Positions that are no failure.")


class EpisodeLength(Termination):
    """The episode has lasted a given time: a time-out, not a failure."""

    kind: Literal["episode_length"] = "episode_length"
    timeout: ClassVar[bool] = True
    after: Annotated[Time, Gt(0)] = Field(description="Length of an episode.")
