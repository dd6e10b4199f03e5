"""Observations of a recorded motion: what comes next, and what is left to it."""

import itertools
from typing import Annotated, Literal

from annotated_types import Ge, MinLen
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.robot.mirror import COLUMNS, VECTOR, Mirror, Signed, blocks, joined, signs
from ksim_schema.units import LENGTH, NUMBER, Dimension, Time
from ksim_schema.vocabulary.base import BodyPattern, JointPattern, Wire
from ksim_schema.vocabulary.observation.base import Observation

_SECOND = Dimension(s=1)


def _ascending(times: tuple[float, ...]) -> tuple[float, ...]:
    for low, high in itertools.pairwise(times):
        if low >= high:
            raise PydanticCustomError(
                "range_order",
                "the times ahead are in their order, and {high} comes after {low}",
                {"low": f"{low:g} s", "high": f"{high:g} s", "help": "put the nearest first"},
            )
    return times


class MotionJoints(Observation):
    """Joints of a recorded motion at some times ahead, rad or m, or their velocities.

    Time 0 is the frame that the command tells, in which the robot is to be at the end of the tick.
    After the clip's last frame comes that frame again, at rest; a clip that repeats begins again,
    and is blended into.
    """

    kind: Literal["motion_joints"] = "motion_joints"
    static = Observation.static | {"ahead"}
    command: Annotated[str, Wire("heed")] = Field(description="The command of kind `motion`.")
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    ahead: Annotated[tuple[Annotated[Time, Ge(0)], ...], MinLen(1), AfterValidator(_ascending)] = (
        Field(default=(0.0,), description="Times ahead, rounded to whole control periods.")
    )
    what: Literal["positions", "velocities"] = Field(
        default="positions", description="What of the joints."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.ahead), len(robot.match_joints(self.joints)))

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        order = -1 if self.what == "velocities" else 0
        joints = robot.match_joints(self.joints)
        return tuple(dict.fromkeys(j.dimension.times(_SECOND, order) for j in joints))

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        if field:
            return super().things(field, robot)
        return tuple(j.name for j in robot.match_joints(self.joints)) * len(self.ahead)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        image = mirror.joints(mirror.robot.match_joints(self.joints))
        return None if image is None else joined([image] * len(self.ahead))


class MotionAnchorError(Observation):
    """Where a recorded motion's anchor is, seen from the robot's own: m, and a rotation.

    ``R^T (p_motion - p)`` and the first two columns of ``R^T R_motion``, one after the other, of
    the frame that the command tells. A robot measures the rotation, up to its heading, by its
    inertial sensors; the place it needs to know from elsewhere.
    """

    kind: Literal["motion_anchor_error"] = "motion_anchor_error"
    command: Annotated[str, Wire("heed")] = Field(description="The command of kind `motion`.")
    of: Literal["both", "position", "orientation"] = Field(
        default="both", description="What is compared."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return ({"both": 9, "position": 3, "orientation": 6}[self.of],)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        found = {"both": (LENGTH, NUMBER), "position": (LENGTH,), "orientation": (NUMBER,)}
        return found[self.of]

    def measurable(self, robot: RobotFacts) -> bool:
        return self.of == "orientation"

    def mirrored(self, mirror: Mirror) -> Signed | None:
        own = {"both": (*VECTOR, *COLUMNS), "position": VECTOR, "orientation": COLUMNS}
        return signs(*own[self.of])


class MotionBodies(Observation):
    """Where bodies are, seen from the anchor: the robot's, a recorded motion's, or what is left.

    Three numbers a body, m, in the axes of the anchor: ``R^T (p_body - p_anchor)``. ``left`` is the
    motion's place less the robot's, each seen from its own anchor.
    """

    kind: Literal["motion_bodies"] = "motion_bodies"
    sensed = False
    command: Annotated[str, Wire("heed")] = Field(description="The command of kind `motion`.")
    bodies: BodyPattern = Field(description="Names or patterns of the command's bodies.")
    of: Literal["robot", "motion", "left"] = Field(default="left", description="Whose places.")

    def names(self, robot: RobotFacts) -> tuple[str, ...]:
        """The bodies, in the model's order."""
        return robot.match("body", self.bodies)

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (3 * len(self.names(robot)),)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (LENGTH,)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        order = mirror.frames("body", self.names(mirror.robot))
        return None if order is None else blocks(order, VECTOR)


class MotionPhase(Observation):
    """How far a recorded motion has come: the share of its clip that is behind, from 0 to 1."""

    kind: Literal["motion_phase"] = "motion_phase"
    command: Annotated[str, Wire("heed")] = Field(description="The command of kind `motion`.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (1,)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return signs(1.0)
