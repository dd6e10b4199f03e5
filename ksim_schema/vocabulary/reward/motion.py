"""Rewards of following a recorded motion: ``exp(-e^2 / error_scale^2)`` of the mean squared error.

The frame is the one that the command tells, in which the robot is to be after the tick. After
BeyondMimic (Liao et al. 2025, arXiv:2508.08241) and DeepMimic (Peng et al. 2018, ACM TOG 37:143).
"""

from typing import Annotated, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.units import Angle, AngularSpeed, JointSpeed, JointValue, Length, Speed
from ksim_schema.units.interval import ZERO
from ksim_schema.vocabulary.base import BodyPattern, JointPattern, Wire
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.reward.base import Reward

_SCALE = "Error at which it falls to 1/e."


def _followed(quantity: str) -> tuple[Effect, ...]:
    """What such a reward wants: that nothing is left to the motion."""
    at = f"motion.{{command}}.{quantity}"
    return (Effect("wants", at, fixed=ZERO, scale="error_scale"),)


class MotionReward(Reward):
    """What they share: the command of the motion."""

    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The command of kind `motion`."
    )


class OfBodies(MotionReward):
    """What those share that are the mean over bodies."""

    bodies: BodyPattern | None = Field(
        default=None, description="Names or patterns; those of the command by default."
    )


class MotionAnchorPosition(MotionReward):
    """``e``, m: the distance of the anchor from where it is in the motion, in the world."""

    kind: Literal["motion_anchor_position"] = "motion_anchor_position"
    effects = _followed("anchor.distance")
    error_scale: Annotated[Length, Gt(0)] = Field(default=0.3, description=_SCALE)


class MotionAnchorOrientation(MotionReward):
    """``e``, rad: the angle between the anchor's orientation and that in the motion."""

    kind: Literal["motion_anchor_orientation"] = "motion_anchor_orientation"
    effects = _followed("anchor.angle")
    error_scale: Annotated[Angle, Gt(0)] = Field(default=0.4, description=_SCALE)


class MotionBodyPosition(OfBodies):
    """``e``, m: the distances of bodies from where they are in the motion.

    ``frame: anchor`` puts the motion under the robot's own anchor: its anchor's place on the
    ground, and its heading, are the robot's, its height stays the motion's.
    """

    kind: Literal["motion_body_position"] = "motion_body_position"
    effects = _followed("bodies.distance")
    frame: Literal["anchor", "world"] = Field(
        default="anchor", description="Where the motion is compared."
    )
    error_scale: Annotated[Length, Gt(0)] = Field(default=0.3, description=_SCALE)


class MotionBodyOrientation(OfBodies):
    """``e``, rad: the angles of bodies from how they are turned in the motion.

    ``frame: anchor`` gives the motion the heading of the robot's anchor.
    """

    kind: Literal["motion_body_orientation"] = "motion_body_orientation"
    effects = _followed("bodies.angle")
    frame: Literal["anchor", "world"] = Field(
        default="anchor", description="Where the motion is compared."
    )
    error_scale: Annotated[Angle, Gt(0)] = Field(default=0.4, description=_SCALE)


class MotionBodyLinearVelocity(OfBodies):
    """``e``, m/s: velocities of bodies' origins against those in the motion, in the world."""

    kind: Literal["motion_body_linear_velocity"] = "motion_body_linear_velocity"
    effects = _followed("bodies.speed")
    error_scale: Annotated[Speed, Gt(0)] = Field(default=1.0, description=_SCALE)


class MotionBodyAngularVelocity(OfBodies):
    """``e``, rad/s: angular velocities of bodies against those in the motion, in the world."""

    kind: Literal["motion_body_angular_velocity"] = "motion_body_angular_velocity"
    effects = _followed("bodies.spin")
    error_scale: Annotated[AngularSpeed, Gt(0)] = Field(default=3.14, description=_SCALE)


class MotionJointPosition(MotionReward):
    """``e``, rad or m: positions of joints against those in the motion."""

    kind: Literal["motion_joint_position"] = "motion_joint_position"
    effects = _followed("joints.apart")
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    error_scale: Annotated[JointValue, Gt(0)] = Field(description=_SCALE)


class MotionJointVelocity(MotionReward):
    """``e``, rad/s or m/s: velocities of joints against those in the motion."""

    kind: Literal["motion_joint_velocity"] = "motion_joint_velocity"
    effects = _followed("joints.velocity")
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    error_scale: Annotated[JointSpeed, Gt(0)] = Field(description=_SCALE)
