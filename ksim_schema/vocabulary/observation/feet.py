"""Observations of the feet and of contacts."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.mirror import AXIAL, VECTOR, Mirror, Signed, blocks
from ksim_schema.units import FORCE, LENGTH, TIME, TORQUE, Dimension
from ksim_schema.vocabulary.base import BodyPattern, GeomPattern
from ksim_schema.vocabulary.observation.base import Observation, Problem, Several, selected
from ksim_schema.vocabulary.observation.body import OrientationObservation, SiteObservation


class FeetPosition(SiteObservation):
    """Positions of the feet seen from the base, m: ``R^T (p - p_base)`` of a site on each
    (framepos relative to the base), as the joint encoders tell it."""

    kind: Literal["feet_position"] = "feet_position"

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.names(robot)), 3)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (LENGTH,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return self.requests(robot, "framepos", "robot")

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return self.mirrored_frames(mirror, VECTOR)


class FeetOrientation(SiteObservation, OrientationObservation):
    """Orientations of the feet: of a site on each, in the world or relative to the base
    (framequat); ``(w, x, y, z)`` or the first two columns of the rotation matrix."""

    kind: Literal["feet_orientation"] = "feet_orientation"


class FeetLoad(Several):
    """A vector of the force from outside on each foot.

    Class attributes:
        reflection: signs of the vector's elements in a mirror.
    """

    fields = ("cfrc_ext",)
    reflection: ClassVar[tuple[float, ...]] = VECTOR
    feet: BodyPattern = Field(description="Names or patterns of bodies, in this order.")
    frame: Literal["world", "foot"] = Field(
        default="world", description="Axes of the vectors: the world's or those of each foot."
    )

    def names(self, robot: RobotFacts) -> tuple[str, ...]:
        return selected(robot, "body", self.feet)

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.names(robot)), 3)

    def axes(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The orientation of each foot."""
        return tuple(SensorRequest("framequat", "xbody", name) for name in self.names(robot))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        # MuJoCo computes cfrc_ext only when some acceleration or force sensor needs it
        return (*self.axes(robot), SensorRequest("framelinacc", "xbody", robot.bodies[0]))

    def mirrored(self, mirror: Mirror) -> Signed | None:
        order = mirror.frames("body", self.names(mirror.robot))
        return None if order is None else blocks(order, self.reflection)


class FeetForce(FeetLoad):
    """Force from outside on each foot, N: the sum over its contacts (and pushes), zero in the air
    (cfrc_ext; ksim's FeetForceObservation takes the first three elements, which are the torque)."""

    kind: Literal["feet_force"] = "feet_force"

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (FORCE,)


class FeetTorque(FeetLoad):
    """Torque from outside on each foot about the body's origin, N*m: the sum over its contacts
    (and pushes), zero in the air (cfrc_ext, moved there from the robot's centre of mass)."""

    kind: Literal["feet_torque"] = "feet_torque"
    reflection = AXIAL

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (TORQUE,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        names = self.names(robot)
        origins = tuple(SensorRequest("framepos", "xbody", name) for name in names)
        centres = tuple(SensorRequest("subtreecom", "body", robot.tree_of(n)) for n in names)
        return (*super().sensors(robot), *origins, *centres)


class Contact(Observation):
    """Whether geoms touch others: 0 or 1 for each geom, for each body, or for all as one group.

    MuJoCo's contact sensors (data="found"), one for each pair of geoms. Between two groups of
    geoms: ``{geoms: [...], with: [...], each: group}``. Without ``with``, anything counts.
    """

    kind: Literal["contact"] = "contact"
    geoms: GeomPattern = Field(default=(), description="Names or patterns of geoms, in this order.")
    bodies: BodyPattern = Field(
        default=(), description="Names or patterns of bodies instead: all geoms of each."
    )
    partners: GeomPattern = Field(
        default=(), alias="with", description="What they may touch: names or patterns of geoms."
    )
    each: Literal["geom", "body", "group"] | None = Field(
        default=None,
        description="What has a value of its own; each geom by default, each body if bodies are "
        "given.",
    )

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        if bool(self.geoms) == bool(self.bodies):
            help = {"help": "give one of the two", "fields": "geoms bodies"}
            raise PydanticCustomError("one_form", "either geoms or bodies touch", help)
        return self

    def groups(self, robot: RobotFacts) -> tuple[tuple[str, ...], ...]:
        """The geoms that stand for each element of the value."""
        geoms = selected(robot, "geom", self.geoms)
        bodies = selected(robot, "body", self.bodies)
        if self.bodies:
            geoms = tuple(g for body in bodies for g in robot.geoms_of(body))
        each = self.each or ("body" if self.bodies else "geom")
        if each == "group":
            return (geoms,)
        if each == "geom":
            return tuple((geom,) for geom in geoms)
        owners = bodies or tuple(dict.fromkeys(robot.body_of(geom) for geom in geoms))
        return tuple(tuple(g for g in geoms if robot.body_of(g) == body) for body in owners)

    def others(self, robot: RobotFacts) -> tuple[str, ...]:
        """The geoms that may be touched; empty if any may."""
        return selected(robot, "geom", self.partners)

    def requests(self, robot: RobotFacts) -> tuple[tuple[SensorRequest, ...], ...]:
        """The sensors of each element of the value."""
        options = (("data", "found"), ("num", "1"))
        others = [("geom", name) for name in self.others(robot)] or [("", "")]
        return tuple(
            tuple(SensorRequest("contact", "geom", g, *o, options) for g in group for o in others)
            for group in self.groups(robot)
        )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.groups(robot)),)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        groups = [frozenset(group) for group in self.groups(mirror.robot)]
        images = [frozenset(map(mirror.counterpart, group)) for group in groups]
        others = set(self.others(mirror.robot))
        if not set(images) <= set(groups) or {mirror.counterpart(o) for o in others} != others:
            return None
        return tuple((groups.index(image), 1.0) for image in images)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return tuple(request for group in self.requests(robot) for request in group)

    def tells_contact(self, robot: RobotFacts) -> bool:
        return True

    def problems(self, robot: RobotFacts) -> Iterator[Problem]:
        for body in selected(robot, "body", self.bodies):
            if not robot.geoms_of(body):
                yield Problem("bodies", f"body {body!r} has no geom that could touch anything")


class FeetContact(Contact):
    """Whether each foot touches the ground: 0 or 1 for each geom or body named.

    The ground is every geom that does not move, unless ``with`` names it. MuJoCo's contact sensors
    (data="found").
    """

    kind: Literal["feet_contact"] = "feet_contact"  # type: ignore[assignment]

    def others(self, robot: RobotFacts) -> tuple[str, ...]:
        return super().others(robot) or robot.ground

    def problems(self, robot: RobotFacts) -> Iterator[Problem]:
        yield from super().problems(robot)
        if not self.others(robot):
            yield Problem("", "the model has no ground: no geom that stands still and collides")


class AirTime(FeetContact):
    """How long each foot has been in the air, s: 0 while it touches the ground, and at the start.

    Counted in whole control ticks. ``geoms``, ``bodies`` and ``with`` are those of
    ``feet_contact``.
    """

    kind: Literal["air_time"] = "air_time"  # type: ignore[assignment]
    sensed = False

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (TIME,)

    def tells_contact(self, robot: RobotFacts) -> bool:
        return False
