"""What of a model the meaning of a number rests on: axes, zeros, frames, sensors, gears.

Two models are compared part by part. What is compared is what the numbers are about, and not how
heavy or strong the robot is: a joint's axis, its zero and the point it turns about; where a frame
sits on its link; what a sensor is attached to; the sign of a motor's gear. A link is a body with
all that is fixed to it, so that a body put between two others changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np

from ksim_schema.records import dataclass

Key = tuple[str, str]
"""What and its name: ``("joint", "knee")``; joint, body, site, geom, camera, sensor, actuator."""
_TYPES = ("free joint", "ball joint", "slide", "hinge")
_OBJECTS = {
    int(mujoco.mjtObj.mjOBJ_BODY): "body",
    int(mujoco.mjtObj.mjOBJ_XBODY): "body",
    int(mujoco.mjtObj.mjOBJ_SITE): "site",
    int(mujoco.mjtObj.mjOBJ_GEOM): "geom",
    int(mujoco.mjtObj.mjOBJ_CAMERA): "camera",
    int(mujoco.mjtObj.mjOBJ_JOINT): "joint",
    int(mujoco.mjtObj.mjOBJ_ACTUATOR): "actuator",
    int(mujoco.mjtObj.mjOBJ_TENDON): "tendon",
    int(mujoco.mjtObj.mjOBJ_SENSOR): "sensor",
}
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Placed:
    """A frame on a link.

    Attributes:
        link: the body that moves, "world" for none.
        position: in the link's frame, m.
        turn: its rotation matrix there.
    """

    link: str
    position: Array
    turn: Array


@dataclass(frozen=True)
class JointTraits:
    """A joint, seen from the link that its body hangs from, with all joints at zero.

    Attributes:
        type: hinge, slide, ball joint or free joint.
        axis: unit vector; zeros for a ball or free joint.
        anchor: a hinge's or ball's point in the frame of its own body, without what lies along the
            axis, m.
        turn: rotation matrix of its body.
        place: position of its body, m.
        limits: lower and upper limit, or None.
        gear: signs of the gears of the motors on it.
    """

    type: str
    axis: Array
    anchor: Array
    turn: Array
    place: Array
    limits: tuple[float, ...] | None
    gear: tuple[float, ...]


@dataclass(frozen=True)
class SensorTraits:
    """A sensor: its type and settings, what it is attached to and what it is relative to."""

    type: str
    settings: tuple[Any, ...]
    of: Key
    relative: Key


@dataclass(frozen=True)
class Anatomy:
    """The traits of a model by name; the contents of a link are what its frame is told by."""

    joints: Mapping[str, JointTraits]
    frames: Mapping[Key, Placed]
    contents: Mapping[str, tuple[Placed, ...]]
    sensors: Mapping[str, SensorTraits]
    others: Mapping[Key, tuple[Any, ...]]
    """What actuators and tendons act on, and with which factors."""


def anatomy(model: mujoco.MjModel) -> Anatomy:
    """Read the traits of a model."""
    data: Any = mujoco.MjData(model)
    for joint in range(model.njnt):
        start = model.jnt_qposadr[joint]
        if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_BALL:
            data.qpos[start : start + 4] = 1, 0, 0, 0
        elif model.jnt_type[joint] != mujoco.mjtJoint.mjJNT_FREE:
            data.qpos[start] = 0.0
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)
    reader = _Reader(model, data)
    return Anatomy(
        reader.joints(), reader.frames(), reader.contents(), reader.sensors(), reader.others()
    )


class _Reader:
    def __init__(self, model: mujoco.MjModel, data: Any) -> None:
        self.model, self.data = model, data

    def name(self, what: str, index: int) -> str:
        kind = getattr(mujoco.mjtObj, f"mjOBJ_{what.upper()}")
        return mujoco.mj_id2name(self.model, kind, index) or f"{what} {index}"

    def placed(self, body: int, position: Array, matrix: Array) -> Placed:
        """A frame of the world on the link that a body belongs to."""
        link = int(self.model.body_weldid[body])
        base = self.data.xmat[link].reshape(3, 3)
        offset = base.T @ (position - self.data.xpos[link])
        return Placed(self.name("body", link), offset, base.T @ matrix.reshape(3, 3))

    def joints(self) -> dict[str, JointTraits]:
        return {self.name("joint", i): self.joint(i) for i in range(self.model.njnt)}

    def joint(self, index: int) -> JointTraits:
        model, body = self.model, int(self.model.jnt_bodyid[index])
        kind = int(model.jnt_type[index])
        above = self.placed(
            int(model.body_parentid[body]), self.data.xpos[body], self.data.xmat[body]
        )
        link = int(model.body_weldid[model.body_parentid[body]])
        turned = kind in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
        axis = np.zeros(3)
        anchor = np.zeros(3)
        if turned:
            axis = self.data.xmat[link].reshape(3, 3).T @ self.data.xaxis[index]
        if kind in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_BALL):
            along = model.jnt_axis[index] * float(turned)
            anchor = model.jnt_pos[index] - along * float(along @ model.jnt_pos[index])
        limits = model.jnt_range[index] if model.jnt_limited[index] else None
        gear = tuple(
            float(np.sign(model.actuator_gear[i, 0]))
            for i in range(model.nu)
            if model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT
            and model.actuator_trnid[i, 0] == index
        )
        bounds = None if limits is None else tuple(float(x) for x in limits)
        return JointTraits(
            _TYPES[kind], axis, np.array(anchor), above.turn, above.position, bounds, gear
        )

    def frames(self) -> dict[Key, Placed]:
        model, data = self.model, self.data
        bodies = [("body", i, i, data.xpos[i], data.xmat[i]) for i in range(model.nbody)]
        sites = [
            ("site", i, int(model.site_bodyid[i]), data.site_xpos[i], data.site_xmat[i])
            for i in range(model.nsite)
        ]
        geoms = [
            ("geom", i, int(model.geom_bodyid[i]), data.geom_xpos[i], data.geom_xmat[i])
            for i in range(model.ngeom)
        ]
        cameras = [
            ("camera", i, int(model.cam_bodyid[i]), data.cam_xpos[i], data.cam_xmat[i])
            for i in range(model.ncam)
        ]
        return {
            (what, self.name(what, index)): self.placed(body, position, matrix)
            for what, index, body, position, matrix in (*bodies, *sites, *geoms, *cameras)
        }

    def contents(self) -> dict[str, tuple[Placed, ...]]:
        """Of each link its geoms, and the links that hang from it."""
        model, data = self.model, self.data
        found: dict[str, list[Placed]] = {
            self.name("body", i): [] for i in range(model.nbody) if model.body_weldid[i] == i
        }
        for i in range(model.ngeom):
            body = int(model.geom_bodyid[i])
            placed = self.placed(body, data.geom_xpos[i], data.geom_xmat[i])
            found[placed.link].append(placed)
        for i in range(1, model.nbody):
            if model.body_weldid[i] == i:
                placed = self.placed(int(model.body_parentid[i]), data.xpos[i], data.xmat[i])
                found[placed.link].append(placed)
        return {name: tuple(placed) for name, placed in found.items()}

    def sensors(self) -> dict[str, SensorTraits]:
        model, found = self.model, dict[str, SensorTraits]()
        for i in range(model.nsensor):
            kind = mujoco.mjtSensor(model.sensor_type[i]).name.removeprefix("mjSENS_").lower()
            settings = (
                float(model.sensor_cutoff[i]),
                int(model.sensor_dim[i]),
                *(int(x) for x in np.atleast_1d(model.sensor_intprm[i])),
            )
            of = self.key(int(model.sensor_objtype[i]), int(model.sensor_objid[i]))
            relative = self.key(int(model.sensor_reftype[i]), int(model.sensor_refid[i]))
            found[self.name("sensor", i)] = SensorTraits(kind, settings, of, relative)
        return found

    def key(self, kind: int, index: int) -> Key:
        what = _OBJECTS.get(kind, "")
        return (what, self.name(what, index)) if what and index >= 0 else ("", "")

    def others(self) -> dict[Key, tuple[Any, ...]]:
        model, found = self.model, dict[Key, tuple[Any, ...]]()
        for i in range(model.nu):
            what = {0: "joint", 1: "joint", 3: "tendon", 4: "site", 5: "body"}
            end = what.get(int(model.actuator_trntype[i]), "")
            name = self.name(end, int(model.actuator_trnid[i, 0])) if end else ""
            gear = tuple(float(x) for x in model.actuator_gear[i])
            found["actuator", self.name("actuator", i)] = (end, name, *gear)
        for i in range(model.ntendon):
            first, count = int(model.tendon_adr[i]), int(model.tendon_num[i])
            steps = [
                (int(model.wrap_type[k]), self.wrapped(k), float(model.wrap_prm[k]))
                for k in range(first, first + count)
            ]
            found["tendon", self.name("tendon", i)] = tuple(steps)
        return found

    def wrapped(self, index: int) -> str:
        what = {1: "joint", 3: "site", 4: "geom", 5: "geom"}.get(int(self.model.wrap_type[index]))
        return self.name(what, int(self.model.wrap_objid[index])) if what else ""
