"""Terminations of following a recorded motion: it is lost, or over."""

from typing import Annotated, Literal, Self

from annotated_types import Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.units import Angle, Length
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.base import BodyPattern, Model, Wire
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.termination import Termination


class Ends(Model):
    """How far the ends of limbs may be from their heights in the motion."""

    bodies: BodyPattern = Field(description="Names or patterns of the command's bodies.")
    height: Annotated[Length, Gt(0)] = Field(description="Largest difference of the heights.")


class MotionLost(Termination):
    """The robot no longer follows a recorded motion: one of the limits that are given is passed.

    Compared with the frame that the command tells, in the world; a tilt is the angle between what
    is up for the anchor and what is up for it in the motion, whatever their headings.
    """

    kind: Literal["motion_lost"] = "motion_lost"
    effects = (
        Effect("ends", "motion.{command}.anchor.rise", "anchor_height", "half_width"),
        Effect("ends", "motion.{command}.anchor.distance", "anchor_distance", "at_most"),
        Effect("ends", "motion.{command}.anchor.tilt", "anchor_tilt", "at_most"),
        Effect("ends", "motion.{command}.{ends}.rise", "ends", "half_width"),
    )
    command: Annotated[str, Wire("terminate", of="Command")] = Field(
        description="The command of kind `motion`."
    )
    anchor_height: Annotated[Length, Gt(0)] | None = Field(
        default=None, description="Largest difference of the anchor's height."
    )
    anchor_distance: Annotated[Length, Gt(0)] | None = Field(
        default=None, description="Largest distance of the anchor from where it should be."
    )
    anchor_tilt: Annotated[Angle, Gt(0)] | None = Field(
        default=None, description="Largest difference of the anchor's tilt."
    )
    ends: Ends | None = Field(default=None, description="Limits for hands and feet.")

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        *of_anchor, _ = self.effects
        if self.ends is None:
            return tuple(of_anchor)
        within = Interval(-float(self.ends.height), float(self.ends.height))
        bodies = robot.match("body", self.ends.bodies)
        at = (f"motion.{self.command}.{body}.rise" for body in bodies)
        return (*of_anchor, *(Effect("ends", each, "ends", fixed=within) for each in at))

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        limits = ("anchor_height", "anchor_distance", "anchor_tilt", "ends")
        if all(getattr(self, name) is None for name in limits):
            raise PydanticCustomError(
                "one_form",
                "none of its limits is given",
                {"help": f"give one of {', '.join(limits)}", "fields": ""},
            )
        return self


class MotionOver(Termination):
    """The last frame of a recorded motion's clip was to be reached: a time-out, not a failure."""

    kind: Literal["motion_over"] = "motion_over"
    effects = (Effect("ends", "motion.{command}.phase", fixed=Interval(0.0, 1.0)),)
    timeout = True
    command: Annotated[str, Wire("terminate", of="Command")] = Field(
        description="The command of kind `motion`."
    )
