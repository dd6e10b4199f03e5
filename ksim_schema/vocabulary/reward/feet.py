"""Rewards of how feet move, touch and slide."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import ANGULAR_SPEED, SPEED, Length, Number, Time
from ksim_schema.vocabulary.base import BodyName, Measures, Named, Names, Probability, Wire
from ksim_schema.vocabulary.choice import exactly_one
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.heights import OfHeight
from ksim_schema.vocabulary.later import Later
from ksim_schema.vocabulary.reward.base import (
    Places,
    Rest,
    Reward,
    Touching,
    velocity_of,
)


class FeetAirTime(Touching):
    """Time each foot spent in the air before it touches down, less ``target``; summed, in s.

    Given at the tick of the touch-down (as in legged_gym and Isaac Lab); nothing while the command
    is zero. With ``longest`` air times count up to that. ksim's reward of the same name is
    ``feet_gait_time``.
    """

    kind: Literal["feet_air_time"] = "feet_air_time"
    command: Annotated[str | None, Wire("reward", of="Command")] = Field(
        default=None, description="A command that is zero when the robot should stand."
    )
    target: Time = Field(
        default=0.4, description="Air time of a step that is neither good nor bad."
    )
    longest: Annotated[Time, Gt(0)] | None = Field(
        default=None, description="Air time beyond which a step is no better."
    )

    @model_validator(mode="after")
    def _longest_above_target(self) -> Self:
        if self.longest is not None and self.longest <= self.target:
            raise PydanticCustomError(
                "one_form",
                "a step in the air for the longest time that counts is no good one",
                {"help": "give a time above 'target'", "fields": "longest target"},
            )
        return self


class FeetGaitTime(Touching):
    """Each foot for its share of a gait cycle in the air, then on the ground: three components.

    n counts the ticks for which a foot has been in the air (on the ground) without a break, N is
    the number that the gait gives it. The largest value of any foot is taken.

    * air: ``n / N + bias`` while ``n < N``, then 0
    * gnd: ``n / N + bias`` while ``n < N``, then ``-ground_penalty``
    * stationary_gnd: ``min(n / N, 1) + bias``

    air and gnd count while the robot moves, stationary_gnd while it rests: by its velocity, or by
    the commands that are named. After ksim's FeetAirTimeReward.
    """

    kind: Literal["feet_gait_time"] = "feet_gait_time"
    channels = ("state", "termination")
    components = ("air", "gnd", "stationary_gnd")
    period: Annotated[Time, Gt(0)] = Field(default=0.8, description="Time of a gait cycle.")
    air: Annotated[Probability, Gt(0)] = Field(
        default=0.4, description="Share of the cycle that a foot is in the air."
    )
    bias: Number = Field(default=0.0, description="Added to each component.")
    ground_penalty: Number = Field(
        default=0.1, description="Lost at each tick that all feet stay too long on the ground."
    )
    rest: Rest = Field(
        default=Rest.model_validate({"speed": "0.1 m/s", "turn": "10 deg/s"}),
        description="What counts as resting.",
    )
    body: BodyName | None = Field(
        default=None, description="The body that moves or rests; the robot's base by default."
    )
    linear_command: Annotated[str | None, Wire("reward", of="Command")] = Field(
        default=None, description="A velocity command that says how fast it should move."
    )
    angular_command: Annotated[str | None, Wire("reward", of="Command")] = Field(
        default=None, description="A velocity command that says how fast it should turn."
    )

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"linear_command": ("forward", "sideways"), "angular_command": ("turn",)}

    def velocity(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The velocity of the body that moves or rests."""
        return velocity_of(self.body or robot.root)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (*self.velocity(robot), *self.contacts())


class FeetSlip(Touching, Places):
    """Sum of the speeds of the feet that touch the ground, m/s (subtracted).

    The speed is that of `sites` or `bodies` in the world's frame, or the length of each foot's
    stretch of an observation. After ksim's FeetSlipPenalty, which reads an observation of linear
    and angular velocity, six numbers a foot.
    """

    kind: Literal["feet_slip"] = "feet_slip"
    penalty = True
    velocity: Annotated[
        str | None, Wire("reward", of="Observation"), Measures((SPEED,), beside=(ANGULAR_SPEED,))
    ] = Field(
        default=None, description="An observation of each foot's velocity, in the feet's order."
    )

    @model_validator(mode="after")
    def _one_velocity(self) -> Self:
        exactly_one(self, "velocity", "sites", "bodies")
        return self

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (*self.contacts(), *self.places("framelinvel"))


class FeetClock(Reward, OfHeight):
    """``exp(-|h - h_ref|^2 / error_scale^2)``: feet follow heights on a clock.

    Foot i of n is up during half of its turn: ``h_ref = height * max(0, sin(2 pi (t / period +
    phase_i)))``, with t the time since the episode began and h the height of the foot's site. By
    default ``phase_i = i / n``. With a ``command`` of kind ``phase`` that is the clock, with a hand
    for each foot. With ``curve: bezier`` a foot rises during half of a turn and comes down during
    the other: ``height * (3 u^2 - 2 u^3)``, u falling evenly from 1 at turn 0 to 0 at half a turn
    and rising again; that is MuJoCo Playground's feet_phase.
    ``sinusoidal_gait`` follows the heights that a command gives.
    """

    kind: Literal["feet_clock"] = "feet_clock"
    effects = (Effect("wants", "site.{sites}.height", "height", "value", scale="error_scale"),)
    sites: Annotated[Names, Named("site")] = Field(description="One site at the sole of each foot.")
    period: Annotated[Time, Gt(0)] | None = Field(
        default=None, description="Time of one full gait cycle; or `command`."
    )
    command: Annotated[str | None, Wire("reward", of="Command")] = Field(
        default=None, description="A command of kind phase, instead of `period` and `phases`."
    )
    curve: Annotated[Literal["sine", "bezier"], Later()] = Field(
        default="sine", description="Height over a turn: half a sine, or up and down as smoothly."
    )
    height: Annotated[Length, Gt(0)] = Field(description="Height of the swing foot at the top.")
    phases: tuple[Probability, ...] = Field(
        default=(),
        description="Where each foot is in its cycle at the start, as a share of it: [0, 0.5, 0.5,"
        " 0] is a trot; evenly spread by default.",
    )
    error_scale: Annotated[Length, Gt(0)] = Field(description="Error at which it falls to 1/e.")

    @model_validator(mode="after")
    def _phase_of_each(self) -> Self:
        exactly_one(self, "period", "command")
        if self.command is not None and self.phases:
            about = {"help": "give one of the two", "fields": "command phases"}
            raise PydanticCustomError("one_form", "the command says the phases", about)
        if self.phases and len(self.phases) != len(self.sites):
            raise PydanticCustomError(
                "phases",
                "{phases} phases are given for {sites} feet",
                {
                    "phases": len(self.phases),
                    "sites": len(self.sites),
                    "help": "give one each",
                    "fields": "sites phases",
                },
            )
        return self

    def infers(self, field: str) -> bool:
        return field != "command"

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        feet = range(len(self.sites))
        return {"command": tuple(f"{part} {i}" for part in ("sin", "cos") for i in feet)}

    def phase(self) -> tuple[float, ...]:
        """The phase of each foot."""
        return self.phases or tuple(i / len(self.sites) for i in range(len(self.sites)))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return tuple(SensorRequest("framepos", "site", s) for s in self.sites)


class SinusoidalGait(Places, OfHeight):
    """``1 - sum(|h - h_cmd|) / max_height``: feet follow the heights of a gait command.

    h is the height of each foot in m, as in the command ``sinusoidal_gait``. After ksim's
    SinusoidalGaitReward.
    """

    kind: Literal["sinusoidal_gait"] = "sinusoidal_gait"
    command: Annotated[str, Wire("reward", of="Command")] = Field(
        description="The gait command, with a height for each foot."
    )
    max_height: Annotated[Length, Gt(0)] = Field(
        description="Sum of the errors at which it falls to 0."
    )

    @model_validator(mode="after")
    def _sites_or_bodies(self) -> Self:
        exactly_one(self, "sites", "bodies")
        return self

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        return {"command": tuple(f"foot {i}" for i in range(len(self.sites or self.bodies)))}

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return self.places("framepos")


class SparseTargetHeight(Touching, Places, OfHeight):
    """Height that a foot had reached when it touches down, at most ``height``; in m.

    The largest over the feet. Heights are forgotten at each tick of contact and while the body
    rests. After ksim's SparseTargetHeightReward.
    """

    kind: Literal["sparse_target_height"] = "sparse_target_height"
    effects = (Effect("wants", "site.{sites}.height", "height", "at_least"),)
    height: Annotated[Length, Ge(0)] = Field(description="Height beyond which more is no better.")
    rest: Rest = Field(default=Rest(), description="What counts as resting.")
    body: BodyName | None = Field(
        default=None, description="The body that moves or rests; the robot's base by default."
    )

    @model_validator(mode="after")
    def _sites_or_bodies(self) -> Self:
        exactly_one(self, "sites", "bodies")
        return self

    def velocity(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The velocity of the body that moves or rests."""
        return velocity_of(self.body or robot.root)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (*self.velocity(robot), *self.places("framepos"), *self.contacts())


class FeetClearance(Places, OfHeight):
    """How far feet that move are from a height: ``sum(|h - height| * |v|)`` (subtracted).

    h is the height of each foot, m, and v its velocity over the ground, m/s: a foot that stands
    costs nothing, one that swings should be up. With ``speed: root`` the root of the speed counts,
    as in MuJoCo Playground's feet_clearance; mjlab's takes the speed. With ``norm: l2`` the square
    of the distance counts, as in Isaac Lab's and rsl_rl's tasks.
    """

    kind: Literal["feet_clearance"] = "feet_clearance"
    penalty = True
    effects = (Effect("wants", "site.{sites}.height", "height", "at_least"),)
    height: Annotated[Length, Gt(0)] = Field(description="Height of a foot that swings.")
    norm: Literal["l1", "l2"] = Field(
        default="l1", description="The distance from that height, or its square."
    )
    speed: Literal["linear", "root"] = Field(
        default="linear", description="The speed over the ground, or its root."
    )

    @model_validator(mode="after")
    def _sites_or_bodies(self) -> Self:
        exactly_one(self, "sites", "bodies")
        return self

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (*self.places("framepos"), *self.places("framelinvel"))


class FeetSwingHeight(Touching, Places, OfHeight):
    """How far the highest point of each step was from ``height``, as a share of it (subtracted).

    ``(highest / height - 1)^2``, summed over the feet that touch down at the tick, where highest is
    since the foot was last on the ground. After MuJoCo Playground's feet_height.
    """

    kind: Literal["feet_swing_height"] = "feet_swing_height"
    penalty = True
    height: Annotated[Length, Gt(0)] = Field(description="Height that a foot rises to in a step.")

    @model_validator(mode="after")
    def _sites_or_bodies(self) -> Self:
        exactly_one(self, "sites", "bodies")
        return self

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (*self.places("framepos"), *self.contacts())
