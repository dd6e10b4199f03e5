"""Observations: what the policy and the critic see of the state."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge
from pydantic import Field

from ksim_schema.facts import RobotFacts, SensorRequest
from ksim_schema.quantity import (
    ANGULAR_SPEED,
    NUMBER,
    SPEED,
    Angle,
    AnyQuantity,
    Dimension,
    Number,
    Time,
)
from ksim_schema.vocabulary.base import (
    BodyName,
    GeomName,
    JointPattern,
    Names,
    Part,
    PositiveInt,
    Probability,
    Range,
    SensorName,
    Wire,
)
from ksim_schema.vocabulary.base import Named as Named
from ksim_schema.vocabulary.noise import NoiseChain


class Observation(Part):
    """What all observations share.

    The clean value is ``scale * clip(raw)``. The noisy one, which policies read, is that of a
    sensor: the raw value of ``delay`` ago, with the episode's bias and the tick's noise. Noise,
    bias and clip are in the unit of the raw value.

    Class attributes:
        fields: the MjData fields that the value is computed from.
        sensed: whether a robot can measure it (a policy that reads anything else gets a warning).
        additive_bias: whether ``bias`` is added to the value (a kind may give it another sense).
    """

    object: ClassVar[str] = "Observation"
    static: ClassVar[frozenset[str]] = frozenset(("delay",))
    fields: ClassVar[tuple[str, ...]] = ()
    sensed: ClassVar[bool] = True
    additive_bias: ClassVar[bool] = True
    observe: Annotated[str | None, Wire("observe")] = Field(
        None, description="The state it observes; the task's only one by default."
    )
    noise: NoiseChain = Field((), description="Noise of the value that policies read.")
    bias: AnyQuantity | None = Field(
        None, description="Largest constant error, drawn uniformly for each element each episode."
    )
    scale: Number = Field(1.0, description="Factor applied after noise and clip.")
    clip: Range[AnyQuantity] | None = Field(None, description="Limits of the value.")
    delay: Annotated[Time, Ge(0)] = Field(
        0.0, description="Age of the value; rounded to whole control periods."
    )
    history: PositiveInt = Field(
        1, description="How many of the latest values to stack, oldest first."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        """Shape of one tick's value."""
        raise NotImplementedError

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        """Unit of the value: one dimension, or several when its elements differ."""
        return (NUMBER,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that the value is read from."""
        return ()


class JointPosition(Observation):
    """Positions of joints, in the model's order: ``q - q_home`` or ``q``; rad or m."""

    kind: Literal["joint_position"] = "joint_position"
    fields: ClassVar[tuple[str, ...]] = ("qpos",)
    joints: JointPattern = Field((".*",), description="Names or patterns of hinges and slides.")
    relative_to: Literal["home", "zero"] = Field(
        "zero", description="Measured from the home pose or from the joint's zero."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(robot.match_joints(self.joints)),)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return tuple(dict.fromkeys(j.dimension for j in robot.match_joints(self.joints)))


class JointVelocity(Observation):
    """Velocities of joints, in the model's order; rad/s or m/s."""

    kind: Literal["joint_velocity"] = "joint_velocity"
    fields: ClassVar[tuple[str, ...]] = ("qvel",)
    joints: JointPattern = Field((".*",), description="Names or patterns of hinges and slides.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(robot.match_joints(self.joints)),)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        joints = robot.match_joints(self.joints)
        return tuple(dict.fromkeys(j.dimension.times(Dimension(s=1), -1) for j in joints))


class ProjectedGravity(Observation):
    """Unit vector of gravity in a body's frame, ``R^T (0, 0, -1)``, as an IMU's filter gives it.

    ``bias`` turns the frame by up to that angle about each axis, drawn once an episode. With
    ``lag`` the value is ``lag * previous + (1 - lag) * current``, the factor drawn once an
    episode (ksim's ProjectedGravityObservation).
    """

    kind: Literal["projected_gravity"] = "projected_gravity"
    additive_bias: ClassVar[bool] = False
    body: BodyName = Field(description="The body that carries the IMU.")
    bias: Angle | None = Field(  # type: ignore[assignment]
        None, description="Largest misalignment of the IMU about each axis, drawn each episode."
    )
    lag: Range[Probability] | None = Field(
        None, description="Range of the low-pass filter's factor; 0 is no lag."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (3,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framequat", "xbody", self.body),)


SENSOR_DIMENSIONS: dict[str, Dimension] = {
    "gyro": ANGULAR_SPEED,
    "velocimeter": SPEED,
    "accelerometer": Dimension(m=1, s=-2),
    "framelinvel": SPEED,
    "frameangvel": ANGULAR_SPEED,
    "framepos": Dimension(m=1),
    "framelinacc": Dimension(m=1, s=-2),
    "force": Dimension(m=1, kg=1, s=-2),
    "torque": Dimension(m=2, kg=1, s=-2),
    "touch": Dimension(m=1, kg=1, s=-2),
    "subtreecom": Dimension(m=1),
    "subtreelinvel": SPEED,
    "rangefinder": Dimension(m=1),
}
"""Units of MuJoCo's sensors, by type; others are plain numbers."""


class SensorValue(Observation):
    """The output of a sensor of the model."""

    kind: Literal["sensor"] = "sensor"
    fields: ClassVar[tuple[str, ...]] = ("sensordata",)
    sensor: SensorName = Field(description="The sensor's name in the model.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (robot.sensor(self.sensor).size,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (SENSOR_DIMENSIONS.get(robot.sensor(self.sensor).type, NUMBER),)


class LastAction(Observation):
    """The policy's last output, before scaling; zero at the start of an episode."""

    kind: Literal["last_action"] = "last_action"
    implies_observe: ClassVar[bool] = False
    recall: Annotated[str | None, Wire("recall")] = Field(
        None, description="The action; the task's only one by default."
    )

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (-1,)  # that of the action, filled in by shape inference


class BaseLinearVelocity(Observation):
    """Linear velocity of a body's origin in m/s, in its own frame or the world's.

    MuJoCo's framelinvel sensor. Simulator state: no common robot senses it.
    """

    kind: Literal["base_linear_velocity"] = "base_linear_velocity"
    sensed: ClassVar[bool] = False
    body: BodyName | None = Field(None, description="The body; the floating base by default.")
    frame: Literal["robot", "world"] = Field("robot", description="Frame of the vector.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (3,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (SPEED,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        body = self.body or robot.root
        return (
            SensorRequest("framelinvel", "xbody", body),
            SensorRequest("framequat", "xbody", body),
        )


class BaseAngularVelocity(Observation):
    """Angular velocity of a body in rad/s, in its own frame or the world's (frameangvel)."""

    kind: Literal["base_angular_velocity"] = "base_angular_velocity"
    body: BodyName | None = Field(None, description="The body; the floating base by default.")
    frame: Literal["robot", "world"] = Field("robot", description="Frame of the vector.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (3,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (ANGULAR_SPEED,)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        body = self.body or robot.root
        return (
            SensorRequest("frameangvel", "xbody", body),
            SensorRequest("framequat", "xbody", body),
        )


class BaseHeight(Observation):
    """Height of a body's origin above the world's zero in m. Simulator state."""

    kind: Literal["base_height"] = "base_height"
    sensed: ClassVar[bool] = False
    body: BodyName | None = Field(None, description="The body; the floating base by default.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (1,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (Dimension(m=1),)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return (SensorRequest("framepos", "xbody", self.body or robot.root),)


class Contact(Observation):
    """Whether each of some geoms touches another geom: 0 or 1 for each, in the order given.

    MuJoCo's contact sensor (data="found"): one for each pair.
    """

    kind: Literal["contact"] = "contact"
    geoms: Annotated[Names, Named("geom")] = Field(description="The geoms, in this order.")
    partner: GeomName = Field(alias="with", description="The geom that they may touch.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (len(self.geoms),)

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        options = (("data", "found"), ("num", "1"))
        return tuple(
            SensorRequest("contact", "geom", g, "geom", self.partner, options) for g in self.geoms
        )


class PhaseClock(Observation):
    """Sine and cosine of a clock that runs with a fixed period from the episode's start."""

    kind: Literal["phase_clock"] = "phase_clock"
    period: Annotated[Time, Ge(1e-3)] = Field(description="Time of one turn.")

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (2,)
