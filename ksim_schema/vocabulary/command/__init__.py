"""Commands: what the policy is told to do.

Most are drawn (:class:`Drawn`): a value is drawn at the start of the episode, after each interval
of ``resample`` and with the probability ``switch`` at each tick. Where such a command has a largest
rate of change, the value that the policy is told moves to the drawn one at that rate.
"""

from ksim_schema.vocabulary.command.base import Command, Drawn
from ksim_schema.vocabulary.command.motion import (
    BaseHeight,
    CartesianCoordinate,
    JointPosition,
    Phase,
    SinusoidalGait,
    StartOrientation,
    StartPosition,
)
from ksim_schema.vocabulary.command.vector import FloatVector, IntegerVector, Vector
from ksim_schema.vocabulary.command.velocity import (
    AngularVelocity,
    LinearVelocity,
    PlanarVelocity,
    Velocity,
)

__all__ = [
    "AngularVelocity",
    "BaseHeight",
    "CartesianCoordinate",
    "Command",
    "Drawn",
    "FloatVector",
    "IntegerVector",
    "JointPosition",
    "LinearVelocity",
    "Phase",
    "PlanarVelocity",
    "SinusoidalGait",
    "StartOrientation",
    "StartPosition",
    "Vector",
    "Velocity",
]
