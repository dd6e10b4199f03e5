"""A robot in MuJoCo as an exported policy's contract has it: its senses and its motors.

A program on a real robot has its encoders, its IMU and its motors in this place.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import mujoco
import numpy as np


class Robot:
    """A simulated robot: its senses, and motors as the contract has them."""

    def __init__(self, scene: Path, contract: dict) -> None:
        self.outputs = [output for output in contract["outputs"] if "joints" in output]
        self.home = contract.get("home", {}).get("qpos")
        self.activations = contract.get("activations", [])
        try:
            spec = mujoco.MjSpec.from_file(str(scene))
            spec.option.timestep = contract["physics_timestep"]
            for option, value in contract.get("options", {}).items():
                setattr(spec.option, option, value)
            _check(spec, scene, self.outputs)
            _name_geoms(spec)
            _keep_collisions(spec, contract.get("collide"))
            self.held = _keep_or_remove(spec, contract.get("actuators"), self.outputs)
            for output in self.outputs:
                _add_motors(spec, output)
            _set_dynamics(spec, contract.get("joint_dynamics", {}))
            for sensor in contract.get("sensors", []):
                _add_sensor(spec, sensor)
            self.model = spec.compile()
        except ValueError as error:
            raise SystemExit(f"{scene} is not the robot of this policy: {error}") from error
        if self.home is not None and len(self.home) != self.model.nq:
            numbers = f"{self.model.nq} coordinates, and that of the contract {len(self.home)}"
            raise SystemExit(f"{scene} is not the robot of this policy: its pose has {numbers}")
        self.substeps = round(contract["control_period"] / self.model.opt.timestep)
        self.data = mujoco.MjData(self.model)
        self.joints = contract["joints"]
        self.begin()

    def begin(self) -> None:
        """The home pose, at rest, with the targets of a zero action."""
        mujoco.mj_resetData(self.model, self.data)
        if self.home is not None:
            self.data.qpos[:] = self.home
        else:
            for joint in self.joints:
                self.data.joint(joint["name"]).qpos[:] = joint["home"]
        if len(self.activations):
            self.data.act[:] = self.activations
        for index, control in enumerate(self.held):
            self.data.ctrl[index] = control
        self.steps = 0
        first = [np.array(o.get("initial", np.zeros(len(o["joints"])))) for o in self.outputs]
        self.sent = {o["name"]: target for o, target in zip(self.outputs, first, strict=True)}
        self.taken = dict(self.sent)
        for output in self.outputs:
            self._set(output, self.sent[output["name"]])
        mujoco.mj_forward(self.model, self.data)

    def of_joints(self, field: str, names: list[str]) -> np.ndarray:
        """qpos, qvel, qacc or qfrc_actuator of hinges and slides, as encoders and currents tell."""
        return np.array([getattr(self.data.joint(name), field)[0] for name in names])

    def targets(self, names: list[str]) -> np.ndarray:
        """What the motors of these joints are told now."""
        return np.array([self.data.actuator(f"ksim/{name}").ctrl[0] for name in names])

    def of_bodies(self, field: str, names: list[str]) -> np.ndarray:
        """Rows of cinert, cvel or cfrc_ext."""
        return np.array([getattr(self.data, field)[self.data.body(name).id] for name in names])

    def sensor(self, name: str) -> np.ndarray:
        """A sensor, such as a gyro."""
        return self.data.sensor(name).data.copy()

    def drive(self, targets: dict[str, np.ndarray]) -> None:
        """Hold targets for one control period; each motor takes them when it hears of them."""
        timestep = self.model.opt.timestep
        for step in range(self.substeps):
            for output in self.outputs:
                name = output["name"]
                late = _middle(output.get("latency") or 0.0)
                heard = self.sent[name] if step * timestep < late - 1e-6 else targets[name]
                # the nearest whole number, halfway cases up, as in training
                every = max(math.floor((output.get("update") or 0.0) / timestep + 0.5001), 1)
                if self.steps % every == 0:
                    self.taken[name] = heard
                self._set(output, self.taken[name])
            mujoco.mj_step(self.model, self.data)
            self.steps += 1
        self.sent = dict(targets)

    def _set(self, output: dict, targets: np.ndarray) -> None:
        for name, target in zip(_motors(output), targets, strict=True):
            self.data.actuator(name).ctrl[0] = target


def _check(spec: Any, scene: Path, outputs: list[dict]) -> None:
    for output in outputs:
        for joint in output["joints"]:
            if spec.joint(joint) is None:
                raise SystemExit(f"{scene} is not the robot of this policy: no joint {joint!r}")


def _name_geoms(spec: Any) -> None:
    """As the contract calls those without a name."""
    for number, geom in enumerate(spec.geoms):
        geom.name = geom.name or f"ksim/geom{number}"


def _set_dynamics(spec: Any, dynamics: dict) -> None:
    """Damping, friction and rotor of the hinges and slides, where the task says them."""
    for joint in spec.joints:  # several may have no name
        if joint.type not in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
            continue
        for field, value in dynamics.get(joint.name, {}).items():
            old = getattr(joint, field)  # damping has coefficients of higher powers of the speed
            setattr(joint, field, [value, *[0.0] * (len(old) - 1)] if np.ndim(old) else value)


def _keep_collisions(spec: Any, kept: dict | None) -> None:
    """Let only the contract's geoms touch things, among those of bodies that move."""
    if kept is None:
        return
    dropped = set()
    for geom in spec.geoms:
        _set_contacts(geom, kept)  # a contact has something of both of its geoms
        if geom.name not in kept["geoms"] and _moves(geom.parent):
            geom.contype = geom.conaffinity = 0
            dropped.add(geom.name)
    for pair in list(spec.pairs):
        if {pair.geomname1, pair.geomname2} & dropped:
            spec.delete(pair)
        else:
            _set_contacts(pair, kept)


def _set_contacts(thing: Any, kept: dict) -> None:
    """What the contacts of a geom or a pair resist, and how they yield."""
    for field in ("condim", "solref", "solimp"):
        if kept.get(field) is not None:
            setattr(thing, field, kept[field])


def _moves(body: Any) -> bool:
    while body.parent is not None:
        if body.joints or body.mocap:
            return True
        body = body.parent
    return False


def _keep_or_remove(spec: Any, fates: list[dict] | None, outputs: list[dict]) -> list[float]:
    """Take out the model's actuators that the policy's replace; the controls of the others."""
    actuators = list(spec.actuators)
    if fates is None:  # a contract that does not say it: those on the joints that are driven
        driven = {joint for output in outputs for joint in output["joints"]}
        fates = [
            {"use": "removed" if actuator.target in driven else "held", "control": 0.0}
            for actuator in actuators
        ]
    if len(fates) != len(actuators):
        raise ValueError(f"it has {len(actuators)} actuators, the contract {len(fates)}")
    _name_actuators(actuators, fates)
    gone = {}
    for actuator, fate in zip(actuators, fates, strict=True):
        if fate["use"] == "removed":
            gone[actuator.name] = fate.get("successor")
            _leave_rotor(spec, actuator)
            spec.delete(actuator)
    for sensor in list(spec.sensors):
        if sensor.objtype == mujoco.mjtObj.mjOBJ_ACTUATOR and sensor.objname in gone:
            if gone[sensor.objname]:
                sensor.objname = gone[sensor.objname]
            else:
                spec.delete(sensor)
    for key in spec.keys:  # of as many actuators as there were
        key.ctrl, key.act = np.zeros(0), np.zeros(0)
    return [fate["control"] for fate in fates if fate["use"] != "removed"]


def _leave_rotor(spec: Any, actuator: Any) -> None:
    """The rotor's inertia and damping of a motor that goes stay, as those of what it moved."""
    trn = mujoco.mjtTrn
    if actuator.trntype == trn.mjTRN_TENDON:
        moved = spec.tendon(actuator.target)
    elif actuator.trntype in (trn.mjTRN_JOINT, trn.mjTRN_JOINTINPARENT):
        moved = spec.joint(actuator.target)
    else:
        return
    square = float(actuator.gear[0]) ** 2
    moved.armature += square * actuator.armature
    moved.damping = np.array(moved.damping) + square * np.array(actuator.damping)


def _name_actuators(actuators: list, fates: list[dict]) -> None:
    """As the contract calls those without a name."""
    for actuator, fate in zip(actuators, fates, strict=True):
        actuator.name = actuator.name or fate.get("name", "")


def _motors(output: dict) -> list[str]:
    return output.get("actuators") or [f"{output['name']}/{joint}" for joint in output["joints"]]


def _add_motors(spec: Any, output: dict) -> None:
    """``torque = kp * (target - q) - kd * dq/dt`` and the like, as the output's "use" says."""
    count = len(output["joints"])
    if not count:
        return  # actuators of the robot's own
    none = [None] * count
    stalls, speeds = output.get("stall", none), output.get("no_load_speed", none)
    for i, (name, joint) in enumerate(zip(_motors(output), output["joints"], strict=True)):
        kp, kd, limit = output["kp"][i] or 0.0, output["kd"][i], output["torque_limit"][i]
        drag = 0.0
        if stalls[i]:  # the motor's voltage leaves it stall - drag * speed
            drag = stalls[i] / speeds[i]
            _add_motor(spec, f"{name}/back_emf", joint, 0.0, 0.0, drag)
            if limit is not None:
                spec.joint(joint).actfrclimited = mujoco.mjtLimited.mjLIMITED_TRUE
                spec.joint(joint).actfrcrange = [-limit, limit]
            limit = stalls[i]
        elif limit is not None:
            _take_all(spec.joint(joint), limit)
        motor = _add_motor(spec, name, joint, kp or kd or 1.0, kp, kd - drag)
        if limit is not None:
            motor.forcerange = [-limit, limit]


def _take_all(joint: Any, limit: float) -> None:
    """A motor that stands for those of joints tied to its own may give more than that one takes."""
    low, high = joint.actfrcrange
    if low < high and limit > min(-low, high):
        joint.actfrcrange = [-limit, limit]


def _add_motor(spec: Any, name: str, joint: str, gain: float, kp: float, kd: float) -> Any:
    clean = mujoco.MjSpec().default  # so that nothing comes from the model's own <default>
    motor = spec.add_actuator(clean, name=name, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    if kp or kd:
        motor.biastype = mujoco.mjtBias.mjBIAS_AFFINE
    motor.gainprm[0] = gain
    motor.biasprm[1:3] = -kp, -kd
    return motor


_CONTACT_DATA = ("found", "force", "torque", "dist", "pos", "normal", "tangent")
_CONTACT_REDUCE = ("none", "mindist", "maxforce", "netforce")


def _add_sensor(spec: Any, sensor: dict) -> None:
    """What stands in for the state estimation of a real robot."""

    def kind(name: str) -> Any:
        return getattr(mujoco.mjtObj, f"mjOBJ_{name.upper() or 'UNKNOWN'}")

    of, reference = sensor["of"], sensor["relative_to"] or ["", ""]
    added = spec.add_sensor(
        name=sensor["name"],
        type=getattr(mujoco.mjtSensor, f"mjSENS_{sensor['type'].upper()}"),
        objtype=kind(of[0]),
        objname=of[1],
        reftype=kind(reference[0]),
        refname=reference[1],
    )
    options = sensor["options"]
    if sensor["type"] == "contact":
        added.intprm[0] = sum(1 << _CONTACT_DATA.index(d) for d in options["data"].split())
        added.intprm[1] = _CONTACT_REDUCE.index(options.get("reduce", "none"))
        added.intprm[2] = int(options.get("num", "1"))


def _middle(value: Any) -> float:
    """Of a number that is drawn from a range, its middle."""
    return float(np.mean(value))
