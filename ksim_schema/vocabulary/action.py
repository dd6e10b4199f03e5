"""Actions: what the policy's output does to the robot."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.facts import Drive, Joint, RobotFacts
from ksim_schema.quantity import Effort, JointValue, Number, ServoDamping, ServoStiffness, Time
from ksim_schema.vocabulary.base import JointPattern, Model, Part, Range, Wire


class Gains(Model):
    """Gains of a position servo: torque = kp * (target - q) - kd * dq/dt."""

    kp: Annotated[ServoStiffness, Gt(0)] = Field(description="Stiffness, N*m/rad or N/m.")
    kd: Annotated[ServoDamping, Ge(0)] = Field(description="Damping, N*m*s/rad or N*s/m.")


class Action(Part):
    """What all actions share. The compiler puts one MuJoCo actuator on each driven joint."""

    object: ClassVar[str] = "Action"
    static: ClassVar[frozenset[str]] = frozenset(("gains", "torque_limit"))
    step: Annotated[str | None, Wire("step")] = Field(
        None, description="The state it acts on; the task's only one by default."
    )
    joints: JointPattern = Field((".*",), description="Names or patterns of hinges and slides.")
    latency: Range[Annotated[Time, Ge(0)]] | None = Field(
        None,
        description="Range of the time before a new action takes effect; drawn each episode, "
        "acts to the physics timestep. At most one control period.",
    )
    clip: Range[Number] | None = Field(None, description="Limits of the policy's output.")
    torque_limit: Annotated[Effort, Gt(0)] | None = Field(
        None, description="Limit of each motor; the joint's actuatorfrcrange by default."
    )

    def size(self, robot: RobotFacts) -> int:
        """Length of the action vector."""
        return len(robot.match_joints(self.joints))

    def drives(self, robot: RobotFacts) -> tuple[Drive, ...]:
        """The actuators that it needs, one for each joint, in the model's order."""
        return tuple(self.drive(joint) for joint in robot.match_joints(self.joints))

    def drive(self, joint: Joint) -> Drive:
        """The actuator on a joint."""
        raise NotImplementedError

    def limit(self, joint: Joint) -> float:
        """Largest torque or force on a joint (infinite when nothing gives one)."""
        return self.torque_limit or joint.effort or math.inf


class PositionTarget(Action):
    """Targets of position servos: ``target = base + scale * action``.

    The servo runs at each physics step inside MuJoCo.
    """

    kind: Literal["position_target"] = "position_target"
    around: Literal["home", "zero"] = Field("home", description="Target of a zero action.")
    scale: Annotated[JointValue, Gt(0)] = Field(description="Target change of an action of 1.")
    gains: Gains = Field(description="Servo gains.")

    def drive(self, joint: Joint) -> Drive:
        return Drive(joint.name, self.limit(joint), float(self.gains.kp), float(self.gains.kd))


class Torque(Action):
    """Joint torques (N*m) or forces (N): ``ctrl = scale * action``, within the limits."""

    kind: Literal["torque"] = "torque"
    scale: Annotated[Effort, Gt(0)] = Field(description="Torque or force of an action of 1.")

    def drive(self, joint: Joint) -> Drive:
        return Drive(joint.name, self.limit(joint))
