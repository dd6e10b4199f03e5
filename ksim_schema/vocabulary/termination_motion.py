"""Terminations of following a recorded motion: it is lost, or over."""

from typing import Annotated, Literal, Self

from annotated_types import Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.units import Angle, Length
from ksim_schema.vocabulary.base import BodyPattern, Model, Wire
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
    timeout = True
    command: Annotated[str, Wire("terminate", of="Command")] = Field(
        description="The command of kind `motion`."
    )
