"""A pose that something is to have: a position, an orientation, or both."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.mirror import QUATERNION, VECTOR, Mirror, Signed, signs
from ksim_schema.units import LENGTH, NUMBER, Angle, Dimension, Length
from ksim_schema.vocabulary.base import BodyName, GeomName, SiteName, Wire
from ksim_schema.vocabulary.command.base import Drawn
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.pose import PLACES, QUATERNION_LABELS, PoseRanges


class Pose(Drawn):
    """A pose for a body, a site or a geom: position x, y, z (m), orientation qw, qx, qy, qz.

    It has a position where `in` has x, y or z, and an orientation, a unit quaternion with qw >= 0,
    where `in` has an angle. It is told in the world's frame, or in that of a body with which it
    moves (``relative_to: base``). With ``redraw: reached`` a new one is drawn at the next tick
    after the body or site is as near as `within` and `within_angle` say. In formulas
    ``command.<name>`` is its position and ``command.<name>.orientation`` its orientation, both in
    the world's frame.
    """

    kind: Literal["pose"] = "pose"
    dimensions: ClassVar[Mapping[str, Dimension]] = {
        **dict.fromkeys(PLACES, LENGTH),
        **dict.fromkeys(QUATERNION_LABELS, NUMBER),
    }
    inform: Annotated[str | None, Wire("inform")] = Field(
        default=None,
        description="The state that it is derived from; the task's only one by default.",
    )
    box: PoseRanges = Field(alias="in", description="Ranges that it is drawn from.")
    relative_to: Literal["world", "base"] = Field(
        default="world", description="The frame of the ranges, in which it is told."
    )
    base: BodyName | None = Field(
        default=None, description="The body of that frame; the robot's base by default."
    )
    body: BodyName | None = Field(
        default=None, description="The body that is to be there; the robot's base by default."
    )
    site: SiteName | None = Field(
        default=None, description="The site that is to be there, instead of `body`."
    )
    geom: GeomName | None = Field(
        default=None, description="The geom that is to be there, instead of `body`."
    )
    redraw: Literal["reached"] | None = Field(
        default=None, description="Draw a new one when it is reached; never for that by default."
    )
    within: Annotated[Length, Gt(0)] | None = Field(
        default=None, description="Distance at which its position is reached."
    )
    within_angle: Annotated[Angle, Gt(0)] | None = Field(
        default=None, description="Angle at which its orientation is reached."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        box = self.box
        message = fields = help = ""
        named = [f for f in ("body", "site", "geom") if getattr(self, f) is not None]
        if not box.positioned and not box.turned:
            message, fields = "'in' has no range", "in"
            help = "give ranges of x, y, z, roll, pitch or yaw"
        elif len(named) > 1:
            message, fields = f"both a {named[0]} and a {named[1]} are named", " ".join(named)
            help = "name one of them"
        elif self.base is not None and self.relative_to != "base":
            message, fields = "'base' says nothing of a pose in the world", "base"
            help = "add 'relative_to: base'"
        elif self.within is not None and not box.positioned:
            message, fields = "'within' is of a position, and none is drawn", "within"
            help = "write within_angle for an orientation"
        elif self.within_angle is not None and not box.turned:
            message, fields = (
                "'within_angle' is of an orientation, and none is drawn",
                "within_angle",
            )
            help = "add a range of roll, pitch or yaw"
        elif self.redraw is None and (self.within, self.within_angle) != (None, None):
            message = "it is said when the pose is reached, and not what happens then"
            fields, help = "within within_angle", "add 'redraw: reached'"
        elif self.redraw and self.within is None and self.within_angle is None:
            message = "it is not said when the pose is reached"
            fields, help = "redraw", "add for example 'within: 3 cm'"
        if message:
            about = {"message": message, "help": help, "fields": fields}
            raise PydanticCustomError("one_form", "{message}", about)
        return self

    @property
    def draws_vary(self) -> bool:
        return self.box.varies

    def infers(self, field: str) -> bool:
        """As :meth:`Part.infers`."""
        return field != "inform" or self.redraw is not None or self.relative_to == "base"

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        if not self.box.positioned:
            return ()
        return tuple(
            Effect("asks", f"command.{{name}}.{axis}", "box", fixed=self.box.place(axis))
            for axis in PLACES
        )

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        position = PLACES if self.box.positioned else ()
        return (*position, *(QUATERNION_LABELS if self.box.turned else ()))

    def frame_of(self, robot: RobotFacts) -> str | None:
        return (self.base or robot.root) if self.relative_to == "base" else ""

    def target(self, robot: RobotFacts) -> tuple[str, str]:
        """What is to be there, as MuJoCo calls it: the kind of frame, and its name."""
        if self.geom:
            return "geom", self.geom
        return ("site", self.site) if self.site else ("xbody", self.body or robot.root)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """Position and orientation of its frame, and then of what is to reach it; if needed."""
        frames = [("xbody", self.base or robot.root)] if self.relative_to == "base" else []
        frames += [self.target(robot)] if self.redraw else []
        kinds = ("framepos", "framequat")
        return tuple(SensorRequest(kind, *frame) for frame in frames for kind in kinds)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        objtype, name = self.target(mirror.robot)
        if mirror.frames("body" if objtype == "xbody" else objtype, (name,)) is None:
            return None
        each = (VECTOR if self.box.positioned else ()) + (QUATERNION if self.box.turned else ())
        return signs(*each)
