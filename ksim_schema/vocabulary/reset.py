"""Resets: the state in which an episode begins. They act on the home pose, one after the other."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import Field

from ksim_schema.quantity import Angle, JointSpeed, JointValue
from ksim_schema.vocabulary.base import JointPattern, Part, Wire


class Reset(Part):
    """What all resets share.

    Class attributes:
        floating: whether it needs a robot with a free joint.
    """

    object: ClassVar[str] = "Reset"
    floating: ClassVar[bool] = False
    reset: Annotated[str | None, Wire("reset")] = Field(
        None, description="The state it sets; the task's only one by default."
    )


class ResetJointPosition(Reset):
    """Joints are moved from the home pose by up to ``range``, uniformly, within their limits."""

    kind: Literal["joint_position"] = "joint_position"
    joints: JointPattern = Field((".*",), description="Names or patterns of hinges and slides.")
    around: Literal["home", "zero"] = Field("home", description="Middle of the range.")
    range: Annotated[JointValue, Ge(0)] = Field(description="Half width of the range.")


class ResetJointVelocity(Reset):
    """Joints start with a velocity of up to ``range``, drawn uniformly."""

    kind: Literal["joint_velocity"] = "joint_velocity"
    joints: JointPattern = Field((".*",), description="Names or patterns of hinges and slides.")
    range: Annotated[JointSpeed, Ge(0)] = Field(description="Half width of the range.")


class ResetHeading(Reset):
    """The floating base is turned about the vertical by up to ``range``."""

    kind: Literal["heading"] = "heading"
    floating: ClassVar[bool] = True
    range: Annotated[Angle, Ge(0)] = Field(3.141592653589793, description="Half width.")
