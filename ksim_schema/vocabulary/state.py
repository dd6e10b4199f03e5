"""PhysicsState: the robot, its world and the clock of the control loop."""

from typing import Annotated, Any, Literal, Self, TypeVar

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.source.plain import is_mapping
from ksim_schema.units import (
    ControlPeriod,
    Effort,
    JointInertia,
    Length,
    Number,
    ServoDamping,
    Time,
)
from ksim_schema.vocabulary.base import (
    BodyName,
    GeomPattern,
    KeyframeName,
    Model,
    Part,
    PositiveInt,
    one_or_more,
)
from ksim_schema.vocabulary.each import ByPattern, Each
from ksim_schema.vocabulary.later import Later
from ksim_schema.vocabulary.terrain import FlatTerrain, Terrain

T = TypeVar("T")


class Solver(Model):
    """Options of MuJoCo's simulation; what is not given stays as the model has it."""

    method: Annotated[Literal["newton", "cg", "pgs"] | None, Later()] = Field(
        default=None,
        description="How constraints are solved. pgs costs little where few things touch, and a "
        "few of its iterations are exact enough for feet on a floor; not on `mjx`.",
    )
    iterations: PositiveInt | None = Field(
        default=None, description="Largest number of iterations."
    )
    ls_iterations: PositiveInt | None = Field(
        default=None, description="Largest number of line-search iterations."
    )
    cone: Annotated[Literal["pyramidal", "elliptic"] | None, Later()] = Field(
        default=None,
        description="Form of the friction cones. Pyramidal ones cost less; elliptic ones slip "
        "less.",
    )
    impratio: Annotated[Annotated[Number, Gt(0.0)] | None, Later()] = Field(
        default=None,
        description="How much stiffer friction is than the normal force; over 1 it needs elliptic "
        "cones to have the meant effect.",
    )
    integrator: Annotated[Literal["euler", "implicitfast", "implicit", "rk4"] | None, Later()] = (
        Field(default=None, description="How a timestep is integrated.")
    )


class Collisions(Model):
    """The geoms that touch things: ``[foot_left, foot_right]``."""

    written = "patterns of geoms, or a mapping"

    geoms: GeomPattern = Field(
        description="Those of moving bodies that touch things. All others of moving bodies pass "
        "through everything."
    )
    condim: Literal[1, 3, 4, 6] | None = Field(
        default=None,
        description="What their contacts resist: 1 is no friction, 3 sliding, 4 twisting as well, "
        "6 rolling as well. By default as in the model; each more costs.",
    )
    solref: Annotated[tuple[Annotated[Time, Gt(0)], Annotated[Number, Gt(0)]] | None, Later()] = (
        Field(
            default=None,
            description="How their contacts yield, MuJoCo's solref: time constant, s, and damping "
            "ratio. By default as in the model.",
        )
    )
    solimp: Annotated[
        tuple[
            Annotated[Number, Ge(0), Le(1)],
            Annotated[Number, Ge(0), Le(1)],
            Annotated[Length, Gt(0)],
            Annotated[Number, Gt(0), Lt(1)],
            Annotated[Number, Ge(1)],
        ]
        | None,
        Later(),
    ] = Field(
        default=None,
        description="How firm their contacts are, MuJoCo's solimp: impedance at the surface and "
        "deep within, width between the two in m, midpoint, power. By default as in the model.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        return data if is_mapping(data) or isinstance(data, cls) else {"geoms": data}


EVERY_JOINT = "every joint"
PerRobotJoint = Annotated[T | ByPattern[T], Each(EVERY_JOINT)]
"""One value for all hinges and slides of the robot, or one by patterns of their names."""


class JointDynamics(Model):
    """What joints resist motion with besides motors, where it is other than in the model."""

    damping: PerRobotJoint[Annotated[ServoDamping, Ge(0)]] | None = Field(
        default=None, description="Torque for a speed, N*m*s/rad or N*s/m."
    )
    friction: PerRobotJoint[Annotated[Effort, Ge(0)]] | None = Field(
        default=None,
        description="Dry friction (MuJoCo's frictionloss), N*m or N. Each joint that has some is "
        "a constraint to solve.",
    )
    armature: PerRobotJoint[Annotated[JointInertia, Ge(0)]] | None = Field(
        default=None,
        description="Inertia of the rotor behind the gear: rotor's times the square of the "
        "reduction, kg*m^2 or kg.",
    )


class Home(Model):
    """The pose that `around: home` and `relative_to: home` mean, and episodes start from."""

    keyframe: KeyframeName | None = Field(
        default=None,
        description="A keyframe of the model; without it, the model's default pose (qpos0).",
    )


Fragments = Annotated[
    tuple[Annotated[str, MinLen(1)], ...], MinLen(1), BeforeValidator(one_or_more)
]
"""Pieces of names; one alone needs no list."""


class MirrorNames(Model):
    """How the parts of the two sides are called: ``{left: _left, right: _right}``.

    A part whose name holds neither is in the middle. Several pairs stand in lists:
    ``{left: [FL, RL], right: [FR, RR]}``.
    """

    left: Fragments = Field(description="What stands in the names of the left side.")
    right: Fragments = Field(description="What stands there in those of the right side.")

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        names = self.left + self.right
        if len(self.left) != len(self.right) or len(set(names)) < len(names):
            message = "each piece of the left side has one of its own on the right"
            fields = {"help": "give as many different ones for both sides", "fields": "left right"}
            raise PydanticCustomError("pairs", message, fields)
        return self


class Robot(Part):
    """A MuJoCo model and the period of its control loop."""

    object = "PhysicsState"
    kind: Literal["robot"] = "robot"
    model: str = Field(
        description="MJCF or URDF file, relative to the task file; package:module/file.xml of an "
        "installed package; or menagerie:NAME/ENTRY of MuJoCo Menagerie."
    )
    timestep: Annotated[Time, Gt(0)] | None = Field(
        default=None, description="Physics timestep; the model's own by default."
    )
    control: Annotated[ControlPeriod, Gt(0)] = Field(
        description="Control period or frequency; a whole number of timesteps."
    )
    solver: Solver = Field(default=Solver(), description="Constraint solver options.")
    collide: Annotated[Collisions | None, Later()] = Field(
        default=None,
        description="The geoms of moving bodies that touch things. By default, as in the model.",
    )
    joint_dynamics: Annotated[JointDynamics | None, Later()] = Field(
        default=None,
        description="Damping, dry friction and rotor inertia of the hinges and slides. What is not "
        "given stays as the model has it.",
    )
    home: Home = Field(default=Home(), description="The home pose.")
    terrain: Terrain = Field(default=FlatTerrain(), description="The ground.")
    settle: Annotated[Time, Gt(0)] | None = Field(
        default=None,
        description="Physics between the resets and the episode, under the controls of a zero "
        "action; rounded up to whole timesteps. None by default.",
    )
    base: BodyName | None = Field(
        default=None,
        description="The body that 'the base' is. By default the top body of the tree that holds "
        "the driven joints, whether it floats (has a free joint) or is fixed.",
    )
    mirror: MirrorNames | None = Field(
        default=None,
        description="Names of the left and right sides of a robot that is its own mirror image in "
        "the plane y = 0 of its base, for a learner's mirror.",
    )

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        """As :meth:`Part.things`; of the values for the robot's joints, these."""
        if field == EVERY_JOINT:
            return tuple(joint.name for joint in robot.motion_joints)
        return super().things(field, robot)


class Channel(Part):
    """A recorded channel of the trajectory. The compiler writes these; authors need not."""

    object = "Trajectory"
    kind: Literal["channel"] = "channel"
