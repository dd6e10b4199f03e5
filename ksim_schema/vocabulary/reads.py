"""What reads the physics: parts, and the formulas that stand in them."""

from typing import Protocol, runtime_checkable

from ksim_schema.robot import RobotFacts, SensorRequest


@runtime_checkable
class Reads(Protocol):
    """What reads the physics."""

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        ...

    def fields_on(self, robot: RobotFacts) -> tuple[str, ...]:
        """The MjData fields that it reads of a robot."""
        ...

    def model_sensors(self, robot: RobotFacts) -> tuple[str, ...]:
        """The model's own sensors that it names in a text, rather than in a field."""
        ...
