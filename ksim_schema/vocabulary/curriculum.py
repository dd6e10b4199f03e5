"""Curricula: the level of difficulty in [0, 1], one number for the whole batch or each robot."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.quantity import Number, Time
from ksim_schema.vocabulary.base import Part, PositiveInt, Probability


class Curriculum(Part):
    """What all curricula share."""

    object: ClassVar[str] = "Curriculum"


class ConstantLevel(Curriculum):
    """The same level throughout."""

    kind: Literal["constant"] = "constant"
    level: Annotated[Number, *Probability.__metadata__] = Field(1.0, description="The level.")


class EpisodeLengthLevel(Curriculum):
    """Each environment's level moves by ``1 / levels`` at the end of an episode.

    Up when the episode lasted longer than ``raise_above``, down when it was shorter than
    ``lower_below``.
    """

    kind: Literal["episode_length"] = "episode_length"
    levels: PositiveInt = Field(20, description="Number of steps from 0 to 1.")
    raise_above: Annotated[Time, Gt(0)] = Field(description="A longer episode raises the level.")
    lower_below: Annotated[Time, Gt(0)] = Field(description="A shorter episode lowers it.")
