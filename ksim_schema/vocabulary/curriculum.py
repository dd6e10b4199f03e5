"""Curricula: the level of difficulty in [0, 1] of each environment.

What a curriculum counts goes on from episode to episode: a reset does not touch it.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Field

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import Length, Number, Time
from ksim_schema.vocabulary.base import BodyName, Part, PositiveInt, Wire
from ksim_schema.vocabulary.effects import Effect

Fraction = Annotated[Number, Ge(0.0), Le(1.0)]


class Curriculum(Part):
    """What all curricula share.

    Class attributes:
        fields: the MjData fields that it reads.
        channels: what it reads of the record of a tick.
    """

    object = "Curriculum"
    fields = ()
    channels = ()

    def first_level(self) -> float:
        """The level at the start of training."""
        return 0.0

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        return ()


class ConstantLevel(Curriculum):
    """The same level throughout."""

    kind: Literal["constant"] = "constant"
    level: Fraction = Field(default=1.0, description="The level.")

    def first_level(self) -> float:
        return self.level


class LinearLevel(Curriculum):
    """The level rises evenly with the ticks since the start of training.

    ``min_level + (1 - min_level) * (ticks - after) / ticks_to_top``, from ``min_level`` to 1, where
    ``ticks`` counts the control ticks of one environment. With ``levels`` it rises in that many
    steps.
    """

    kind: Literal["linear"] = "linear"
    ticks: PositiveInt = Field(
        description="Control ticks of an environment in which the level rises to 1; all "
        "environments together take as many times more steps as there are of them."
    )
    after: Annotated[int, Ge(0)] = Field(
        default=0, description="Control ticks before the level begins to rise."
    )
    levels: PositiveInt | None = Field(
        default=None, description="Number of steps in which it rises; evenly by default."
    )
    min_level: Fraction = Field(default=0.0, description="The level at the start.")

    def first_level(self) -> float:
        return self.min_level


class Stepwise(Curriculum):
    """What the curricula share that move by ``1 / levels`` at the end of an episode.

    They measure each episode; the moving average of the measure over the environment's episodes,
    ``average = smoothing * average + (1 - smoothing) * measure``, begins with the first one.
    """

    levels: PositiveInt = Field(default=20, description="Number of steps from 0 to 1.")
    min_level: Fraction = Field(
        default=0.0, description="The lowest level, and the one at the start."
    )
    smoothing: Fraction = Field(
        default=0.0,
        description="Weight of the past in the average of the measure; 0 is the last episode "
        "alone.",
    )
    wait: PositiveInt = Field(
        default=1, description="Least number of episodes between two changes of the level."
    )

    def first_level(self) -> float:
        return self.min_level


class EpisodeLengthLevel(Stepwise):
    """The level rises by ``1 / levels`` with each long episode and falls with each short one.

    Up when episodes last longer than ``raise_above``, down when shorter than ``lower_below``.
    """

    kind: Literal["episode_length"] = "episode_length"
    effects = (
        Effect("needs", "time", "raise_above", "at_least"),
        Effect("needs", "time", "lower_below", "at_most"),
    )
    raise_above: Annotated[Time, Gt(0)] = Field(description="A longer episode raises the level.")
    lower_below: Annotated[Time, Gt(0)] = Field(description="A shorter episode lowers it.")


class DistanceFromOriginLevel(Stepwise):
    """The level rises by ``1 / levels`` when the robot gets far, and falls when it stays near.

    Up when a body gets farther from the world's origin than ``raise_above``, down when it stays
    within ``lower_below``: the largest distance along the ground in the episode counts.
    """

    kind: Literal["distance_from_origin"] = "distance_from_origin"
    effects = (
        Effect("needs", "body.{body}.distance", "raise_above", "at_least"),
        Effect("needs", "body.{body}.distance", "lower_below", "at_most"),
    )
    channels = ("state",)
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    raise_above: Annotated[Length, Gt(0)] = Field(description="A larger distance raises the level.")
    lower_below: Annotated[Length, Ge(0)] = Field(description="A smaller distance lowers it.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class StepWhenSaturated(Stepwise):
    """Each environment's level moves by ``1 / levels`` by how many of its episodes fail.

    Up when the share of failures (the moving average of 1 for an episode that failed and 0 for one
    that ran out of time) is below ``raise_below``, down when above ``lower_above``.
    """

    kind: Literal["step_when_saturated"] = "step_when_saturated"
    smoothing: Fraction = Field(
        default=0.9,
        description="Weight of the past in the average of the measure; 0 is the last episode "
        "alone.",
    )
    raise_below: Fraction = Field(description="A smaller share of failures raises the level.")
    lower_above: Fraction = Field(description="A larger share of failures lowers it.")


class TerrainLevel(Curriculum):
    """The level of each environment's tile, which rises with the way that its robot comes.

    The level is ``row / (rows - 1)`` of the terrain's grid, and moves by one row at the end of an
    episode: up when the body has come farther along the ground from where it began than
    ``raise_above``, else down when it has come less far than ``lower_below`` times the commanded
    way. That is the mean speed that the command asked for, times the length of an episode that
    lasts to its time limit, so that a fall at the start counts as a short way. Who passes the last
    level goes on at one drawn from all of them. After legged_gym's terrain curriculum.

    A reset ``terrain_tile`` that follows it puts robots on these tiles.
    """

    kind: Literal["terrain_level"] = "terrain_level"
    channels = ("state",)
    command: Annotated[str, Wire("gauge", of="Command")] = Field(
        description="The command of the velocity along the ground."
    )
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    raise_above: Annotated[Length, Gt(0)] | None = Field(
        default=None, description="A longer way raises the level; half a tile by default."
    )
    lower_below: Fraction = Field(
        default=0.5, description="Share of the commanded way; a shorter one lowers the level."
    )
    first_levels: PositiveInt = Field(
        default=1, description="Number of levels that environments begin on, drawn for each."
    )

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": ("forward", "sideways")}

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)
