"""Randomizers: what differs between the robots and worlds of a batch (domain randomization)."""

from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.units import (
    ACCELERATION,
    INERTIA,
    MASS,
    Acceleration,
    Angle,
    Effort,
    JointValue,
    Length,
    Mass,
    Number,
    ServoDamping,
    Unit,
)
from ksim_schema.vocabulary.base import (
    BodyPattern,
    GeomName,
    GeomPattern,
    JointPattern,
    Range,
    SiteName,
)
from ksim_schema.vocabulary.draws import Drawn, actuator_rows, body_rows
from ksim_schema.vocabulary.each import PerBody, PerGeom, PerJoint
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.randomizer_base import (
    DISTRIBUTION,
    Distribution,
    Randomizer as Randomizer,
    Spread as Spread,
    logarithmic,
)

Factor = Range[Annotated[Number, Gt(0)]]
RotorInertia = Annotated[float, Unit((INERTIA, MASS))]
"""Of a hinge, kg*m^2; of a slide, kg."""
_JOINTS = "Names or patterns of hinges and slides."
_FACTOR = "Range of the factor; one draw for each."
_ADD = "Range of what is added, drawn alike; uniformly."


class FloorFriction(Randomizer):
    """Sliding friction of the ground geom: replaced by a draw.

    MuJoCo takes the larger friction of two touching geoms, so the feet's own should be low. Where
    a ``<pair>`` of the model says how the ground touches a geom, the sliding friction of the pair
    is replaced by the same draw.
    """

    kind: Literal["floor_friction"] = "floor_friction"
    effects = (Effect("draws", "geom.{geom}.friction", "range"),)
    changes = ("geom_friction",)
    geom: GeomName = Field(default="floor", description="The ground.")
    range: Range[Annotated[Number, Ge(0)]] = Field(description="Range of the coefficient.")
    distribution: Distribution = Field(default="uniform", description=DISTRIBUTION)

    @model_validator(mode="after")
    def _has_logarithm(self) -> Self:
        logarithmic(self.distribution, "range", self.range[0])
        return self

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("geom_friction", (robot.geom_id(self.geom),), (0,)),)

    def changed_fields(self, robot: RobotFacts) -> tuple[str, ...]:
        paired = robot.pairs_of(self.geom)
        return (*self.changes, "pair_friction") if paired else self.changes

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        pairs = (f"pair_friction:{pair}" for pair in robot.pairs_of(self.geom))
        return (f"geom_friction:{self.geom}", *pairs)


class GeomFriction(Spread):
    """Friction of geoms, each coefficient replaced by a draw for each geom.

    The three of MuJoCo: sliding; torsional, about the normal of a contact, m (contacts of condim 4
    and 6); rolling, m (condim 6). What is not given stays. Of two touching geoms the larger one
    counts, or that of the geom with the higher priority. A ``<pair>`` of the model with one of the
    geoms gets its draw as well, in both directions of the contact.
    """

    kind: Literal["geom_friction"] = "geom_friction"
    effects = (Effect("draws", "geom.{geoms}.friction", "sliding"),)
    changes = ("geom_friction",)
    geoms: GeomPattern = Field(description="Names or patterns of geoms.")
    sliding: Range[Annotated[Number, Ge(0)]] | None = Field(
        default=None, description="Range of the sliding coefficient."
    )
    torsional: Range[Annotated[Length, Ge(0)]] | None = Field(
        default=None, description="Range of the torsional coefficient."
    )
    rolling: Range[Annotated[Length, Ge(0)]] | None = Field(
        default=None, description="Range of the rolling coefficient."
    )

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not self.given:
            about = {"help": "add for example 'sliding: [0.5, 1.2]'", "fields": "sliding"}
            raise PydanticCustomError("one_form", "no coefficient is drawn", about)
        for name, (low, _) in self.given.items():
            logarithmic(self.distribution, name, low)
        return self

    @property
    def given(self) -> dict[str, tuple[float, float]]:
        """The coefficients that are drawn, with their ranges."""
        ranges = {"sliding": self.sliding, "torsional": self.torsional, "rolling": self.rolling}
        return {name: ends for name, ends in ranges.items() if ends is not None}

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        rows = tuple(robot.geom_id(name) for name in robot.match("geom", self.geoms))
        places = {"sliding": 0, "torsional": 1, "rolling": 2}
        return tuple(Drawn("geom_friction", rows, (places[name],)) for name in self.given)

    def pairs(self, robot: RobotFacts) -> dict[int, int]:
        """Index of each pair that one of the geoms belongs to -> place of that geom among them."""
        geoms = robot.match("geom", self.geoms)
        rows = ((pair, place) for place, g in enumerate(geoms) for pair in robot.pairs_of(g))
        found: dict[int, int] = {}
        for pair, place in rows:
            found.setdefault(pair, place)
        return found

    def changed_fields(self, robot: RobotFacts) -> tuple[str, ...]:
        return (*self.changes, "pair_friction") if self.pairs(robot) else self.changes

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        things = [f"geom_friction:{geom}" for geom in robot.match("geom", self.geoms)]
        things += [f"pair_friction:{pair}" for pair in self.pairs(robot)]
        kinds = ("" if name == "sliding" else f" ({name})" for name in self.given)
        return tuple(f"{thing}{kind}" for kind in kinds for thing in things)


class JointFactor(Spread):
    """What the randomizers of joint properties share: ``factor * own + add``, not below 0."""

    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    factor: PerJoint[Factor] = Field(default=(1.0, 1.0), description=_FACTOR)
    add: Any

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if "factor" not in self.model_fields_set and self.add == (0.0, 0.0):
            about = {"help": "give 'factor', or 'add' where the model has 0", "fields": "factor"}
            raise PydanticCustomError("one_form", "neither a factor nor a summand is drawn", about)
        return self

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn(self.changes[0], tuple(j.dof for j in robot.match_joints(self.joints))),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(f"{self.changes[0]}:{j.name}" for j in joints)


class StaticFriction(JointFactor):
    """Dry friction of joints (frictionloss) is multiplied by draws, and draws are added."""

    kind: Literal["static_friction"] = "static_friction"
    effects = (
        Effect("draws", "joint.{joints}.frictionloss", "factor", change="multiply"),
        Effect("draws", "joint.{joints}.frictionloss", "add", change="add"),
    )
    changes = ("dof_frictionloss",)
    add: PerJoint[Range[Effort]] = Field(default=(0.0, 0.0), description=_ADD)


class Armature(JointFactor):
    """Rotor inertia of joints (armature) is multiplied by draws, and draws are added."""

    kind: Literal["armature"] = "armature"
    effects = (
        Effect("draws", "joint.{joints}.armature", "factor", change="multiply"),
        Effect("draws", "joint.{joints}.armature", "add", change="add"),
    )
    changes = ("dof_armature",)
    add: PerJoint[Range[RotorInertia]] = Field(default=(0.0, 0.0), description=_ADD)


class JointDamping(JointFactor):
    """Viscous damping of joints is multiplied by draws, and draws are added."""

    kind: Literal["joint_damping"] = "joint_damping"
    effects = (
        Effect("draws", "joint.{joints}.damping", "factor", change="multiply"),
        Effect("draws", "joint.{joints}.damping", "add", change="add"),
    )
    changes = ("dof_damping",)
    add: PerJoint[Range[ServoDamping]] = Field(default=(0.0, 0.0), description=_ADD)


class BodyMass(Spread):
    """Mass of bodies, ``factor * mass + add``, with a draw for each body.

    The inertia is multiplied by the same ratio as the mass.
    """

    kind: Literal["body_mass"] = "body_mass"
    effects = (
        Effect("draws", "body.{body}.mass", "factor", change="multiply"),
        Effect("draws", "body.{body}.mass", "add", change="add"),
    )
    changes = ("body_mass", "body_inertia")
    body: BodyPattern = Field(description="Names or patterns of bodies.")
    factor: PerBody[Factor] = Field(default=(1.0, 1.0), description=_FACTOR)
    add: PerBody[Range[Mass]] = Field(
        default=(0.0, 0.0), description="Range of the mass that is added."
    )

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("body_mass", body_rows(robot, self.body)),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"body_mass:{name}" for name in robot.match("body", self.body))


class CentreOfMass(Randomizer):
    """Centres of mass of bodies are moved by uniform draws along each axis of the body."""

    kind: Literal["centre_of_mass"] = "centre_of_mass"
    effects = (Effect("draws", "body.{body}.centre", "range", "half_width", "add"),)
    changes = ("body_ipos",)
    body: BodyPattern = Field(description="Names or patterns of bodies.")
    range: PerBody[Annotated[Length, Ge(0)]] = Field(
        description="Half width of the range of each axis."
    )

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("body_ipos", body_rows(robot, self.body), size=3),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"body_ipos:{name}" for name in robot.match("body", self.body))


class BodyInertia(Spread):
    """Moments of inertia of bodies are multiplied by uniform draws, one for each body."""

    kind: Literal["inertia"] = "inertia"
    effects = (Effect("draws", "body.{body}.inertia", "factor", change="multiply"),)
    changes = ("body_inertia",)
    body: BodyPattern = Field(description="Names or patterns of bodies.")
    factor: PerBody[Factor] = Field(description=_FACTOR)

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("body_inertia", body_rows(robot, self.body), size=3),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"body_inertia:{name}" for name in robot.match("body", self.body))


class ImuAlignment(Randomizer):
    """A sensor's site is turned by up to ``tilt`` about each axis."""

    kind: Literal["imu_alignment"] = "imu_alignment"
    effects = (Effect("draws", "site.{site}.tilt", "tilt", "half_width", "add"),)
    changes = ("site_quat",)
    site: SiteName = Field(description="The site that carries the sensors.")
    tilt: Annotated[Angle, Ge(0)] = Field(description="Half width of the range of each angle.")

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("site_quat", (robot.sites.index(self.site),), size=4),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return (f"site_quat:{self.site}",)


class CollisionGeometry(Spread):
    """Sizes of collision geoms are multiplied by uniform draws, one for each geom.

    Meshes, planes and height fields keep their shape.
    """

    kind: Literal["collision_geometry"] = "collision_geometry"
    effects = (Effect("draws", "geom.{geoms}.size", "factor", change="multiply"),)
    changes = ("geom_size", "geom_rbound")
    geoms: GeomPattern = Field(description="Names or patterns of geoms.")
    factor: PerGeom[Factor] = Field(description=_FACTOR)

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        geoms = robot.match("geom", self.geoms)
        return (Drawn("geom_size", tuple(robot.geom_id(name) for name in geoms), size=3),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"geom_size:{name}" for name in robot.match("geom", self.geoms))


class ServoGains(Spread):
    """Stiffness and damping of servos are multiplied by uniform draws for each joint.

    The gain of a velocity servo is its damping; a plain motor has neither.
    """

    kind: Literal["servo_gains"] = "servo_gains"
    effects = (
        Effect("draws", "joint.{joints}.kp", "kp", change="multiply"),
        Effect("draws", "joint.{joints}.kd", "kd", change="multiply"),
    )
    changes = ("actuator_gainprm", "actuator_biasprm")
    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    kp: PerJoint[Factor] = Field(
        default=(1.0, 1.0), description="Range of the factor of the stiffness."
    )
    kd: PerJoint[Factor] = Field(
        default=(1.0, 1.0), description="Range of the factor of the damping."
    )

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        rows = actuator_rows(robot, self.joints)
        return (Drawn("actuator_biasprm", rows, (1, 2), size=2),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(f"servo gains:{j.name}" for j in joints)


class MotorStrength(Spread):
    """What motors give, and the limit of it, is multiplied by uniform draws for each joint."""

    kind: Literal["motor_strength"] = "motor_strength"
    effects = (Effect("draws", "joint.{joints}.strength", "factor", change="multiply"),)
    changes = (
        "actuator_gainprm",
        "actuator_biasprm",
        "actuator_forcerange",
        "jnt_actfrcrange",
    )
    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    factor: PerJoint[Factor] = Field(description=_FACTOR)

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("actuator_gainprm", actuator_rows(robot, self.joints), (0,)),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(f"motor strength:{j.name}" for j in joints)


class Gravity(Randomizer):
    """Gravity: uniform draws are added to each of its components, in the world's frame."""

    kind: Literal["gravity"] = "gravity"
    effects = (
        Effect("draws", "gravity", "vertical", "half_width", "add"),
        Effect("draws", "gravity", "z", change="add"),
    )
    changes = ("opt.gravity",)
    horizontal: Annotated[float, Unit((ACCELERATION,)), Ge(0)] = Field(
        default=0.0, description="Half width of the range of the x and y components."
    )
    vertical: Annotated[float, Unit((ACCELERATION,)), Ge(0)] = Field(
        default=0.0, description="Half width of the range of the z component."
    )
    x: Range[Acceleration] = Field(default=(0.0, 0.0), description="Range of what is added to x.")
    y: Range[Acceleration] = Field(default=(0.0, 0.0), description="Range of what is added to y.")
    z: Range[Acceleration] = Field(default=(0.0, 0.0), description="Range of what is added to z.")

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("opt.gravity", size=3),)


class JointZero(Randomizer):
    """The zero of joints is off by uniform draws, as after a careless calibration (qpos0)."""

    kind: Literal["joint_zero"] = "joint_zero"
    effects = (Effect("draws", "joint.{joints}.zero", "range", "half_width", "add"),)
    changes = ("qpos0",)
    joints: JointPattern = Field(default=(".*",), description=_JOINTS)
    range: PerJoint[Annotated[JointValue, Ge(0)]] = Field(description="Half width of the range.")

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        return (Drawn("qpos0", tuple(j.qpos for j in robot.match_joints(self.joints))),)

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(f"qpos0:{j.name}" for j in robot.match_joints(self.joints))
