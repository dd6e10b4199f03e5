"""Observations of the robot's sensors, of the controller itself and of time."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.robot.mirror import AXIAL, QUATERNION, VECTOR, Mirror, Signed, signs
from ksim_schema.units import (
    NUMBER,
    TIME,
    Dimension,
    Time,
)
from ksim_schema.vocabulary.base import Names, SensorName, Wire
from ksim_schema.vocabulary.observation.base import Observation
from ksim_schema.vocabulary.sensortypes import STATE_SENSORS, sensor_dimension

_MIRRORED = {
    **dict.fromkeys(("gyro", "frameangvel", "frameangacc", "torque"), AXIAL),
    **dict.fromkeys(("accelerometer", "velocimeter", "force", "framepos"), VECTOR),
    **dict.fromkeys(("framelinvel", "framelinacc"), VECTOR),
    "framequat": QUATERNION,
    "touch": (1.0,),
}
"""What the values of sensors turn into in a mirror, by type."""


class SensorValue(Observation):
    """The output of a sensor of the model, in MuJoCo's unit and frame (sensordata)."""

    kind: Literal["sensor"] = "sensor"
    fields = ("sensordata",)
    sensor: SensorName = Field(description="The sensor's name in the model.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (robot.sensor(self.sensor).size,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (sensor_dimension(robot, self.sensor) or NUMBER,)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        sensor = mirror.robot.sensor(self.sensor)
        kind, _, name = sensor.frame.partition("/")
        if not kind or mirror.frames(kind, (name,)) is None:
            return None
        each = _MIRRORED.get(sensor.type)
        return signs(*each) if each else None

    def measurable(self, robot: RobotFacts) -> bool:
        encoded = f"body/{robot.root}" in robot.encoded
        return encoded or robot.sensor(self.sensor).type not in STATE_SENSORS

    def tells_contact(self, robot: RobotFacts) -> bool:
        return robot.sensor(self.sensor).type == "contact"


class WiredObservation(Observation):
    """The value of another part, whose shape is its own (shape inference fills it in)."""

    source: ClassVar[str] = ""

    def infers(self, field: str) -> bool:
        """As :meth:`Part.infers`."""
        return field != "observe"

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (-1,)


class LastAction(WiredObservation):
    """The policy's last output, before clip and scale; zero at the start of an episode."""

    kind: Literal["last_action"] = "last_action"
    source = "recall"
    recall: Annotated[Names, Wire("recall")] = Field(
        default=(),
        description="The actions, one after the other; by default all, in the policy's order.",
    )


class CommandValue(WiredObservation):
    """The value of a command, for a delay, a history or a noise of it.

    Without any of these, let the policy obey the command itself. Limits and noises are in SI units,
    without a unit.
    """

    kind: Literal["command"] = "command"
    source = "heed"
    command: Annotated[str, Wire("heed")] = Field(description="The command.")


class DrawnValue(WiredObservation):
    """What a randomizer drew, as the model of the environment has it, in SI units.

    Of ``floor_friction`` the coefficient; of joints, bodies and geoms the number of each (three of
    a centre of mass, a moment of inertia or a size, four of a site's quaternion); of
    ``servo_gains`` ``-kp`` and ``-kd`` of each joint (MuJoCo's biasprm), of ``motor_strength`` the
    gain of each actuator. No robot can measure it: it is for a critic. Limits and noises have no
    unit.
    """

    kind: Literal["drawn"] = "drawn"
    sensed = False
    source = "reveal"
    of: Annotated[str, Wire("reveal")] = Field(description="The randomizer.")


class PhaseClock(Observation):
    """Sine and cosine of a clock that runs with a fixed period from the episode's start:
    ``sin(2 pi t / period), cos(2 pi t / period)``."""

    kind: Literal["phase_clock"] = "phase_clock"
    period: Annotated[Time, Ge(1e-3)] = Field(description="Time of one turn.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (2,)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return signs(-1.0, -1.0)  # half a turn later the other leg is where this one is now


class EpisodeTime(Observation):
    """Time since the start of the episode, s (ksim's TimestepObservation)."""

    kind: Literal["episode_time"] = "episode_time"

    def infers(self, field: str) -> bool:
        """As :meth:`Part.infers`."""
        return field != "observe"

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (1,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (TIME,)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return signs(1.0)
