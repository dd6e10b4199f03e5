"""Observations of the robot's base, or of any other body that is named.

All are read from MuJoCo's frame sensors on the body's own frame, so they mean the same for a base
that does not float.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.mirror import AXIAL, COLUMNS, QUATERNION, VECTOR, Mirror, Signed, signs
from ksim_schema.units import (
    ACCELERATION,
    ANGLE,
    ANGULAR_ACCELERATION,
    ANGULAR_SPEED,
    LENGTH,
    SPEED,
    Dimension,
)
from ksim_schema.vocabulary.base import BodyName, Probability, Range
from ksim_schema.vocabulary.heights import OfHeight
from ksim_schema.vocabulary.observation.base import (
    Frame,
    Observation,
    Problem,
    Rotation,
    RotationForm,
)


class BaseObservation(Observation):
    """A value of one body.

    Class attributes:
        sensor_type: the MuJoCo sensor that gives it.
        unit: its dimension.
        reflection: signs of its elements in a mirror.
    """

    sensor_type: ClassVar[str] = ""
    unit: ClassVar[Dimension] = LENGTH
    reflection: ClassVar[tuple[float, ...]] = VECTOR
    body: BodyName | None = Field(
        default=None, description="The body; the robot's base by default."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (3,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (self.unit,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest(self.sensor_type, "xbody", self.body or robot.root),)

    def measurable(self, robot: RobotFacts) -> bool:
        """By a sensor; and by encoders, where hinges and slides alone carry the body."""
        return self.sensed or f"body/{self.body or robot.root}" in robot.encoded

    def mirrored(self, mirror: Mirror) -> Signed | None:
        body = self.body or mirror.robot.root
        return signs(*self.reflection) if mirror.frames("body", (body,)) else None


class FramedObservation(BaseObservation):
    """A vector of one body, in the world's frame or in the body's own."""

    frame: Frame = Field(
        default="robot", description="Axes of the vector: the body's or the world's."
    )

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        body = self.body or robot.root
        return (
            SensorRequest(self.sensor_type, "xbody", body),
            SensorRequest("framequat", "xbody", body),
        )


class BasePosition(BaseObservation):
    """Position of a body's origin in the world, m (framepos). Simulator state."""

    kind: Literal["base_position"] = "base_position"
    sensor_type = "framepos"
    sensed = False


class BaseHeight(BaseObservation, OfHeight):
    """Height of a body's origin, m (framepos). Simulator state."""

    kind: Literal["base_height"] = "base_height"
    sensor_type = "framepos"
    reflection = (1.0,)
    sensed = False

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (1,)


class BaseOrientation(BaseObservation):
    """Orientation of a body in the world (framequat), as an IMU with a compass estimates it.

    Four numbers ``(w, x, y, z)``, of unit length and with MuJoCo's sign, or the six of the first
    two columns of the rotation matrix, which have no jump (Zhou et al. 2019).
    """

    kind: Literal["base_orientation"] = "base_orientation"
    sensor_type = "framequat"
    unit = Dimension()
    form: Rotation = Field(default="quaternion", description="Numbers that stand for a rotation.")

    @property
    def rotates(self) -> RotationForm | None:
        return self.form

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (4 if self.form == "quaternion" else 6,)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        body = self.body or mirror.robot.root
        each = QUATERNION if self.form == "quaternion" else COLUMNS
        return signs(*each) if mirror.frames("body", (body,)) else None


class BaseLinearVelocity(FramedObservation):
    """Linear velocity of a body's origin, m/s, in its own frame or the world's (framelinvel).

    Simulator state: no common robot senses it.
    """

    kind: Literal["base_linear_velocity"] = "base_linear_velocity"
    sensor_type = "framelinvel"
    unit = SPEED
    sensed = False


class BaseAngularVelocity(FramedObservation):
    """Angular velocity of a body, rad/s, in its own frame (a gyroscope) or the world's
    (frameangvel)."""

    kind: Literal["base_angular_velocity"] = "base_angular_velocity"
    sensor_type = "frameangvel"
    reflection = AXIAL
    unit = ANGULAR_SPEED


class BaseLinearAcceleration(FramedObservation):
    """Linear acceleration of a body's origin, m/s^2, in its own frame or the world's.

    ``dv/dt``, zero for a robot at rest; with ``gravity: true`` what an accelerometer there reads,
    ``dv/dt - g``, which points up at rest (framelinacc, which counts gravity as the world's
    acceleration; the difference to that of the world's body is dv/dt).
    """

    kind: Literal["base_linear_acceleration"] = "base_linear_acceleration"
    sensor_type = "framelinacc"
    unit = ACCELERATION
    gravity: bool = Field(default=False, description="Count gravity, as an accelerometer does.")

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        world = SensorRequest("framelinacc", "xbody", robot.bodies[0])
        return (*super().sensors(robot), *(() if self.gravity else (world,)))


class BaseAngularAcceleration(FramedObservation):
    """Angular acceleration of a body, rad/s^2, in its own frame or the world's (frameangacc)."""

    kind: Literal["base_angular_acceleration"] = "base_angular_acceleration"
    sensor_type = "frameangacc"
    reflection = AXIAL
    unit = ANGULAR_ACCELERATION


class ProjectedGravity(Observation):
    """Unit vector of gravity in a body's frame, ``R^T (0, 0, -1)``, as an IMU's filter gives it.

    ``bias`` turns the frame by up to that angle about each axis, drawn once an episode. With
    ``lag`` the value is ``lag * previous + (1 - lag) * current``, the factor drawn once an
    episode (ksim's ProjectedGravityObservation; its filter starts from zero, this from the first
    value). Both belong to the noisy value alone.
    """

    kind: Literal["projected_gravity"] = "projected_gravity"
    additive_bias = False
    body: BodyName | None = Field(
        default=None, description="The body that carries the IMU; the robot's base by default."
    )
    lag: Range[Probability] | None = Field(
        default=None, description="Range of the low-pass filter's factor; 0 is no lag."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (3,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framequat", "xbody", self.body or robot.root),)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        body = self.body or mirror.robot.root
        return signs(*VECTOR) if mirror.frames("body", (body,)) else None

    def bias_dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (ANGLE,)

    def problems(self, robot: RobotFacts) -> Iterator[Problem]:
        if any(b.mode == "multiplicative" for b in self.bias):
            help = "write for example 'bias: 2 deg'"
            yield Problem("bias", "an IMU's bias is an angle and multiplies nothing", help)
