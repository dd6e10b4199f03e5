"""Observations of bodies and sites, several by name, one after the other."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.mirror import COLUMNS, QUATERNION, VECTOR, Mirror, Signed, blocks
from ksim_schema.units import ANGULAR_SPEED, INERTIA, LENGTH, MASS, SPEED, Dimension
from ksim_schema.vocabulary.base import BodyName, BodyPattern
from ksim_schema.vocabulary.observation.base import (
    Frame,
    Rotation,
    RotationForm,
    Several,
    SitePattern,
    selected,
)


class FrameObservation(Several):
    """A value of each of some frames of the model.

    Class attributes:
        objtype: what MuJoCo calls the frames: xbody or site.
    """

    objtype: ClassVar[str] = "xbody"

    @property
    def seen_from(self) -> str | None:
        """The body that they are relative to, where that is another than the base."""
        return None

    def requests(self, robot: RobotFacts, type: str, frame: Frame) -> tuple[SensorRequest, ...]:
        """A frame sensor for each, relative to a body or in the world."""
        base = ("xbody", robot.root) if frame == "robot" else ("", "")
        base = ("xbody", self.seen_from) if self.seen_from else base
        return tuple(SensorRequest(type, self.objtype, n, *base) for n in self.names(robot))

    def mirrored_frames(self, mirror: Mirror, each: tuple[float, ...]) -> Signed | None:
        """The frames change places, each with these signs of its elements."""
        what = "body" if self.objtype == "xbody" else "site"
        if self.seen_from and mirror.frames("body", (self.seen_from,)) is None:
            return None
        order = mirror.frames(what, self.names(mirror.robot))
        return None if order is None else blocks(order, each)


class BodyObservation(FrameObservation):
    """A value of each of some bodies."""

    bodies: BodyPattern = Field(description="Names or patterns of bodies, in this order.")

    def names(self, robot: RobotFacts) -> tuple[str, ...]:
        return selected(robot, "body", self.bodies)


class SiteObservation(FrameObservation):
    """A value of each of some sites."""

    objtype = "site"
    sites: SitePattern = Field(description="Names or patterns of sites, in this order.")

    def names(self, robot: RobotFacts) -> tuple[str, ...]:
        return selected(robot, "site", self.sites)


class RelativeObservation(FrameObservation):
    """What is observed of frames in the world, or as seen from a body."""

    frame: Frame = Field(
        default="world", description="In the world, or as seen from the robot's base."
    )
    relative_to: BodyName | None = Field(
        default=None, description="A body that they are seen from, instead of the world."
    )

    @model_validator(mode="after")
    def _one_frame(self) -> Self:
        if self.relative_to is not None and self.frame != "world":
            about = {"help": "take one of them out", "fields": "relative_to frame"}
            message = "they are seen from the base and from another body"
            raise PydanticCustomError("one_form", message, about)
        return self

    @property
    def seen_from(self) -> str | None:
        return self.relative_to


class PositionObservation(RelativeObservation):
    """Positions of frames."""

    sensed = False

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.names(robot)), 3)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (LENGTH,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return self.requests(robot, "framepos", self.frame)

    def measurable(self, robot: RobotFacts) -> bool:
        """By the encoders of the joints that carry the frames; or by what sees other bodies.

        That is a camera or a tracker, which places a cube that is to be pushed. Seen from its base,
        the encoders tell the places of all of a robot.
        """
        names, what = self.names(robot), "site" if self.objtype == "site" else "body"
        own = robot.trees[robot.body_id(robot.root)]
        return self.sensed or all(
            f"{what}/{name}" in robot.encoded
            or self.frame == "robot"
            or robot.frame_tree(what, name) != own
            for name in names
        )

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return self.mirrored_frames(mirror, VECTOR)


class OrientationObservation(RelativeObservation):
    """Orientations of frames."""

    frame: Frame = Field(
        default="world", description="Relative to the world, or to the robot's base."
    )
    form: Rotation = Field(default="quaternion", description="Numbers that stand for a rotation.")

    @property
    def rotates(self) -> RotationForm | None:
        return self.form

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.names(robot)), 4 if self.form == "quaternion" else 6)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return self.requests(robot, "framequat", self.frame)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return self.mirrored_frames(mirror, QUATERNION if self.form == "quaternion" else COLUMNS)


class BodyPosition(BodyObservation, PositionObservation):
    """Positions of bodies' origins, m: ``p``, or ``R^T (p - p_base)`` seen from the base
    (framepos). Simulator state."""

    kind: Literal["body_position"] = "body_position"


class BodyOrientation(BodyObservation, OrientationObservation):
    """Orientations of bodies (framequat): of each four numbers ``(w, x, y, z)``, or the six of the
    first two columns of the rotation matrix."""

    kind: Literal["body_orientation"] = "body_orientation"


class VelocityObservation(RelativeObservation):
    """Velocities of frames."""

    sensed = False
    motion: Literal["linear", "angular"] = Field(default="linear", description="Which velocity.")
    frame: Frame = Field(default="world", description="Axes of the vectors.")
    relative_to: BodyName | None = Field(
        default=None,
        description="A body in whose frame, which may move and turn, the velocities are.",
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.names(robot)), 3)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (SPEED if self.motion == "linear" else ANGULAR_SPEED,)

    def measurable(self, robot: RobotFacts) -> bool:
        return all(f"body/{name}" in robot.encoded for name in self.names(robot))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        type = "framelinvel" if self.motion == "linear" else "frameangvel"
        turned = self.frame == "robot" and not self.relative_to
        axes = (SensorRequest("framequat", "xbody", robot.root),) if turned else ()
        return (*self.requests(robot, type, "world"), *axes)


class BodyVelocity(BodyObservation, VelocityObservation):
    """Velocities of bodies: of the origin, m/s (framelinvel), or angular, rad/s (frameangvel).

    With ``frame: robot`` the world's vector is given in the axes of the base; the base's own
    velocity is not subtracted. With ``relative_to`` they are those that are seen from another
    body, along its axes: its velocity is subtracted, and what its turning makes of a place that is
    away from it. Simulator state.
    """

    kind: Literal["body_velocity"] = "body_velocity"


class SiteVelocity(SiteObservation, VelocityObservation):
    """Velocities of sites, m/s (framelinvel) or rad/s (frameangvel); as `body_velocity`."""

    kind: Literal["site_velocity"] = "site_velocity"


class SitePosition(SiteObservation, PositionObservation):
    """Positions of sites, m: ``p``, or ``R^T (p - p_base)`` seen from the base (framepos).
    Simulator state."""

    kind: Literal["site_position"] = "site_position"


class SiteOrientation(SiteObservation, OrientationObservation):
    """Orientations of sites (framequat): of each four numbers ``(w, x, y, z)``, or the six of the
    first two columns of the rotation matrix (ksim's SiteOrientationObservation)."""

    kind: Literal["site_orientation"] = "site_orientation"


class CenterOfMassObservation(Several):
    """A row of a com-based array of MuJoCo for each of some bodies."""

    sensed = False
    bodies: BodyPattern = Field(
        default=(".*",), description="Names or patterns of bodies; all but the world by default."
    )

    def names(self, robot: RobotFacts) -> tuple[str, ...]:
        return tuple(n for n in selected(robot, "body", self.bodies) if n != robot.bodies[0])


class CenterOfMassInertia(CenterOfMassObservation):
    """Inertias of bodies about the robot's centre of mass, in the world's axes (cinert).

    Ten numbers each: Ixx, Iyy, Izz, Ixy, Ixz, Iyz (kg*m^2), mass times position (kg*m), mass (kg).
    Simulator state.
    """

    kind: Literal["center_of_mass_inertia"] = "center_of_mass_inertia"
    fields = ("cinert",)

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.names(robot)), 10)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (INERTIA, MASS.times(LENGTH), MASS)


class CenterOfMassVelocity(CenterOfMassObservation):
    """Spatial velocities of bodies at the robot's centre of mass, in the world's axes (cvel).

    Six numbers each: angular (rad/s), then linear (m/s) of the point of the body that is there.
    Simulator state.
    """

    kind: Literal["center_of_mass_velocity"] = "center_of_mass_velocity"
    fields = ("cvel",)

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.names(robot)), 6)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (ANGULAR_SPEED, SPEED)
