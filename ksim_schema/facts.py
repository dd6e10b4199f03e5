"""What the language needs to know of a robot, as plain data.

The compiler reads these facts out of a MuJoCo model; the vocabulary's shape and unit rules are
functions of them. Indices are those of the compiled model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ksim_schema.quantity import ANGLE, LENGTH, Dimension

JointType = Literal["free", "ball", "slide", "hinge"]


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint of a model.

    Attributes:
        qpos: index of its first coordinate in qpos.
        dof: index of its first degree of freedom in qvel.
        limits: lower and upper limit in rad or m, or None.
        effort: the largest force (N) or torque (N*m) its motor may give, or None.
        home: its coordinates in the home pose.
    """

    name: str
    type: JointType
    qpos: int
    dof: int
    body: str
    limits: tuple[float, float] | None = None
    effort: float | None = None
    home: tuple[float, ...] = ()

    @property
    def dimension(self) -> Dimension:
        """Of its coordinate: an angle for a hinge, a length for a slide."""
        return LENGTH if self.type == "slide" else ANGLE


@dataclass(frozen=True, slots=True)
class SensorRequest:
    """A MuJoCo sensor that a component needs; the compiler adds it to the model.

    Attributes:
        type: the sensor's MJCF element, for example ``framelinvel`` or ``contact``.
        objtype: what it is attached to: body, xbody, site, geom.
        objname: its name.
        reftype: what it is measured relative to, or "".
        refname: its name.
        options: further MJCF attributes.
    """

    type: str
    objtype: str
    objname: str
    reftype: str = ""
    refname: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name that the sensor gets in the model: equal requests share one sensor."""
        parts = (self.type, self.objtype, self.objname, self.reftype, self.refname)
        text = "/".join(filter(None, parts))
        return "ksim/" + "/".join([text, *(f"{k}={v}" for k, v in self.options)])


@dataclass(frozen=True, slots=True)
class Drive:
    """An actuator that an action puts on a joint.

    Attributes:
        joint: the joint's name.
        kp: stiffness of a position servo (N*m/rad or N/m), or None for a plain motor.
        kd: damping of the servo (N*m*s/rad or N*s/m).
        limit: largest torque (N*m) or force (N).
    """

    joint: str
    limit: float
    kp: float | None = None
    kd: float = 0.0

    @property
    def name(self) -> str:
        """The actuator's name in the compiled model."""
        return f"ksim/{self.joint}"


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor of the compiled model: its slice of sensordata and what it measures."""

    name: str
    type: str
    address: int
    size: int


@dataclass(frozen=True)
class RobotFacts:
    """Names, indices and limits of a compiled MuJoCo model.

    Attributes:
        source: the model file as the user gave it, for messages.
        bodies: names of all bodies by index, "" for one without a name; so are geoms, sites,
            actuators and keyframes.
        timestep: physics timestep in seconds.
        home: qpos of the home pose.
        root: the body that the floating base moves, or the first moving body.
        contact_masks: geom name -> (contype, conaffinity).
    """

    source: str
    nq: int
    nv: int
    nu: int
    timestep: float
    joints: tuple[Joint, ...]
    bodies: tuple[str, ...]
    geoms: tuple[str, ...]
    sites: tuple[str, ...]
    sensors: Mapping[str, Sensor]
    actuators: tuple[str, ...]
    keyframes: tuple[str, ...]
    home: tuple[float, ...]
    root: str = ""
    mass: float = 0.0
    contact_masks: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {})

    def names(self, what: str) -> tuple[str, ...]:
        """All names of a kind of thing: joint, body, geom, site, sensor, actuator, keyframe."""
        return {
            "joint": tuple(j.name for j in self.joints if j.name),
            "body": tuple(filter(None, self.bodies)),
            "geom": tuple(filter(None, self.geoms)),
            "site": tuple(filter(None, self.sites)),
            "sensor": tuple(s for s in self.sensors if not s.startswith("ksim/")),
            "actuator": self.actuators,
            "keyframe": tuple(filter(None, self.keyframes)),
        }[what]

    @property
    def base(self) -> Joint | None:
        """The free joint of a robot that floats, or None."""
        return next((j for j in self.joints if j.type == "free"), None)

    @property
    def motion_joints(self) -> tuple[Joint, ...]:
        """The joints with one degree of freedom, in the model's order."""
        return tuple(j for j in self.joints if j.type in ("hinge", "slide"))

    def match_joints(self, patterns: Iterable[str]) -> tuple[Joint, ...]:
        """The hinges and slides that one of the patterns matches, in the model's order."""
        expressions = [re.compile(p) for p in patterns]
        return tuple(
            j
            for j in self.motion_joints
            if j.name and any(e.fullmatch(j.name) for e in expressions)
        )

    def body_id(self, name: str) -> int:
        """Index of a body in the model."""
        return self.bodies.index(name)

    def geom_id(self, name: str) -> int:
        """Index of a geom in the model."""
        return self.geoms.index(name)

    def sensor(self, request: SensorRequest | str) -> Sensor:
        """A sensor of the model, or the one that was added for a request."""
        return self.sensors[request if isinstance(request, str) else request.name]
