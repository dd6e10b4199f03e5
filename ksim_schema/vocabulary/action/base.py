"""What all actions share, and what they say of motors."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeVar

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.robot import Drive, Joint, RobotFacts
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import (
    ControlPeriod,
    Dimension,
    Effort,
    Frequency,
    JointSpeed,
    Number,
    Time,
)
from ksim_schema.vocabulary.base import JointPattern, Model, Part, Probability, Range, Wire
from ksim_schema.vocabulary.each import ByPattern, PerJoint, PerOutput, each
from ksim_schema.vocabulary.noise import BiasChain, Noise, NoiseChain
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale

T = TypeVar("T")


class TorqueSpeed(Model):
    """The torque-speed curve of a direct-current motor on a limited voltage.

    The torque stays between ``-stall - k * dq/dt`` and ``stall - k * dq/dt`` with
    ``k = stall / no_load_speed``, and then within the motor's limit: the curve of Isaac Lab's
    DCMotor. MuJoCo computes it at each physics step from a servo whose force is limited to
    ``stall``, with ``k`` taken out of its damping, and a second actuator that gives the back-EMF
    ``-k * dq/dt``.
    """

    stall: Annotated[Effort, Gt(0)] = Field(
        description="Torque at rest that the full voltage gives (saturation)."
    )
    no_load_speed: Annotated[JointSpeed, Gt(0)] = Field(
        description="Speed at which the full voltage gives no torque any more."
    )


class Errors(NamedTuple):
    """A field with noises, and the unit of what they disturb."""

    field: str
    chain: tuple[Noise, ...]
    dimensions: tuple[Dimension, ...]


class Action(Part):
    """What all actions share: how the policy's output becomes what some actuators are told.

    Class attributes:
        outputs: the numbers that the policy gives it, in words.
    """

    object = "Action"
    outputs: ClassVar[str] = "one number for each joint"
    step: Annotated[str | None, Wire("step")] = Field(
        default=None, description="The state it acts on; the task's only one by default."
    )
    drop: Probability | None = Field(
        default=None,
        description="Probability that a tick's action is lost; the last one is repeated then.",
    )
    squash: Literal["tanh"] | None = Field(
        default=None, description="tanh of the policy's output is taken, before clip."
    )
    clip: PerOutput[Range[Number]] | None = Field(
        default=None, description="Limits of the policy's output."
    )
    low_pass: Annotated[Frequency, Gt(0)] | None = Field(
        default=None,
        description="Cut-off frequency f of a one-pole filter of the targets: "
        "y += (x - y) * dt / (dt + 1 / (2 pi f)) at each control tick.",
    )
    bias: BiasChain = Field(
        default=(),
        description="Constant error of the targets, in their unit, drawn for each joint each "
        "episode. A quantity alone is the largest error of a uniform draw.",
    )
    noise: NoiseChain = Field(
        default=(), description="Noise of the targets, in their unit, drawn at each control tick."
    )
    latency: Range[Annotated[Time, Ge(0)]] | None = Field(
        default=None,
        description="Range of the time before a new action takes effect; drawn each episode, "
        "acts to the physics timestep. At most one control period.",
    )
    update: Annotated[ControlPeriod, Gt(0)] | None = Field(
        default=None,
        description="Period (or rate) at which the motor controller takes over targets, rounded "
        "to physics timesteps; it holds them in between. The servo's feedback is not held.",
    )
    faults: ScaleValue = Field(
        default=constant_scale(1.0),
        description="Factor of drop and latency; may follow the curriculum's level.",
    )

    @property
    def within_tick(self) -> bool:
        """Whether the targets may change between the physics steps of a tick."""
        return self.latency is not None or self.update is not None

    @property
    def needs_limits(self) -> bool:
        """Whether its joints must have limits in the model."""
        return False

    def size(self, robot: RobotFacts) -> int:
        """Length of the action vector."""
        raise NotImplementedError

    def mirrored(self, mirror: Mirror) -> Signed | None:
        """What the action vector turns into in a mirror; None without a mirror image."""
        return None

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        """Unit of the targets: one dimension, or several where they differ."""
        raise NotImplementedError

    def errors(self, robot: RobotFacts) -> Iterator[Errors]:
        """The chains of noise on the targets, for the check of their units."""
        yield Errors("noise", self.noise, self.dimensions(robot))
        yield Errors("bias", self.bias, self.dimensions(robot))

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        """For each number of the action what zero asks for, and what one more adds to that."""
        raise NotImplementedError

    def bounds(self, robot: RobotFacts) -> tuple[tuple[float, float], ...] | None:
        """The lowest and highest of each target that it keeps to; None where it asks for any."""
        return None

    def drives(self, robot: RobotFacts) -> tuple[Drive, ...]:
        """The motors and servos that are put into the model for it."""
        return ()

    def actuators_of(self, robot: RobotFacts) -> tuple[str, ...]:
        """The actuators that its targets are for, in their order."""
        return tuple(drive.name for drive in self.drives(robot))

    def moves(self, robot: RobotFacts) -> tuple[str, ...]:
        """The joints that it acts on."""
        return tuple(drive.joint for drive in self.drives(robot))

    def clips(self, robot: RobotFacts) -> tuple[tuple[float, float], ...] | None:
        """The limits of each number of the policy's output, or None."""
        return None if self.clip is None else each(self.clip, self.things("output", robot) or ())


class JointAction(Action):
    """What the actions share that move joints by motors or servos which the compiler puts there."""

    static = frozenset(("gains", "torque_limit", "torque_speed"))
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    torque_limit: PerJoint[Annotated[Effort, Gt(0)]] | None = Field(
        default=None,
        description="Limit of each motor, within the joint's actuatorfrcrange; by default what the "
        "model's own motors give.",
    )
    torque_speed: PerJoint[TorqueSpeed] | None = Field(
        default=None, description="What the motors' voltage leaves them of the torque at speed."
    )

    def size(self, robot: RobotFacts) -> int:
        return len(robot.match_joints(self.joints))

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return mirror.joints(mirror.robot.match_joints(self.joints))

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return tuple(dict.fromkeys(j.dimension for j in robot.match_joints(self.joints)))

    def moves(self, robot: RobotFacts) -> tuple[str, ...]:
        """The joints that it acts on; also where not each of them has its values yet."""
        return tuple(joint.name for joint in robot.match_joints(self.joints))

    def drives(self, robot: RobotFacts) -> tuple[Drive, ...]:
        """The motors and servos that it needs, one for each joint, in the model's order."""
        return tuple(self.drive(joint) for joint in robot.match_joints(self.joints))

    def drive(self, joint: Joint) -> Drive:
        """The motor or servo on a joint."""
        stall, speed = None, None
        if self.torque_speed is not None:
            curve = each(self.torque_speed, (joint.name,))[0]
            stall, speed = float(curve.stall), float(curve.no_load_speed)
        kp, kd = self.servo(joint)
        return Drive(joint.name, self.limit(joint), kp, kd, stall, speed)

    def servo(self, joint: Joint) -> tuple[float | None, float]:
        """kp and kd of a servo: ``(None, 0)`` is a motor, ``(None, kd)`` a velocity servo."""
        return None, 0.0

    def asked_limit(self, joint: Joint) -> float | None:
        """The torque limit that the task gives a joint, or None."""
        return None if self.torque_limit is None else each(self.torque_limit, (joint.name,))[0]

    def limit(self, joint: Joint) -> float:
        """Largest torque or force on a joint (infinite when nothing gives one)."""
        return min(self.asked_limit(joint) or joint.effort or math.inf, joint.cap)

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        joints = tuple(joint.name for joint in robot.match_joints(self.joints))
        if field == "output":  # two numbers for each joint are all of the first kind first
            return joints * (self.size(robot) // max(len(joints), 1))
        return joints if not field else super().things(field, robot)


def scales_of(scale: T | ByPattern[T], joints: tuple[Joint, ...]) -> tuple[T, ...]:
    return each(scale, (joint.name for joint in joints))


def from_zero(
    scale: float | ByPattern[float], joints: tuple[Joint, ...]
) -> tuple[tuple[float, float], ...]:
    """What a zero action and one more mean where the first is 0."""
    return tuple((0.0, float(value)) for value in scales_of(scale, joints))
