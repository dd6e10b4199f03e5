"""Rewards: what is good and bad about a tick.

A reward sees the state after the action, and the observations and commands from before it. The
total is the plain sum of ``scale * value`` over the rewards, minus that of the penalties.

An ``error_scale`` is everywhere the error at which a kernel ``exp(-e^2 / error_scale^2)`` falls
to 1/e. It is what Isaac Lab and mjlab call std, and sqrt(2) times what ksim calls a length scale
or kernel scale, whose kernel is ``exp(-e^2 / (2 s^2))``.
"""

from ksim_schema.vocabulary.reward.actions import (
    ActionAcceleration,
    ActionJerk,
    ActionVelocity,
    Energy,
    Reachability,
    TorquePenalty,
)
from ksim_schema.vocabulary.reward.base import (
    AngleKernel,
    AngularSpeedKernel,
    Kernel,
    Norm,
    Normed,
    Places,
    Reduce,
    Rest,
    Reward,
    SpeedKernel,
    Touching,
)
from ksim_schema.vocabulary.reward.bodies import (
    Force,
    Intersection,
    LinkAcceleration,
    LinkJerk,
    PositionTracking,
    UndesiredContacts,
)
from ksim_schema.vocabulary.reward.episode import StayAlive, TerminationPenalty
from ksim_schema.vocabulary.reward.feet import (
    FeetAirTime,
    FeetClock,
    FeetGaitTime,
    FeetSlip,
    SinusoidalGait,
    SparseTargetHeight,
)
from ksim_schema.vocabulary.reward.formula import Formula
from ksim_schema.vocabulary.reward.joints import (
    AvoidLimits,
    JointDeviation,
    JointPositionTracking,
    JointTracking,
    MotionlessAtRest,
    PairwiseSymmetry,
    SmallJointAcceleration,
    SmallJointJerk,
    SmallJointVelocity,
    StandStill,
    Symmetry,
)
from ksim_schema.vocabulary.reward.posture import (
    BaseHeight,
    BaseHeightRange,
    FlatBody,
    FlatOrientation,
    NoRoll,
    Upright,
)
from ksim_schema.vocabulary.reward.velocity import (
    AngularVelocity,
    LinearVelocity,
    OffAxisVelocity,
    TrackAngularVelocity,
    TrackLinearVelocity,
    VerticalVelocity,
)

__all__ = [
    "ActionAcceleration",
    "ActionJerk",
    "ActionVelocity",
    "AngleKernel",
    "AngularSpeedKernel",
    "AngularVelocity",
    "AvoidLimits",
    "BaseHeight",
    "BaseHeightRange",
    "Energy",
    "FeetAirTime",
    "FeetClock",
    "FeetGaitTime",
    "FeetSlip",
    "FlatBody",
    "FlatOrientation",
    "Force",
    "Formula",
    "Intersection",
    "JointDeviation",
    "JointPositionTracking",
    "JointTracking",
    "Kernel",
    "LinearVelocity",
    "LinkAcceleration",
    "LinkJerk",
    "MotionlessAtRest",
    "NoRoll",
    "Norm",
    "Normed",
    "OffAxisVelocity",
    "PairwiseSymmetry",
    "Places",
    "PositionTracking",
    "Reachability",
    "Reduce",
    "Rest",
    "Reward",
    "SinusoidalGait",
    "SmallJointAcceleration",
    "SmallJointJerk",
    "SmallJointVelocity",
    "SparseTargetHeight",
    "SpeedKernel",
    "StandStill",
    "StayAlive",
    "Symmetry",
    "TerminationPenalty",
    "TorquePenalty",
    "Touching",
    "TrackAngularVelocity",
    "TrackLinearVelocity",
    "UndesiredContacts",
    "Upright",
    "VerticalVelocity",
]
