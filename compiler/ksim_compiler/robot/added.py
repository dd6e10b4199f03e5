"""What is put into a model: motors, servos and sensors, and what it does to the model's own."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from ksim_schema.robot import Drive, SensorRequest

_CLEAN = mujoco.MjSpec()
"""An empty model, whose defaults are MuJoCo's own: what is added to a model takes these."""


def add_drive(spec: mujoco.MjSpec, drive: Drive) -> None:
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
        actuator.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE  # a model may have no autolimits
        actuator.forcerange = [-limit, limit]


def take_all(spec: mujoco.MjSpec, model: mujoco.MjModel, drive: Drive) -> None:
    """Let a joint take what its drive gives in place of the motors of joints that are tied to it.

    The limit of a drive is within the joint's actuatorfrcrange otherwise.
    """
    index = model.joint(drive.joint).id
    low, high = model.jnt_actfrcrange[index]
    if model.jnt_actfrclimited[index] and drive.limit > min(-low, high):
        spec.joint(drive.joint).actfrcrange = [-drive.limit, drive.limit]


def leave_rotor(spec: mujoco.MjSpec, actuator: Any) -> None:
    """Give the joint or tendon of an actuator the rotor's inertia and damping that it has.

    They are of the robot, whatever drives it. Through a gear both are its square times as much,
    as MuJoCo has it (also the non-linear coefficients of the damping).
    """
    damping = np.asarray(actuator.damping)
    if not (actuator.armature or damping.any()):
        return
    if actuator.trntype == mujoco.mjtTrn.mjTRN_TENDON:
        moved: Any = spec.tendon(actuator.target)
    elif actuator.trntype in (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT):
        moved = spec.joint(actuator.target)
    else:
        return
    square = float(actuator.gear[0]) ** 2
    moved.armature += square * actuator.armature
    moved.damping = np.asarray(moved.damping) + square * damping


def is_off(spec: mujoco.MjSpec, group: int) -> bool:
    """Whether the model's options disable the actuators of a group; those above 30 always act."""
    return 0 <= group <= 30 and bool(int(spec.option.disableactuator) >> group & 1)


def mute(actuator: Any) -> None:
    """Take the force of an actuator whose group is disabled: MJX does not look at groups."""
    actuator.gaintype, actuator.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_NONE
    actuator.gainprm[:], actuator.biasprm[:] = 0.0, 0.0


def _add_actuator(
    spec: mujoco.MjSpec, name: str, joint: str, gain: float, kp: float = 0.0, damping: float = 0.0
) -> Any:
    actuator = spec.add_actuator(
        _CLEAN.default, name=name, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT
    )
    actuator.group = next(group for group in range(32) if not is_off(spec, group))
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


def add_sensor(spec: mujoco.MjSpec, request: SensorRequest) -> None:
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
