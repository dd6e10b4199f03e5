"""Rewards of where bodies are, how they move and what they touch."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import FORCE, Angle, Force as ForceValue, Length
from ksim_schema.vocabulary.base import (
    BodyName,
    BodyPattern,
    GeomName,
    GeomPattern,
    Measures,
    Named,
    Names,
    Wire,
)
from ksim_schema.vocabulary.choice import exactly_one
from ksim_schema.vocabulary.contact import contact_of
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.pose import QUATERNION_LABELS
from ksim_schema.vocabulary.reward.base import (
    Norm,
    Normed,
    Places,
    Reward,
    orientation_of,
    position_of,
)


class PositionTracking(Reward):
    """``exp(-e^2 / error_scale^2)`` of the distance of a body from a commanded position.

    ``e = |(p_body - p_base) - p_cmd|`` in m: the sum of the absolute differences (l1) along the
    world's axes, or along those of the base. With l2 the squared distance in m^2 takes its place.
    A `pose` that is told in the frame of a body is compared where it is in the world.
    After ksim's PositionTrackingReward.
    """

    kind: Literal["position_tracking"] = "position_tracking"
    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The command of the position."
    )
    body: BodyName | None = Field(default=None, description="The body to move; or `site`.")
    site: Annotated[str | None, Named("site")] = Field(
        default=None, description="The site to move, instead of `body`."
    )
    base: BodyName | None = Field(
        default=None,
        description="The body that it is measured from; by default the world's zero, or with "
        "`frame: base` the floating base.",
    )
    frame: Literal["world", "base"] = Field(
        default="world", description="Axes along which the position is given."
    )
    norm: Norm = Field(default="l1", description="l1: sum of absolute differences; l2: of squares.")
    error_scale: Annotated[Length, Gt(0)] = Field(
        default=0.35, description="Error at which it falls to 1/e."
    )

    @model_validator(mode="after")
    def _body_or_site(self) -> Self:
        exactly_one(self, "body", "site")
        return self

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        if self.frame != "world" or self.base is not None:
            return ()  # it is wanted there relative to another body
        what = "site.{site}" if self.site else "body.{body}"
        axes = (("x", "x"), ("y", "y"), ("height", "z"))
        return tuple(
            Effect("wants", f"{what}.{axis}", "command", element=element, scale="error_scale")
            for axis, element in axes
        )

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": ("x", "y", "z")}

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        kind, name = ("site", self.site) if self.site else ("xbody", self.body or "")
        position = SensorRequest("framepos", kind, name)
        if self.frame == "base":
            base = self.base or robot.root
            return (position, position_of(base), orientation_of(base))
        return (position, position_of(self.base)) if self.base else (position,)


class OrientationTracking(Reward):
    """``exp(-e^2 / error_scale^2)`` of the angle between a body's orientation and a commanded one.

    ``e``, rad, is the angle of the shortest rotation from one to the other.
    """

    kind: Literal["orientation_tracking"] = "orientation_tracking"
    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The command of the orientation, of kind `pose`."
    )
    body: BodyName | None = Field(
        default=None, description="The body to turn; the robot's base by default."
    )
    site: Annotated[str | None, Named("site")] = Field(
        default=None, description="The site to turn, instead of `body`."
    )
    error_scale: Annotated[Angle, Gt(0)] = Field(description="Error at which it falls to 1/e.")

    @model_validator(mode="after")
    def _body_or_site(self) -> Self:
        if self.body is not None:
            exactly_one(self, "body", "site")
        return self

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": QUATERNION_LABELS}

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        kind, name = ("site", self.site) if self.site else ("xbody", self.body or robot.root)
        return (SensorRequest("framequat", kind, name),)


class _Links(Normed):
    fields = ("xpos",)
    penalty = True
    bodies: BodyPattern = Field(
        default=(".*",), description="Names or patterns of bodies; the world is none of them."
    )


class LinkAcceleration(_Links):
    """How fast the speeds of bodies change, m/s^2 (subtracted).

    A speed is the distance that a body's origin moved in a tick over the control period, in the
    world's frame; a turn at constant speed counts as none. After ksim's LinkAccelerationPenalty,
    which is the mean, in m and ticks.
    """

    kind: Literal["link_acceleration"] = "link_acceleration"


class LinkJerk(_Links):
    """How fast the accelerations of ``link_acceleration`` change, m/s^3 (subtracted).

    After ksim's LinkJerkPenalty, which is the mean, in m and ticks.
    """

    kind: Literal["link_jerk"] = "link_jerk"


class Force(Reward):
    """``max(((|f| - bias) / expected_weight)^2)`` over the feet, 0 where |f| < bias (subtracted).

    f is the strongest contact force of each geom, or three numbers a foot of an observation; in N.
    After ksim's ForcePenalty.
    """

    kind: Literal["force"] = "force"
    effects = (Effect("wants", "geom.{geoms}.force", "bias", "at_most"),)
    penalty = True
    force: Annotated[str | None, Wire("reward", of="Observation"), Measures((FORCE,), each=3)] = (
        Field(default=None, description="An observation of forces; or `geoms`.")
    )
    geoms: Annotated[Names, Named("geom")] = Field(
        default=(), description="One geom for each foot, instead of `force`."
    )
    partner: GeomName | None = Field(
        default=None, alias="with", description="What they may touch; anything by default."
    )
    expected_weight: Annotated[ForceValue, Gt(0)] = Field(description="Force that makes it 1.")
    bias: Annotated[ForceValue, Ge(0)] = Field(default=0.0, description="Force that is free.")

    @model_validator(mode="after")
    def _force_or_geoms(self) -> Self:
        exactly_one(self, "force", "geoms")
        return self

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return tuple(contact_of(geom, self.partner, "force") for geom in self.geoms)


class UndesiredContacts(Reward):
    """How many of some geoms or bodies are pressed upon by more than a force (subtracted).

    Of the strongest contact of each with another geom, or with anything. In Isaac Lab it is bodies
    that are counted.
    """

    kind: Literal["undesired_contacts"] = "undesired_contacts"
    effects = (Effect("wants", "geom.{geoms}.force", "threshold", "at_most"),)
    penalty = True
    geoms: GeomPattern = Field(
        default=(), description="Names or patterns of geoms that should touch nothing."
    )
    bodies: BodyPattern = Field(
        default=(), description="Names or patterns of bodies, instead of `geoms`."
    )
    partner: GeomName | None = Field(
        default=None, alias="with", description="What they should not touch; anything by default."
    )
    threshold: Annotated[ForceValue, Ge(0)] = Field(
        default=1.0, description="Contact force below which it does not count."
    )

    @model_validator(mode="after")
    def _geoms_or_bodies(self) -> Self:
        exactly_one(self, "geoms", "bodies")
        return self

    def counted(self, robot: RobotFacts) -> tuple[tuple[SensorRequest, ...], ...]:
        """The sensors of each thing that is counted."""
        if self.bodies:
            groups = [robot.geoms_of(body) for body in robot.match("body", self.bodies)]
        else:
            groups = [(geom,) for geom in robot.match("geom", self.geoms)]
        each = (
            tuple(contact_of(g, self.partner, "force") for g in group if g != self.partner)
            for group in groups
        )
        return tuple(filter(None, each))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return tuple(request for group in self.counted(robot) for request in group)


class Intersection(Places):
    """1 while any two of some sites or bodies are closer than ``min_distance`` (subtracted).

    After ksim's IntersectionPenalty.
    """

    kind: Literal["intersection"] = "intersection"
    penalty = True
    min_distance: Annotated[Length, Gt(0)] = Field(description="Smallest distance of two of them.")

    @model_validator(mode="after")
    def _sites_or_bodies(self) -> Self:
        exactly_one(self, "sites", "bodies")
        return self

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return self.places("framepos")
