"""Actions: what the policy's output does to the robot.

An action's signal runs, at each control tick, through what is declared of

1. ``drop``: the message is lost and the last one is repeated,
2. ``squash`` and ``clip``: limits of the policy's output,
3. the kind's own formula: the targets of the joints,
4. ``max_speed`` and ``max_acceleration`` (position targets): limits of the target's motion,
5. ``low_pass``: a filter,
6. ``bias`` and ``noise``: errors of the motor controller,

and then, to the physics timestep, through ``latency`` (the message arrives late) and ``update``
(the motor controller takes it over at its own rate). What closes a loop over the joint's state runs
inside MuJoCo at each physics step, on each engine: servos, torque limits, the torque-speed curve.
"""

from ksim_schema.vocabulary.action.actuator import Actuator as Actuator, Binary as Binary
from ksim_schema.vocabulary.action.base import (
    Action as Action,
    Errors as Errors,
    JointAction as JointAction,
    TorqueSpeed as TorqueSpeed,
)
from ksim_schema.vocabulary.action.kinematics import InverseKinematics as InverseKinematics
from ksim_schema.vocabulary.action.motor import Torque as Torque, VelocityTarget as VelocityTarget
from ksim_schema.vocabulary.action.servo import (
    Gains as Gains,
    IntegratedAcceleration as IntegratedAcceleration,
    IntegratedVelocity as IntegratedVelocity,
    PositionServo as PositionServo,
    PositionTarget as PositionTarget,
    PositionVelocityTarget as PositionVelocityTarget,
    TargetMotion as TargetMotion,
)
