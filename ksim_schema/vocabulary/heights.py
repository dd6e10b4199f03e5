"""What heights are above: the world's zero, or the ground beneath."""

from typing import Literal

from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary.base import Model

Above = Literal["world", "ground"]


class OfHeight(Model):
    """What all parts about a height share."""

    above: Above | None = Field(
        default=None,
        description="What heights are above: the world's zero, or the ground beneath. By default "
        "the ground where the terrain is a grid of tiles, and else the world's zero.",
    )


def from_ground(robot: RobotFacts, above: Above | None) -> bool:
    """Whether heights are above the ground beneath, which the tiles of a grid ask for."""
    return (robot.grid is not None) if above is None else above == "ground"
