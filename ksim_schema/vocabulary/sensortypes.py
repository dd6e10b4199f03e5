"""What MuJoCo's sensors and what is asked of joints measure."""

import math
from typing import Literal

from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.units import (
    ACCELERATION,
    ANGULAR_ACCELERATION,
    ANGULAR_SPEED,
    FORCE,
    LENGTH,
    NUMBER,
    SPEED,
    TIME,
    TORQUE,
    Dimension,
)
from ksim_schema.units.interval import Interval

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
_UNIT = Interval(-1.0, 1.0)
_FROM_0 = Interval(0.0, math.inf)
SENSOR_RANGES: dict[str, Interval] = {
    **dict.fromkeys(("touch", "e_kinetic", "clock"), _FROM_0),
    **dict.fromkeys(("ballquat", "framequat", "geomnormal"), _UNIT),
    **dict.fromkeys(("framexaxis", "frameyaxis", "framezaxis"), _UNIT),
    "insidesite": Interval(0.0, 1.0),
    "rangefinder": Interval(-1.0, math.inf),
}
"""All that each number of a sensor can be, by type; of others, anything. A rangefinder that sees
nothing gives -1."""
Of = Literal["position", "velocity", "acceleration", "torque"]
"""What is asked of joints."""
DERIVATIVES: dict[Of, int] = {"position": 0, "velocity": 1, "acceleration": 2}
"""How often a joint's position is differentiated by time."""
_IN_FORMULAS: dict[str, Dimension] = SENSOR_DIMENSIONS | {
    "ballangvel": ANGULAR_SPEED,
    "subtreeangmom": Dimension(m=2, kg=1, s=-1),
    "e_potential": TORQUE,
    "e_kinetic": TORQUE,
    "geomdist": LENGTH,
    "geomfromto": LENGTH,
    **dict.fromkeys(("ballquat", "framequat", "insidesite", "geomnormal"), NUMBER),
    **dict.fromkeys(("framexaxis", "frameyaxis", "framezaxis"), NUMBER),
}
_OF_JOINTS: dict[str, Of] = {
    **dict.fromkeys(("jointpos", "jointlimitpos"), "position"),
    **dict.fromkeys(("jointvel", "jointlimitvel"), "velocity"),
    **dict.fromkeys(("jointactfrc", "jointlimitfrc"), "torque"),
}
"""MuJoCo's sensors of joints: of what their values are."""


def unit_of(what: Of, joint: Joint) -> Dimension:
    """The unit of what is asked of a joint."""
    if what == "torque":
        return FORCE if joint.type == "slide" else TORQUE
    return joint.dimension.times(Dimension(s=1), -DERIVATIVES[what])


def sensor_dimension(robot: RobotFacts, name: str) -> Dimension | None:
    """The unit of a sensor of the model; None where it is not known, as of a tendon's."""
    sensor = robot.sensor(name)
    if sensor.type in _IN_FORMULAS:
        return _IN_FORMULAS[sensor.type]
    joint = next((j for j in robot.motion_joints if j.name == sensor.joint), None)
    what = _OF_JOINTS.get(sensor.type)
    return unit_of(what, joint) if what and joint else None
