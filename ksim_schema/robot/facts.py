"""What the language needs to know of a robot, as plain data.

The compiler reads these facts out of a MuJoCo model; the vocabulary's shape and unit rules are
functions of them. Indices are those of the compiled model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Literal

from ksim_schema.records import dataclass
from ksim_schema.robot.grid import TileGrid
from ksim_schema.robot.links import Links
from ksim_schema.robot.patterns import fits
from ksim_schema.units import ANGLE, LENGTH, NUMBER, Dimension

JointType = Literal["free", "ball", "slide", "hinge"]


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint of a model.

    Attributes:
        qpos: index of its first coordinate in qpos.
        dof: index of its first degree of freedom in qvel.
        limits: lower and upper limit in rad or m, or None.
        effort: the largest force (N) or torque (N*m) that the model's own motors give it, or None.
            Of a joint that a task drives, those of the joints that an equality ties to it, and that
            nothing drives, count too, in effort, cap and reach.
        cap: the largest that the joint takes from any motor in both directions (actuatorfrcrange),
            N or N*m; 0 where it takes torque in one direction only.
        reach: the lowest and the highest that the model's own motors give it, or without any, that
            the joint takes.
        home: its coordinates in the home pose.
        axis: its axis in the home pose, in the frame of the robot's base.
        anchor: a point on its axis, there too, m.
    """

    name: str
    type: JointType
    qpos: int
    dof: int
    body: str
    limits: tuple[float, float] | None = None
    effort: float | None = None
    cap: float = math.inf
    reach: tuple[float, float] = (-math.inf, math.inf)
    home: tuple[float, ...] = ()
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    anchor: tuple[float, ...] = (0.0, 0.0, 0.0)

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
    """The motor or servo that an action puts on a joint.

    Attributes:
        joint: the joint's name.
        limit: largest torque (N*m) or force (N).
        kp: stiffness of a position servo (N*m/rad or N/m), or None for another.
        kd: damping of the servo (N*m*s/rad or N*s/m); without kp, the gain of a velocity servo, or
            0 for a plain motor.
        stall: torque or force at rest at full voltage, or None for a motor without a torque-speed
            curve.
        no_load_speed: speed at which the full voltage gives no torque.
    """

    joint: str
    limit: float
    kp: float | None = None
    kd: float = 0.0
    stall: float | None = None
    no_load_speed: float | None = None

    @property
    def name(self) -> str:
        """The name in the compiled model of the actuator that takes the control."""
        return f"ksim/{self.joint}"

    @property
    def gain(self) -> float:
        """Force for each unit of the control."""
        return self.kp or self.kd or 1.0

    @property
    def drag(self) -> float:
        """Slope of the torque-speed curve, ``stall / no_load_speed``; 0 without one."""
        return self.stall / self.no_load_speed if self.stall and self.no_load_speed else 0.0

    @property
    def drag_name(self) -> str:
        """The name in the compiled model of the actuator that gives the back-EMF."""
        return f"ksim/{self.joint}/back_emf"


@dataclass(frozen=True, slots=True)
class Actuator:
    """An actuator of a model's own.

    Attributes:
        name: its name; without one, that of the joint, tendon or site that it acts on.
        home: the control that keeps the robot at home.
        limits: lowest and highest control (ctrlrange), or None.
        dimension: of its control; that of a number where it is a share of something, or not known.
        joints: the joints that it moves with a force between two bodies.
        joint: the joint that it is on, or "" for another transmission.
        gear: of the first coordinate.
        off: whether the model's options disable it.
    """

    name: str
    home: float
    limits: tuple[float, float] | None = None
    dimension: Dimension = NUMBER
    joints: tuple[str, ...] = ()
    joint: str = ""
    gear: float = 1.0
    off: bool = False

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest control, infinite where nothing limits it."""
        return self.limits or (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor of the compiled model: its slice of sensordata and what it measures.

    Attributes:
        frame: what it is attached to, as ``site/imu``, or "" for another than a body or a site.
        joint: the joint that it measures, or "".
    """

    name: str
    type: str
    address: int
    size: int
    frame: str = ""
    joint: str = ""


@dataclass(frozen=True, slots=True)
class Surface:
    """The shape of a geom that stands still, as a height scan sees it from above.

    Attributes:
        name: the geom.
        type: what it is.
        position: its centre in the world, m.
        axes: its x, y and z axis in the world, the columns of its rotation matrix.
        size: MuJoCo's geom_size (half extents of a box or a plane, 0 for an endless one), m; of a
            height field the half extents in x and y.
        heights: of a height field, rows along y of heights above its position, in units.
        unit: the unit of the heights, m.
    """

    name: str
    type: Literal["plane", "box", "hfield"]
    position: tuple[float, ...]
    axes: tuple[tuple[float, ...], ...]
    size: tuple[float, ...]
    heights: Sequence[Sequence[float]] = field(default=(), repr=False, compare=False)
    unit: float = 1.0


FILES = "task/"
"""Where files beside a task stand among those of its model."""


def file_key(name: str) -> str:
    """The key of a file beside the task, of the path that the task gives."""
    return FILES + name.replace("\\", "/").rpartition("/")[2]


@dataclass(frozen=True)
class RobotFacts:
    """Names, indices and limits of a compiled MuJoCo model.

    Attributes:
        source: the model file as the user gave it, for messages.
        bodies: names of all bodies by index, "" for one without a name; so are geoms, sites,
            actuators and keyframes.
        timestep: physics timestep in seconds.
        home: qpos of the home pose.
        root: the robot's base: a body that floats, or the fixed top body of its tree.
        contact_masks: geom name -> (contype, conaffinity).
        poses: keyframe name -> its qpos and qvel.
        trees: for each body the index of the body below the world that it hangs from.
        geom_bodies: for each geom the index of its body.
        site_bodies: for each site the index of its body.
        solid: names of the geoms that can touch something.
        ground: names of the solid geoms that stand still.
        pairs: the two geoms of each ``<pair>``.
        surfaces: the shapes of planes, boxes and height fields that stand still.
        grid: the tiles of its terrain, or None where it has none.
        files: files beside the task, by the key that :func:`file_key` gives.
        torque_limits: joint with a motor -> the largest torque (N*m) or force (N) that it gives
            there, infinite when nothing limits it.
        axes: ``body/torso`` and ``site/imu`` -> the frame's rotation matrix in the home pose, seen
            from the base, row by row.
        encoded: ``body/hand`` and ``site/tip`` of the base's tree whose places in the world follow
            from the positions of hinges and slides, as the joints' encoders tell them.
        measures: quantities of the robot in its home pose, by the names of
            :mod:`~ksim_schema.vocabulary.effects`, in SI units.
        links: how its bodies hang from each other.
        own: the actuators of the model's own file, those that a task replaces among them, by name.
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
    poses: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = field(
        default_factory=lambda: {}
    )
    trees: tuple[int, ...] = ()
    geom_bodies: tuple[int, ...] = ()
    site_bodies: tuple[int, ...] = ()
    solid: tuple[str, ...] = ()
    ground: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    surfaces: tuple[Surface, ...] = ()
    grid: TileGrid | None = None
    torque_limits: Mapping[str, float] = field(default_factory=lambda: {})
    files: Mapping[str, bytes] = field(default_factory=lambda: {}, repr=False)
    axes: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: {}, repr=False)
    encoded: frozenset[str] = frozenset()
    measures: Mapping[str, float] = field(default_factory=lambda: {}, repr=False, compare=False)
    own: Mapping[str, Actuator] = field(default_factory=lambda: {}, repr=False)
    links: Links = field(default_factory=Links, repr=False)

    def names(self, what: str) -> tuple[str, ...]:
        """All names of a kind of thing: joint, body, geom, site, sensor, actuator, keyframe."""
        return self._names[what]

    @cached_property
    def _names(self) -> dict[str, tuple[str, ...]]:
        return {
            "joint": tuple(j.name for j in self.joints if j.name),
            "body": tuple(b for b in self.bodies if b and not b.startswith("ksim/")),
            "geom": tuple(g for g in self.geoms if g and not g.startswith("ksim/")),
            "site": tuple(filter(None, self.sites)),
            "sensor": tuple(s for s in self.sensors if not s.startswith("ksim/")),
            "actuator": tuple(a for a in self.actuators if not a.startswith("ksim/")),
            "keyframe": tuple(filter(None, self.keyframes)),
        }

    @property
    def base(self) -> Joint | None:
        """The free joint of the robot's base, ``root``; None for a base that does not float."""
        return self.free_joint(self.root)

    def free_joint(self, body: str | None) -> Joint | None:
        """The free joint of a body (of the base for None), or None if it has none."""
        name = body or self.root
        return next((j for j in self.joints if j.type == "free" and j.body == name), None)

    @cached_property
    def motion_joints(self) -> tuple[Joint, ...]:
        """The joints with one degree of freedom, in the model's order."""
        return tuple(j for j in self.joints if j.type in ("hinge", "slide"))

    def match_joints(self, patterns: Iterable[str]) -> tuple[Joint, ...]:
        """The hinges and slides that one of the patterns matches, in the model's order."""
        texts = tuple(patterns)
        found = self._matched.get(texts)
        if found is None:
            found = tuple(
                j
                for j in self.motion_joints
                if j.name and any(fits(text, j.name) for text in texts)
            )
            self._matched[texts] = found
        return found

    @cached_property
    def _matched(self) -> dict[tuple[str, ...], tuple[Joint, ...]]:
        """Patterns of joints -> what they match, of those that were asked for."""
        return {}

    def match(self, what: str, patterns: Iterable[str]) -> tuple[str, ...]:
        """The names of a kind of thing that one of the patterns matches, in the model's order."""
        texts = tuple(patterns)
        return tuple(n for n in self.names(what) if any(fits(text, n) for text in texts))

    def body_id(self, name: str) -> int:
        """Index of a body in the model."""
        return self.bodies.index(name)

    def geom_id(self, name: str) -> int:
        """Index of a geom in the model."""
        return self.geoms.index(name)

    def pairs_of(self, geom: str) -> tuple[int, ...]:
        """The indices of the pairs that a geom belongs to."""
        return tuple(i for i, pair in enumerate(self.pairs) if geom in pair)

    def tree_of(self, body: str) -> str:
        """The body below the world that a body hangs from."""
        return self.bodies[self.trees[self.body_id(body)]]

    def frame_tree(self, what: Literal["body", "site"], name: str) -> int:
        """The index of the body below the world from which a body or a site hangs."""
        site = what == "site"
        return self.trees[self.site_bodies[self.sites.index(name)] if site else self.body_id(name)]

    def body_of(self, geom: str) -> str:
        """The body that a geom belongs to."""
        return self.bodies[self.geom_bodies[self.geom_id(geom)]]

    def motor_on(self, joint: str) -> str:
        """The actuator on a joint: an action's motor or servo, or the model's own; "" for none."""
        name = Drive(joint, math.inf).name
        if name in self.actuators:
            return name
        own = [a.name for a in self.own.values() if a.joint == joint and a.name in self.actuators]
        return own[0] if len(own) == 1 else ""

    def servo_on(self, joint: Joint) -> str:
        """As :meth:`motor_on`, where its control is a position of the joint."""
        name = self.motor_on(joint.name)
        own = self.own.get(name)
        plain = own is None or (own.dimension == joint.dimension and own.gear == 1.0)
        return name if plain else ""

    def geoms_of(self, body: str) -> tuple[str, ...]:
        """The geoms of a body that can touch something."""
        return tuple(geom for geom in self.solid if self.body_of(geom) == body)

    def sensor(self, request: SensorRequest | str) -> Sensor:
        """A sensor of the model, or the one that was added for a request."""
        return self.sensors[request if isinstance(request, str) else request.name]
