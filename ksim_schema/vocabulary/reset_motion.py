"""Resets into a frame of a recorded motion."""

import math
from dataclasses import replace
from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.units import Angle, AngularSpeed, Length, Speed
from ksim_schema.units.interval import Interval
from ksim_schema.units.quantity import JointSpeed, JointValue
from ksim_schema.vocabulary.base import Model, Wire
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.reset_base import Reset


class StartNoise(Model):
    """Half widths of uniform draws that are added to the frame."""

    place: Annotated[Length, Ge(0)] = Field(default=0.0, description="x and y of the base.")
    height: Annotated[Length, Ge(0)] = Field(default=0.0, description="z of the base, upwards.")
    tilt: Annotated[Angle, Ge(0)] = Field(default=0.0, description="Roll and pitch.")
    heading: Annotated[Angle, Ge(0)] = Field(default=0.0, description="Yaw.")
    speed: Annotated[Speed, Ge(0)] = Field(default=0.0, description="Each linear velocity.")
    spin: Annotated[AngularSpeed, Ge(0)] = Field(default=0.0, description="Each angular one.")
    joints: Annotated[JointValue, Ge(0)] = Field(
        default=0.0, description="Each joint, which stays within its limits."
    )
    joint_speed: Annotated[JointSpeed, Ge(0)] = Field(default=0.0, description="Each velocity.")


class ResetMotionStart(Reset):
    """The frame of a recorded motion in which its command begins: qpos and qvel of the robot.

    Where that is, the command draws (``begin``). Joints are put within their limits; what the clip
    does not move, such as other bodies that float, stays as it is.
    """

    kind: Literal["motion_start"] = "motion_start"
    whole = True
    effects = (
        Effect("starts", "motion.{command}.base.distance", "noise"),
        Effect("starts", "motion.{command}.base.tilt", "noise"),
        Effect("starts", "motion.{command}.joints.apart", "noise"),
    )
    command: Annotated[str, Wire("set_out")] = Field(description="The command of kind `motion`.")
    noise: StartNoise = Field(
        default_factory=StartNoise, description="What is added to the frame at random."
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        noise = self.noise
        place = math.hypot(noise.place, noise.place, noise.height)
        # x and y are turned one after the other: the tilt is less than both together
        widths = (place, min(2.0 * noise.tilt, math.pi), noise.joints)
        return tuple(
            replace(effect, fixed=Interval(0.0, float(width)))
            for effect, width in zip(self.effects, widths, strict=True)
        )
