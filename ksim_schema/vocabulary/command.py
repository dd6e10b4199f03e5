"""Commands: what the policy is told to do."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.quantity import AngularSpeed, Speed, Time
from ksim_schema.vocabulary.base import Part, Probability, Range


class Command(Part):
    """What all commands share: a value that is drawn anew at random times."""

    object: ClassVar[str] = "Command"
    resample: Range[Annotated[Time, Gt(0)]] | None = Field(
        None, description="Range of the time after which it is drawn anew; never by default."
    )

    @property
    def size(self) -> int:
        """Length of the command's vector."""
        raise NotImplementedError

    @property
    def labels(self) -> tuple[str, ...]:
        """A short name of each element."""
        raise NotImplementedError


class PlanarVelocity(Command):
    """Velocity on the ground: forward (m/s), sideways to the left (m/s), turning left (rad/s)."""

    kind: Literal["planar_velocity"] = "planar_velocity"
    forward: Range[Speed] = Field(description="Range of the forward speed.")
    sideways: Range[Speed] = Field((0.0, 0.0), description="Range of the speed to the left.")
    turn: Range[AngularSpeed] = Field((0.0, 0.0), description="Range of the turning rate.")
    stand_still: Probability = Field(0.0, description="Probability of a command of zero.")

    @property
    def size(self) -> int:
        return 3

    @property
    def labels(self) -> tuple[str, ...]:
        return ("forward", "sideways", "turn")
