"""The facts of a compiled model: what the language knows of a robot."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.robot.bases import likely
from ksim_compiler.robot.ground import grid, surfaces
from ksim_compiler.robot.limits import Moved, joint_cap, limit_of, reach, torque_limits
from ksim_compiler.robot.linked import links
from ksim_compiler.robot.measures import measures
from ksim_compiler.robot.transmission import carried
from ksim_schema.robot import Joint, RobotFacts, Sensor
from ksim_schema.vocabulary.state import Robot as RobotPart

_JOINT_TYPES = ("free", "ball", "slide", "hinge")


def read_facts(
    part: RobotPart,
    model: mujoco.MjModel,
    base: str | None = None,
    driven: Collection[str] = (),
) -> RobotFacts:
    """What a model says of a robot.

    Args:
        part: the task's PhysicsState.
        model: the compiled model.
        base: the robot's base; by default the one that the part names, or that the model's own
            actuators and joints make likely.
        driven: joints that a task drives; what equalities tie to one of them, and nothing drives,
            counts to its motor limit.
    """

    def names(kind: mujoco.mjtObj, count: int) -> tuple[str, ...]:
        found = (mujoco.mj_id2name(model, kind, i) for i in range(count))
        return tuple(name or "" for name in found)

    obj = mujoco.mjtObj
    bodies = names(obj.mjOBJ_BODY, model.nbody)
    keyframes = names(obj.mjOBJ_KEY, model.nkey)
    home = model.qpos0
    if part.home.keyframe in keyframes:
        home = model.key_qpos[keyframes.index(part.home.keyframe)]
    root = base or part.base or ""
    if root not in bodies:
        root = bodies[likely(model)]
    pose = _Pose(model, home, bodies, names(obj.mjOBJ_SITE, model.nsite), bodies.index(root))
    named = names(obj.mjOBJ_JOINT, model.njnt)
    motors = [i for i, name in enumerate(named) if name and name in driven]
    moved = carried(model, motors)
    joints = tuple(
        _joint(model, i, name, bodies, home, pose, moved.get(i)) for i, name in enumerate(named)
    )
    sensors = {
        name: Sensor(
            name,
            _sensor_type(model, i),
            int(model.sensor_adr[i]),
            int(model.sensor_dim[i]),
            pose.frame_of(i),
            _joint_of(model, i, joints),
        )
        for i, name in enumerate(names(obj.mjOBJ_SENSOR, model.nsensor))
    }
    geoms = names(obj.mjOBJ_GEOM, model.ngeom)
    solid = [bool(model.geom_contype[i] or model.geom_conaffinity[i]) for i in range(model.ngeom)]
    for geom in (*model.pair_geom1, *model.pair_geom2):
        solid[geom] = True
    still = model.body_weldid[model.geom_bodyid] == 0
    seen = surfaces(model, part.terrain)
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
        root=root,
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
        site_bodies=tuple(int(i) for i in model.site_bodyid),
        solid=tuple(name for i, name in enumerate(geoms) if solid[i]),
        ground=tuple(name for i, name in enumerate(geoms) if solid[i] and still[i]),
        pairs=tuple(
            (geoms[one], geoms[other])
            for one, other in zip(model.pair_geom1, model.pair_geom2, strict=True)
        ),
        surfaces=seen,
        grid=grid(part.terrain, seen),
        torque_limits=torque_limits(model, joints, motors),
        axes=pose.axes(),
        encoded=_encoded(model, bodies, names(obj.mjOBJ_SITE, model.nsite), bodies.index(root)),
        measures=measures(model, pose.data, joints),
        links=links(model),
    )


def _encoded(
    model: mujoco.MjModel, bodies: tuple[str, ...], sites: tuple[str, ...], root: int
) -> frozenset[str]:
    """The frames of the base's tree that hinges and slides alone carry, from the world on."""
    known = {0}
    single = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))
    for body in range(1, model.nbody):
        first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        encoders = all(int(kind) in single for kind in model.jnt_type[first : first + count])
        placed = int(model.body_parentid[body]) in known and model.body_mocapid[body] < 0
        if encoders and placed and model.body_rootid[body] == model.body_rootid[root]:
            known.add(body)
    places = {f"body/{bodies[body]}" for body in known}
    at = model.site_bodyid
    return frozenset(places | {f"site/{n}" for i, n in enumerate(sites) if int(at[i]) in known})


class _Pose:
    """The home pose, seen from the base."""

    def __init__(
        self,
        model: mujoco.MjModel,
        home: np.ndarray,
        bodies: tuple[str, ...],
        sites: tuple[str, ...],
        base: int,
    ) -> None:
        self.model, self.bodies, self.sites = model, bodies, sites
        data: Any = mujoco.MjData(model)
        data.qpos[:] = home
        mujoco.mj_kinematics(model, data)
        self.data = data
        self.origin, self.turn = data.xpos[base], data.xmat[base].reshape(3, 3)

    def seen(self, vector: np.ndarray) -> tuple[float, ...]:
        """A vector in the base's frame."""
        return tuple(float(x) for x in self.turn.T @ vector)

    def axes(self) -> dict[str, tuple[float, ...]]:
        """The frames of bodies, sites and geoms, as :class:`RobotFacts` has them."""
        geoms = tuple(self.model.geom(i).name for i in range(self.model.ngeom))
        frames = (
            ("body", self.bodies, self.data.xmat),
            ("site", self.sites, self.data.site_xmat),
            ("geom", geoms, self.data.geom_xmat),
        )
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
    moved: Moved | None,
) -> Joint:
    kind = _JOINT_TYPES[model.jnt_type[index]]
    start = int(model.jnt_qposadr[index])
    size = {"free": 7, "ball": 4}.get(kind, 1)
    reached = reach(model, index, moved)
    limits = model.jnt_range[index] if model.jnt_limited[index] else None
    return Joint(
        name=name,
        type=kind,  # type: ignore[arg-type]
        qpos=start,
        dof=int(model.jnt_dofadr[index]),
        body=bodies[model.jnt_bodyid[index]],
        limits=None if limits is None else (float(limits[0]), float(limits[1])),
        effort=limit_of(reached),
        cap=joint_cap(model, index, moved),
        reach=(reached.low, reached.high),
        home=tuple(float(q) for q in home[start : start + size]),
        axis=pose.seen(pose.data.xaxis[index]),
        anchor=pose.seen(pose.data.xanchor[index] - pose.origin),
    )


def _joint_of(model: mujoco.MjModel, sensor: int, joints: tuple[Joint, ...]) -> str:
    """The joint that a sensor measures, or ""."""
    measures = model.sensor_objtype[sensor] == int(mujoco.mjtObj.mjOBJ_JOINT)
    return joints[model.sensor_objid[sensor]].name if measures else ""


def _sensor_type(model: mujoco.MjModel, index: int) -> str:
    return mujoco.mjtSensor(model.sensor_type[index]).name.removeprefix("mjSENS_").lower()
