"""Actions of the model's own actuators, as they are, and of what is open or closed."""

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from annotated_types import Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import Actuator as Own, Drive, RobotFacts
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import AnyQuantity, Dimension, Effort
from ksim_schema.vocabulary.action.base import Action
from ksim_schema.vocabulary.action.servo import Gains
from ksim_schema.vocabulary.base import JointPattern, Named, Names
from ksim_schema.vocabulary.each import ByPattern, Each, PerElement, PerJoint, each

ActuatorPattern = Annotated[Names, Named("actuator", pattern=True)]
PerActuator = Each("actuators")


def own_of(robot: RobotFacts, patterns: tuple[str, ...]) -> tuple[Own, ...]:
    """The model's own actuators that one of the patterns matches, in the model's order."""
    return tuple(robot.own[name] for name in robot.match("actuator", patterns))


class Actuator(Action):
    """Controls of the model's own actuators: ``control = base + scale * action``, in ctrlrange.

    Actuators of any transmission (joints, tendons, sites, bodies) and of any kind (motor, position,
    velocity, muscle, with or without activation) stay in the model as they are, with their own
    gains, gears and limits, and are told what the action says. The unit of a control is that of the
    actuator where it is plain (a position servo's, a motor's without gear), else it has none.
    """

    kind: Literal["actuator"] = "actuator"
    outputs = "one number for each actuator"
    actuators: ActuatorPattern = Field(
        default=(".*",),
        description="Names or patterns of actuators of the model; one without a name goes by that "
        "of the joint, tendon or site that it acts on.",
    )
    scale: Annotated[AnyQuantity | ByPattern[AnyQuantity], PerActuator] | None = Field(
        default=None,
        description="Change of the control for an action of 1, in the actuator's unit; half of "
        "each ctrlrange by default.",
    )
    around: Literal["home", "zero", "middle", "last"] = Field(
        default="home",
        description="Control of a zero action: what keeps the robot at home, zero, the middle "
        "of each ctrlrange, or the last control, so that an action is a step from there (the first "
        "one from home).",
    )

    def size(self, robot: RobotFacts) -> int:
        return len(own_of(robot, self.actuators))

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        return tuple(own.name for own in own_of(robot, self.actuators))

    def actuators_of(self, robot: RobotFacts) -> tuple[str, ...]:
        return self.things("", robot) or ()

    def moves(self, robot: RobotFacts) -> tuple[str, ...]:
        moved = (joint for own in own_of(robot, self.actuators) for joint in own.joints)
        return tuple(dict.fromkeys(moved))

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return tuple(dict.fromkeys(own.dimension for own in own_of(robot, self.actuators)))

    def bounds(self, robot: RobotFacts) -> tuple[tuple[float, float], ...] | None:
        return tuple(own.reach for own in own_of(robot, self.actuators))

    @property
    def needs_limits(self) -> bool:
        return self.scale is None or self.around == "middle"

    def bases(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        """The control of a zero action, and half of the range, of each actuator."""
        found: list[tuple[float, float]] = []
        for own in own_of(robot, self.actuators):
            low, high = own.limits or (0.0, 0.0)
            bases = {"zero": 0.0, "middle": (low + high) / 2}
            found.append((bases.get(self.around, own.home), (high - low) / 2))
        return tuple(found)

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        bases = self.bases(robot)
        if self.scale is None:
            return bases
        scales = each(self.scale, self.things("", robot) or ())
        return tuple((base, float(one)) for (base, _), one in zip(bases, scales, strict=True))

    def mirrored(self, mirror: Mirror) -> Signed | None:
        owns = own_of(mirror.robot, self.actuators)
        order = mirror.order([own.name for own in owns])
        joints = {joint.name: joint for joint in mirror.robot.motion_joints}
        found: list[tuple[int, float]] = []
        for own, index in zip(owns, order or (), strict=False):
            other = owns[index]
            if own.joint not in joints or mirror.counterpart(own.joint) != other.joint:
                return None
            sign = mirror.sign(joints[own.joint], joints[other.joint])
            if sign is None or abs(own.gear) != abs(other.gear):
                return None
            found.append((index, sign * math.copysign(1.0, own.gear * other.gear)))
        return None if order is None else tuple(found)


class Binary(Action):
    """What is open or closed, as a gripper: one number, of which the sign alone counts.

    The targets are ``open`` for an action of 0 or more, and ``closed`` for one below 0: controls of
    the model's own actuators, or positions of joints, on which servos with ``gains`` are put.
    """

    kind: Literal["binary"] = "binary"
    outputs = "one number"
    static = frozenset(("gains", "torque_limit"))
    actuators: ActuatorPattern = Field(
        default=(), description="Names or patterns of actuators of the model; or give 'joints'."
    )
    joints: JointPattern = Field(
        default=(), description="Names or patterns of hinges and slides; or give 'actuators'."
    )
    open: PerElement[AnyQuantity] = Field(description="Target of an action of 0 or more.")
    closed: PerElement[AnyQuantity] = Field(description="Target of an action below 0.")
    gains: PerJoint[Gains] | None = Field(default=None, description="Servo gains of 'joints'.")
    torque_limit: PerJoint[Annotated[Effort, Gt(0)]] | None = Field(
        default=None,
        description="Limit of each joint's motor; by default what the model's own motors give.",
    )

    @model_validator(mode="after")
    def _joints_or_actuators(self) -> Self:
        if bool(self.actuators) == bool(self.joints):
            raise PydanticCustomError(
                "one_form",
                "it moves actuators of the model, or joints by servos",
                {"help": "give one of 'actuators' and 'joints'", "fields": "actuators joints"},
            )
        if bool(self.joints) != (self.gains is not None):
            raise PydanticCustomError(
                "one_form",
                "gains are those of the servos that are put on 'joints'",
                {"help": "give 'gains' with 'joints' alone", "fields": "gains joints"},
            )
        return self

    def size(self, robot: RobotFacts) -> int:
        return 1

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        if field == "output":
            return None
        if field in ("joints", "actuators"):
            return super().things(field, robot)
        joints = tuple(joint.name for joint in robot.match_joints(self.joints))
        return joints or tuple(own.name for own in own_of(robot, self.actuators))

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        owns = (own.dimension for own in own_of(robot, self.actuators))
        joints = (joint.dimension for joint in robot.match_joints(self.joints))
        return tuple(dict.fromkeys((*owns, *joints)))

    def drives(self, robot: RobotFacts) -> tuple[Drive, ...]:
        return tuple(self._drives(robot))

    def _drives(self, robot: RobotFacts) -> Iterator[Drive]:
        for joint in robot.match_joints(self.joints):
            assert self.gains is not None  # validated
            gains, limit = each(self.gains, (joint.name,))[0], None
            if self.torque_limit is not None:
                limit = each(self.torque_limit, (joint.name,))[0]
            limit = min(limit or joint.effort or math.inf, joint.cap)
            yield Drive(joint.name, limit, float(gains.kp), float(gains.kd))

    def actuators_of(self, robot: RobotFacts) -> tuple[str, ...]:
        owns = tuple(own.name for own in own_of(robot, self.actuators))
        return owns or super().actuators_of(robot)

    def moves(self, robot: RobotFacts) -> tuple[str, ...]:
        moved = [joint for own in own_of(robot, self.actuators) for joint in own.joints]
        return tuple(dict.fromkeys((*moved, *super().moves(robot))))

    def bounds(self, robot: RobotFacts) -> tuple[tuple[float, float], ...] | None:
        owns = tuple(own.reach for own in own_of(robot, self.actuators))
        return owns or None

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return ((0.0, 1.0),)
