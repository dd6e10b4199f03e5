"""Observations of the ground around the robot."""

from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.robot import RobotFacts, SensorRequest, Surface
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import LENGTH, Dimension, Length
from ksim_schema.vocabulary.base import BodyName, GeomPattern, PositiveInt
from ksim_schema.vocabulary.observation.base import Observation, Problem, selected


class HeightScan(Observation):
    """Height of a body's origin above the ground at the points of a grid around it, m.

    ``min(z_body - z_ground(x, y), reach) - offset`` at each point. The grid is level, centred
    ``ahead`` of the body and turned with its heading; rows run from back to front, in each row the
    points from right to left. z_ground is where a vertical ray from above first meets one of the
    geoms: planes, height fields (triangulated as MuJoCo's own rays do) and boxes that stand still,
    so that the robot never sees itself. Where there is none, the value is ``reach - offset``.

    The rays are computed from the geoms' shapes, not by MuJoCo's rangefinder: its rays are fixed to
    the body, would tilt with it, and MJX's pass through height fields.
    """

    kind: Literal["height_scan"] = "height_scan"
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    geoms: GeomPattern = Field(
        default=(),
        description="The ground: names or patterns of geoms; by default all planes, height fields "
        "and boxes that stand still and collide.",
    )
    length: Annotated[Length, Ge(0)] = Field(default=1.6, description="Size forward.")
    width: Annotated[Length, Ge(0)] = Field(default=1.0, description="Size sideways.")
    points: tuple[PositiveInt, PositiveInt] = Field(
        default=(17, 11), description="Number of points forward and sideways."
    )
    ahead: Length = Field(default=0.0, description="Distance of the centre in front of the body.")
    offset: Length = Field(default=0.0, description="Taken off, as the height of standing.")
    reach: Annotated[Length, Gt(0)] = Field(default=5.0, description="Largest height seen.")

    def surfaces(self, robot: RobotFacts) -> tuple[Surface, ...]:
        """The shapes of the ground."""
        if not self.geoms:
            return tuple(s for s in robot.surfaces if s.name in robot.ground)
        names = selected(robot, "geom", self.geoms)
        return tuple(s for s in robot.surfaces if s.name in names)

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return self.points

    def mirrored(self, mirror: Mirror) -> Signed | None:
        rows, across = self.points
        places = ((row, point) for row in range(rows) for point in reversed(range(across)))
        return tuple((row * across + point, 1.0) for row, point in places)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (LENGTH,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        body = self.body or robot.root
        return (
            SensorRequest("framepos", "xbody", body),
            SensorRequest("framequat", "xbody", body),
        )

    def problems(self, robot: RobotFacts) -> Iterator[Problem]:
        seen = {surface.name for surface in self.surfaces(robot)}
        for name in selected(robot, "geom", self.geoms):
            if name not in seen:
                help = "name planes, boxes and upright height fields of bodies that stand still"
                yield Problem("geoms", f"a height scan cannot see geom {name!r}", help)
        if not seen and not self.geoms:
            yield Problem("", "the model has no ground that a height scan could see")
