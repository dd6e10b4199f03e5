"""What all observations share: the errors of the sensor, scale, clip, delay and history."""

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal, NamedTuple

from annotated_types import Ge
from pydantic import Field

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import ANGLE, NUMBER, AnyQuantity, Dimension, Number, Time
from ksim_schema.vocabulary.base import Named, Names, Part, PositiveInt, Range, Wire
from ksim_schema.vocabulary.each import PerElement, each
from ksim_schema.vocabulary.noise import BiasChain, NoiseChain

SitePattern = Annotated[Names, Named("site", pattern=True)]
Frame = Literal["world", "robot"]
"""The world's axes, or those of the robot's base."""
Rotation = Literal["quaternion", "rotation_6d"]
"""``(w, x, y, z)``, or the first two columns of the rotation matrix, one after the other."""
RotationForm = Literal["quaternion", "rotation_6d", "rotation_vector"]
"""As :data:`Rotation`, or the axis times the angle in rad."""


class Problem(NamedTuple):
    """What is wrong with a component on a robot, beyond names and units.

    Attributes:
        field: the field to blame, or "" for the part as a whole.
        message: what is wrong.
        help: what to do.
    """

    field: str
    message: str
    help: str = ""


class Observation(Part):
    """What all observations share.

    The clean value, which critics can read, is ``scale * clip(raw)``. The noisy one, which policies
    read, is that of a sensor: the raw value of ``delay`` ago, with the episode's bias and the
    tick's noise. Noise, bias and clip are in the unit of the raw value; those of a rotation are
    angles by which it is turned, about each axis of what is observed. With ``history`` the latest
    values of either kind are stacked. Before the start of an episode there is nothing: its first
    value stands for those before it, in the delay and in the history.

    A reward or a termination that names an observation reads the raw value of the state after the
    action: scale, clip, history, delay and errors are for the networks alone.

    Values that MuJoCo derives (positions of bodies, velocities, forces, contacts) are as
    ``mj_step`` leaves them: those of the last physics step's beginning. Joint positions and
    velocities are those at its end.

    Class attributes:
        fields: the MjData fields that the value is computed from.
        sensed: whether a robot can measure it (a policy that reads anything else gets a warning).
        additive_bias: whether ``bias`` is added to the value (a kind may give it another sense).
    """

    object = "Observation"
    static = frozenset(("delay",))
    fields = ()
    sensed: ClassVar[bool] = True
    additive_bias: ClassVar[bool] = True
    observe: Annotated[str | None, Wire("observe")] = Field(
        default=None, description="The state it observes; the task's only one by default."
    )
    noise: NoiseChain = Field(
        default=(), description="Noise of the value that policies read, drawn at each tick."
    )
    bias: BiasChain = Field(
        default=(),
        description="Constant error, drawn for each element each episode. A quantity alone is "
        "the largest error of a uniform draw.",
    )
    scale: PerElement[Number] = Field(
        default=1.0, description="Factor applied after noise and clip."
    )
    clip: PerElement[Range[AnyQuantity]] | None = Field(
        default=None, description="Limits of the value."
    )
    delay: Annotated[Time, Ge(0)] = Field(
        default=0.0, description="Age of the value; rounded to whole control periods."
    )
    history: PositiveInt = Field(
        default=1, description="How many of the latest values to stack, oldest first."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        """Shape of one tick's value."""
        raise NotImplementedError

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        """Unit of the value: one dimension, or several when its elements differ."""
        return (NUMBER,)

    def noise_dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        """Unit of the noise: that of the value, or an angle where it turns a rotation."""
        return self.dimensions(robot) if self.rotates is None else (ANGLE,)

    def bias_dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        """Unit of the bias."""
        return self.noise_dimensions(robot)

    @property
    def rotates(self) -> RotationForm | None:
        """How rotations are written that its value is; None where it is something else.

        Noise and bias turn a rotation: a draw is an angle about each of the axes of what turns.
        """
        return None

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that the value is read from."""
        return ()

    def mirrored(self, mirror: Mirror) -> Signed | None:
        """What one tick's value turns into in a mirror; None when that is not known."""
        return None

    def measurable(self, robot: RobotFacts) -> bool:
        """Whether this robot can measure it."""
        return self.sensed

    def tells_contact(self, robot: RobotFacts) -> bool:
        """Whether its elements say what touches: 1 or 0 each."""
        return False

    def scales(self, robot: RobotFacts, size: int) -> tuple[float, ...]:
        """The scale of each element of one tick's value."""
        return each(self.scale, self.things("", robot) or ("",) * size)

    def clips(self, robot: RobotFacts, size: int) -> tuple[tuple[float, float], ...] | None:
        """The limits of each element of one tick's value, or None."""
        return (
            None if self.clip is None else each(self.clip, self.things("", robot) or ("",) * size)
        )

    def problems(self, robot: RobotFacts) -> Iterator[Problem]:
        """What keeps it from being computed on this robot."""
        if self.rotates is None:
            return
        for field, chain in (("noise", self.noise), ("bias", self.bias)):
            if any(error.mode == "multiplicative" for error in chain):
                help = f"write for example '{field}: {{gaussian: 2 deg}}'"
                message = f"the {field} of a rotation is an angle and multiplies nothing"
                yield Problem(field, message, help)


class Several(Observation):
    """What the observations share that have a value of each of some bodies, sites or feet."""

    def names(self, robot: RobotFacts) -> tuple[str, ...]:
        """What the value is of, in its order."""
        raise NotImplementedError

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        if field:
            return super().things(field, robot)
        names = self.names(robot)
        numbers = math.prod(self.shape(robot)) // max(len(names), 1)
        return tuple(name for name in names for _ in range(numbers))


def selected(robot: RobotFacts, what: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """The names that the patterns match: in the order of the patterns, then in the model's."""
    return tuple(dict.fromkeys(n for p in patterns for n in robot.match(what, (p,))))
