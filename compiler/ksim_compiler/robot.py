"""The robot: a MuJoCo model, its facts, and the sensors and actuators put into it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np

from ksim_compiler import terrain
from ksim_compiler.modelfiles import ModelError as ModelError
from ksim_compiler.modelfiles import ModelFiles as ModelFiles
from ksim_compiler.modelfiles import read_files as read_files
from ksim_compiler.surfaces import surfaces
from ksim_schema.facts import FILES, Drive, Joint, RobotFacts, Sensor, SensorRequest
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
        with mujoco.MjVfs() as vfs:
            for name, data in files.content.items():
                vfs[name] = data
            spec = mujoco.MjSpec.from_file(files.root, vfs=vfs)
            _set_options(part, spec)
            _name_geoms(spec)
            terrain.add(part.terrain, spec)
            change(spec)
            model = spec.compile(vfs=vfs)
    except (ValueError, RuntimeError) as error:
        raise ModelError(_brief(error)) from error
    return Robot(part, files, model, replace(_facts(part, model), files=_task_files(files)))


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
    pose = _Pose(model, home, bodies, names(obj.mjOBJ_SITE, model.nsite))
    joints = tuple(
        _joint(model, i, name, bodies, home, pose)
        for i, name in enumerate(names(obj.mjOBJ_JOINT, model.njnt))
    )
    sensors = {
        name: Sensor(
            name,
            _sensor_type(model, i),
            int(model.sensor_adr[i]),
            int(model.sensor_dim[i]),
            pose.frame_of(i),
        )
        for i, name in enumerate(names(obj.mjOBJ_SENSOR, model.nsensor))
    }
    geoms = names(obj.mjOBJ_GEOM, model.ngeom)
    base = next((j.body for j in joints if j.type == "free"), None)
    solid = [bool(model.geom_contype[i] or model.geom_conaffinity[i]) for i in range(model.ngeom)]
    for geom in (*model.pair_geom1, *model.pair_geom2):
        solid[geom] = True
    still = model.body_weldid[model.geom_bodyid] == 0
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
        poses={
            name: (
                tuple(float(q) for q in model.key_qpos[i]),
                tuple(float(v) for v in model.key_qvel[i]),
            )
            for i, name in enumerate(keyframes)
            if name
        },
        trees=tuple(int(i) for i in model.body_rootid),
        geom_bodies=tuple(int(i) for i in model.geom_bodyid),
        solid=tuple(name for i, name in enumerate(geoms) if solid[i]),
        ground=tuple(name for i, name in enumerate(geoms) if solid[i] and still[i]),
        surfaces=surfaces(model),
        torque_limits=_torque_limits(model, joints),
        axes=pose.axes(),
    )


class _Pose:
    """The home pose, seen from the base: the body of the first joint."""

    def __init__(
        self,
        model: mujoco.MjModel,
        home: np.ndarray,
        bodies: tuple[str, ...],
        sites: tuple[str, ...],
    ) -> None:
        self.model, self.bodies, self.sites = model, bodies, sites
        data: Any = mujoco.MjData(model)
        data.qpos[:] = home
        mujoco.mj_kinematics(model, data)
        free = [i for i in range(model.njnt) if model.jnt_type[i] == 0]
        base = int(model.jnt_bodyid[free[0] if free else 0]) if model.njnt else 0
        self.data = data
        self.origin, self.turn = data.xpos[base], data.xmat[base].reshape(3, 3)

    def seen(self, vector: np.ndarray) -> tuple[float, ...]:
        """A vector in the base's frame."""
        return tuple(float(x) for x in self.turn.T @ vector)

    def axes(self) -> dict[str, tuple[float, ...]]:
        """The frames of bodies and sites, as :class:`RobotFacts` has them."""
        frames = (("body", self.bodies, self.data.xmat), ("site", self.sites, self.data.site_xmat))
        return {
            f"{what}/{name}": tuple(float(x) for x in (self.turn.T @ m.reshape(3, 3)).ravel())
            for what, names, matrices in frames
            for name, m in zip(names, matrices, strict=True)
            if name
        }

    def frame_of(self, sensor: int) -> str:
        """What a sensor is attached to, as a key of :meth:`axes`; "" for another thing."""
        kinds = {
            int(mujoco.mjtObj.mjOBJ_XBODY): ("body", self.bodies),
            int(mujoco.mjtObj.mjOBJ_SITE): ("site", self.sites),
        }
        kind = int(self.model.sensor_objtype[sensor])
        if kind not in kinds:
            return ""
        what, names = kinds[kind]
        return f"{what}/{names[self.model.sensor_objid[sensor]]}"


def _joint(
    model: mujoco.MjModel,
    index: int,
    name: str,
    bodies: tuple[str, ...],
    home: np.ndarray,
    pose: _Pose,
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
        axis=pose.seen(pose.data.xaxis[index]),
        anchor=pose.seen(pose.data.xanchor[index] - pose.origin),
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


def _torque_limits(model: mujoco.MjModel, joints: tuple[Joint, ...]) -> dict[str, float]:
    """Joint with an actuator -> the largest torque or force that it gives there."""
    limits: dict[str, float] = {}
    for i in range(model.nu):
        index = int(model.actuator_trnid[i, 0])
        joint = joints[index].name if index >= 0 else ""
        if model.actuator_trntype[i] != mujoco.mjtTrn.mjTRN_JOINT or not joint or joint in limits:
            continue
        limits[joint] = math.inf
        gear = abs(float(model.actuator_gear[i, 0]))
        if model.jnt_actfrclimited[index]:
            limits[joint] = float(np.abs(model.jnt_actfrcrange[index]).max())
        if model.actuator_forcelimited[i]:
            largest = gear * float(np.abs(model.actuator_forcerange[i]).max())
            limits[joint] = min(limits[joint], largest)
        elif model.actuator_ctrllimited[i] and model.actuator_biastype[i] == 0:
            gain = abs(float(model.actuator_gainprm[i, 0]))
            largest = gear * gain * float(np.abs(model.actuator_ctrlrange[i]).max())
            limits[joint] = min(limits[joint], largest)
    return limits


def _sensor_type(model: mujoco.MjModel, index: int) -> str:
    return mujoco.mjtSensor(model.sensor_type[index]).name.removeprefix("mjSENS_").lower()
