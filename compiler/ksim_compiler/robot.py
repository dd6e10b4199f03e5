"""The robot: a MuJoCo model, its facts, and the sensors and actuators put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np

from ksim_compiler import terrain
from ksim_compiler.modelfiles import ModelError as ModelError
from ksim_compiler.modelfiles import ModelFiles as ModelFiles
from ksim_compiler.modelfiles import read_files as read_files
from ksim_compiler.modelxml import in_memory
from ksim_compiler.robotfacts import read_facts
from ksim_compiler.sealed import sealed
from ksim_schema.facts import FILES, Drive, RobotFacts, SensorRequest
from ksim_schema.vocabulary.state import Robot as RobotPart


@dataclass(frozen=True)
class Robot:
    """A compiled model and what the language knows of it."""

    part: RobotPart
    files: ModelFiles
    model: mujoco.MjModel
    facts: RobotFacts


def load(part: RobotPart, files: ModelFiles) -> Robot:
    """Compile a model as it is, with the task's options.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    return _compile(part, files, lambda spec: None)


def equip(robot: Robot, sensors: Iterable[SensorRequest], drives: Iterable[Drive]) -> Robot:
    """The robot with sensors and actuators added. Actuators that drove the same joints go.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    drives = tuple(drives)
    driven = {drive.joint: drive.name for drive in drives}

    def change(spec: mujoco.MjSpec) -> None:
        replaced: dict[str, str] = {}
        for actuator in list(spec.actuators):
            if actuator.trntype == mujoco.mjtTrn.mjTRN_JOINT and actuator.target in driven:
                replaced[actuator.name] = driven[actuator.target]
                spec.delete(actuator)
        for sensor in spec.sensors:  # those of an actuator that is gone read its successor
            if sensor.objtype == mujoco.mjtObj.mjOBJ_ACTUATOR and sensor.objname in replaced:
                sensor.objname = replaced[sensor.objname]
        for key in spec.keys:
            key.ctrl = np.zeros(0)
        for drive in drives:
            _add_drive(spec, drive)
        for request in dict.fromkeys(sensors):
            _add_sensor(spec, request)

    return _compile(robot.part, robot.files, change)


def image(robot: Robot) -> bytes:
    """A compiled model as MuJoCo's binary form: equal for models that simulate alike."""
    buffer = np.empty(mujoco.mj_sizeModel(robot.model), np.uint8)
    mujoco.mj_saveModel(robot.model, None, buffer)
    return buffer.tobytes()


def _compile(part: RobotPart, files: ModelFiles, change: Callable[[mujoco.MjSpec], None]) -> Robot:
    """Read a model from memory, change it, and compile it."""
    try:
        root, content = in_memory(files.root, files.content)
        with mujoco.MjVfs() as vfs:
            for name, data in content.items():
                vfs[name] = data
            with sealed():
                spec = mujoco.MjSpec.from_file(root, vfs=vfs)
            _set_options(part, spec)
            _name_geoms(spec)
            terrain.add(part.terrain, spec)
            change(spec)
            with sealed():
                model = spec.compile(vfs=vfs)
    except (ValueError, RuntimeError) as error:
        raise ModelError(_brief(error)) from error
    return Robot(part, files, model, replace(read_facts(part, model), files=_task_files(files)))


def _task_files(files: ModelFiles) -> dict[str, bytes]:
    return {name: data for name, data in files.content.items() if name.startswith(FILES)}


def _set_options(part: RobotPart, spec: mujoco.MjSpec) -> None:
    if part.timestep is not None:
        spec.option.timestep = part.timestep
    for name in ("iterations", "ls_iterations"):
        value = getattr(part.solver, name)
        if value is not None:
            setattr(spec.option, name, value)


def _name_geoms(spec: mujoco.MjSpec) -> None:
    """Name the geoms without a name, so that contact sensors can refer to them."""
    for number, geom in enumerate(spec.geoms):
        if not geom.name:
            geom.name = f"ksim/geom{number}"


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def _add_drive(spec: mujoco.MjSpec, drive: Drive) -> None:
    """The actuators of a drive: ``force = gain * ctrl - kp * q - kd * dq/dt`` within its limits."""
    limit = drive.limit
    if drive.drag:
        # u clipped to +-stall - k dq/dt is (u + k dq/dt clipped to +-stall) - k dq/dt
        _add_actuator(spec, drive.drag_name, drive.joint, gain=0.0, damping=drive.drag)
        if not np.isinf(limit):  # of what both give together
            joint = spec.joint(drive.joint)
            joint.actfrclimited = mujoco.mjtLimited.mjLIMITED_TRUE
            joint.actfrcrange = [-limit, limit]
        limit = drive.stall or limit
    actuator = _add_actuator(
        spec, drive.name, drive.joint, drive.gain, drive.kp or 0.0, drive.kd - drive.drag
    )
    if not np.isinf(limit):
        actuator.forcerange = [-limit, limit]


def _add_actuator(
    spec: mujoco.MjSpec, name: str, joint: str, gain: float, kp: float = 0.0, damping: float = 0.0
) -> Any:
    actuator = spec.add_actuator(name=name, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    if kp or damping:
        actuator.biastype = mujoco.mjtBias.mjBIAS_AFFINE
    actuator.gainprm[0] = gain
    actuator.biasprm[1:3] = -kp, -damping
    return actuator


_OBJECTS = {
    "body": mujoco.mjtObj.mjOBJ_BODY,
    "xbody": mujoco.mjtObj.mjOBJ_XBODY,
    "geom": mujoco.mjtObj.mjOBJ_GEOM,
    "site": mujoco.mjtObj.mjOBJ_SITE,
    "joint": mujoco.mjtObj.mjOBJ_JOINT,
    "": mujoco.mjtObj.mjOBJ_UNKNOWN,
}
_CONTACT_DATA = ("found", "force", "torque", "dist", "pos", "normal", "tangent")
_CONTACT_REDUCE = ("none", "mindist", "maxforce", "netforce")


def _add_sensor(spec: mujoco.MjSpec, request: SensorRequest) -> None:
    options = dict(request.options)
    sensor: Any = spec.add_sensor(
        name=request.name,
        type=getattr(mujoco.mjtSensor, f"mjSENS_{request.type.upper()}"),
        objtype=_OBJECTS[request.objtype],
        objname=request.objname,
        reftype=_OBJECTS[request.reftype],
        refname=request.refname,
    )
    if request.type == "contact":
        sensor.intprm[0] = sum(1 << _CONTACT_DATA.index(d) for d in options["data"].split())
        sensor.intprm[1] = _CONTACT_REDUCE.index(options.get("reduce", "none"))
        sensor.intprm[2] = int(options.get("num", "1"))
