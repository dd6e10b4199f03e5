"""What a new task drives of a robot, and with which servos: read from the model itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.foresee import damps_implicitly, growth
from ksim_compiler.robot import bases
from ksim_compiler.robot.limits import lever
from ksim_compiler.robot.model import Robot, torn
from ksim_compiler.robot.transmission import acts_on, between, carried, joint_equalities
from ksim_schema.robot import Joint

DEFLECTION = {"hinge": 0.5, "slide": 0.1}
"""rad or m at which a servo of which the model says nothing gives all that its motor can."""
BANDWIDTH = 20.0
"""rad/s: of a servo on a joint of which the model does not say what its motor gives either."""
ROLLING = 5.0
"""rad/s: of the servo of a wheel of which the model says nothing, with the mass that it rolls."""
DAMPING = 0.5
"""Damping ratio of a servo of which the model says nothing, where the joint moves most."""
_ROUND = (1.0, 2.0, 5.0)
_FINER = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Digits of the damping of a position servo: with half of what it needs, it rings."""
TICKS = 20
"""Of a trial."""
ALIKE = 0.02
"""Part by which inertias of joints that are alike differ, as those of a left and a right leg."""
POSES = 64
"""At random between the joints' limits, to see what a joint moves besides at home."""


@dataclass(frozen=True)
class Motor:
    """A servo for some joints of one type.

    Attributes:
        kind: ``position`` or ``velocity``.
        type: ``hinge`` or ``slide``.
        kp: N*m/rad or N/m; 0 for a velocity servo.
        kd: N*m*s/rad or N*s/m; the gain of a velocity servo.
        limit: N*m or N, or None where the model's motors say it.
        scale: change of the target by an action of 1, rad or m, or rad/s or m/s.
    """

    kind: str
    type: str
    kp: float
    kd: float
    limit: float | None
    scale: float


def round_down(value: float, digits: tuple[float, ...] = _ROUND) -> float:
    """The largest round number that is not above a positive one."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{max(d for d in digits if d * power <= value * (1 + 1e-9)) * power:.3g}")


def round_up(value: float) -> float:
    """The smallest round number that is not below a positive one."""
    low = round_down(value)
    return low if low >= value * (1 - 1e-9) else round_down(2.5 * low * (1 + 1e-6))


def driven(robot: Robot) -> tuple[Joint, ...]:
    """The joints that a task can drive and that have a motor.

    Those that the model's own actuators act on; without any, those that take a limited torque; and
    without any, all. A joint that follows another by an equality, and has no motor of its own, is
    left out, as is what an actuator moves together with something that nothing can drive.
    """
    model, joints = robot.model, robot.facts.joints
    usable = {i for i, j in enumerate(joints) if j.type in ("hinge", "slide") and j.name}
    touched = [acts_on(model, i) for i in range(model.nu)]
    chosen: set[int] = set().union(*touched) & usable if touched else set()
    if not chosen:
        chosen = {i for i in usable if math.isfinite(joints[i].cap)} or set(usable)
    alone = {next(iter(joint)) for joint in touched if len(joint) == 1}
    chosen -= {i for i, _ in joint_equalities(model) if i not in alone}
    while True:
        names = [joints[i].name for i in chosen]
        apart = {name for found in torn(robot, names) for name in found.driven}
        if not apart:
            break
        chosen = {i for i in chosen if joints[i].name not in apart}
    return tuple(joints[i] for i in sorted(chosen))


def in_loops(model: mujoco.MjModel) -> set[int]:
    """The joints that equalities tie to others: one of them cannot be put elsewhere alone."""
    found: set[int] = set()
    objects = mujoco.mjtEq
    for i in range(model.neq):
        first, second = int(model.eq_obj1id[i]), int(model.eq_obj2id[i])
        if model.eq_type[i] == objects.mjEQ_JOINT:
            found |= {first, second}
        elif model.eq_type[i] in (objects.mjEQ_CONNECT, objects.mjEQ_WELD):
            bodies = [first, max(second, 0)]
            if model.eq_objtype[i] == mujoco.mjtObj.mjOBJ_SITE:
                bodies = [int(model.site_bodyid[site]) for site in (first, second)]
            found |= between(model, bodies)
        elif model.eq_type[i] == objects.mjEQ_TENDON:
            found |= set(range(model.njnt))
    return found


class Servos:
    """Servos for the joints of a robot, which is looked at once.

    The gains are those of the model's own servos, where it has any and they are stable at its
    timestep; else they come from the torque that the motor gives and the inertia at the joint.

    Args:
        robot: the robot as its model has it.
        joints: what to drive.

    Attributes:
        implicit: whether the task's integrator is to treat the damping of servos implicitly: a
            servo would have to do with much less than it needs for that of the model.
    """

    def __init__(self, robot: Robot, joints: Iterable[Joint]) -> None:
        self._joints = tuple(joints)
        self._seen = _Seen(robot, self._joints)
        for joint in self._joints:
            self._seen.motor(joint, 1.0)
        self.implicit = self._seen.damped < 0.7
        self._seen.implicit |= self.implicit

    def motors(self, softer: float = 1.0) -> dict[Motor, tuple[Joint, ...]]:
        """A servo for each joint, those that are alike together, with all gains times a factor."""
        found: dict[Motor, tuple[Joint, ...]] = {}
        for joint in self._joints:
            motor = self._seen.motor(joint, softer)
            found[motor] = (*found.get(motor, ()), joint)
        return {m: js for motor, js in found.items() for m in [_scaled(motor, js)]}


def weightless(robot: Robot, joints: Iterable[Joint]) -> str | None:
    """The first of the joints that moves no mass at all, or one that is not a finite number."""
    data: Any = mujoco.MjData(robot.model)
    data.qpos[:] = robot.facts.home
    mujoco.mj_forward(robot.model, data)
    mass = np.zeros((robot.model.nv, robot.model.nv))
    mujoco.mj_fullM(robot.model, data, mass)
    finite = bool(np.isfinite(mass).all())
    names = (j.name for j in joints if not (finite and mass[j.dof, j.dof] > 1e-14))
    return next(names, None)


def _scaled(motor: Motor, joints: tuple[Joint, ...]) -> Motor:
    """A motor of which an action of 1 stays well within its joints' ranges."""
    if motor.kind == "velocity":
        return motor
    spans = [j.limits[1] - j.limits[0] for j in joints if j.limits is not None]
    widest = {"hinge": 0.3, "slide": 0.1}[motor.type]
    if motor.type == "slide" and spans:  # along a long rail, farther
        widest = max(widest, round_up(0.02 * min(*spans, 10.0)))
    scale = min([widest, *(0.25 * span for span in spans if span > 0)])
    scale = scale if scale == widest else round_down(scale)
    return Motor(motor.kind, motor.type, motor.kp, motor.kd, motor.limit, scale)


class _Seen:
    """What the home pose and others between the limits show of a robot's joints.

    An arm that hangs or stands upright at home has next to nothing to turn about its length, and
    no weight to hold; both are there once it reaches out.

    Attributes:
        carried: the largest inertia at each degree of freedom, the others held, kg*m^2 or kg.
        felt: the smallest one, the others free.
        load: the largest force or torque to hold the robot still, N*m or N.
        implicit: whether the damping of servos is treated implicitly.
        damped: the least share of the damping that it needs that a servo has got.
    """

    def __init__(self, robot: Robot, driven: Sequence[Joint]) -> None:
        self.robot, self.model = robot, robot.model
        model, all_joints = robot.model, robot.facts.joints
        self.moved = carried(model, [all_joints.index(joint) for joint in driven])
        data: Any = mujoco.MjData(model)
        mass = np.zeros((model.nv, model.nv))
        self.carried, self.load = np.zeros(model.nv), np.zeros(model.nv)
        self.felt = np.full(model.nv, np.inf)
        for pose in (*_poses(robot), robot.facts.home):
            data.qpos[:] = pose
            mujoco.mj_forward(model, data)
            mujoco.mj_fullM(model, data, mass)
            self.carried = np.maximum(self.carried, np.diag(mass))
            self.felt = np.minimum(self.felt, 1.0 / np.diag(np.linalg.pinv(mass)))
            held = data.qfrc_bias - data.qfrc_spring - data.qfrc_gravcomp
            self.load = np.maximum(self.load, np.abs(held))
        self._level(driven, np.diag(mass))
        self.implicit = damps_implicitly(model)
        self.damped = 1.0
        self.wheels = _wheels(robot, data, [joint.name for joint in driven])

    def _level(self, driven: Sequence[Joint], home: np.ndarray) -> None:
        """Joints that are alike are seen alike: random poses show more of one than of another.

        Args:
            driven: the joints.
            home: the inertia at each degree of freedom in the home pose, kg*m^2 or kg.
        """
        groups: list[list[Joint]] = []
        for joint in driven:
            found = (g for g in groups if self._alike(g[0], joint, home))
            group = next(found, None)
            if group is None:
                groups.append([joint])
            else:
                group.append(joint)
        for group in groups:
            at = [joint.dof for joint in group]
            self.carried[at] = self.carried[at].max()
            self.felt[at] = self.felt[at].min()
            self.load[at] = self.load[at].max()

    def _alike(self, one: Joint, other: Joint, home: np.ndarray) -> bool:
        """Whether two joints are the same but for the limb that they are of."""
        first, second = ((j.type, j.effort, self._damping(j)) for j in (one, other))
        spans = [sorted(map(abs, j.limits)) if j.limits else [] for j in (one, other)]
        if first != second or len(spans[0]) != len(spans[1]):
            return False
        reach = np.allclose(spans[0], spans[1], rtol=ALIKE, atol=1e-6)
        return reach and bool(np.isclose(home[one.dof], home[other.dof], rtol=ALIKE, atol=0.0))

    def motor(self, joint: Joint, softer: float) -> Motor:
        kp, kd = self._own(joint)
        own = kp > 0 or kd > 0
        speed = 10.0 if joint.type == "hinge" else 0.5
        if not own and (rolls := self.wheels.get(joint.name)) is not None:
            kd = rolls * ROLLING if joint.effort is None else joint.effort / speed
        if kp <= 0 and kd > 0 and joint.limits is None:
            kd = self._settle(joint, 0.0, kd * softer, exact=own)[1]
            return Motor("velocity", joint.type, 0.0, kd, self._limit(joint, kd * speed), speed)
        own = kp > 0  # else the damping is that of a servo of speeds, or of the motor
        if not own:
            kp, kd = min(self._stiffness(joint), self._stiffest(joint)), 0.0
        if kd <= 0:  # the model's own damping of the joint counts
            carried = float(self.carried[joint.dof])
            kd = 2.0 * DAMPING * math.sqrt(kp * carried) - self._damping(joint)
            kd = round_down(kd, _FINER) if kd > 1e-9 else 0.0
        kp, kd = self._settle(joint, kp * softer, max(kd, 0.0) * softer, exact=own)
        limit = self._limit(joint, 2.0 * kp * DEFLECTION[joint.type])
        return Motor("position", joint.type, kp, kd, limit, 0.0)

    def _own(self, joint: Joint) -> tuple[float, float]:
        """kp and kd that the model's own servos give a joint, all together; 0 without any."""
        model, index = self.model, self.robot.facts.joints.index(joint)
        kp = kd = 0.0
        for i in range(model.nu):
            share = lever(model, i, self.moved[index])
            if share and model.actuator_biastype[i] == mujoco.mjtBias.mjBIAS_AFFINE:
                kp -= float(model.actuator_biasprm[i, 1]) * share**2
                kd -= float(model.actuator_biasprm[i, 2]) * share**2
        return kp, kd

    def _stiffness(self, joint: Joint) -> float:
        if joint.effort is not None:
            return joint.effort / DEFLECTION[joint.type]
        inertia, load = float(self.carried[joint.dof]), float(self.load[joint.dof])
        return max(inertia * BANDWIDTH**2, load / (0.2 * DEFLECTION[joint.type]))

    def _stiffest(self, joint: Joint) -> float:
        """The largest kp that the timestep bears."""
        return 0.1 * float(self.felt[joint.dof]) / self.robot.facts.timestep**2

    def _damping(self, joint: Joint) -> float:
        return float(np.ravel(self.model.dof_damping[joint.dof])[0])

    def _settle(
        self, joint: Joint, kp: float, kd: float, exact: bool = False
    ) -> tuple[float, float]:
        """Gains that are stable at the timestep: as they are if they may be, else smaller ones."""
        h, inertia = self.robot.facts.timestep, float(self.felt[joint.dof])
        if exact and growth(inertia, kp, kd, self._damping(joint), h, self.implicit) <= 1.0 + 1e-9:
            return float(f"{kp:.6g}"), float(f"{kd:.6g}")
        if kp > (most := self._stiffest(joint)):  # with the damping ratio that it has
            kp, kd = most, kd * math.sqrt(most / kp)
        kp = round_down(max(kp, 1e-9)) if kp else 0.0
        most = math.inf if self.implicit else 0.3 * inertia / h
        self.damped = min(self.damped, most / kd if kd > 0 else 1.0)
        kd = min(kd, most)
        return kp, round_down(kd, _FINER if kp else _ROUND) if kd > 1e-9 else 0.0

    def _limit(self, joint: Joint, enough: float) -> float | None:
        """None where the model says it; else what holds the robot and turns it about."""
        if joint.effort is not None:
            return None
        limit = round_up(max(enough, 2.0 * float(self.load[joint.dof])))
        return min(limit, joint.cap) if joint.cap > 0 else limit


def _poses(robot: Robot) -> Iterator[np.ndarray]:
    """Poses with the joints anywhere between their limits; the base, and what has none, at home.

    Limits that stand for none, such as -1000 to 1000, are no places to be in: a hinge turns up to
    half a turn from home, and a slide moves up to the size of the model.
    """
    random = np.random.default_rng(0)
    limited = [j for j in robot.facts.motion_joints if j.limits and np.isfinite(j.limits).all()]
    tied = in_loops(robot.model)
    moved = [j for j in limited if robot.facts.joints.index(j) not in tied]
    for _ in range(POSES if moved else 0):
        pose = np.array(robot.facts.home, float)
        for joint in moved:
            (low, high), home = joint.limits or (0.0, 0.0), pose[joint.qpos]
            far = math.pi if joint.type == "hinge" else float(robot.model.stat.extent)
            low, high = max(low, min(home - far, high)), min(high, max(home + far, low))
            pose[joint.qpos] = random.uniform(low, high)
        yield pose


def _wheels(robot: Robot, data: Any, driven: list[str]) -> dict[str, float]:
    """The joints of wheels -> the inertia that each turns with its share of the robot, kg*m^2.

    A wheel is the last of its branch on a base that floats. Its axis lies level, its joint has no
    limits, and it is balanced: however it is turned, it stands alike.

    Args:
        robot: the robot.
        data: it in its home pose.
        driven: the names of the joints that a task drives.
    """
    model = robot.model
    root = bases.likely(model, driven)
    if not bases.floats(model, root):
        return {}
    radii: dict[str, tuple[int, float]] = {}
    for index, joint in enumerate(robot.facts.joints):
        body, axis = int(model.jnt_bodyid[index]), data.xaxis[index]
        if joint.name not in driven or joint.type != "hinge" or joint.limits is not None:
            continue
        part = model.body_weldid == body  # what turns with it
        last = not np.any(part[model.body_parentid] & ~part)
        size = float(model.geom_rbound[part[model.geom_bodyid]].max(initial=0.0))
        off = np.linalg.norm(np.cross(axis, data.subtree_com[body] - data.xanchor[index]))
        alone = last and int(model.body_jntnum[body]) == 1
        if alone and abs(float(axis[2])) < 0.5 and off < 0.05 * size:
            radii[joint.name] = joint.dof, size
    mass = float(model.body_subtreemass[root]) / max(1, len(radii))
    return {
        name: float(model.dof_M0[dof]) + mass * radius**2 for name, (dof, radius) in radii.items()
    }


def diverges(robot: Robot, targets: Iterable[tuple[str, float, float]], substeps: int) -> bool:
    """Whether a robot blows up within some ticks of random targets.

    Args:
        robot: with the actuators of a task, or as it is.
        targets: (actuator, control at home, change of an action of 1).
        substeps: timesteps of a tick.
    """
    model, rng = robot.model, np.random.default_rng(0)
    data: Any = mujoco.MjData(model)
    data.qpos[:] = robot.facts.home
    data.act[:] = robot.act
    for name, value in robot.held.items():
        data.ctrl[model.actuator(name).id] = value
    drives = [(model.actuator(name).id, home, scale) for name, home, scale in targets]
    for _ in range(TICKS):
        for index, home, scale in drives:
            data.ctrl[index] = home + scale * rng.uniform(-1.0, 1.0)
        for _ in range(substeps):
            mujoco.mj_step(model, data)
        bad = mujoco.mjtWarning
        if any(data.warning[w].number for w in (bad.mjWARN_BADQPOS, bad.mjWARN_BADQVEL)):
            return True
        if data.warning[bad.mjWARN_BADQACC].number or not np.isfinite(data.qpos).all():
            return True
    return False
