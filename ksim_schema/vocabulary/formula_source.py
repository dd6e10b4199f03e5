"""What a name in a formula stands for."""

from typing import Literal

from ksim_schema.records import dataclass
from ksim_schema.robot import Joint, SensorRequest
from ksim_schema.units.formula import Quantity
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.sensortypes import Of

Measured = Literal["time", "action", "previous", "base", "height"]
SourceKind = (
    Measured
    | Of
    | Literal[
        "sensor",
        "command",
        "pose",
        "touch",
        "force",
        "external",
        "several",
        "constant",
        "target",
        "constraint",
    ]
)


@dataclass(frozen=True, slots=True)
class Source:
    """What a name in a formula stands for, and where its value is read.

    Attributes:
        quantity: its unit and its length.
        kind: what it is of.
        sensors: the sensors of the model, or those that are added to it, that it is read from.
        joints: the joints whose values it is.
        bodies: the bodies on which the forces from outside are meant.
        what: of the base, or of the forces on bodies, what is asked; of a command or of the pose
            that it tells, its name.
        element: the element of a sensor, a command or a pose (x, y, z, qw, qx, qy, qz); the whole,
            without one.
        turn: whether it is the orientation of a pose, and not its position.
        bounds: all that its elements can be.
        values: those of what never changes.
        parts: those whose values it has, one after the other.
    """

    quantity: Quantity
    kind: SourceKind
    sensors: tuple[SensorRequest | str, ...] = ()
    joints: tuple[Joint, ...] = ()
    bodies: tuple[str, ...] = ()
    what: str = ""
    element: int | None = None
    turn: bool = False
    bounds: Interval = EVERYTHING
    parts: "tuple[Source, ...]" = ()
    values: tuple[float, ...] = ()

    @property
    def field(self) -> str:
        """The MjData field that it is read from; empty for none."""
        fields = {
            "position": "qpos",
            "velocity": "qvel",
            "acceleration": "qacc",
            "torque": "qfrc_actuator",
            "constraint": "qfrc_constraint",
        }
        if self.kind == "target":
            return "ctrl"
        if self.kind == "external":
            return "cfrc_ext"
        return "sensordata" if self.sensors else fields.get(self.kind, "")

    @property
    def fields(self) -> tuple[str, ...]:
        """The MjData fields that it and all its parts are read from."""
        inside = (field for part in self.parts for field in part.fields)
        return tuple(dict.fromkeys(filter(None, (self.field, *inside))))
