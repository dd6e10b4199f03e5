"""What all commands share."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

from annotated_types import Gt
from pydantic import Field

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import Dimension, Time
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.base import Part, Probability, Range


class Command(Part):
    """What all commands share: a vector.

    Class attributes:
        fields: the MjData fields that the value is computed from.
        dimensions: element -> its dimension; of one that is left out it is not known.
    """

    object = "Command"
    fields = ()
    dimensions: ClassVar[Mapping[str, Dimension]] = {}

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        """A short name of each element."""
        raise NotImplementedError

    def size(self, robot: RobotFacts) -> int:
        """Length of the command's vector."""
        return len(self.labels(robot))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        return ()

    def frame_of(self, robot: RobotFacts) -> str | None:
        """The body in whose frame it tells a pose; "" for the world, None if it tells no pose."""
        return None

    def mirrored(self, mirror: Mirror) -> Signed | None:
        """What its vector turns into in a mirror; None when that is not known."""
        return None


class Drawn(Command):
    """What the commands share that are drawn at random.

    Class attributes:
        from_rest: whether a value with a largest rate of change begins at zero, and not at the
            first drawn value.
    """

    from_rest: ClassVar[bool] = False
    resample: Range[Annotated[Time, Gt(0)]] | None = Field(
        default=None,
        description="Range of the time after which it is drawn anew; never by default.",
    )
    switch: Probability | None = Field(
        default=None, description="Probability at each tick that it is drawn anew."
    )

    def rates(self) -> tuple[float | None, ...]:
        """Largest change of each drawn number in a second, None for any; () without limits."""
        return ()

    @property
    def draws_vary(self) -> bool:
        """Whether it can draw more than one value."""
        inherited = Drawn.model_fields
        names = (name for name in type(self).model_fields if name not in inherited)
        return any(_wide(getattr(self, name)) for name in names)

    def told_of(self, element: str, drawn: Interval) -> Interval:
        """All that is told of an element that is drawn from an interval: signs, factors, chances.

        With a largest rate of change it passes what lies between, too.

        Args:
            element: one of the labels; where it follows from what is drawn rather than being
                drawn itself, ``drawn`` says nothing.
            drawn: in SI units.
        """
        return drawn


def _wide(value: Any) -> bool:
    """Whether a field's value is a range of more than one number, or has such a range in it."""
    if not isinstance(value, tuple):
        return False
    members = cast("tuple[Any, ...]", value)
    if len(members) == 2 and all(isinstance(member, int | float) for member in members):
        return bool(members[0] < members[1])
    return any(map(_wide, members))
