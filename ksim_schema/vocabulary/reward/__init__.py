"""Rewards: what is good and bad about a tick.

A reward sees the state after the action, and the observations and commands from before it. The
total is the plain sum of ``scale * value`` over the rewards, minus that of the penalties.

An ``error_scale`` is everywhere the error at which a kernel ``exp(-e^2 / error_scale^2)`` falls
to 1/e. It is what Isaac Lab and mjlab call std, and sqrt(2) times what ksim calls a length scale
or kernel scale, whose kernel is ``exp(-e^2 / (2 s^2))``.
"""

from ksim_schema.vocabulary.reward.base import (
    AngleKernel as AngleKernel,
    AngularSpeedKernel as AngularSpeedKernel,
    Kernel as Kernel,
    Norm as Norm,
    Normed as Normed,
    Places as Places,
    Reduce as Reduce,
    Rest as Rest,
    Reward as Reward,
    SpeedKernel as SpeedKernel,
    Touching as Touching,
)
