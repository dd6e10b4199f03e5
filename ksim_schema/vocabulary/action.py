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

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NamedTuple

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.robot import Drive, Joint, RobotFacts
from ksim_schema.robot.mirror import Mirror, Signed, joined
from ksim_schema.units import (
    FORCE,
    TORQUE,
    ControlPeriod,
    Dimension,
    Effort,
    Frequency,
    JointAcceleration,
    JointSpeed,
    JointValue,
    Number,
    ServoDamping,
    ServoStiffness,
    Time,
)
from ksim_schema.vocabulary.base import JointPattern, Model, Part, Probability, Range, Wire
from ksim_schema.vocabulary.noise import BiasChain, Noise, NoiseChain
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale

Around = Literal["home", "zero", "middle"]
_AROUND = "Target of a zero action: the home pose, zero, or the middle of each joint's limits."


class Gains(Model):
    """Gains of a position servo: torque = kp * (target - q) - kd * dq/dt."""

    kp: Annotated[ServoStiffness, Gt(0)] = Field(description="Stiffness, N*m/rad or N/m.")
    kd: Annotated[ServoDamping, Ge(0)] = Field(description="Damping, N*m*s/rad or N*s/m.")


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
    """What all actions share. The compiler puts a MuJoCo motor or servo on each driven joint."""

    object: ClassVar[str] = "Action"
    static: ClassVar[frozenset[str]] = frozenset(("gains", "torque_limit", "torque_speed"))
    step: Annotated[str | None, Wire("step")] = Field(
        default=None, description="The state it acts on; the task's only one by default."
    )
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    drop: Probability | None = Field(
        default=None,
        description="Probability that a tick's action is lost; the last one is repeated then.",
    )
    squash: Literal["tanh"] | None = Field(
        default=None, description="tanh of the policy's output is taken, before clip."
    )
    clip: Range[Number] | None = Field(default=None, description="Limits of the policy's output.")
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
    torque_limit: Annotated[Effort, Gt(0)] | None = Field(
        default=None,
        description="Limit of each motor, within the joint's actuatorfrcrange; by default what the "
        "model's own motors give.",
    )
    torque_speed: TorqueSpeed | None = Field(
        default=None, description="What the motors' voltage leaves them of the torque at speed."
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
        return len(robot.match_joints(self.joints))

    def mirrored(self, mirror: Mirror) -> Signed | None:
        """What the action vector turns into in a mirror; None without a mirror image."""
        return mirror.joints(mirror.robot.match_joints(self.joints))

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        """Unit of the targets: one dimension, or several when hinges and slides are mixed."""
        return tuple(dict.fromkeys(j.dimension for j in robot.match_joints(self.joints)))

    def errors(self, robot: RobotFacts) -> Iterator[Errors]:
        """The chains of noise on the targets, for the check of their units."""
        yield Errors("noise", self.noise, self.dimensions(robot))
        yield Errors("bias", self.bias, self.dimensions(robot))

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        """For each number of the action what zero asks for, and what one more adds to that."""
        raise NotImplementedError

    def drives(self, robot: RobotFacts) -> tuple[Drive, ...]:
        """The motors and servos that it needs, one for each joint, in the model's order."""
        return tuple(self.drive(joint) for joint in robot.match_joints(self.joints))

    def drive(self, joint: Joint) -> Drive:
        """The motor or servo on a joint."""
        stall, speed = None, None
        if self.torque_speed is not None:
            stall, speed = float(self.torque_speed.stall), float(self.torque_speed.no_load_speed)
        kp, kd = self.servo()
        return Drive(joint.name, self.limit(joint), kp, kd, stall, speed)

    def servo(self) -> tuple[float | None, float]:
        """kp and kd of the servo: ``(None, 0)`` is a motor, ``(None, kd)`` a velocity servo."""
        return None, 0.0

    def limit(self, joint: Joint) -> float:
        """Largest torque or force on a joint (infinite when nothing gives one)."""
        return min(self.torque_limit or joint.effort or math.inf, joint.cap)


class Torque(Action):
    """Joint torques (N*m) or forces (N): ``scale * action``, within the limits.

    Between two ticks the torque is held, as that of ksim's TorqueActuators.
    """

    kind: Literal["torque"] = "torque"
    scale: Annotated[Effort, Gt(0)] = Field(description="Torque or force of an action of 1.")

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return ((0.0, float(self.scale)),) * self.size(robot)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(dict.fromkeys(FORCE if j.type == "slide" else TORQUE for j in joints))


class VelocityTarget(Action):
    """Targets of velocity servos, of wheels for example.

    ``torque = gain * (scale * action - dq/dt)`` within the limits. The servo runs at each physics
    step inside MuJoCo.
    """

    kind: Literal["velocity_target"] = "velocity_target"
    static: ClassVar[frozenset[str]] = Action.static | {"gain"}
    scale: Annotated[JointSpeed, Gt(0)] = Field(description="Target speed of an action of 1.")
    gain: Annotated[ServoDamping, Gt(0)] = Field(
        description="Torque for each unit of the speed's error, N*m*s/rad or N*s/m."
    )

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return tuple(d.times(Dimension(s=1), -1) for d in super().dimensions(robot))

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return ((0.0, float(self.scale)),) * self.size(robot)

    def servo(self) -> tuple[float | None, float]:
        return None, float(self.gain)


class PositionServo(Action):
    """What the actions share that set targets of position servos.

    The servo, ``torque = kp * (target - q) - kd * dq/dt`` within the limits, runs at each physics
    step inside MuJoCo.
    """

    gains: Gains = Field(description="Servo gains.")
    clip_to_limits: bool = Field(
        default=False, description="Keep targets within the joints' limits (where they have any)."
    )

    def servo(self) -> tuple[float | None, float]:
        return float(self.gains.kp), float(self.gains.kd)


class TargetMotion(PositionServo):
    """What the actions share that set a target from scratch at each tick."""

    around: Around = Field(default="home", description=_AROUND)
    max_acceleration: Annotated[JointAcceleration, Gt(0)] | None = Field(
        default=None,
        description="Largest acceleration of a target: it moves with a speed that changes by no "
        "more than this (ksim's clip_acceleration). It may overshoot.",
    )
    max_speed: Annotated[JointSpeed, Gt(0)] | None = Field(
        default=None, description="Largest speed of a target."
    )

    @property
    def needs_limits(self) -> bool:
        return self.around == "middle"

    def bases(self, robot: RobotFacts) -> Iterator[tuple[Joint, float, float]]:
        """The joints, with the target of a zero action and half of the range of each."""
        for joint in robot.match_joints(self.joints):
            low, high = joint.limits or (0.0, 0.0)
            base = {"home": joint.home[0], "zero": 0.0, "middle": (low + high) / 2}[self.around]
            yield joint, base, (high - low) / 2

    @property
    def moves_limited(self) -> bool:
        """Whether the motion of the targets is limited."""
        return self.max_speed is not None or self.max_acceleration is not None


class PositionTarget(TargetMotion):
    """Targets of position servos: ``target = base + scale * action``.

    Without a scale it is half of the range of each joint, so that with ``around: middle`` and
    ``squash: tanh`` the action reaches all of the range and nothing beyond it (what ksim's
    TanhPositions is for; its own formula shifts the range).
    """

    kind: Literal["position_target"] = "position_target"
    scale: Annotated[JointValue, Gt(0)] | None = Field(
        default=None,
        description="Target change of an action of 1; half of each joint's range by default.",
    )

    @property
    def needs_limits(self) -> bool:
        return self.scale is None or super().needs_limits

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        scale = self.scale
        return tuple(
            (base, half if scale is None else float(scale)) for _, base, half in self.bases(robot)
        )


class PositionVelocityTarget(TargetMotion):
    """Targets of servos with velocity feed-forward, positions first and then velocities.

    ``torque = kp * (base + scale * a - q) + kd * (velocity_scale * b - dq/dt)`` for an action
    ``(a, b)`` of two numbers for each joint. The two targets are one setpoint of the servo,
    ``position + kd/kp * velocity``.
    """

    kind: Literal["position_velocity_target"] = "position_velocity_target"
    scale: Annotated[JointValue, Gt(0)] = Field(description="Target change of a position of 1.")
    velocity_scale: Annotated[JointSpeed, Gt(0)] = Field(
        description="Target speed of a velocity of 1."
    )
    velocity_noise: NoiseChain = Field(
        default=(), description="Noise of the velocity targets, drawn at each control tick."
    )

    def size(self, robot: RobotFacts) -> int:
        return 2 * super().size(robot)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        each = super().mirrored(mirror)
        return None if each is None else joined((each, each))

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        positions = tuple((base, float(self.scale)) for _, base, _ in self.bases(robot))
        return positions + ((0.0, float(self.velocity_scale)),) * len(positions)

    def errors(self, robot: RobotFacts) -> Iterator[Errors]:
        yield from super().errors(robot)
        speeds = tuple(d.times(Dimension(s=1), -1) for d in self.dimensions(robot))
        yield Errors("velocity_noise", self.velocity_noise, speeds)


class IntegratedVelocity(PositionServo):
    """Velocities whose integral is the target: ``target += scale * action * dt``.

    The target begins at the joint's position at the start of the episode.
    """

    kind: Literal["integrated_velocity"] = "integrated_velocity"
    scale: Annotated[JointSpeed, Gt(0)] = Field(description="Target's speed of an action of 1.")

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return ((0.0, float(self.scale)),) * self.size(robot)


class IntegratedAcceleration(PositionServo):
    """Accelerations that are integrated twice to the target.

    ``speed += scale * action * dt; target += speed * dt``. The target begins at the joint's
    position at the start of the episode, at rest.
    """

    kind: Literal["integrated_acceleration"] = "integrated_acceleration"
    scale: Annotated[JointAcceleration, Gt(0)] = Field(
        description="Target's acceleration of an action of 1."
    )
    max_speed: Annotated[JointSpeed, Gt(0)] | None = Field(
        default=None, description="Largest speed of the target."
    )

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return ((0.0, float(self.scale)),) * self.size(robot)
