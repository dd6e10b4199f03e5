"""A motion made of a few poses: what its file says, and the curves through the poses."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal, Self

import numpy as np
from annotated_types import Ge, Gt, MinLen
from jaxtyping import Float
from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from ksim_compiler.motion.clip import Array
from ksim_schema.diagnostics import Sink
from ksim_schema.source import Document
from ksim_schema.source.plain import is_mapping
from ksim_schema.task.validation import problems_of
from ksim_schema.units import Angle, Frequency, JointValue, Length, Number, Time
from ksim_schema.vocabulary.base import Model


class BasePose(Model):
    """Where the base is, seen from where it stands at home; of a part that is not said, as before.

    Turns are about the home axes: first roll, then pitch, then yaw.
    """

    forward: Length | None = Field(default=None, description="Along x.")
    left: Length | None = Field(default=None, description="Along y.")
    up: Length | None = Field(default=None, description="Along z: negative bends the knees.")
    roll: Angle | None = Field(default=None, description="About x: positive leans to the right.")
    pitch: Angle | None = Field(default=None, description="About y: positive leans forward.")
    yaw: Angle | None = Field(default=None, description="About z: positive turns to the left.")


class FootPose(Model):
    """Where a foot is, seen from where it stands at home; of a part that is not said, as before."""

    forward: Length | None = Field(default=None, description="Along x.")
    left: Length | None = Field(default=None, description="Along y.")
    up: Length | None = Field(default=None, description="Along z; 0 stands on the ground.")
    pitch: Angle | None = Field(default=None, description="About y: positive lowers the toes.")
    yaw: Angle | None = Field(default=None, description="About z: positive turns to the left.")


class Key(Model):
    """A pose at a time. What it does not say is as in the pose before, at first as at home."""

    at: Annotated[Time, Ge(0)] = Field(description="When, from the start of the clip.")
    joints: dict[str, JointValue] = Field(
        default_factory=dict, description="Joints by name -> position."
    )
    base: BasePose = Field(default_factory=BasePose, description="Where the base is.")
    feet: dict[str, FootPose] = Field(
        default_factory=dict, description="Feet by name -> where each is."
    )
    weight: dict[str, Annotated[Number, Ge(0)]] = Field(
        default_factory=dict, description="Feet by name -> share of the weight on each."
    )


class Keyframes(Model):
    """A motion as poses at times."""

    motion: Literal[1] = Field(description="The form of the file: 1.")
    model: str = Field(description="The robot, as a task's PhysicsState names it.")
    home: str = Field(default="", description="A keyframe of the model that it begins in.")
    base: str = Field(default="", description="The body that is the base; found by default.")
    fps: Annotated[Frequency, Gt(0)] = Field(default=50.0, description="Frames a second.")
    feet: tuple[str, ...] = Field(
        default=(), description="Bodies that stay where they are unless a pose moves them."
    )
    balance: bool = Field(
        default=True, description="Whether the centre of mass is kept above the feet's middle."
    )
    keys: Annotated[tuple[Key, ...], MinLen(2)] = Field(description="The poses, in their order.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [key.at for key in self.keys]
        if any(b <= a for a, b in itertools.pairwise(times)):
            raise PydanticCustomError("keys", "each pose of 'keys' is later than the one before it")
        if times[0] != 0:
            raise PydanticCustomError("keys", "the first pose of 'keys' is at 0 s")
        return self


def parse_keyframes(document: Document, sink: Sink) -> Keyframes | None:
    """The poses of a file; None where something is wrong, which is reported."""
    data: Any = document.data
    try:
        return Keyframes.model_validate(data if is_mapping(data) else {})
    except ValidationError as error:
        sink.add(problems_of(error, document, (), data, Keyframes))
        return None


BASE = ("forward", "left", "up", "roll", "pitch", "yaw")
FOOT = ("forward", "left", "up", "pitch", "yaw")


def said(keys: tuple[Key, ...], of: str, names: tuple[str, ...]) -> Float[Array, "keys n"]:
    """What each pose says of the base, or of ``feet.NAME``, carried on where it says nothing."""
    rows = np.zeros((len(keys), len(names)))
    for i, key in enumerate(keys):
        rows[i] = rows[i - 1] if i else 0.0
        pose: Any = key.base if of == "base" else key.feet.get(of.removeprefix("feet."))
        for column, name in enumerate(names if pose is not None else ()):
            value = getattr(pose, name)
            if value is not None:
                rows[i, column] = float(value)
    return rows


def carried(
    keys: tuple[Key, ...], field: Literal["joints", "weight"], first: dict[str, float]
) -> Float[Array, "keys n"]:
    """The numbers that poses give to names, carried on where one gives none."""
    now, rows = dict(first), list[list[float]]()
    for key in keys:
        now |= {name: float(value) for name, value in getattr(key, field).items() if name in now}
        rows.append([now[name] for name in first])
    return np.array(rows)


def curve(
    times: Float[Array, " keys"], values: Float[Array, "keys n"], at: Float[Array, " frames"]
) -> Float[Array, "frames n"]:
    """A smooth curve through poses that overshoots none: it rests where it turns round or stays.

    A monotone cubic of Fritsch and Carlson (1980, SIAM J. Numer. Anal. 17:238), with the harmonic
    mean of the slopes on both sides at each pose.
    """
    step = np.diff(times)[:, None]
    slope = np.diff(values, axis=0) / step
    tangent = np.zeros_like(values)
    if len(times) > 2:
        before, after = slope[:-1], slope[1:]
        early, late = step[:-1] + 2 * step[1:], 2 * step[:-1] + step[1:]
        same = before * after > 0
        safe = np.where(same, before, 1.0), np.where(same, after, 1.0)
        mean = (early + late) / (late / safe[0] + early / safe[1])
        tangent[1:-1] = np.where(same, mean, 0.0)
    low = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    width = step[low]
    u = (at[:, None] - times[low][:, None]) / width
    a, b, m, n = values[low], values[low + 1], tangent[low] * width, tangent[low + 1] * width
    return (
        (2 * u**3 - 3 * u**2 + 1) * a
        + (u**3 - 2 * u**2 + u) * m
        + (3 * u**2 - 2 * u**3) * b
        + (u**3 - u**2) * n
    )
