"""The robot: a MuJoCo model's files, its facts, and the sensors and actuators put into it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import mujoco
import numpy as np

from ksim_schema.facts import Drive, Joint, RobotFacts, Sensor, SensorRequest
from ksim_schema.vocabulary.state import Robot as RobotPart

MAX_FILE = 200_000_000
"""Largest file read as a part of a model, in bytes."""


class ModelError(Exception):
    """A model that cannot be read or compiled. The message is for the author."""


@dataclass(frozen=True)
class ModelFiles:
    """A model file with what it includes.

    Attributes:
        root: name of the model file.
        content: file name, relative to the model's folder -> bytes. The first is the model file.
    """

    root: str
    content: Mapping[str, bytes]


@dataclass(frozen=True)
class Robot:
    """A compiled model and what the language knows of it."""

    part: RobotPart
    files: ModelFiles
    model: mujoco.MjModel
    facts: RobotFacts


def read_files(path: Path) -> ModelFiles:
    """Read an MJCF file, what it includes and the assets it names.

    Raises:
        ModelError: a file cannot be read, or is no XML.
    """
    content: dict[str, bytes] = {}
    folder = path.parent
    pending = [PurePosixPath(path.name)]
    folders = {"mesh": "", "texture": "", "hfield": "", "skin": "", "model": ""}
    while pending:
        name = pending.pop(0)
        if str(name) in content:
            continue
        content[str(name)] = _read(folder / name)
        try:
            tree = ElementTree.fromstring(content[str(name)])
        except ElementTree.ParseError as error:
            line, column = error.position
            raise ModelError(f"{name}, line {line}, column {column + 1}: not valid XML") from error
        for compiler in tree.iter("compiler"):
            asset_folder = compiler.get("assetdir", "")
            for what in folders:
                folders[what] = compiler.get(f"{what}dir", asset_folder or folders[what])
        for element in tree.iter():
            file = element.get("file")
            if file is None:
                continue
            if element.tag == "include":
                pending.append(PurePosixPath(file))
            elif element.tag in folders:
                asset = PurePosixPath(folders[element.tag]) / file
                content[str(asset)] = _read(folder / asset)
    return ModelFiles(path.name, content)


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder")
        if path.stat().st_size > MAX_FILE:
            raise ModelError(f"{path} is larger than {MAX_FILE:,} bytes")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"there is no file {path}") from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {(error.strerror or 'error').lower()}") from error


def load(part: RobotPart, files: ModelFiles) -> Robot:
    """Compile a model as it is, with the task's options.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    return _finish(part, files, _spec(part, files))


def equip(robot: Robot, sensors: Iterable[SensorRequest], drives: Iterable[Drive]) -> Robot:
    """The robot with sensors and actuators added. Actuators that drove the same joints go.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    drives = tuple(drives)
    spec = _spec(robot.part, robot.files)
    driven = {drive.joint for drive in drives}
    for actuator in list(spec.actuators):
        if actuator.trntype == mujoco.mjtTrn.mjTRN_JOINT and actuator.target in driven:
            spec.delete(actuator)
    for key in spec.keys:
        key.ctrl = np.zeros(0)
    for drive in drives:
        _add_drive(spec, drive)
    for request in dict.fromkeys(sensors):
        _add_sensor(spec, request)
    return _finish(robot.part, robot.files, spec)


def _spec(part: RobotPart, files: ModelFiles) -> mujoco.MjSpec:
    content = dict(files.content)
    try:
        spec = mujoco.MjSpec.from_string(
            content.pop(files.root).decode("utf-8"),
            include={name: data for name, data in content.items() if name.endswith(".xml")},
            assets={name: data for name, data in content.items() if not name.endswith(".xml")},
        )
    except (ValueError, RuntimeError, UnicodeDecodeError) as error:
        raise ModelError(_brief(error)) from error
    if part.timestep is not None:
        spec.option.timestep = part.timestep
    for name in ("iterations", "ls_iterations"):
        value = getattr(part.solver, name)
        if value is not None:
            setattr(spec.option, name, value)
    return spec


def _finish(part: RobotPart, files: ModelFiles, spec: mujoco.MjSpec) -> Robot:
    try:
        model = spec.compile()
    except (ValueError, RuntimeError) as error:
        raise ModelError(_brief(error)) from error
    return Robot(part, files, model, _facts(part, model))


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def _add_drive(spec: mujoco.MjSpec, drive: Drive) -> None:
    limit = {} if np.isinf(drive.limit) else {"forcerange": [-drive.limit, drive.limit]}
    actuator = spec.add_actuator(
        name=drive.name, target=drive.joint, trntype=mujoco.mjtTrn.mjTRN_JOINT, **limit
    )
    if drive.kp is None:
        actuator.set_to_motor()
    else:
        actuator.set_to_position(kp=drive.kp, kv=drive.kd)


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


_JOINT_TYPES = ("free", "ball", "slide", "hinge")


def _facts(part: RobotPart, model: mujoco.MjModel) -> RobotFacts:
    def names(kind: mujoco.mjtObj, count: int) -> tuple[str, ...]:
        found = (mujoco.mj_id2name(model, kind, i) for i in range(count))
        return tuple(name or "" for name in found)

    obj = mujoco.mjtObj
    bodies = names(obj.mjOBJ_BODY, model.nbody)
    keyframes = names(obj.mjOBJ_KEY, model.nkey)
    home = model.qpos0
    if part.home.keyframe in keyframes:
        home = model.key_qpos[keyframes.index(part.home.keyframe)]
    joints = tuple(
        _joint(model, i, name, bodies, home)
        for i, name in enumerate(names(obj.mjOBJ_JOINT, model.njnt))
    )
    sensors = {
        name: Sensor(name, _sensor_type(model, i), int(model.sensor_adr[i]), int(model.sensor_dim[i]))
        for i, name in enumerate(names(obj.mjOBJ_SENSOR, model.nsensor))
    }
    geoms = names(obj.mjOBJ_GEOM, model.ngeom)
    base = next((j.body for j in joints if j.type == "free"), None)
    return RobotFacts(
        source=part.model,
        nq=model.nq,
        nv=model.nv,
        nu=model.nu,
        timestep=float(model.opt.timestep),
        joints=joints,
        bodies=bodies,
        geoms=geoms,
        sites=names(obj.mjOBJ_SITE, model.nsite),
        sensors=sensors,
        actuators=names(obj.mjOBJ_ACTUATOR, model.nu),
        keyframes=keyframes,
        home=tuple(float(q) for q in home),
        root=base or (joints[0].body if joints else "world"),
        mass=float(model.body_mass.sum()),
        contact_masks={
            name: (int(model.geom_contype[i]), int(model.geom_conaffinity[i]))
            for i, name in enumerate(geoms)
            if name
        },
    )


def _joint(
    model: mujoco.MjModel, index: int, name: str, bodies: tuple[str, ...], home: np.ndarray
) -> Joint:
    kind = _JOINT_TYPES[model.jnt_type[index]]
    start = int(model.jnt_qposadr[index])
    size = {"free": 7, "ball": 4}.get(kind, 1)
    limits = model.jnt_range[index] if model.jnt_limited[index] else None
    return Joint(
        name=name,
        type=kind,  # type: ignore[arg-type]
        qpos=start,
        dof=int(model.jnt_dofadr[index]),
        body=bodies[model.jnt_bodyid[index]],
        limits=None if limits is None else (float(limits[0]), float(limits[1])),
        effort=_effort(model, index),
        home=tuple(float(q) for q in home[start : start + size]),
    )


def _effort(model: mujoco.MjModel, joint: int) -> float | None:
    """The motor limit of a joint: its own, or that of the actuators that drive it."""
    if model.jnt_actfrclimited[joint]:
        return float(np.abs(model.jnt_actfrcrange[joint]).max())
    for i in range(model.nu):
        if (
            model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT
            and model.actuator_trnid[i, 0] == joint
        ):
            gear = abs(float(model.actuator_gear[i, 0]))
            if model.actuator_forcelimited[i]:
                return gear * float(np.abs(model.actuator_forcerange[i]).max())
            if model.actuator_ctrllimited[i] and model.actuator_biastype[i] == 0:
                gain = float(model.actuator_gainprm[i, 0])
                return gear * gain * float(np.abs(model.actuator_ctrlrange[i]).max())
    return None


def _sensor_type(model: mujoco.MjModel, index: int) -> str:
    return mujoco.mjtSensor(model.sensor_type[index]).name.removeprefix("mjSENS_").lower()
