"""Robot: what the language needs to know of a robot, as plain data."""

from ksim_schema.robot.facts import (
    FILES,
    Drive,
    Joint,
    RobotFacts,
    Sensor,
    SensorRequest,
    Surface,
    file_key,
)

__all__ = [
    "FILES",
    "Drive",
    "Joint",
    "RobotFacts",
    "Sensor",
    "SensorRequest",
    "Surface",
    "file_key",
]
