"""What the tests of observations share: robots, what is seen of each, and MuJoCo's own values."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.pipeline import compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import ModelFiles, read_files
from ksim_schema.diagnostics import Diagnostic, Sink, has_errors, render_text
from ksim_schema.source import parse
from tests.ksim_compiler.engine.bodies import WALKER

ROOT = Path(__file__).parents[3]
ROBOTS = ROOT / "tasks" / "robots"
GOLDEN = Path(os.environ.get("KSIM_GOLDEN", ROOT.parent / "shared" / "golden")) / "humanoid.xml"

Reference = Callable[[mujoco.MjModel, mujoco.MjData], Any]
"""MuJoCo's own value, from data as ``mj_step`` leaves it."""


@dataclass(frozen=True)
class Seen:
    """An observation in YAML and its value by plain MuJoCo."""

    part: str
    value: Reference
    atol: float = 1e-4
    """Largest difference where both compute in their own precision."""


@dataclass(frozen=True)
class Case:
    """A robot and what the tests name on it."""

    model: Path | str
    """A file, or the text of one."""
    action: str
    root: str
    bodies: tuple[str, ...]
    sites: tuple[str, ...]
    joints: tuple[str, ...]
    feet: Mapping[str, str] = field(default_factory=dict)
    """Foot geom -> its body."""
    home: str = "home: {keyframe: home}"
    sensors: tuple[str, ...] = ()

    @property
    def files(self) -> ModelFiles:
        """The model's file and what it includes."""
        if isinstance(self.model, Path):
            return read_files(self.model)
        return ModelFiles("robot.xml", {"robot.xml": self.model.encode()})

    @property
    def driven(self) -> str:
        """A pattern of the driven joints that are looked at."""
        return "[" + ", ".join(self.joints) + "]"


SERVOS = "kind: position_target, scale: 0.4 rad, gains: {kp: 40 N*m/rad, kd: 1 N*m*s/rad}"
CASES = {
    "humanoid": Case(
        ROBOTS / "humanoid" / "scene.xml",
        "{" + SERVOS + "}",
        root="torso",
        bodies=("pelvis", "foot_left"),
        sites=("sole_left", "sole_right", "imu"),
        joints=("knee_left", "elbow_right"),
        feet={"foot_left": "foot_left", "foot_right": "foot_right"},
        sensors=("imu_gyro", "imu_accelerometer"),
    ),
    "quadruped": Case(
        ROBOTS / "quadruped" / "scene.xml",
        "{" + SERVOS + "}",
        root="torso",
        bodies=("shin_rear_left", "hip_front_right"),
        sites=("sole_rear_right", "sole_front_left"),
        joints=("knee_front_left", "hip_roll_rear_right"),
        feet={"foot_front_left": "shin_front_left", "foot_rear_right": "shin_rear_right"},
        sensors=("imu_gyro",),
    ),
    "arm": Case(
        ROBOTS / "arm" / "scene.xml",
        "{" + SERVOS + "}",
        root="base",
        bodies=("hand", "forearm"),
        sites=("tip",),
        joints=("elbow", "wrist_roll"),
    ),
    "cartpole": Case(
        ROBOTS / "cartpole" / "scene.xml",
        "{kind: torque, joints: slide, scale: 10 N}",
        root="cart",
        bodies=("pole", "cart"),
        sites=("tip",),
        joints=("slide", "pole"),
    ),
    "walker": Case(
        WALKER,
        "{kind: position_target, scale: 0.4 rad, gains: {kp: 60 N*m/rad, kd: 2 N*m*s/rad}, "
        "torque_limit: 12 N*m}",
        root="torso",
        bodies=("right", "torso"),
        sites=("imu",),
        joints=("hip_right", "hip_left"),
        feet={"toe_left": "left", "heel_right": "right"},
        home="",
    ),
    "golden": Case(
        GOLDEN,
        "{" + SERVOS.replace("kp: 40", "kp: 20") + ", torque_limit: 100 N*m}",
        root="torso",
        bodies=("pelvis", "hand_left"),
        sites=("left_foot", "imu"),
        joints=("knee_left", "abdomen_x"),
        feet={"foot_left": "foot_left", "foot_right": "foot_right"},
        home="",
        sensors=("imu_acc", "left_foot_force"),
    ),
}


def task_text(case: Case, parts: Mapping[str, str], control: str, extra: str = "") -> str:
    """A task in which the critic sees all parts, clean."""
    names = ", ".join(parts)
    lines = "\n".join(f"  {name}: {part}" for name, part in parts.items())
    return f"""
ksim: 1
task: test
PhysicsState:
  robot:
    model: robots/robot.xml
    timestep: 4 ms
    control: {control}
    solver: {{iterations: 50, ls_iterations: 50}}
    {case.home}
Observation:
{lines}
Action:
  action: {case.action}
Policy:
  actor: {{read: [{next(iter(parts))}]}}
Critic:
  critic: {{judge: {{clean: [{names}]}}}}
Reward:
  alive: {{kind: stay_alive}}
{
        extra
        or '''Termination:
  limit: {kind: episode_length, after: 10 s}'''
    }
"""


def compile_text(text: str, files: ModelFiles) -> tuple[Plan | None, list[Diagnostic], str]:
    """The plan, what was found, and that as text."""
    found = Sink()
    document = parse(textwrap.dedent(text), "test.yaml", found)
    assert document is not None, found
    compiled = compile_document(document, files)
    report = render_text(compiled.diagnostics, compiled.sources)
    return compiled.plan, compiled.diagnostics, report


def plan_of(text: str, files: ModelFiles) -> Plan:
    """The plan of a task without errors."""
    plan, found, report = compile_text(text, files)
    assert plan is not None, report
    assert not has_errors(found), report
    return plan


def plan_with(case: Case, parts: Mapping[str, Seen], control: str) -> Plan:
    """The plan of a task that observes these."""
    return plan_of(task_text(case, {n: s.part for n, s in parts.items()}, control), case.files)


def everything(case: Case) -> dict[str, Seen]:
    """An observation of each kind that MuJoCo knows a value of, on this robot."""
    root, bodies, sites = case.root, case.bodies, case.sites
    seen = {
        "base_position": Seen("{kind: base_position}", lambda m, d: d.body(root).xpos),
        "base_height": Seen("{kind: base_height}", lambda m, d: d.body(root).xpos[2:]),
        "base_orientation": Seen("{kind: base_orientation}", lambda m, d: d.body(root).xquat),
        "base_rotation": Seen(
            "{kind: base_orientation, form: rotation_6d}", lambda m, d: _axes(d.body(root))
        ),
        "linvel": Seen("{kind: base_linear_velocity}", lambda m, d: _velocity(m, d, root, 1)[3:]),
        "linvel_world": Seen(
            "{kind: base_linear_velocity, frame: world}",
            lambda m, d: _velocity(m, d, root, 0)[3:],
        ),
        "angvel": Seen("{kind: base_angular_velocity}", lambda m, d: _velocity(m, d, root, 1)[:3]),
        "angvel_world": Seen(
            "{kind: base_angular_velocity, frame: world}",
            lambda m, d: _velocity(m, d, root, 0)[:3],
        ),
        "proper": Seen(
            "{kind: base_linear_acceleration, gravity: true}",
            lambda m, d: _acceleration(m, d, root, 1)[3:],
            atol=2e-2,
        ),
        "linacc": Seen(
            "{kind: base_linear_acceleration, frame: world}",
            lambda m, d: _acceleration(m, d, root, 0)[3:] + m.opt.gravity,
            atol=2e-2,
        ),
        "angacc": Seen(
            "{kind: base_angular_acceleration}",
            lambda m, d: _acceleration(m, d, root, 1)[:3],
            atol=2e-1,
        ),
        "gravity": Seen(f"{{kind: projected_gravity, body: {bodies[0]}}}", _gravity(bodies[0])),
        "joint_position": Seen("{kind: joint_position}", lambda m, d: d.qpos[_scalars(m, 0)]),
        "joint_relative": Seen(
            f"{{kind: joint_position, joints: {case.driven}, relative_to: home}}",
            lambda m, d: (d.qpos - _home(m))[_of(m, case.joints, 0)],
        ),
        "joint_velocity": Seen("{kind: joint_velocity}", lambda m, d: d.qvel[_scalars(m, 1)]),
        "joint_acceleration": Seen(
            f"{{kind: joint_acceleration, joints: {case.driven}}}",
            lambda m, d: d.qacc[_of(m, case.joints, 1)],
            atol=5e-1,
        ),
        "actuator_force": Seen("{kind: actuator_force}", _actuator_force, atol=1e-3),
        "body_position": Seen(
            f"{{kind: body_position, bodies: [{', '.join(bodies)}]}}",
            lambda m, d: [d.body(b).xpos for b in bodies],
        ),
        "body_position_robot": Seen(
            f"{{kind: body_position, bodies: [{', '.join(bodies)}], frame: robot}}",
            lambda m, d: [_local(d, root, d.body(b).xpos) for b in bodies],
        ),
        "body_orientation": Seen(
            f"{{kind: body_orientation, bodies: [{', '.join(bodies)}]}}",
            lambda m, d: [d.body(b).xquat for b in bodies],
        ),
        "body_rotation_robot": Seen(
            f"{{kind: body_orientation, bodies: {bodies[0]}, frame: robot, form: rotation_6d}}",
            lambda m, d: (_matrix(d.body(root)).T @ _matrix(d.body(bodies[0])))[:, :2].T,
        ),
        "body_velocity": Seen(
            f"{{kind: body_velocity, bodies: [{', '.join(bodies)}]}}",
            lambda m, d: [_velocity(m, d, b, 0)[3:] for b in bodies],
        ),
        "body_turning_robot": Seen(
            f"{{kind: body_velocity, bodies: {bodies[0]}, motion: angular, frame: robot}}",
            lambda m, d: _matrix(d.body(root)).T @ _velocity(m, d, bodies[0], 0)[:3],
        ),
        "site_position": Seen(
            f"{{kind: site_position, sites: [{', '.join(sites)}]}}",
            lambda m, d: [d.site(s).xpos for s in sites],
        ),
        "site_orientation": Seen(
            f"{{kind: site_orientation, sites: [{', '.join(sites)}], form: rotation_6d}}",
            lambda m, d: [_axes(d.site(s)) for s in sites],
        ),
        "feet_position": Seen(
            f"{{kind: feet_position, sites: [{', '.join(sites)}]}}",
            lambda m, d: [_local(d, root, d.site(s).xpos) for s in sites],
        ),
        "feet_orientation": Seen(
            f"{{kind: feet_orientation, sites: {sites[0]}, frame: robot, form: rotation_6d}}",
            lambda m, d: (_matrix(d.body(root)).T @ _matrix(d.site(sites[0])))[:, :2].T,
        ),
        "cinert": Seen("{kind: center_of_mass_inertia}", lambda m, d: d.cinert[1:]),
        "cvel": Seen("{kind: center_of_mass_velocity}", lambda m, d: d.cvel[1:], atol=1e-3),
        "height_scan": Seen(
            "{kind: height_scan, geoms: floor, points: [2, 2], offset: 0.5 m}",
            lambda m, d: [d.body(root).xpos[2] - 0.5] * 4,
        ),
    }
    for name in case.sensors:
        force = "acc" in name or "force" in name
        seen[f"sensor_{name}"] = Seen(
            f"{{kind: sensor, sensor: {name}}}",
            lambda m, d, n=name: d.sensor(n).data,
            atol=2e-1 if force else 1e-3,
        )
    if case.action.startswith("{kind: position_target"):
        seen["target"] = Seen(
            f"{{kind: commanded_joint_position, joints: {case.driven}}}",
            lambda m, d: [
                d.actuator(f"ksim/{j}").ctrl[0]
                for j in sorted(case.joints, key=lambda j: m.joint(j).id)
            ],
        )
    if case.feet:
        geoms, owners = list(case.feet), list(case.feet.values())
        inner, outer = ", ".join(geoms), ", ".join(owners)
        seen |= {
            "feet_contact": Seen(
                f"{{kind: feet_contact, geoms: [{inner}]}}",
                lambda m, d: [_touch(m, d, {g}, None) for g in geoms],
            ),
            "contact": Seen(
                f"{{kind: contact, geoms: [{inner}], with: floor, each: group}}",
                lambda m, d: [_touch(m, d, set(geoms), {"floor"})],
            ),
            "contact_bodies": Seen(
                f"{{kind: contact, bodies: [{outer}]}}",
                lambda m, d: [_touch(m, d, _geoms_of(m, b), None) for b in owners],
            ),
            "feet_force": Seen(
                f"{{kind: feet_force, feet: [{outer}]}}",
                lambda m, d: [_load(m, d, b)[0] for b in owners],
                atol=5e-1,
            ),
            "feet_force_local": Seen(
                f"{{kind: feet_force, feet: {owners[0]}, frame: foot}}",
                lambda m, d: _matrix(d.body(owners[0])).T @ _load(m, d, owners[0])[0],
                atol=5e-1,
            ),
            "feet_torque": Seen(
                f"{{kind: feet_torque, feet: [{outer}]}}",
                lambda m, d: [_load(m, d, b)[1] for b in owners],
                atol=1e-1,
            ),
        }
    return seen


def _matrix(frame: Any) -> np.ndarray:
    return frame.xmat.reshape(3, 3)


def _axes(frame: Any) -> np.ndarray:
    return _matrix(frame)[:, :2].T.ravel()


def _local(d: mujoco.MjData, root: str, point: np.ndarray) -> np.ndarray:
    return _matrix(d.body(root)).T @ (point - d.body(root).xpos)


def _gravity(body: str) -> Reference:
    return lambda m, d: _matrix(d.body(body)).T @ [0.0, 0.0, -1.0]


def _velocity(m: mujoco.MjModel, d: mujoco.MjData, body: str, local: int) -> np.ndarray:
    out = np.zeros(6)
    mujoco.mj_objectVelocity(m, d, mujoco.mjtObj.mjOBJ_XBODY, m.body(body).id, out, local)
    return out


def _acceleration(m: mujoco.MjModel, d: mujoco.MjData, body: str, local: int) -> np.ndarray:
    out = np.zeros(6)
    mujoco.mj_objectAcceleration(m, d, mujoco.mjtObj.mjOBJ_XBODY, m.body(body).id, out, local)
    return out


def _scalars(m: mujoco.MjModel, order: int) -> list[int]:
    address = (m.jnt_qposadr, m.jnt_dofadr)[order]
    return [
        int(address[i]) for i in range(m.njnt) if m.jnt_type[i] >= int(mujoco.mjtJoint.mjJNT_SLIDE)
    ]


def _of(m: mujoco.MjModel, joints: tuple[str, ...], order: int) -> list[int]:
    address = (m.jnt_qposadr, m.jnt_dofadr)[order]
    return [int(address[i]) for i in sorted(m.joint(j).id for j in joints)]


def _home(m: mujoco.MjModel) -> np.ndarray:
    return m.key("home").qpos if m.nkey else m.qpos0


def _actuator_force(m: mujoco.MjModel, d: mujoco.MjData) -> np.ndarray:
    force = np.zeros(m.njnt)
    np.add.at(force, m.actuator_trnid[:, 0], d.actuator_force)
    return np.array(
        [force[i] for i in range(m.njnt) if m.jnt_type[i] >= int(mujoco.mjtJoint.mjJNT_SLIDE)]
    )


def _geoms_of(m: mujoco.MjModel, body: str) -> set[str]:
    return {m.geom(i).name for i in range(m.ngeom) if m.geom_bodyid[i] == m.body(body).id}


def _touch(m: mujoco.MjModel, d: mujoco.MjData, ours: set[str], others: set[str] | None) -> float:
    for contact in d.contact:
        names = [m.geom(int(g)).name for g in contact.geom]
        for own, other in (names, names[::-1]):
            if own in ours and (others is None or other in others):
                return 1.0
    return 0.0


def _load(m: mujoco.MjModel, d: mujoco.MjData, body: str) -> tuple[np.ndarray, np.ndarray]:
    """Force on a body and torque about its origin, summed over its contacts."""
    force, torque = np.zeros(3), np.zeros(3)
    for index, contact in enumerate(d.contact):
        wrench = np.zeros(6)
        mujoco.mj_contactForce(m, d, index, wrench)
        frame = contact.frame.reshape(3, 3)
        for sign, geom in zip((-1.0, 1.0), contact.geom, strict=True):
            if m.geom_bodyid[geom] == m.body(body).id:
                f, t = sign * frame.T @ wrench[:3], sign * frame.T @ wrench[3:]
                force += f
                torque += t + np.cross(contact.pos - d.body(body).xpos, f)
    return force, torque
