"""Resets: the state in which an episode begins.

They act on the home pose at rest one after the other: first what sets the whole state (keyframe,
motion), then the others in the order of their names. What turns a body turns its velocity with it:
qvel has the linear velocity of a free joint in the world's frame and the angular one in the body's.
"""

import math
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.units import (
    Angle,
    AngularSpeed,
    JointSpeed,
    JointValue,
    Length,
    Number,
    Speed,
)
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.base import (
    FileName,
    JointPattern,
    Named,
    Names,
    PositiveInt,
    Range,
)
from ksim_schema.vocabulary.each import PerJoint, each, one
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.later import Later
from ksim_schema.vocabulary.pose import PoseRanges
from ksim_schema.vocabulary.reset_base import FloatingReset as FloatingReset, Reset as Reset
from ksim_schema.vocabulary.reset_ground import (
    ResetHeightFieldPosition as ResetHeightFieldPosition,
    ResetTerrainTile as ResetTerrainTile,
)

NEARLY_ALL = 4.0
"""Standard deviations within which nearly all of a normal draw is."""


class ResetKeyframe(Reset):
    """The pose and velocity of a keyframe of the model, one of several at random."""

    kind: Literal["keyframe"] = "keyframe"
    whole = True
    keyframes: Annotated[Names, Named("keyframe")] = Field(description="Names of keyframes.")


class ResetJointPosition(Reset):
    """Joints are placed up to ``range`` from a middle, uniformly, within their limits.

    With ``draw: gaussian`` the range is a standard deviation. With a ``factor`` the middle of each
    joint is multiplied by a draw of its own: ``factor * q_home``, as MuJoCo Playground's and Isaac
    Lab's locomotion tasks have it.
    """

    kind: Literal["joint_position"] = "joint_position"
    effects = (Effect("starts", "joint.{joints}", "range", "half_width", "add"),)
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    around: Literal["home", "zero"] = Field(default="home", description="Middle of the range.")
    offset: PerJoint[JointValue] = Field(default=0.0, description="Added to the middle.")
    factor: Range[Number] | None = Field(
        default=None, description="Range of a factor of the middle, drawn for each joint."
    )
    range: PerJoint[Annotated[JointValue, Ge(0)]] = Field(
        default=0.0,
        description="Half width of the range, or standard deviation; 0 by default with a factor.",
    )
    draw: Annotated[Literal["uniform", "gaussian"], Later()] = Field(
        default="uniform", description="How the distance from the middle is drawn."
    )

    @model_validator(mode="after")
    def _range_or_factor(self) -> Self:
        if self.factor is None and "range" not in self.model_fields_set:
            about = {"help": "give one of them", "fields": "range factor"}
            raise PydanticCustomError("one_form", "neither a range nor a factor is given", about)
        return self

    def middle(self, joint: Joint) -> float:
        """The middle of a joint's range, rad or m; without the factor."""
        around = joint.home[0] if self.around == "home" and joint.home else 0.0
        return around + float(each(self.offset, (joint.name,))[0])

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        half = float(one(self.range)) * (1.0 if self.draw == "uniform" else NEARLY_ALL)
        plain = self.factor is None and self.draw == "uniform"
        if self.around == "home" and not one(self.offset) and plain:
            return self.effects
        joints = robot.match_joints(self.joints)
        if self.factor is not None:
            factor = Interval(*map(float, self.factor))
            about = ((j, factor * Interval.exactly(self.middle(j))) for j in joints)
            wide = Interval(-half, half)
            return tuple(
                Effect("starts", f"joint.{j.name}", "factor", fixed=ends + wide)
                for j, ends in about
            )
        widths = [(j, self.middle(j)) for j in joints]
        return tuple(
            Effect(
                "starts", f"joint.{j.name}", "range", fixed=Interval(middle - half, middle + half)
            )
            for j, middle in widths
        )


class ResetJointVelocity(Reset):
    """Joints start with a velocity of up to ``range``, drawn uniformly.

    With ``draw: gaussian`` the range is a standard deviation.
    """

    kind: Literal["joint_velocity"] = "joint_velocity"
    effects = (Effect("starts", "joint.{joints}.velocity", "range", "half_width", "add"),)
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    range: PerJoint[Annotated[JointSpeed, Ge(0)]] = Field(
        description="Half width of the range, or standard deviation."
    )
    draw: Annotated[Literal["uniform", "gaussian"], Later()] = Field(
        default="uniform", description="How the velocities are drawn."
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        if self.draw == "uniform":
            return self.effects
        width = NEARLY_ALL * float(one(self.range))
        drawn = Interval(-width, width)
        return tuple(
            Effect("starts", f"joint.{j.name}.velocity", "range", change="add", fixed=drawn)
            for j in robot.match_joints(self.joints)
        )


class ResetBaseVelocity(FloatingReset):
    """The floating base starts with a velocity, each component drawn uniformly.

    Linear velocities are in the world's frame, angular ones in the body's, as in qvel.
    """

    kind: Literal["base_velocity"] = "base_velocity"
    effects = (
        Effect("starts", "body.{body}.speed", "horizontal", "half_width", "add"),
        Effect("starts", "body.{body}.climb", "vertical", "half_width", "add"),
        Effect("starts", "body.{body}.spin", "angular", "half_width", "add"),
    )
    horizontal: Annotated[Speed, Ge(0)] = Field(
        default=0.0, description="Half width of the range of vx and vy."
    )
    vertical: Annotated[Speed, Ge(0)] = Field(
        default=0.0, description="Half width of the range of vz."
    )
    angular: Annotated[AngularSpeed, Ge(0)] = Field(
        default=0.0, description="Half width of the range of each angular velocity."
    )


class ResetHeading(FloatingReset):
    """The floating base is turned about the vertical by up to ``range``, with its velocity.

    In its own frame the base moves as before.
    """

    kind: Literal["heading"] = "heading"
    effects = (Effect("starts", "body.{body}.heading", "range", "half_width", "add"),)
    range: Annotated[Angle, Ge(0)] = Field(default=math.pi, description="Half width.")


class ResetHeight(FloatingReset):
    """The floating base is lifted by a draw from ``range`` (lowered when negative)."""

    kind: Literal["height"] = "height"
    effects = (Effect("starts", "body.{body}.height", "range", change="add"),)
    range: Range[Length] = Field(description="Range of the change of height.")


class ResetTilt(FloatingReset):
    """The floating base is pitched and rolled, in its own frame, with its velocity.

    In its own frame the base moves as before.
    """

    kind: Literal["pitch_and_roll"] = "pitch_and_roll"
    effects = (
        Effect("starts", "body.{body}.pitch", "pitch", "half_width", "add"),
        Effect("starts", "body.{body}.roll", "roll", "half_width", "add"),
    )
    pitch: Annotated[Angle, Ge(0)] = Field(default=0.0, description="Half width of the pitch.")
    roll: Annotated[Angle, Ge(0)] = Field(default=0.0, description="Half width of the roll.")


class ResetPlanePosition(FloatingReset):
    """The floating base is moved on the ground, uniformly in a rectangle about where it was."""

    kind: Literal["plane_position"] = "plane_position"
    effects = (
        Effect("starts", "body.{body}.x", "x", "half_width", "add"),
        Effect("starts", "body.{body}.y", "y", "half_width", "add"),
    )
    x: Annotated[Length, Ge(0)] = Field(default=0.0, description="Half width along x.")
    y: Annotated[Length, Ge(0)] = Field(default=0.0, description="Half width along y.")


class ResetBodyPose(FloatingReset, PoseRanges):
    """A body that floats is placed: drawn offsets from where it is, or a drawn place in the world.

    Around home, ``x``, ``y``, ``z`` are added to its position along the world's axes, and its
    orientation is turned by the drawn one about the world's axes, with its velocity; what the
    resets before it did to the body counts. Around the world's zero it is set to what is drawn:
    the coordinates that are given, and the orientation if an angle is.
    """

    kind: Literal["body_pose"] = "body_pose"
    around: Literal["home", "world"] = Field(
        default="home", description="What the ranges are measured from."
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        change = "add" if self.around == "home" else "set"
        names = {"x": "x", "y": "y", "z": "height", "yaw": "heading"}
        names |= {"roll": "roll", "pitch": "pitch"}
        effects = tuple(
            Effect("starts", f"body.{{body}}.{quantity}", field, change=change)
            for field, quantity in names.items()
            if self.radius is None or field not in ("x", "y")
        )
        if self.radius is not None:
            effects += tuple(
                Effect(
                    "starts",
                    f"body.{{body}}.{axis}",
                    "radius",
                    change=change,
                    fixed=self.place(axis),
                )
                for axis in ("x", "y")
            )
        if self.orientation:
            turned = ("heading", "roll", "pitch")
            effects += tuple(
                Effect("starts", f"body.{{body}}.{q}", "orientation", fixed=EVERYTHING)
                for q in turned
            )
        return effects


class ResetJointLimits(Reset):
    """Joints are placed uniformly within their limits.

    A hinge without limits is turned anywhere in a full turn about its zero; a slide without limits
    stays where it is. dm_control's ``randomize_limited_and_rotational_joints`` for hinges and
    slides.
    """

    kind: Literal["joint_limits"] = "joint_limits"
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    share: Annotated[Number, Gt(0), Le(1)] = Field(
        default=1.0, description="Part of the range, about its middle, that is drawn from."
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        drawn = ((joint, self.drawn(joint)) for joint in robot.match_joints(self.joints))
        return tuple(
            Effect("starts", f"joint.{joint.name}", "joints", fixed=Interval(*ends))
            for joint, ends in drawn
            if ends is not None
        )

    def drawn(self, joint: Joint) -> tuple[float, float] | None:
        """Where a joint may be placed, rad or m; None where it is left."""
        ends = whole_range(joint)
        if ends is None:
            return None
        middle, half = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2 * float(self.share)
        return middle - half, middle + half


def whole_range(joint: Joint) -> tuple[float, float] | None:
    """The limits of a joint, or a full turn; None for a slide without limits."""
    if joint.limits is None and joint.type == "slide":
        return None
    return joint.limits or (-math.pi, math.pi)


class ResetJitter(Reset):
    """Draws are added to all of qpos and all of qvel, whatever each number is.

    As in Gymnasium's MuJoCo environments (``reset_noise_scale``): numbers in SI units for metres,
    radians and the elements of quaternions alike, which are made unit again. Limits of joints are
    not regarded.
    """

    kind: Literal["jitter"] = "jitter"
    position: Annotated[Number, Ge(0)] = Field(
        default=0.0, description="Half width of a uniform draw, or standard deviation, for qpos."
    )
    velocity: Annotated[Number, Ge(0)] = Field(
        default=0.0, description="Half width of a uniform draw, or standard deviation, for qvel."
    )
    position_draw: Literal["uniform", "gaussian"] = Field(
        default="uniform", description="How the change of qpos is drawn."
    )
    velocity_draw: Literal["uniform", "gaussian"] = Field(
        default="uniform", description="How the change of qvel is drawn."
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        place = float(self.position) * (1.0 if self.position_draw == "uniform" else NEARLY_ALL)
        speed = float(self.velocity) * (1.0 if self.velocity_draw == "uniform" else NEARLY_ALL)
        quantities = {f"joint.{j.name}": ("position", place) for j in robot.motion_joints}
        quantities |= {f"joint.{j.name}.velocity": ("velocity", speed) for j in robot.motion_joints}
        for joint in robot.joints:
            if joint.type == "free":
                axes = dict.fromkeys(("x", "y", "height"), ("position", place))
                axes |= dict.fromkeys(("speed", "climb", "spin"), ("velocity", speed))
                quantities |= {f"body.{joint.body}.{axis}": said for axis, said in axes.items()}
        return tuple(
            Effect("starts", quantity, field, change="add", fixed=Interval(-width, width))
            for quantity, (field, width) in quantities.items()
        )


class ResetMotion(Reset):
    """A state out of a recorded motion, drawn uniformly from its frames.

    The file is an ``.npz`` of NumPy with the arrays ``qpos`` (frames, nq) and ``qvel``
    (frames, nv), in MuJoCo's order and units.
    """

    kind: Literal["motion"] = "motion"
    whole = True
    file: FileName = Field(description="The recorded motion, relative to the task file.")
    first: Annotated[int, Ge(0)] = Field(default=0, description="First frame that is drawn.")
    count: PositiveInt | None = Field(
        default=None,
        description="Number of frames that are drawn from; all that follow by default.",
    )
