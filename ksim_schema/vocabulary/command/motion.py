"""Places, poses and clocks: commands that move by themselves or follow the robot."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Lt, MinLen
from pydantic import Field

from ksim_schema.robot import Joint, RobotFacts, SensorRequest
from ksim_schema.robot.mirror import Mirror, Signed, signs
from ksim_schema.units import LENGTH, Dimension, JointValue, Length, Number, Speed, Time
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.base import BodyName, JointPattern, PositiveInt, Range, Spread, Wire
from ksim_schema.vocabulary.command.base import Command, Drawn
from ksim_schema.vocabulary.effects import Effect

_INFORM = "The state that it is derived from; the task's only one by default."
_BODY = "The body; the floating base (or the first moving body) by default."


class BaseHeight(Drawn):
    """Height of the base above the ground, m."""

    kind: Literal["base_height"] = "base_height"
    dimensions: ClassVar[Mapping[str, Dimension]] = {"height": LENGTH}
    effects = (Effect("asks", "command.{name}.height", "range"),)
    range: Range[Length] = Field(description="Range of the height.")
    speed: Annotated[Speed, Gt(0)] | None = Field(
        default=None, description="Largest change of the height in a second."
    )

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("height",)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return signs(1.0)

    def rates(self) -> tuple[float | None, ...]:
        return () if self.speed is None else (self.speed,)


class CartesianCoordinate(Drawn):
    """A point (x, y, z) in m, drawn in a box; it moves from one drawn point straight to the next.

    The box is given in the frame ``relative_to``: the world's; that of a body's place at the start
    of the episode (``start``: its origin, the world's axes; the point is told in the world's
    frame); or a body's own at each moment (``body``: the point is told in that frame, so it moves
    with the body). After ksim's CartesianCoordinateCommand.
    """

    kind: Literal["cartesian_coordinate"] = "cartesian_coordinate"
    dimensions = dict.fromkeys("xyz", LENGTH)
    effects = (
        Effect("asks", "command.{name}.x", "x"),
        Effect("asks", "command.{name}.y", "y"),
        Effect("asks", "command.{name}.z", "z"),
    )
    inform: Annotated[str | None, Wire("inform")] = Field(default=None, description=_INFORM)
    x: Range[Length] = Field(description="Range of x.")
    y: Range[Length] = Field(description="Range of y.")
    z: Range[Length] = Field(description="Range of z.")
    relative_to: Literal["world", "start", "body"] = Field(
        default="world", description="The frame of the box."
    )
    body: BodyName | None = Field(default=None, description=_BODY)
    speed: Spread[Annotated[Speed, Gt(0)]] | None = Field(
        default=None,
        description="Speed at which it moves, or a range drawn for each point; a jump by default.",
    )
    on_arrival: bool = Field(
        default=False, description="A new point is drawn when the last is reached."
    )

    def infers(self, field: str) -> bool:
        """As :meth:`Part.infers`."""
        return field != "inform" or self.relative_to == "start"

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("x", "y", "z")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        if self.relative_to != "start":
            return ()
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class JointPosition(Command):
    """Positions and then velocities of joints, in the model's order: rad or m, rad/s or m/s.

    They go in a straight line from the joints' positions at the start of the episode to a drawn
    target in a drawn time, from there to the next target, and so on; the velocities are those of
    this motion. After ksim's JointPositionCommand.
    """

    kind: Literal["joint_position"] = "joint_position"
    effects = (Effect("asks", "command.{name}.<joint>", "range"),)
    inform: Annotated[str | None, Wire("inform")] = Field(default=None, description=_INFORM)
    joints: JointPattern = Field(
        default=(".*",), description="Names or patterns of hinges and slides."
    )
    around: Literal["home", "zero"] = Field(
        default="home", description="What the range is measured from."
    )
    range: Range[JointValue] | None = Field(
        default=None, description="Range of the targets; the joints' limits by default."
    )
    duration: Spread[Annotated[Time, Gt(0)]] = Field(
        description="Time from one target to the next, or a range of it."
    )

    @property
    def needs_limits(self) -> bool:
        """Whether its joints must have limits in the model."""
        return self.range is None

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        joints = robot.match_joints(self.joints)
        ranges = {j.name: _of(j, self.around, self.range) for j in joints}
        return tuple(
            Effect("asks", f"command.{{name}}.{name}", "range", fixed=asked)
            for name, asked in ranges.items()
        )

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        names = tuple(j.name for j in robot.match_joints(self.joints))
        return (*names, *(f"{name} velocity" for name in names))


def _of(joint: Joint, around: str, range: tuple[float, float] | None) -> Interval:
    """Where a joint is asked to be: its limits by default."""
    if range is None:
        return Interval(*joint.limits) if joint.limits else EVERYTHING
    middle = joint.home[0] if around == "home" else 0.0
    return Interval(middle + range[0], middle + range[1])


class StartPosition(Command):
    """Where a body's origin was at the start of the episode, in the world's frame, m."""

    kind: Literal["start_position"] = "start_position"
    dimensions = dict.fromkeys("xyz", LENGTH)
    inform: Annotated[str | None, Wire("inform")] = Field(default=None, description=_INFORM)
    body: BodyName | None = Field(default=None, description=_BODY)

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("x", "y", "z")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class StartOrientation(Command):
    """The orientation of a body at the start of the episode: quaternion (w, x, y, z)."""

    kind: Literal["start_orientation"] = "start_orientation"
    inform: Annotated[str | None, Wire("inform")] = Field(default=None, description=_INFORM)
    body: BodyName | None = Field(default=None, description=_BODY)

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return ("w", "x", "y", "z")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framequat", "xbody", self.body or robot.root),)


class SinusoidalGait(Command):
    """A height for each foot, m, and then the sine and cosine of the gait's phase.

    The phase runs from 0 to 1 in each period; foot i is ``i / feet`` ahead. A foot is down,
    at ``offset``, while its phase is below ``stance``; then it swings:
    ``offset + height * sin(pi * (phase - stance) / (1 - stance))``. With ``still_below`` the gait
    begins anew while the base is slower than that. After ksim's SinusoidalGaitCommand, whose gait
    never starts again.
    """

    kind: Literal["sinusoidal_gait"] = "sinusoidal_gait"
    inform: Annotated[str | None, Wire("inform")] = Field(default=None, description=_INFORM)
    feet: PositiveInt = Field(default=2, description="Number of feet.")
    period: Annotated[Time, Gt(0)] = Field(description="Time of a full cycle.")
    height: Annotated[Length, Ge(0)] = Field(description="How far a foot is lifted.")
    offset: Length = Field(default=0.0, description="Height of a foot that is down.")
    stance: Annotated[Number, Ge(0), Lt(1)] = Field(
        default=0.6, description="Share of the cycle that a foot is down."
    )
    still_below: Annotated[Speed, Gt(0)] | None = Field(
        default=None, description="Horizontal speed of the base below which the gait rests."
    )
    body: BodyName | None = Field(default=None, description=_BODY)

    def infers(self, field: str) -> bool:
        """As :meth:`Part.infers`."""
        return field != "inform" or self.still_below is not None

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return (*(f"foot {i}" for i in range(self.feet)), "sin", "cos")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        if self.still_below is None:
            return ()
        return (SensorRequest("framelinvel", "xbody", self.body or robot.root),)


class Phase(Command):
    """A clock: sine and cosine of ``2 pi (start + time / period + offset)`` for each offset."""

    kind: Literal["phase"] = "phase"
    period: Spread[Annotated[Time, Gt(0)]] = Field(
        description="Time of a full turn, or a range drawn each episode."
    )
    start: Spread[Number] = Field(
        default=(0.0, 0.0),
        description="Turns at the start of the episode, or a range drawn each episode.",
    )
    offsets: Annotated[tuple[Number, ...], MinLen(1)] = Field(
        default=(0.0,), description="Turns by which each hand of the clock is ahead."
    )

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        hands = range(len(self.offsets))
        return tuple(f"{name} {hand}" for hand in hands for name in ("sin", "cos"))
