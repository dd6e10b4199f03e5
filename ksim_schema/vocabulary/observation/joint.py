"""Observations of joints, selected by patterns; always in the model's order."""

from typing import ClassVar, Literal

from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import FORCE, TORQUE, Dimension
from ksim_schema.vocabulary.base import JointPattern
from ksim_schema.vocabulary.observation.base import Observation

_SECOND = Dimension(s=1)


class JointObservation(Observation):
    """A value for each of some hinges and slides.

    Class attributes:
        derivative: how many times the joint's coordinate is derived by time.
    """

    derivative: ClassVar[int] = 0
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )

    @property
    def from_home(self) -> bool:
        """Whether it is measured from the home pose."""
        return False

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(robot.match_joints(self.joints)),)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(dict.fromkeys(j.dimension.times(_SECOND, -self.derivative) for j in joints))

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        return super().things(field or "joints", robot)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return mirror.joints(mirror.robot.match_joints(self.joints))


class _Relative(JointObservation):
    """What can be measured from the home pose."""

    relative_to: Literal["home", "zero"] = Field(
        default="zero", description="Measured from the home pose or from the joint's zero."
    )

    @property
    def from_home(self) -> bool:
        return self.relative_to == "home"


class JointPosition(_Relative):
    """Positions of joints: ``q - q_home`` or ``q``; rad or m, at the end of the tick (qpos)."""

    kind: Literal["joint_position"] = "joint_position"
    fields = ("qpos",)


class JointVelocity(JointObservation):
    """Velocities of joints; rad/s or m/s, at the end of the tick (qvel)."""

    kind: Literal["joint_velocity"] = "joint_velocity"
    derivative = 1
    fields = ("qvel",)


class JointAcceleration(JointObservation):
    """Accelerations of joints; rad/s^2 or m/s^2, in the last physics step (qacc)."""

    kind: Literal["joint_acceleration"] = "joint_acceleration"
    derivative = 2
    fields = ("qacc",)


class CommandedJointPosition(_Relative):
    """Targets of the joints' position servos: ``target - q_home`` or ``target``; rad or m (ctrl).

    What the last action asked for, after its scale, latency and limits: the first half of ksim's
    ActPosObservation, of which joint_position is the other. At the start of an episode it is the
    target of a zero action. The servos are those of an action, or position servos of the model's
    own that an ``actuator`` action tells; formulas have them as ``joint.<name>.target``.
    """

    kind: Literal["commanded_joint_position"] = "commanded_joint_position"
    fields = ("ctrl",)


class ActuatorForce(JointObservation):
    """What the actuators give to the joints, after all limits; N*m or N (qfrc_actuator).

    As a motor's current tells it; in the last physics step.
    """

    kind: Literal["actuator_force"] = "actuator_force"
    fields = ("qfrc_actuator",)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(dict.fromkeys(FORCE if j.type == "slide" else TORQUE for j in joints))
