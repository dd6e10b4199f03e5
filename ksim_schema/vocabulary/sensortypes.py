"""What MuJoCo's sensors measure, by type."""

from __future__ import annotations

from ksim_schema.units import (
    ACCELERATION,
    ANGULAR_ACCELERATION,
    ANGULAR_SPEED,
    FORCE,
    LENGTH,
    SPEED,
    TIME,
    TORQUE,
    Dimension,
)

SENSOR_DIMENSIONS: dict[str, Dimension] = {
    "gyro": ANGULAR_SPEED,
    "velocimeter": SPEED,
    "accelerometer": ACCELERATION,
    "framelinvel": SPEED,
    "frameangvel": ANGULAR_SPEED,
    "framepos": LENGTH,
    "framelinacc": ACCELERATION,
    "frameangacc": ANGULAR_ACCELERATION,
    "force": FORCE,
    "torque": TORQUE,
    "touch": FORCE,
    "subtreecom": LENGTH,
    "subtreelinvel": SPEED,
    "rangefinder": LENGTH,
    "clock": TIME,
}
"""Units of MuJoCo's sensors, by type; others are plain numbers."""
STATE_SENSORS = (
    *("velocimeter", "framepos", "framelinvel"),
    *("subtreecom", "subtreelinvel", "subtreeangmom"),
)
"""MuJoCo sensors that no common robot has."""
