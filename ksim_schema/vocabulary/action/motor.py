"""Actions of motors and of velocity servos."""

from typing import Annotated, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.units import (
    FORCE,
    TORQUE,
    Dimension,
    Effort,
    JointSpeed,
    ServoDamping,
)
from ksim_schema.vocabulary.action.base import JointAction, from_zero
from ksim_schema.vocabulary.each import PerJoint, each


class Torque(JointAction):
    """Joint torques (N*m) or forces (N): ``scale * action``, within the limits.

    Between two ticks the torque is held, as that of ksim's TorqueActuators.
    """

    kind: Literal["torque"] = "torque"
    scale: PerJoint[Annotated[Effort, Gt(0)]] = Field(
        description="Torque or force of an action of 1."
    )

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return from_zero(self.scale, robot.match_joints(self.joints))

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(dict.fromkeys(FORCE if j.type == "slide" else TORQUE for j in joints))


class VelocityTarget(JointAction):
    """Targets of velocity servos, of wheels for example.

    ``torque = gain * (scale * action - dq/dt)`` within the limits. The servo runs at each physics
    step inside MuJoCo.
    """

    kind: Literal["velocity_target"] = "velocity_target"
    static = JointAction.static | {"gain"}
    scale: PerJoint[Annotated[JointSpeed, Gt(0)]] = Field(
        description="Target speed of an action of 1."
    )
    gain: PerJoint[Annotated[ServoDamping, Gt(0)]] = Field(
        description="Torque for each unit of the speed's error, N*m*s/rad or N*s/m."
    )

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return tuple(d.times(Dimension(s=1), -1) for d in super().dimensions(robot))

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return from_zero(self.scale, robot.match_joints(self.joints))

    def servo(self, joint: Joint) -> tuple[float | None, float]:
        return None, float(each(self.gain, (joint.name,))[0])
