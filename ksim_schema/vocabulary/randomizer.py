"""Randomizers: what differs between the robots and worlds of a batch (domain randomization)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.units import ACCELERATION, Angle, JointValue, Length, Mass, Number, Unit
from ksim_schema.vocabulary.base import (
    BodyPattern,
    GeomName,
    GeomPattern,
    JointPattern,
    Part,
    Range,
    SiteName,
    Wire,
)
from ksim_schema.vocabulary.each import PerBody, PerGeom, PerJoint
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale

Factor = Range[Annotated[Number, Gt(0)]]
_JOINTS = "Names or patterns of hinges and slides."
_FACTOR = "Range of the factor; one draw for each."


class Randomizer(Part):
    """What all randomizers share: a draw for each environment.

    ``scale`` brings the draw closer to the model's own value: 0 leaves the model as it is.

    Class attributes:
        changes: the MjModel fields that it changes.
    """

    object: ClassVar[str] = "Randomizer"
    changes: ClassVar[tuple[str, ...]] = ()
    randomize: Annotated[str | None, Wire("randomize")] = Field(
        default=None, description="The state whose model it changes; the task's only one."
    )
    draw: Literal["episode", "once"] = Field(
        default="episode", description="Drawn anew at each reset, or once for the whole training."
    )
    scale: ScaleValue = Field(
        default=constant_scale(1.0), description="Factor of its strength; may follow the level."
    )

    def changed_fields(self, robot: RobotFacts) -> tuple[str, ...]:
        """The MjModel fields that it changes of this robot."""
        return self.changes

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        """What it changes, as ``field:name``: two randomizers must not change the same."""
        return self.changes


class FloorFriction(Randomizer):
    """Sliding friction of the ground geom: replaced by a uniform draw.

    MuJoCo takes the larger friction of two touching geoms, so the feet's own should be low. Where
    a ``<pair>`` of the model says how the ground touches a geom, the sliding friction of the pair
    is replaced by the same draw.
    """

    kind: Literal["floor_friction"] = "floor_friction"
    effects: ClassVar[tuple[Effect, ...]] = (Effect("draws", "geom.{geom}.friction", "range"),)
    changes: ClassVar[tuple[str, ...]] = ("geom_friction",)
    geom: GeomName = Field(default="floor", description="The ground.")
    range: Range[Annotated[Number, Ge(0)]] = Field(description="Range of the coefficient.")

    def changed_fields(self, robot: RobotFacts) -> tuple[str, ...]:
        paired = robot.pairs_of(self.geom)
        return (*self.changes, "pair_friction") if paired else self.changes

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        pairs = (f"pair_friction:{pair}" for pair in robot.pairs_of(self.geom))
        return (f"geom_friction:{self.geom}", *pairs)


class JointFactor(Randomizer):
    """What the randomizers of joint properties share."""

    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    factor: PerJoint[Factor] = Field(description=_FACTOR)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(f"{self.changes[0]}:{j.name}" for j in joints)


class StaticFriction(JointFactor):
    """Dry friction of joints (frictionloss) is multiplied by uniform draws."""

    kind: Literal["static_friction"] = "static_friction"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "joint.{joints}.frictionloss", "factor", change="multiply"),
    )
    changes: ClassVar[tuple[str, ...]] = ("dof_frictionloss",)


class Armature(JointFactor):
    """Rotor inertia of joints (armature) is multiplied by uniform draws."""

    kind: Literal["armature"] = "armature"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "joint.{joints}.armature", "factor", change="multiply"),
    )
    changes: ClassVar[tuple[str, ...]] = ("dof_armature",)


class JointDamping(JointFactor):
    """Viscous damping of joints is multiplied by uniform draws."""

    kind: Literal["joint_damping"] = "joint_damping"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "joint.{joints}.damping", "factor", change="multiply"),
    )
    changes: ClassVar[tuple[str, ...]] = ("dof_damping",)


class BodyMass(Randomizer):
    """Mass of bodies, ``factor * mass + add``, with a draw for each body.

    The inertia is multiplied by the same ratio as the mass.
    """

    kind: Literal["body_mass"] = "body_mass"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "body.{body}.mass", "factor", change="multiply"),
        Effect("draws", "body.{body}.mass", "add", change="add"),
    )
    changes: ClassVar[tuple[str, ...]] = ("body_mass", "body_inertia")
    body: BodyPattern = Field(description="Names or patterns of bodies.")
    factor: PerBody[Factor] = Field(default=(1.0, 1.0), description=_FACTOR)
    add: PerBody[Range[Mass]] = Field(
        default=(0.0, 0.0), description="Range of the mass that is added."
    )

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"body_mass:{name}" for name in robot.match("body", self.body))


class CentreOfMass(Randomizer):
    """Centres of mass of bodies are moved by uniform draws along each axis of the body."""

    kind: Literal["centre_of_mass"] = "centre_of_mass"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "body.{body}.centre", "range", "half_width", "add"),
    )
    changes: ClassVar[tuple[str, ...]] = ("body_ipos",)
    body: BodyPattern = Field(description="Names or patterns of bodies.")
    range: PerBody[Annotated[Length, Ge(0)]] = Field(
        description="Half width of the range of each axis."
    )

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"body_ipos:{name}" for name in robot.match("body", self.body))


class BodyInertia(Randomizer):
    """Moments of inertia of bodies are multiplied by uniform draws, one for each body."""

    kind: Literal["inertia"] = "inertia"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "body.{body}.inertia", "factor", change="multiply"),
    )
    changes: ClassVar[tuple[str, ...]] = ("body_inertia",)
    body: BodyPattern = Field(description="Names or patterns of bodies.")
    factor: PerBody[Factor] = Field(description=_FACTOR)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"body_inertia:{name}" for name in robot.match("body", self.body))


class ImuAlignment(Randomizer):
    """A sensor's site is turned by up to ``tilt`` about each axis."""

    kind: Literal["imu_alignment"] = "imu_alignment"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "site.{site}.tilt", "tilt", "half_width", "add"),
    )
    changes: ClassVar[tuple[str, ...]] = ("site_quat",)
    site: SiteName = Field(description="The site that carries the sensors.")
    tilt: Annotated[Angle, Ge(0)] = Field(description="Half width of the range of each angle.")

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return (f"site_quat:{self.site}",)


class CollisionGeometry(Randomizer):
    """Sizes of collision geoms are multiplied by uniform draws, one for each geom.

    Meshes, planes and height fields keep their shape.
    """

    kind: Literal["collision_geometry"] = "collision_geometry"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "geom.{geoms}.size", "factor", change="multiply"),
    )
    changes: ClassVar[tuple[str, ...]] = ("geom_size", "geom_rbound")
    geoms: GeomPattern = Field(description="Names or patterns of geoms.")
    factor: PerGeom[Factor] = Field(description=_FACTOR)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"geom_size:{name}" for name in robot.match("geom", self.geoms))


class ServoGains(Randomizer):
    """Stiffness and damping of servos are multiplied by uniform draws for each joint.

    The gain of a velocity servo is its damping; a plain motor has neither.
    """

    kind: Literal["servo_gains"] = "servo_gains"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "joint.{joints}.kp", "kp", change="multiply"),
        Effect("draws", "joint.{joints}.kd", "kd", change="multiply"),
    )
    changes: ClassVar[tuple[str, ...]] = ("actuator_gainprm", "actuator_biasprm")
    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    kp: PerJoint[Factor] = Field(
        default=(1.0, 1.0), description="Range of the factor of the stiffness."
    )
    kd: PerJoint[Factor] = Field(
        default=(1.0, 1.0), description="Range of the factor of the damping."
    )

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(f"servo gains:{j.name}" for j in joints)


class MotorStrength(Randomizer):
    """What motors give, and the limit of it, is multiplied by uniform draws for each joint."""

    kind: Literal["motor_strength"] = "motor_strength"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "joint.{joints}.strength", "factor", change="multiply"),
    )
    changes: ClassVar[tuple[str, ...]] = (
        "actuator_gainprm",
        "actuator_biasprm",
        "actuator_forcerange",
        "jnt_actfrcrange",
    )
    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    factor: PerJoint[Factor] = Field(description=_FACTOR)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(f"motor strength:{j.name}" for j in joints)


class Gravity(Randomizer):
    """Gravity: uniform draws are added to each of its components, in the world's frame."""

    kind: Literal["gravity"] = "gravity"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "gravity", "vertical", "half_width", "add"),
    )
    changes: ClassVar[tuple[str, ...]] = ("opt.gravity",)
    horizontal: Annotated[float, Unit((ACCELERATION,)), Ge(0)] = Field(
        default=0.0, description="Half width of the range of the x and y components."
    )
    vertical: Annotated[float, Unit((ACCELERATION,)), Ge(0)] = Field(
        default=0.0, description="Half width of the range of the z component."
    )


class JointZero(Randomizer):
    """The zero of joints is off by uniform draws, as after a careless calibration (qpos0)."""

    kind: Literal["joint_zero"] = "joint_zero"
    effects: ClassVar[tuple[Effect, ...]] = (
        Effect("draws", "joint.{joints}.zero", "range", "half_width", "add"),
    )
    changes: ClassVar[tuple[str, ...]] = ("qpos0",)
    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    range: PerJoint[Annotated[JointValue, Ge(0)]] = Field(description="Half width of the range.")

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"qpos0:{j.name}" for j in robot.match_joints(self.joints))
