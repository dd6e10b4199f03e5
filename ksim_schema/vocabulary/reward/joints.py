"""Rewards of joint positions and of how they move."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.patterns import fits
from ksim_schema.units import (
    ACCELERATION,
    ANGULAR_ACCELERATION,
    Dimension,
    JointSpeed,
    JointValue,
    Number,
    Unit,
)
from ksim_schema.units.interval import ZERO
from ksim_schema.vocabulary.base import BodyName, JointPattern, Named, Probability, Wire
from ksim_schema.vocabulary.each import ByPattern, Each, PerJoint
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.reward.base import Normed, Reduce, Rest, Reward, velocity_of

JointAcceleration = Annotated[float, Unit((ANGULAR_ACCELERATION, ACCELERATION))]
JointJerk = Annotated[float, Unit((Dimension(rad=1, s=-3), Dimension(m=1, s=-3)))]
JointName = Annotated[str, Named("joint", pattern=True)]


class _Joints(Reward):
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )


class Targeted(_Joints):
    """Joints with a position that each should have.

    Class attributes:
        one_each: fields with a value for each entry of ``joints``.
    """

    one_each: ClassVar[tuple[str, ...]] = ("targets",)
    effects = (Effect("wants", "joint.{joints}", "joints", "home"),)

    around: Literal["home", "zero"] = Field(
        default="home", description="Where joints should be, if `targets` does not say."
    )
    targets: Annotated[tuple[JointValue, ...] | ByPattern[JointValue], Each("joints")] | None = (
        Field(
            default=None,
            description="Positions that they should have instead: by patterns, or one for each "
            "entry of `joints`, of which a joint takes that of the first that matches it.",
        )
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        if self.targets is None:
            if self.around == "home":
                return self.effects
            return (Effect("wants", "joint.{joints}", "joints", "zero"),)
        joints, given = robot.match_joints(self.joints), self.targets
        entries = (
            given.index(j.name)
            if isinstance(given, ByPattern)
            else _first_match(j.name, self.joints)
            for j in joints
        )
        return tuple(
            Effect("wants", f"joint.{joint.name}", "targets", "value", entry=entry)
            for joint, entry in zip(joints, entries, strict=True)
        )

    @model_validator(mode="after")
    def _as_many_as_joints(self) -> Self:
        for name in self.one_each:
            values: tuple[float, ...] | ByPattern[float] | None = getattr(self, name)
            if isinstance(values, tuple) and len(values) != len(self.joints):
                raise PydanticCustomError(
                    "one_each",
                    "{name} has {count} values for {joints} entries of joints",
                    {
                        "name": repr(name),
                        "count": len(values),
                        "joints": len(self.joints),
                        "help": "give one value for each entry of 'joints'",
                        "fields": f"{name} joints",
                    },
                )
        return self


def _first_match(name: str, patterns: Sequence[str]) -> int:
    """Index of the first pattern that matches a name."""
    return next(i for i, pattern in enumerate(patterns) if fits(pattern, name))


class JointDeviation(Targeted, Normed):
    """Distances of joints from where they should be (subtracted), rad or m.

    The sum or mean of ``|w (q - target)|`` (l1) or ``(w (q - target))^2`` (l2). After ksim's
    JointDeviationPenalty; with l1 it is Isaac Lab's joint_deviation_l1.
    """

    kind: Literal["joint_deviation"] = "joint_deviation"
    fields = ("qpos",)
    penalty = True
    one_each = ("targets", "weights")
    weights: Annotated[tuple[Number, ...] | ByPattern[Number], Each("joints")] | None = Field(
        default=None,
        description="Factor of the distance: by patterns, or one for each entry of `joints`.",
    )


class JointTracking(_Joints):
    """``exp(-|q - target|^2 / error_scale^2)`` of some joints."""

    kind: Literal["joint_tracking"] = "joint_tracking"
    effects = (Effect("wants", "joint.{joints}", "target", "value", scale="error_scale"),)
    fields = ("qpos",)
    joints: JointPattern = Field(description="Names or patterns of hinges and slides.")
    target: PerJoint[JointValue] = Field(
        default=0.0, description="The position that all of them should have."
    )
    error_scale: Annotated[JointValue, Gt(0)] = Field(description="Error at which it falls to 1/e.")


class JointPositionTracking(_Joints):
    """Joints follow a command: two components, each the mean of a kernel over the joints.

    ``exp(-e^2 / s^2) - abs_scale |e| - sq_scale e^2``, in rad or m and in rad/s or m/s.

    * pos: e is the commanded position less the joint's, s is ``error_scale``
    * vel: e is the commanded velocity less the joint's, s is ``velocity_scale``

    After ksim's JointPositionReward.
    """

    kind: Literal["joint_position_tracking"] = "joint_position_tracking"
    effects = (
        Effect("wants", "joint.{joints}", "command", element="{joints}", scale="error_scale"),
    )
    fields = ("qpos", "qvel")
    components = ("pos", "vel")
    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The joint position command to follow."
    )
    error_scale: Annotated[JointValue, Gt(0)] = Field(
        default=0.35, description="Error of a position at which the exponential falls to 1/e."
    )
    velocity_scale: Annotated[JointSpeed, Gt(0)] = Field(
        default=0.35, description="Error of a velocity at which the exponential falls to 1/e."
    )
    sq_scale: Annotated[Number, Ge(0)] = Field(default=0.1, description="Weight of -e^2.")
    abs_scale: Annotated[Number, Ge(0)] = Field(default=0.1, description="Weight of -|e|.")

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        names = tuple(j.name for j in robot.match_joints(self.joints))
        return {"command": (*names, *(f"{name} velocity" for name in names))}


class AvoidLimits(_Joints):
    """How far joints are beyond their limits, rad or m (subtracted).

    The limits are first moved outwards by ``factor`` of the range (inwards, if it is negative).
    Joints without limits count as 0. After ksim's AvoidLimitsPenalty, which is the mean over the
    joints; Isaac Lab's joint_pos_limits is the sum, with a factor below 0.
    """

    kind: Literal["avoid_limits"] = "avoid_limits"
    fields = ("qpos",)
    penalty = True
    factor: Number = Field(
        default=0.05, description="Share of a joint's range by which its limits are widened."
    )
    reduce: Reduce = Field(default="sum", description="The sum or the mean over the joints.")


class Symmetry(Targeted):
    """``-sum(d * m)``: joints should be as much on one side of their targets as on the other.

    d is the distance of a joint from its target and m the running mean of that distance,
    ``m <- (1 - alpha) m + alpha d`` at each tick, from 0. In rad^2 or m^2. After ksim's
    SymmetryReward, which moves m once a rollout, by the rollout's mean, and starts it at the
    targets themselves.
    """

    kind: Literal["symmetry"] = "symmetry"
    fields = ("qpos",)
    alpha: Probability = Field(default=0.1, description="Weight of the newest value in the mean.")


class PairwiseSymmetry(Reward):
    """A joint of the left and its counterpart should be in the same position, and move alike.

    With d the distance of each from its zero (that of the right with the other sign if
    ``flipped``), rad or m:

    * lr: ``exp(-e^2 / error_scale^2) - abs_scale |e| - sq_scale e^2`` with ``e = d_left - d_right``
    * self: ``-(d_left m_left + d_right m_right)``, m the running mean of d as in ``symmetry``

    After ksim's PairwiseSymmetryReward.
    """

    kind: Literal["pairwise_symmetry"] = "pairwise_symmetry"
    fields = ("qpos",)
    components = ("lr", "self")
    left: JointName = Field(description="The joint of the left side.")
    right: JointName = Field(description="The joint of the right side.")
    left_zero: JointValue = Field(default=0.0, description="Zero of the left joint.")
    right_zero: JointValue = Field(default=0.0, description="Zero of the right joint.")
    flipped: bool = Field(
        default=False, description="Whether the two count in opposite directions."
    )
    alpha: Probability = Field(default=0.1, description="Weight of the newest value in the mean.")
    error_scale: Annotated[JointValue, Gt(0)] = Field(
        default=0.35, description="Difference at which the exponential falls to 1/e."
    )
    sq_scale: Annotated[Number, Ge(0)] = Field(default=0.1, description="Weight of -e^2.")
    abs_scale: Annotated[Number, Ge(0)] = Field(default=0.1, description="Weight of -|e|.")


class SmallJointVelocity(_Joints):
    """Mean over joints of ``exp(-v^2 / error_scale^2)``, v in rad/s or m/s.

    The velocity is the difference of the positions of two ticks over the control period, as in
    ksim's SmallJointVelocityReward (whose kernel scale is the change in one tick).
    """

    kind: Literal["small_joint_velocity"] = "small_joint_velocity"
    effects = (Effect("wants", "joint.{joints}.velocity", fixed=ZERO, scale="error_scale"),)
    fields = ("qpos",)
    error_scale: Annotated[JointSpeed, Gt(0)] = Field(
        default=20.0, description="Velocity at which it falls to 1/e."
    )


class SmallJointAcceleration(_Joints):
    """Mean over joints of ``exp(-a^2 / error_scale^2)``, a in rad/s^2 or m/s^2.

    The acceleration is the second difference of the positions over the squared control period, as
    in ksim's SmallJointAccelerationReward (whose kernel scale is the change in one tick).
    """

    kind: Literal["small_joint_acceleration"] = "small_joint_acceleration"
    fields = ("qpos",)
    error_scale: Annotated[JointAcceleration, Gt(0)] = Field(
        default=1000.0, description="Acceleration at which it falls to 1/e."
    )


class SmallJointJerk(_Joints):
    """Mean over joints of ``exp(-j^2 / error_scale^2)``, j in rad/s^3 or m/s^3.

    The jerk is the third difference of the positions over the cubed control period, as in ksim's
    SmallJointJerkReward (whose kernel scale is the change in one tick).
    """

    kind: Literal["small_joint_jerk"] = "small_joint_jerk"
    fields = ("qpos",)
    error_scale: Annotated[JointJerk, Gt(0)] = Field(
        default=50000.0, description="Jerk at which it falls to 1/e."
    )


class MotionlessAtRest(_Joints):
    """``|qvel|`` of the joints while a body rests, else 0; rad/s or m/s (subtracted).

    After ksim's MotionlessAtRestPenalty.
    """

    kind: Literal["motionless_at_rest"] = "motionless_at_rest"
    fields = ("qvel",)
    penalty = True
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    rest: Rest = Field(default=Rest(), description="What counts as resting.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return velocity_of(self.body or robot.root)


class StandStill(Targeted):
    """Sum of ``|q - target|`` of joints while the command is zero, else 0; rad or m (subtracted).

    Isaac Lab's stand_still_joint_deviation_l1.
    """

    kind: Literal["stand_still"] = "stand_still"
    fields = ("qpos",)
    penalty = True
    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The command that is zero when the robot should stand."
    )
    threshold: Annotated[Number, Ge(0)] = Field(
        default=0.06,
        description="Commands whose velocities (m/s and rad/s), as a vector, are shorter are zero.",
    )
