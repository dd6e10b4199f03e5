"""Terminations: when an episode ends, by failure or by time."""

from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import Angle, AngularSpeed, JointValue, Length, Speed, Time
from ksim_schema.units.formula import FormulaError
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.base import (
    BodyName,
    BodyPattern,
    GeomName,
    JointPattern,
    Named,
    Names,
    Part,
    Range,
    Wire,
)
from ksim_schema.vocabulary.bounds import ends
from ksim_schema.vocabulary.choice import exactly_one
from ksim_schema.vocabulary.contact import contact_of
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.formula import Formulated, Surroundings
from ksim_schema.vocabulary.heights import OfHeight


class Termination(Part):
    """What all terminations share. A state that is not finite always ends an episode.

    Class attributes:
        timeout: whether the end is not a failure: the return goes on beyond it.
        floating: whether it needs a robot with a free joint.
    """

    object = "Termination"
    fields = ()
    channels = ("state",)
    timeout: ClassVar[bool] = False
    floating = False

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        return ()

    @property
    def is_timeout(self) -> bool:
        """Whether the end is not a failure; ``timeout`` where that is the same for the kind."""
        return self.timeout

    def time_limit(self) -> float | None:
        """The time in s after which it ends every episode; None where it promises no such time."""
        return None


class MinHeight(Termination, OfHeight):
    """A body's origin is below a height."""

    kind: Literal["min_height"] = "min_height"
    effects = (Effect("ends", "body.{body}.height", "height", "at_least"),)
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    height: Length = Field(description="Lowest height that is not a failure.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class BadHeight(Termination, OfHeight):
    """A body's origin is outside of a range of heights."""

    kind: Literal["bad_height"] = "bad_height"
    effects = (Effect("ends", "body.{body}.height", "range"),)
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    range: Range[Length] = Field(description="Heights that are not a failure.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class NotUpright(Termination):
    """A body is tilted by more than an angle."""

    kind: Literal["not_upright"] = "not_upright"
    effects = (Effect("ends", "body.{body}.tilt", "max_tilt", "at_most"),)
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    max_tilt: Annotated[Angle, Gt(0)] = Field(description="Largest tilt that is not a failure.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framequat", "xbody", self.body or robot.root),)


class IllegalContact(Termination):
    """One of some geoms, or of the geoms of some bodies, touches another geom, or anything."""

    kind: Literal["illegal_contact"] = "illegal_contact"
    effects = (Effect("ends", "geom.{geoms}.contact", "geoms", fixed=Interval(0.0, 0.0)),)
    geoms: Annotated[Names, Named("geom")] = Field(
        default=(), description="Geoms that must not touch it."
    )
    bodies: BodyPattern = Field(
        default=(),
        description="Names or patterns of bodies, instead of `geoms`.",
    )
    partner: GeomName | None = Field(
        default=None, alias="with", description="What they must not touch; anything by default."
    )

    @model_validator(mode="after")
    def _geoms_or_bodies(self) -> Self:
        exactly_one(self, "geoms", "bodies")
        return self

    def touching(self, robot: RobotFacts) -> tuple[str, ...]:
        """The geoms that must not touch it."""
        bodies = robot.match("body", self.bodies) if self.bodies else ()
        return self.geoms or tuple(geom for body in bodies for geom in robot.geoms_of(body))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        geoms = (geom for geom in self.touching(robot) if geom != self.partner)
        return tuple(contact_of(geom, self.partner) for geom in geoms)


class BadVelocity(Termination):
    """A body moves or turns faster than a limit: the simulation has blown up."""

    kind: Literal["bad_velocity"] = "bad_velocity"
    effects = (
        Effect("ends", "body.{body}.speed", "max_speed", "half_width"),
        Effect("ends", "body.{body}.climb", "max_speed", "half_width"),
        Effect("ends", "body.{body}.spin", "max_turn", "half_width"),
    )
    moving = True
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    max_speed: Annotated[Speed, Gt(0)] = Field(description="Largest linear speed.")
    max_turn: Annotated[AngularSpeed, Gt(0)] | None = Field(
        default=None, description="Largest angular speed; no limit by default."
    )

    def fields_on(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("qvel",) if robot.free_joint(self.body) else ()

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        if robot.free_joint(self.body):
            return ()
        kinds = ("framelinvel", "frameangvel")
        return tuple(SensorRequest(kind, "xbody", self.body or robot.root) for kind in kinds)


class FarFromOrigin(Termination):
    """A body is farther than a distance from the world's origin, on the ground."""

    kind: Literal["far_from_origin"] = "far_from_origin"
    effects = (Effect("ends", "body.{body}.distance", "distance", "at_most"),)
    moving = True
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    distance: Annotated[Length, Gt(0)] = Field(description="Largest distance.")

    def fields_on(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("qpos",) if robot.free_joint(self.body) else ()

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        if robot.free_joint(self.body):
            return ()
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class OffTerrain(Termination):
    """A body is over the edge of the terrain, or nearer to it than ``margin``: a time-out.

    The edge is that of the field of heights, with the flat border of a grid of tiles. Beyond it
    there is no ground.
    """

    kind: Literal["off_terrain"] = "off_terrain"
    timeout = True
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    margin: Annotated[Length, Ge(0)] = Field(
        default=1.0, description="Distance from the edge at which the episode ends."
    )

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)

    def edges(self, robot: RobotFacts) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ends of the terrain along x and along y, m."""
        field = next(s for s in robot.surfaces if s.type == "hfield")
        (x, y), (half_x, half_y) = field.position[:2], field.size[:2]
        return (x - half_x, x + half_x), (y - half_y, y + half_y)

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        """Where the terrain ends, less the margin."""
        if not any(s.type == "hfield" for s in robot.surfaces):
            return ()
        return tuple(
            Effect("ends", f"body.{{body}}.{axis}", "margin", fixed=Interval(*_within(ends, self)))
            for axis, ends in zip("xy", self.edges(robot), strict=True)
        )


def _within(ends: tuple[float, float], part: OffTerrain) -> tuple[float, float]:
    """What a margin leaves of a line, at least its middle."""
    middle = (ends[0] + ends[1]) / 2
    return min(ends[0] + part.margin, middle), max(ends[1] - part.margin, middle)


class JointOutside(Termination):
    """One of some joints is outside of a range."""

    kind: Literal["joint_outside"] = "joint_outside"
    effects = (Effect("ends", "joint.{joints}", "range"),)
    fields = ("qpos",)
    joints: JointPattern = Field(description="Names or patterns of hinges and slides.")
    range: Range[JointValue] = Field(description="Positions that are not a failure.")


class EpisodeLength(Termination):
    """The episode has lasted a given time: a time-out, not a failure."""

    kind: Literal["episode_length"] = "episode_length"
    effects = (Effect("ends", "time", "after", "at_most"),)
    timeout = True
    after: Annotated[Time, Gt(0)] = Field(description="Length of an episode.")

    def time_limit(self) -> float | None:
        return self.after


class Formula(Formulated, Termination):
    """A condition over named quantities: ``body.cube.z < -0.1 or joint.knee > 100*deg``.

    The names and functions are those of the reward ``formula``; its value is one condition, which
    comparisons, ``and``, ``or``, ``not``, ``any`` and ``all`` give.
    """

    kind: Literal["formula"] = "formula"
    stands_for = "condition"
    channels = ("state", "action")
    expression: str = Field(
        description="The condition; 'ksim-compile --explain formula' lists what it can name.",
        examples=["base.height < 0.3 or base.tilt > 60*deg"],
    )
    commands: Annotated[Names, Wire("terminate", of="Command")] = Field(
        default=(), description="Commands that the formula names; found in it by default."
    )
    times_out: bool = Field(
        default=False,
        alias="timeout",
        description="Whether the end is a time-out, beyond which the return goes on, rather than a "
        "failure.",
    )

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        """The bounds of single quantities beyond which it ends an episode."""
        try:
            tree = self.read(robot, Surroundings({}))
        except FormulaError:  # it is reported where formulas are read, or names more than a robot
            return ()
        return tuple(ends(tree, robot, "expression"))

    @property
    def is_timeout(self) -> bool:
        """As :attr:`Termination.is_timeout`."""
        return self.times_out
