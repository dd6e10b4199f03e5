"""The robot of all peers: MuJoCo Menagerie's Unitree Go1, as it is trained and as it is judged.

Motors are position servos of 35 N*m/rad and 0.5 N*m*s/rad. The joints have no friction and no
damping beside that, and the inertia of the rotors behind their gears. Only the feet collide, with
the floor. Trainings choose a quick solver; the judge (`judged`) lets MuJoCo's default one converge,
so that no learner is judged by the approximations that it was trained with.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

MODEL = "unitree_go1"
PERIOD, TIMESTEP = 0.02, 0.004
"""Seconds of a control tick and of a physics step."""
SUBSTEPS = round(PERIOD / TIMESTEP)
KP, KD = 35.0, 0.5
ROTOR = 1.11842e-4
"""kg*m^2 of a rotor (Unitree's description of the motor)."""
GEARS = {"calf": 9.0}
GEAR = 6.0
"""Reduction of the other joints."""
FEET = ("FR", "FL", "RR", "RL")
FOOT_RADIUS = 0.023
JOINTS = tuple(f"{leg}_{joint}_joint" for leg in FEET for joint in ("hip", "thigh", "calf"))
STAND = np.array([side * 0.1 if part == 0 else (0.9, -1.8)[part - 1]
                  for side in (1, -1, 1, -1) for part in range(3)])  # fmt: skip
"""Joint positions (rad) that targets are about: each foot 3 cm further in than straight down."""
ACTION_SCALE = 0.5
"""Radians of a target's change for an action of 1."""
COMMAND = np.array([1.5, 0.8, 1.2])
"""The whole range of commands, +-: forward m/s, sideways m/s, turn rad/s."""

Sensor = Mapping[str, Any]
"""As a contract of ksim-export has it: name, type, of, relative_to, options."""


class NoRobot(Exception):
    """The robot's files are not at hand; the message says what to do."""


def folder() -> Path:
    """The Menagerie's folder of the robot: of MENAGERIE_ROOT, or of the package.

    Raises:
        NoRobot: neither is there.
    """
    root = os.environ.get("MENAGERIE_ROOT")
    if root:
        found = Path(root) / MODEL
        if not (found / "scene.xml").is_file():
            raise NoRobot(f"MENAGERIE_ROOT has no {MODEL}/scene.xml")
        return found
    try:
        import mujoco_menagerie
    except ImportError:
        raise NoRobot("set MENAGERIE_ROOT, or pip install mujoco-menagerie") from None
    try:
        return Path(str(mujoco_menagerie.get(MODEL).path))
    except Exception as error:
        raise NoRobot(f"mujoco_menagerie gives no {MODEL}: {error}") from error


def trained(root: Path) -> Any:
    """The spec to train: the quick solver, and the sensors that observations and rewards read."""
    spec = _robot(root)
    spec.option.solver = mujoco.mjtSolver.mjSOL_PGS
    spec.option.iterations = 10
    add = _adder(spec)
    add("gyro", "gyro", ("site", "imu"))
    add("velocity", "velocimeter", ("site", "imu"))
    add("up", "framezaxis", ("xbody", "world"), ("xbody", "trunk"))
    for foot in FEET:
        add(f"{foot}_velocity", "framelinvel", ("site", foot))
        add(f"{foot}_force", "touch", ("site", foot))
    return spec


def judged(root: Path, sensors: Sequence[Sensor] = ()) -> Any:
    """The spec that all are judged on, with the sensors that a policy's contract asks for."""
    spec = _robot(root)
    spec.option.solver = mujoco.mjtSolver.mjSOL_NEWTON
    spec.option.iterations = 100
    add = _adder(spec)
    for sensor in sensors:
        added = add(sensor["name"], sensor["type"], sensor["of"], sensor["relative_to"])
        if sensor["type"] == "contact":
            _contact(added, sensor["options"])
    return spec


def _robot(root: Path) -> Any:
    """The robot on a flat floor, without sensors."""
    spec = mujoco.MjSpec.from_file(str(root / "scene.xml"))
    option = spec.option
    option.timestep = TIMESTEP
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone, option.impratio = mujoco.mjtCone.mjCONE_PYRAMIDAL, 1.0
    for geom in spec.geoms:
        if geom.name in FEET:
            geom.condim, geom.margin = 3, 0.0
            geom.solimp = [0.9, 0.95, 0.001, 0.5, 2.0]
            geom.contype, geom.conaffinity = 0, 1
        else:
            geom.contype, geom.conaffinity = int(geom.name == "floor"), 0
    for name in JOINTS:
        joint = spec.joint(name)
        joint.damping = np.zeros_like(joint.damping)
        joint.frictionloss = 0.0
        joint.armature = ROTOR * GEARS.get(name.split("_")[1], GEAR) ** 2
    for actuator in spec.actuators:
        actuator.set_to_position(kp=KP, kv=KD)
        actuator.ctrllimited = mujoco.mjtLimited.mjLIMITED_FALSE
    return spec


def _adder(spec: Any) -> Any:
    def enum(kind: str) -> Any:
        return getattr(mujoco.mjtObj, f"mjOBJ_{kind.upper() or 'UNKNOWN'}")

    def add(
        name: str, kind: str, of: Sequence[str], relative_to: Sequence[str] | None = None
    ) -> Any:
        reference = relative_to or ("", "")
        return spec.add_sensor(
            name=name,
            type=getattr(mujoco.mjtSensor, f"mjSENS_{kind.upper()}"),
            objtype=enum(of[0]),
            objname=of[1],
            reftype=enum(reference[0]),
            refname=reference[1],
        )

    return add


_CONTACT_DATA = ("found", "force", "torque", "dist", "pos", "normal", "tangent")
_CONTACT_REDUCE = ("none", "mindist", "maxforce", "netforce")


def _contact(sensor: Any, options: Mapping[str, str]) -> None:
    """A contact sensor's options, as MJCF writes them."""
    sensor.intprm[0] = sum(1 << _CONTACT_DATA.index(d) for d in options["data"].split())
    sensor.intprm[1] = _CONTACT_REDUCE.index(options.get("reduce", "none"))
    sensor.intprm[2] = int(options.get("num", "1"))
