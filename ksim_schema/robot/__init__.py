"""Robot: what the language needs to know of a robot, as plain data."""

from ksim_schema.robot.facts import (
    FILES as FILES,
    Actuator as Actuator,
    Drive as Drive,
    Joint as Joint,
    RobotFacts as RobotFacts,
    Sensor as Sensor,
    SensorRequest as SensorRequest,
    Surface as Surface,
    file_key as file_key,
)
from ksim_schema.robot.grid import TileGrid as TileGrid
