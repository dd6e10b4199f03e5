"""What randomizers share: when they draw, how, and what they change."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary.base import Part, Wire
from ksim_schema.vocabulary.draws import Drawn
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Randomizer(Part):
    """What all randomizers share: a draw for each environment.

    ``scale`` brings the draw closer to the model's own value: 0 leaves the model as it is.

    Class attributes:
        changes: the MjModel fields that it changes.
    """

    object = "Randomizer"
    changes: ClassVar[tuple[str, ...]] = ()
    randomize: Annotated[str | None, Wire("randomize")] = Field(
        default=None, description="The state whose model it changes; the task's only one."
    )
    draw: Literal["episode", "once"] = Field(
        default="episode", description="Drawn anew at each reset, or once for the whole training."
    )
    scale: ScaleValue = Field(
        default=constant_scale(1.0), description="Factor of its strength; may follow the level."
    )

    def changed_fields(self, robot: RobotFacts) -> tuple[str, ...]:
        """The MjModel fields that it changes of this robot."""
        return self.changes

    def drawn(self, robot: RobotFacts) -> tuple[Drawn, ...]:
        """The numbers of the model that say what was drawn; () where it cannot be observed.

        Of actuators that the task adds there are those of the robot with them.
        """
        return ()

    def targets(self, robot: RobotFacts) -> tuple[str, ...]:
        """What it changes, as ``field:name``: two randomizers must not change the same."""
        return self.changes


Distribution = Literal["uniform", "log_uniform"]
DISTRIBUTION = (
    "Of the draw: uniform, or uniform in its logarithm, so that 0.5 to 1 is as likely as 1 to 2."
)
_SHARED = "One draw for all of them together, instead of one for each."


class Spread(Randomizer):
    """What the randomizers share that draw a value for each of several things."""

    distribution: Distribution = Field(default="uniform", description=DISTRIBUTION)
    shared: bool = Field(default=False, description=_SHARED)


def logarithmic(distribution: Distribution, field: str, low: float) -> None:
    """Refuse the logarithm of a range that begins with 0.

    Raises:
        PydanticCustomError: of type ``one_form``.
    """
    if distribution == "log_uniform" and low <= 0.0:
        about = {"field": field, "fields": field, "help": "give a lower end above 0"}
        raise PydanticCustomError("one_form", "{field!r} begins with 0, which has no log", about)
