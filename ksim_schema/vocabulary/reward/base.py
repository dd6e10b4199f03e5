"""What rewards share: the base class, norms, kernels, and how they name feet and contacts."""

import math
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar, runtime_checkable

from annotated_types import Ge, Gt
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import Angle, AngularSpeed, Number, Speed
from ksim_schema.vocabulary.base import (
    GeomName,
    Measures,
    Model,
    Named,
    Names,
    Part,
    Wire,
)
from ksim_schema.vocabulary.choice import exactly_one
from ksim_schema.vocabulary.contact import contact_of as contact_of
from ksim_schema.vocabulary.reads import Reads
from ksim_schema.vocabulary.reward.gate import When
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale

T = TypeVar("T")


class Reward(Part):
    """What all rewards share.

    Class attributes:
        fields: the MjData fields of the new state that it reads.
        channels: what it reads of the tick besides what its fields name: state, action,
            termination.
        penalty: whether the value is subtracted from the total. Scales are never negative.
        floating: whether it needs a robot with a free joint.
        of_total: whether it is about the sum of the others, and comes after them.
        components: names of its values, if it has several. Each is logged as a term of its own,
            ``<reward>.<component>``, and all have the reward's scale.
    """

    object = "Reward"
    fields = ()
    channels = ("state",)
    penalty: ClassVar[bool] = False
    floating = False
    of_total: ClassVar[bool] = False
    components: ClassVar[tuple[str, ...]] = ()
    scale: ScaleValue = Field(
        default=constant_scale(1.0),
        description="Weight in the total; may follow the curriculum's level.",
    )
    per_second: bool = Field(
        default=False, description="Multiply by the control period, so that the weight is a rate."
    )
    when: When | None = Field(
        default=None,
        description="A condition, as of the reward `formula`: it counts only where that holds.",
    )

    def in_words(self, name: str) -> str:
        """Its term of the total: ``- 0.01 torque a second, when base.height > 0.5``."""
        sign = "-" if self.penalty else "+"
        rate = " a second" if self.per_second else ""
        return f"{sign} {self.scale.text} {name}{rate}{condition_of(self)}"

    def recorded(self) -> tuple[str, ...]:
        gate = () if self.when is None else ("state", "action")
        return tuple(dict.fromkeys((*self.channels, *gate)))

    def readings(self) -> tuple[Reads, ...]:
        return (self,) if self.when is None else (self, self.when)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        return ()


def condition_of(part: Reward) -> str:
    """When a reward counts, in words; "" for always."""
    return "" if part.when is None else f", when {part.when.expression}"


Norm = Literal["l1", "l2"]
Reduce = Literal["sum", "mean"]


@runtime_checkable
class Following(Protocol):
    """A reward with a field ``command``: the one that it follows; None follows none."""

    @property
    def command(self) -> str | None: ...


class Normed(Reward):
    """A reward that makes one number of many: the sum or mean of ``|e|`` (l1) or ``e^2`` (l2)."""

    norm: Norm = Field(default="l2", description="l1: absolute values; l2: squares.")
    reduce: Reduce = Field(default="sum", description="The sum or the mean over the elements.")


class Kernel(Model):
    """``exp(-e^2 / error_scale^2) - abs_scale |e| - sq_scale e^2``, with e in SI units.

    The penalties pull where the exponential is flat (ksim's exp_kernel_with_penalty).
    """

    error_scale: Any
    sq_scale: Annotated[Number, Ge(0)] = Field(default=0.1, description="Weight of -e^2.")
    abs_scale: Annotated[Number, Ge(0)] = Field(default=0.1, description="Weight of -|e|.")


class AngleKernel(Kernel):
    """A kernel of an angle in rad."""

    error_scale: Annotated[Angle, Gt(0)] = Field(
        default=0.35, description="Error at which the exponential falls to 1/e."
    )


class SpeedKernel(Kernel):
    """A kernel of a speed in m/s."""

    error_scale: Annotated[Speed, Gt(0)] = Field(
        default=0.35, description="Error at which the exponential falls to 1/e."
    )


class AngularSpeedKernel(Kernel):
    """A kernel of an angular velocity in rad/s."""

    error_scale: Annotated[AngularSpeed, Gt(0)] = Field(
        default=0.35, description="Error at which the exponential falls to 1/e."
    )


def _mirrored(value: Any) -> Any:
    """A single value stands for the range from minus it to it."""
    if isinstance(value, str):
        text = value.strip().removeprefix("+")
        return (text.removeprefix("-") if text.startswith("-") else f"-{text}", text)
    return (-value, value) if isinstance(value, (int, float)) else value


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise PydanticCustomError(
            "range_order",
            "the range runs from {low} to {high}, but the lower end comes first",
            {"low": f"{value[0]:g}", "high": f"{value[1]:g}", "help": "give a positive value"},
        )
    return value


AroundZero = Annotated[tuple[T, T], BeforeValidator(_mirrored), AfterValidator(_ordered)]
"""A range, or one value x for the range [-x, x]."""


class Rest(Model):
    """When a body counts as resting: both speed and turning rate are small.

    ksim looks at one side of the turning rate only, so that a body that turns to the right rests
    at any rate; with ``turn: [-100 rev/s, 30 deg/s]`` it is the same here.
    """

    speed: Annotated[Speed, Ge(0)] = Field(
        default=0.5, description="Largest speed over the ground."
    )
    turn: AroundZero[AngularSpeed] = Field(
        default=(-math.radians(30), math.radians(30)),
        description="Range of the turning rate about the body's z axis; one value for both sides.",
    )


class Touching(Reward):
    """A reward that asks which feet touch the ground.

    It names a contact observation, or the feet's geoms, whose contact sensors of MuJoCo it reads;
    in both ways of the state after the action.
    """

    contact: Annotated[str | None, Wire("reward", of="Observation"), Measures(contact=True)] = (
        Field(
            default=None,
            description="A contact observation with one entry for each foot; or `geoms`.",
        )
    )
    geoms: Annotated[Names, Named("geom")] = Field(
        default=(), description="One geom for each foot, instead of `contact`."
    )
    partner: GeomName | None = Field(
        default=None, alias="with", description="What they may touch; anything by default."
    )

    @model_validator(mode="after")
    def _contact_or_geoms(self) -> Self:
        exactly_one(self, "contact", "geoms")
        return self

    def contacts(self) -> tuple[SensorRequest, ...]:
        """A contact sensor for each geom."""
        return tuple(contact_of(geom, self.partner) for geom in self.geoms)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return self.contacts()


class Places(Reward):
    """A reward that reads where some sites or bodies are, or how fast; exactly one is given."""

    sites: Annotated[Names, Named("site")] = Field(
        default=(), description="Sites, such as one at each sole; or `bodies`."
    )
    bodies: Annotated[Names, Named("body")] = Field(
        default=(), description="Bodies (their origins), instead of `sites`."
    )

    def places(self, sensor: str) -> tuple[SensorRequest, ...]:
        """A frame sensor of each site or body."""
        kind, names = ("site", self.sites) if self.sites else ("xbody", self.bodies)
        return tuple(SensorRequest(sensor, kind, name) for name in names)


def position_of(body: str) -> SensorRequest:
    """Position of a body's origin in the world's frame."""
    return SensorRequest("framepos", "xbody", body)


def orientation_of(body: str) -> SensorRequest:
    """Orientation of a body in the world's frame."""
    return SensorRequest("framequat", "xbody", body)


def velocity_of(body: str) -> tuple[SensorRequest, SensorRequest, SensorRequest]:
    """Linear and angular velocity of a body in the world's frame, and its orientation."""
    return (
        SensorRequest("framelinvel", "xbody", body),
        SensorRequest("frameangvel", "xbody", body),
        orientation_of(body),
    )
