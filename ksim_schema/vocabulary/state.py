"""PhysicsState: the robot, its world and the clock of the control loop."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.quantity import ControlPeriod, Time
from ksim_schema.vocabulary.base import KeyframeName, Model, Part, PositiveInt


class Solver(Model):
    """Options of MuJoCo's constraint solver; what is not given stays as the model has it."""

    iterations: PositiveInt | None = Field(
        default=None, description="Largest number of iterations."
    )
    ls_iterations: PositiveInt | None = Field(
        default=None, description="Largest number of line-search iterations."
    )


class Home(Model):
    """The pose that `around: home` and `relative_to: home` mean, and episodes start from."""

    keyframe: KeyframeName | None = Field(
        default=None,
        description="A keyframe of the model; without it, the model's default pose (qpos0).",
    )


class Robot(Part):
    """A MuJoCo model and the period of its control loop."""

    object: ClassVar[str] = "PhysicsState"
    kind: Literal["robot"] = "robot"
    model: str = Field(
        description="MJCF or URDF file, relative to the task file; package:module/file.xml of an "
        "installed package; or menagerie:NAME/ENTRY of MuJoCo Menagerie."
    )
    timestep: Annotated[Time, Gt(0)] | None = Field(
        default=None, description="Physics timestep; the model's own by default."
    )
    control: Annotated[ControlPeriod, Gt(0)] = Field(
        description="Control period or frequency; a whole number of timesteps."
    )
    solver: Solver = Field(default=Solver(), description="Constraint solver options.")
    home: Home = Field(default=Home(), description="The home pose.")


class Channel(Part):
    """A recorded channel of the trajectory. The compiler writes these; authors need not."""

    object: ClassVar[str] = "Trajectory"
    kind: Literal["channel"] = "channel"
