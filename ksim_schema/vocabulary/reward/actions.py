"""Rewards of the policy's output and of what the motors give."""

from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import Field

from ksim_schema.units import ACCELERATION, ANGULAR_ACCELERATION, JointSpeed, Unit
from ksim_schema.units.interval import ZERO
from ksim_schema.vocabulary.base import JointPattern
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.reward.base import Normed

JointAcceleration = Annotated[float, Unit((ANGULAR_ACCELERATION, ACCELERATION))]


class ActionVelocity(Normed):
    """Change of the policy's output from tick to tick: ``a_t - a_{t-1}`` (subtracted).

    By default the sum of the squares, Isaac Lab's action_rate_l2. ksim's ActionVelocityPenalty is
    the mean (``reduce: mean``). Before the first tick of an episode the output counts as zero.
    """

    kind: Literal["action_velocity"] = "action_velocity"
    effects = (Effect("wants", "action.change", fixed=ZERO),)
    channels = ("action",)
    penalty = True


class ActionAcceleration(Normed):
    """Second difference of the policy's output, ``a_t - 2 a_{t-1} + a_{t-2}`` (subtracted).

    By default the sum of the squares. ksim's ActionAccelerationPenalty is the mean.
    """

    kind: Literal["action_acceleration"] = "action_acceleration"
    channels = ("action",)
    penalty = True


class ActionJerk(Normed):
    """Third difference of the policy's output (subtracted).

    By default the sum of the squares. ksim's ActionJerkPenalty is the mean.
    """

    kind: Literal["action_jerk"] = "action_jerk"
    channels = ("action",)
    penalty = True


class _Motors(Normed):
    joints: JointPattern = Field(
        default=(".*",),
        description="Names or patterns of joints; of them those with a motor.",
    )
    relative: bool = Field(
        default=False, description="Whether each is divided by the largest its motor can give."
    )


class TorquePenalty(_Motors):
    """Torques (N*m) or forces (N) that motors give to their joints (subtracted).

    By default the sum of the squares, Isaac Lab's joint_torques_l2. ksim's TorquePenalty, the mean
    share of the motors' limits, is ``{norm: l1, reduce: mean, relative: true}``.
    """

    kind: Literal["torque_penalty"] = "torque_penalty"
    effects = (Effect("wants", "joint.{joints}.torque", fixed=ZERO),)
    fields = ("qfrc_actuator",)
    penalty = True


class Energy(_Motors):
    """Mechanical power of the motors, ``torque * velocity``, in W (subtracted).

    By default the sum of the absolute values. ksim's EnergyPenalty is
    ``{reduce: mean, relative: true}``, but it multiplies the torque of the i-th motor with the
    velocity of the i-th joint, which is another motor's wherever a model does not list its motors
    in the order of its joints. Here each motor goes with its own joint.
    """

    kind: Literal["energy"] = "energy"
    fields = ("qfrc_actuator", "qvel")
    penalty = True
    norm: Literal["l1", "l2"] = Field(default="l1", description="l1: absolute values; l2: squares.")


class Reachability(Normed):
    """How far position targets are beyond what joints can reach in one tick (subtracted).

    ``max(0, |target - q| - (v_max dt + a_max dt^2 / 2))`` for each joint, rad or m. After ksim's
    ReachabilityPenalty. For actions that are position targets.
    """

    kind: Literal["reachability"] = "reachability"
    fields = ("qpos", "ctrl")
    penalty = True
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of joints with position servos."
    )
    max_velocity: Annotated[JointSpeed, Ge(0)] = Field(
        description="Largest velocity of the joints."
    )
    max_acceleration: Annotated[JointAcceleration, Ge(0)] = Field(
        default=0.0, description="Largest acceleration of the joints."
    )
