"""Metrics of following a recorded motion."""

from typing import Annotated, Literal, Self

from annotated_types import Ge
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.units import ANGLE, LENGTH, NUMBER, Dimension, Time
from ksim_schema.vocabulary.base import BodyPattern, Wire
from ksim_schema.vocabulary.formula import Surroundings
from ksim_schema.vocabulary.metric import Metric


class OfClip(Metric):
    """What the metrics of a motion share: they may be of one of its clips alone."""

    command: Annotated[str, Wire("measure", of="Command")] = Field(
        description="The command of kind `motion`."
    )
    clip: str | None = Field(
        default=None,
        description="Of episodes of this clip alone, a file's name without folder and ending.",
    )


class MotionError(OfClip):
    """How far the robot is from the motion: the mean distance of its bodies (m), its anchor's
    distance (m), or the mean of its joints (rad).

    ``bodies`` are compared as the reward ``motion_body_position`` does: seen from the anchor, or in
    the world. With ``average`` it is the mean over the latest time, so that its largest value is
    that of the worst second.
    """

    kind: Literal["motion_error"] = "motion_error"
    static = frozenset(("average",))
    of: Literal["bodies", "anchor", "joints"] = Field(
        default="bodies", description="What is compared."
    )
    frame: Literal["anchor", "world"] = Field(
        default="anchor", description="Where bodies are compared."
    )
    bodies: BodyPattern | None = Field(
        default=None, description="Names or patterns; those of the command by default."
    )
    average: Annotated[Time, Ge(0)] = Field(
        default=0.0, description="Time over which the error is averaged."
    )

    @model_validator(mode="after")
    def _no_condition(self) -> Self:
        if self.holds:
            raise PydanticCustomError(
                "one_form",
                "an error is a number, and {what} asks for a condition",
                {
                    "what": "'success'" if self.success else f"'over: {self.over}'",
                    "help": "motion_completed says whether an episode was one",
                    "fields": "success" if self.success else "over",
                },
            )
        return self

    def dimension(self, robot: RobotFacts, around: Surroundings) -> Dimension:
        return ANGLE if self.of == "joints" else LENGTH


class MotionCompleted(OfClip):
    """Whether the clip's last frame was reached, in an episode that has not failed."""

    kind: Literal["motion_completed"] = "motion_completed"

    def dimension(self, robot: RobotFacts, around: Surroundings) -> Dimension:
        return NUMBER
