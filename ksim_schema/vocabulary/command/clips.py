"""Recorded motions as commands: what is to be done at each moment is a frame of a clip."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import Joint, RobotFacts, SensorRequest
from ksim_schema.robot.mirror import Mirror, Signed, joined
from ksim_schema.units import Frequency, Number, Time
from ksim_schema.vocabulary.base import BodyName, BodyPattern, File, Model, Names
from ksim_schema.vocabulary.command.base import Command
from ksim_schema.vocabulary.later import Later


class Begin(Model):
    """Where in the clips episodes begin.

    ``where_it_fails`` draws from stretches of the clips by the share of failures in each, and in
    the two that follow it: a fall begins before it shows. Failures and the time that was spent in
    a stretch are counted over all environments, and forgotten with a time constant of a thousand
    ticks. After BeyondMimic (Liao et al. 2025, arXiv:2508.08241), which counts failures alone.
    """

    draw: Literal["where_it_fails", "uniform", "start"] = Field(
        default="where_it_fails", description="By the failures, anywhere, or at the first frame."
    )
    bins: Annotated[Time, Gt(0)] = Field(
        default=1.0, description="Length of the stretches in which failures are counted."
    )
    uniform: Annotated[Number, Ge(0), Le(1)] = Field(
        default=0.1, description="Share of the episodes that begin anywhere, whatever fails."
    )


class Motion(Command):
    """A recorded motion to follow: positions and then velocities of the joints, rad or m a second.

    The joints are those of the robot's tree, in the model's order. They are told of the frame that
    the robot is to be in at the end of the tick, so that it agrees with what rewards, terminations
    and metrics compare with the state after the action. All parts that name this command read the
    same frame of the same clip; so does the reset ``motion_start``, which puts the robot into the
    frame before it.

    Clips are resampled to the control rate: joints and places by natural cubic splines,
    orientations by slerp, velocities as the derivatives of both. Where bodies are comes from the
    robot's own kinematics. See docs/motions.md for the files.
    """

    kind: Literal["motion"] = "motion"
    static = frozenset(("fps", "begin", "mirror", "blend"))
    files: Annotated[Names, File(), MinLen(1)] = Field(
        description="Clips, .npz or .csv, relative to the task file; one is drawn each episode.",
        examples=["motions/wave.npz", ["motions/wave.npz", "motions/squat.npz"]],
    )
    weights: tuple[Annotated[Number, Gt(0)], ...] = Field(
        default=(), description="How often each clip is drawn, beside the others; alike by default."
    )
    fps: Annotated[Frequency, Gt(0)] | None = Field(
        default=None, description="Frames a second of files that do not say it; of a csv 30."
    )
    anchor: BodyName | None = Field(
        default=None, description="The body that the motion is seen from; the base by default."
    )
    bodies: BodyPattern = Field(
        default=(".*",), description="Names or patterns of the bodies that are to follow."
    )
    begin: Begin = Field(default_factory=Begin, description="Where in the clips episodes begin.")
    when_over: Literal["redraw", "hold", "repeat"] = Field(
        default="redraw",
        description="After the last frame: another clip from its start, placed where this one "
        "ended; the last frame, at rest; or the clip again, from where it ended.",
    )
    blend: Annotated[Time, Ge(0), Later()] = Field(
        default=0.0,
        description="Time from a clip's last frame to the first one of the clip that follows, in "
        "which the motion goes from one to the other; with 0 s it jumps.",
    )
    mirror: Annotated[bool, Later()] = Field(
        default=False,
        description="Whether each clip is followed in its mirror image too, `wave (mirrored)`; the "
        "PhysicsState's `mirror` says what is left and right.",
    )

    @model_validator(mode="after")
    def _a_weight_each(self) -> Self:
        if self.weights and len(self.weights) != len(self.files):
            raise PydanticCustomError(
                "one_form",
                "there are {files} clips and {weights} weights",
                {
                    "files": len(self.files),
                    "weights": len(self.weights),
                    "help": "give one weight for each file",
                    "fields": "weights",
                },
            )
        return self

    @model_validator(mode="after")
    def _a_clip_follows(self) -> Self:
        if self.blend and self.when_over == "hold":
            raise PydanticCustomError(
                "one_form",
                "with 'when_over: hold' a blend leads nowhere, for no clip follows",
                {"help": "write when_over: redraw or repeat, or no blend", "fields": "blend"},
            )
        return self

    def clip_names(self) -> tuple[str, ...]:
        """What the clips are called: those of the files, and then their mirror images."""
        names = stems(self.files)
        return (*names, *(f"{name} (mirrored)" for name in names)) if self.mirror else names

    def clip_weights(self) -> tuple[float, ...]:
        """How often each clip is drawn: a mirror image as often as its clip; () for alike."""
        return self.weights * 2 if self.mirror else self.weights

    def moved(self, robot: RobotFacts) -> tuple[Joint, ...]:
        """The joints that are told: hinges and slides of the robot's tree."""
        tree = robot.tree_of(robot.root)
        return tuple(j for j in robot.motion_joints if j.name and robot.tree_of(j.body) == tree)

    def anchored(self, robot: RobotFacts) -> str:
        """The body that the motion is seen from."""
        return self.anchor or robot.root

    def followed(self, robot: RobotFacts) -> tuple[str, ...]:
        """The bodies that are to follow, in the model's order."""
        tree = robot.tree_of(robot.root)
        return tuple(b for b in robot.match("body", self.bodies) if robot.tree_of(b) == tree)

    def tracked(self, robot: RobotFacts) -> tuple[str, ...]:
        """The anchor, and then the other bodies that are to follow."""
        return tuple(dict.fromkeys((self.anchored(robot), *self.followed(robot))))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """Places, orientations and velocities of the robot's bodies, for all that names it."""
        kinds = ("framepos", "framequat", "framelinvel", "frameangvel")
        return tuple(
            SensorRequest(kind, "xbody", body) for body in self.tracked(robot) for kind in kinds
        )

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        names = tuple(joint.name for joint in self.moved(robot))
        return (*names, *(f"{name} velocity" for name in names))

    def mirrored(self, mirror: Mirror) -> Signed | None:
        joints = mirror.joints(self.moved(mirror.robot))
        return None if joints is None else joined((joints, joints))


def stem(file: str) -> str:
    """What a clip is called: its file's name without folder and ending."""
    return file.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]


def stems(files: Iterable[str]) -> tuple[str, ...]:
    """What clips are called."""
    return tuple(map(stem, files))


def evenly(part: Command) -> Command:
    """The command; of a recorded motion, with episodes that begin anywhere, whatever fails."""
    if not isinstance(part, Motion) or part.begin.draw != "where_it_fails":
        return part
    begin = part.begin.model_copy(update={"draw": "uniform"})
    return part.model_copy(update={"begin": begin})
