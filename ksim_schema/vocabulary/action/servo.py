"""Actions that set the targets of position servos."""

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.robot.mirror import Mirror, Signed, joined
from ksim_schema.units import (
    Dimension,
    JointAcceleration,
    JointSpeed,
    JointValue,
    ServoDamping,
    ServoStiffness,
)
from ksim_schema.vocabulary.action.base import Errors, JointAction, from_zero, scales_of
from ksim_schema.vocabulary.base import Model
from ksim_schema.vocabulary.each import PerJoint, each
from ksim_schema.vocabulary.noise import NoiseChain

Around = Literal["home", "now", "last", "zero", "middle"]
_AROUND = (
    "Target of a zero action: the home pose, where the joint is as the tick begins (now), the last "
    "target, so that actions are steps that add up (the first from where the joint is as the "
    "episode begins), zero, or the middle of each joint's limits."
)


class Gains(Model):
    """Gains of a position servo: torque = kp * (target - q) - kd * dq/dt."""

    kp: Annotated[ServoStiffness, Gt(0)] = Field(description="Stiffness, N*m/rad or N/m.")
    kd: Annotated[ServoDamping, Ge(0)] = Field(description="Damping, N*m*s/rad or N*s/m.")


class PositionServo(JointAction):
    """What the actions share that set targets of position servos.

    The servo, ``torque = kp * (target - q) - kd * dq/dt`` within the limits, runs at each physics
    step inside MuJoCo.
    """

    gains: PerJoint[Gains] = Field(description="Servo gains.")
    clip_to_limits: bool = Field(
        default=False, description="Keep targets within the joints' limits (where they have any)."
    )

    def bounds(self, robot: RobotFacts) -> tuple[tuple[float, float], ...] | None:
        if not self.clip_to_limits:
            return None
        free = (-math.inf, math.inf)
        return tuple(joint.limits or free for joint in robot.match_joints(self.joints))

    def servo(self, joint: Joint) -> tuple[float | None, float]:
        gains = each(self.gains, (joint.name,))[0]
        return float(gains.kp), float(gains.kd)


class TargetMotion(PositionServo):
    """What the actions share that set a target from scratch at each tick."""

    around: Around = Field(default="home", description=_AROUND)
    max_acceleration: PerJoint[Annotated[JointAcceleration, Gt(0)]] | None = Field(
        default=None,
        description="Largest acceleration of a target: it moves with a speed that changes by no "
        "more than this (ksim's clip_acceleration). It may overshoot.",
    )
    max_speed: PerJoint[Annotated[JointSpeed, Gt(0)]] | None = Field(
        default=None, description="Largest speed of a target."
    )

    @property
    def needs_limits(self) -> bool:
        return self.around == "middle"

    def bases(self, robot: RobotFacts) -> Iterator[tuple[Joint, float, float]]:
        """The joints, with the target of a zero action and half of the range of each.

        Around the present position or the last target the target counts from there: 0.
        """
        for joint in robot.match_joints(self.joints):
            low, high = joint.limits or (0.0, 0.0)
            bases = {"home": joint.home[0], "middle": (low + high) / 2}
            yield joint, bases.get(self.around, 0.0), (high - low) / 2

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
    scale: PerJoint[Annotated[JointValue, Gt(0)]] | None = Field(
        default=None,
        description="Target change of an action of 1; half of each joint's range by default.",
    )

    @property
    def needs_limits(self) -> bool:
        return self.scale is None or super().needs_limits

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        bases = list(self.bases(robot))
        if self.scale is None:
            return tuple((base, half) for _, base, half in bases)
        scales = scales_of(self.scale, tuple(joint for joint, _, _ in bases))
        return tuple(
            (base, float(scale)) for (_, base, _), scale in zip(bases, scales, strict=True)
        )


class PositionVelocityTarget(TargetMotion):
    """Targets of servos with velocity feed-forward, positions first and then velocities.

    ``torque = kp * (base + scale * a - q) + kd * (velocity_scale * b - dq/dt)`` for an action
    ``(a, b)`` of two numbers for each joint. The two targets are one setpoint of the servo,
    ``position + kd/kp * velocity``.
    """

    kind: Literal["position_velocity_target"] = "position_velocity_target"
    outputs = "two numbers for each joint"
    scale: PerJoint[Annotated[JointValue, Gt(0)]] = Field(
        description="Target change of a position of 1."
    )
    velocity_scale: PerJoint[Annotated[JointSpeed, Gt(0)]] = Field(
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
        joints = robot.match_joints(self.joints)
        scales = scales_of(self.scale, joints)
        bases = (base for _, base, _ in self.bases(robot))
        return (*zip(bases, scales, strict=True), *from_zero(self.velocity_scale, joints))

    def errors(self, robot: RobotFacts) -> Iterator[Errors]:
        yield from super().errors(robot)
        speeds = tuple(d.times(Dimension(s=1), -1) for d in self.dimensions(robot))
        yield Errors("velocity_noise", self.velocity_noise, speeds)


class IntegratedVelocity(PositionServo):
    """Velocities whose integral is the target: ``target += scale * action * dt``.

    The target begins at the joint's position at the start of the episode.
    """

    kind: Literal["integrated_velocity"] = "integrated_velocity"
    scale: PerJoint[Annotated[JointSpeed, Gt(0)]] = Field(
        description="Target's speed of an action of 1."
    )

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return from_zero(self.scale, robot.match_joints(self.joints))


class IntegratedAcceleration(PositionServo):
    """Accelerations that are integrated twice to the target.

    ``speed += scale * action * dt; target += speed * dt``. The target begins at the joint's
    position at the start of the episode, at rest.
    """

    kind: Literal["integrated_acceleration"] = "integrated_acceleration"
    scale: PerJoint[Annotated[JointAcceleration, Gt(0)]] = Field(
        description="Target's acceleration of an action of 1."
    )
    max_speed: PerJoint[Annotated[JointSpeed, Gt(0)]] | None = Field(
        default=None, description="Largest speed of the target."
    )

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return from_zero(self.scale, robot.match_joints(self.joints))
