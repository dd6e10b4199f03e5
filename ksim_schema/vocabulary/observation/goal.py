"""Observations of what is left to a goal."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.mirror import AXIAL, COLUMNS, QUATERNION, VECTOR, Mirror, Signed, signs
from ksim_schema.units import ANGLE, LENGTH, NUMBER, Dimension
from ksim_schema.vocabulary.base import BodyName, GeomName, SiteName, Wire
from ksim_schema.vocabulary.observation.base import Observation, RotationForm
from ksim_schema.vocabulary.pose import PLACES, QUATERNION_LABELS


class PoseError(Observation):
    """What is left from the pose of a body, a site or a geom to a commanded one.

    * ``of: position``: ``p_goal - p``, m
    * ``of: orientation``: the rotation ``R_goal R^T`` that turns it to the goal, the short way
      round: as a rotation vector, its axis times its angle (rad, three numbers), or as
      ``quaternion`` (w, x, y, z; w >= 0) or ``rotation_6d``

    In the axes of the world, of the robot's base (``robot``), or of the body or site itself
    (``own``). The goal is a command that tells a pose, in whatever frame.
    """

    kind: Literal["pose_error"] = "pose_error"
    command: Annotated[str, Wire("heed")] = Field(description="The command of the goal.")
    of: Literal["position", "orientation"] = Field(
        default="position", description="What is compared."
    )
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )
    site: SiteName | None = Field(default=None, description="The site, instead of `body`.")
    geom: GeomName | None = Field(default=None, description="The geom, instead of `body`.")
    frame: Literal["world", "robot", "own"] = Field(
        default="world", description="Axes in which the difference is given."
    )
    form: RotationForm = Field(
        default="rotation_vector", description="Numbers that stand for a rotation."
    )

    @property
    def rotates(self) -> RotationForm | None:
        return self.form if self.of == "orientation" else None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        named = [f for f in ("body", "site", "geom") if getattr(self, f) is not None]
        if len(named) > 1:
            both = {"first": named[0], "other": named[1]}
            about = both | {"help": "name one of them", "fields": " ".join(named)}
            raise PydanticCustomError("one_form", "both a {first} and a {other} are named", about)
        return self

    def target(self, robot: RobotFacts) -> tuple[str, str]:
        """What is compared, as MuJoCo calls it: the kind of frame, and its name."""
        if self.geom:
            return "geom", self.geom
        return ("site", self.site) if self.site else ("xbody", self.body or robot.root)

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": PLACES if self.of == "position" else QUATERNION_LABELS}

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        if self.of == "position":
            return (3,)
        return ({"rotation_vector": 3, "quaternion": 4, "rotation_6d": 6}[self.form],)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        if self.of == "position":
            return (LENGTH,)
        return (ANGLE if self.form == "rotation_vector" else NUMBER,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """Position and orientation of the target; the base's orientation for its axes."""
        target = self.target(robot)
        base = (SensorRequest("framequat", "xbody", robot.root),) if self.frame == "robot" else ()
        kinds = ("framepos", "framequat")
        return (*(SensorRequest(kind, *target) for kind in kinds), *base)

    def measurable(self, robot: RobotFacts) -> bool:
        """By what places the body or site: encoders, or what sees other bodies."""
        objtype, name = self.target(robot)
        if objtype == "site":
            return f"site/{name}" in robot.encoded
        name = robot.body_of(name) if objtype == "geom" else name
        own = robot.trees[robot.body_id(robot.root)]
        return f"body/{name}" in robot.encoded or robot.trees[robot.body_id(name)] != own

    def mirrored(self, mirror: Mirror) -> Signed | None:
        objtype, name = self.target(mirror.robot)
        if mirror.frames("body" if objtype == "xbody" else objtype, (name,)) is None:
            return None
        if self.of == "position":
            return signs(*VECTOR)
        forms = {"rotation_vector": AXIAL, "quaternion": QUATERNION, "rotation_6d": COLUMNS}
        return signs(*forms[self.form])
