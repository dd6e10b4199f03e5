"""What all resets share, and those of a body that floats."""

from typing import Annotated, Any, ClassVar, cast

from pydantic import BeforeValidator, Field

from ksim_schema.vocabulary.base import FloatingBody, Part, Probability, Range, Wire


def _first_share(value: Any) -> Any:
    """One number stands for the range from 0 to it."""
    return cast("Any", value) if isinstance(value, tuple | list) else (0.0, value)


Episodes = Annotated[Range[Probability], BeforeValidator(_first_share)]


class Reset(Part):
    """What all resets share: the state in which an episode begins.

    They act on the home pose at rest: first ``keyframe`` and ``motion``, which set the whole state,
    then the others in the order of their names.

    Class attributes:
        floating: whether it needs a robot with a free joint.
        whole: whether it sets the whole state, so that it comes before those that change a part.
    """

    object = "Reset"
    floating = False
    whole: ClassVar[bool] = False
    reset: Annotated[str | None, Wire("reset")] = Field(
        default=None, description="The state it sets; the task's only one by default."
    )
    episodes: Episodes | None = Field(
        default=None,
        description="Share of the episodes whose beginning it shapes: 0.6, or as [0.6, 1] all but "
        "those. One number from 0 to 1 is drawn for each beginning, and all resets go by that.",
        examples=[0.6, [0.6, 1.0]],
    )


class FloatingReset(Reset):
    """What the resets of a floating body share."""

    floating = True
    body: FloatingBody | None = Field(
        default=None, description="A body that floats; the robot's base by default."
    )
