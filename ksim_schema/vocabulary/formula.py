"""What the names in a formula stand for, and the field in which a component has one.

Rewards, observations, terminations and metrics have formulas of the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

from pydantic import Field, model_validator

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.patterns import PatternError
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.units import (
    ANGLE,
    ANGULAR_SPEED,
    LENGTH,
    NUMBER,
    SPEED,
    TIME,
    Dimension,
)
from ksim_schema.units.formula import (
    Expression,
    FormulaError,
    Quantity,
    Wanted,
    measure,
    names_in,
)
from ksim_schema.units.formula_text import AXES, commands_in, whole_names_in
from ksim_schema.units.formula_units import Units
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.base import Model
from ksim_schema.vocabulary.formula_loads import contact, loads, on_bodies
from ksim_schema.vocabulary.formula_source import Source as Source
from ksim_schema.vocabulary.pose import PLACES, QUATERNION_LABELS
from ksim_schema.vocabulary.sensortypes import (
    SENSOR_RANGES,
    STATE_SENSORS,
    Of,
    sensor_dimension,
    unit_of,
)

BASE_SENSORS = ("framepos", "framequat", "framelinvel", "frameangvel")
BASE: dict[str, Dimension] = {
    "height": LENGTH,
    "tilt": ANGLE,
    "forward": SPEED,
    "left": SPEED,
    "up": SPEED,
    "turn": ANGULAR_SPEED,
}
"""What is asked of the robot's base, in its heading frame."""
FRAME: dict[str, tuple[str, Dimension]] = {
    "velocity": ("framelinvel", SPEED),
    "angular_velocity": ("frameangvel", ANGULAR_SPEED),
    "x_axis": ("framexaxis", NUMBER),
    "y_axis": ("frameyaxis", NUMBER),
    "z_axis": ("framezaxis", NUMBER),
    "up": ("framezaxis", NUMBER),
}
"""What is asked of a body or a site, in the world's axes: MuJoCo's sensor and its unit."""
SUBTREE: dict[str, tuple[str, Dimension]] = {
    "com": ("subtreecom", LENGTH),
    "com_velocity": ("subtreelinvel", SPEED),
}
"""What is asked of a body with all that hangs from it, in the world's axes."""
UNIT = Interval(-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a formula can name besides the robot.

    Attributes:
        commands: command -> labels of its elements.
        actions: length of the action; None where it has no meaning.
        dimensions: command -> element -> its dimension, where that is known.
        frames: command that tells a pose -> the body in whose frame, "" for the world.
    """

    commands: Mapping[str, tuple[str, ...]]
    actions: int | None = None
    dimensions: Mapping[str, Mapping[str, Dimension]] | None = None
    frames: Mapping[str, str] | None = None


class Formulated(Model):
    """A component with a formula.

    Class attributes:
        stands_for: what the formula's value must be.
        remembers: whether it may name what was a tick before.
    """

    stands_for: ClassVar[Wanted] = "number"
    remembers: ClassVar[bool] = True

    @model_validator(mode="before")
    @classmethod
    def _named_commands(cls, data: Any) -> Any:
        """The commands that the formula names, whether or not the author lists them."""
        if "commands" not in cls.model_fields or not is_mapping(data):
            return data
        text, listed = data.get("expression"), data.get("commands", ())
        listed = (listed,) if isinstance(listed, str) else listed
        if not isinstance(text, str) or not is_list(listed):
            return data
        more = tuple(name for name in commands_in(text) if name not in listed)
        return {**data, "commands": (*listed, *more)} if more else data

    expression: str = Field(
        description="The formula; 'ksim-compile --explain formula' lists what it can name.",
        examples=["exp(-((base.height - 1.1) / 0.1)**2)"],
    )

    @property
    def asked(self) -> Wanted:
        """What the value must be; ``stands_for`` where that is the same for the kind."""
        return self.stands_for

    def sources(self, robot: RobotFacts, around: Surroundings) -> dict[str, Source]:
        """What the names in the formula may be."""
        return sources(robot, around, names_in(self.expression))

    def measured(self, robot: RobotFacts, around: Surroundings) -> tuple[Expression, Units]:
        """The formula as a tree, of the names that :meth:`sources` says, and its unit.

        Raises:
            FormulaError: it has no meaning.
        """
        known = {name: source.quantity for name, source in self.sources(robot, around).items()}
        return measure(self.expression, known, self.asked, remembers=self.remembers)

    def read(self, robot: RobotFacts, around: Surroundings) -> Expression:
        """As :meth:`measured`, without the unit."""
        return self.measured(robot, around)[0]

    def named(self, robot: RobotFacts) -> dict[str, Source]:
        """What it names of the robot."""
        texts = whole_names_in(self.expression)
        known = sources(robot, Surroundings({}), texts)
        return {name: source for name, source in known.items() if name in texts}

    def sensed_on(self, robot: RobotFacts) -> bool:
        """Whether a robot can measure all that it names: joints, time, and common sensors.

        Where the robot is does not matter to the difference of two of its own places: its encoders
        and the attitude of its base tell that.
        """
        sources = self.named(robot)
        try:
            tree = self.read(robot, Surroundings({}))
        except FormulaError:
            return True  # it is reported where formulas are read
        return all(_sensed(robot, sources[name]) for name in _placing(tree, robot, sources))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it adds to the model."""
        asked = (s for source in self.named(robot).values() for s in source.sensors)
        return tuple(dict.fromkeys(s for s in asked if isinstance(s, SensorRequest)))

    def model_sensors(self, robot: RobotFacts) -> tuple[str, ...]:
        """The model's own sensors that it names."""
        asked = (s for source in self.named(robot).values() for s in source.sensors)
        return tuple(dict.fromkeys(s for s in asked if isinstance(s, str)))

    def fields_on(self, robot: RobotFacts) -> tuple[str, ...]:
        """The MjData fields that it reads."""
        fields = (source.field for source in self.named(robot).values())
        return tuple(dict.fromkeys(filter(None, ("qpos", "qvel", *fields))))


def sources(
    robot: RobotFacts, around: Surroundings, named: Iterable[str] = ()
) -> dict[str, Source]:
    """What names in a formula may be.

    Args:
        robot: the robot.
        around: what is there besides.
        named: the names that stand in it: patterns of joints are among them.
    """
    found = {f"base.{what}": _base(robot, what) for what in BASE}
    found["time"] = Source(Quantity(TIME), "time")
    if around.actions is not None:
        numbers = Quantity(NUMBER, around.actions)
        found |= {
            "action": Source(numbers, "action"),
            "action.previous": Source(numbers, "previous"),
        }
    rows = [*_joints(robot), *_places(robot), *_told(around), *_members(robot), *loads(robot)]
    for name, source in rows:  # a name of the model comes before what is asked of another
        found.setdefault(name, source)
    for name in named:
        head, _, rest = name.partition(".")
        if rest and head in _BY_TEXT:
            found[name] = _BY_TEXT[head](robot, rest)
    return found


def _placing(tree: Expression, robot: RobotFacts, sources: Mapping[str, Source]) -> Iterator[str]:
    """The names in a formula, but for two places of the robot of which it takes the difference."""
    if tree.op == "quantity":
        yield tree.name
    elif not (tree.op == "-" and all(_own(a, robot, sources) for a in tree.arguments)):
        for argument in tree.arguments:
            yield from _placing(argument, robot, sources)


def _own(tree: Expression, robot: RobotFacts, sources: Mapping[str, Source]) -> bool:
    """Whether it is a place of the robot itself in the world."""
    request = sources[tree.name].sensors[:1] if tree.op == "quantity" else ()
    if not request or not isinstance(request[0], SensorRequest) or request[0].type != "framepos":
        return False
    return _of_robot(robot, request[0])


def _of_robot(robot: RobotFacts, request: SensorRequest) -> bool:
    """Whether a frame belongs to the robot, and not to another tree of bodies."""
    what = "site" if request.objtype == "site" else "body"
    return robot.frame_tree(what, request.objname) == robot.trees[robot.body_id(robot.root)]


def _sensed(robot: RobotFacts, source: Source) -> bool:
    """Whether it can be measured, as observations of the same by a kind of their own can."""
    fixed = f"body/{robot.root}" in robot.encoded
    if source.kind == "base":
        return fixed or source.what in ("tilt", "turn")
    if source.kind == "touch":
        return True  # a switch
    if source.kind != "sensor":
        return source.kind in ("position", "velocity", "time")
    (sensor,) = source.sensors
    if isinstance(sensor, str):
        return fixed or robot.sensor(sensor).type not in STATE_SENSORS
    if sensor.type in ("framexaxis", "frameyaxis", "framezaxis", "frameangvel"):
        return True  # an attitude and a gyroscope
    kind = "site" if sensor.objtype == "site" else "body"
    if f"{kind}/{sensor.objname}" in robot.encoded:
        return True
    return sensor.type == "framepos" and not _of_robot(robot, sensor)  # as a camera sees it


def _base(robot: RobotFacts, what: str) -> Source:
    sensors = tuple(SensorRequest(sensor, "xbody", robot.root) for sensor in BASE_SENSORS)
    return Source(Quantity(BASE[what]), "base", sensors, what=what)


_ASKED: tuple[Of, ...] = ("velocity", "acceleration", "torque")
"""What is asked of joints by a word after their names."""


def _joints(robot: RobotFacts) -> Iterator[tuple[str, Source]]:
    for joint in robot.motion_joints:
        yield f"joint.{joint.name}", Source(Quantity(joint.dimension), "position", joints=(joint,))
    for joint, what in product(robot.motion_joints, _ASKED):
        quantity = Quantity(unit_of(what, joint))
        yield f"joint.{joint.name}.{what}", Source(quantity, what, joints=(joint,))


def _pattern(robot: RobotFacts, text: str) -> Source:
    """The joints that a pattern matches, one after the other: ``joints['hip_.*'].velocity``."""
    pattern, dot, last = text.rpartition(".")
    asked: dict[str, Of] = {name: name for name in _ASKED}
    what: Of = asked.get(last, "position")
    pattern = pattern if dot and what != "position" else text
    try:
        joints = robot.match_joints((pattern,))
    except PatternError as error:
        return Source(Quantity(None, wrong=f"{pattern!r} is not a pattern of names: {error}"), what)
    if not joints:
        listed = ", ".join(joint.name for joint in robot.motion_joints[:12])
        wrong = Quantity(None, wrong=f"{pattern!r} matches no joint", help=f"joints: {listed}")
        return Source(wrong, what)
    units = dict.fromkeys(unit_of(what, joint) for joint in joints)
    if len(units) > 1:
        both = " and ".join(map(str, units))
        wrong = f"{pattern!r} matches hinges and slides, whose units are {both}"
        help = "name hinges and slides by patterns of their own"
        return Source(Quantity(None, wrong=wrong, help=help), what)
    return Source(Quantity(next(iter(units)), len(joints)), what, joints=joints)


_BY_TEXT = {"joints": _pattern, "contact": contact, "bodies": on_bodies}
"""What is found by its text, as there is too much of it to be listed."""


def _vector(
    name: str, dimension: Dimension | None, size: int, sensor: SensorRequest | str, bounds: Interval
) -> Iterator[tuple[str, Source]]:
    """A vector of a sensor, and its elements."""
    yield name, Source(Quantity(dimension, size), "sensor", (sensor,), bounds=bounds)
    labels = {3: AXES, 4: ("w", *AXES)}.get(size, ())
    for element, label in enumerate(labels):
        quantity = Quantity(dimension)
        source = Source(quantity, "sensor", (sensor,), element=element, bounds=bounds)
        yield f"{name}.{label}", source


def _places(robot: RobotFacts) -> Iterator[tuple[str, Source]]:
    for what, objtype in (("site", "site"), ("body", "xbody")):
        for name in robot.names(what):
            request = SensorRequest("framepos", objtype, name)
            yield from _vector(f"{what}.{name}", LENGTH, 3, request, EVERYTHING)


def _members(robot: RobotFacts) -> Iterator[tuple[str, Source]]:
    """Velocities, axes and centres of mass of bodies and sites, and the model's sensors."""
    for what, objtype in (("site", "site"), ("body", "xbody")):
        for name, (member, (sensor, unit)) in product(robot.names(what), FRAME.items()):
            request = SensorRequest(sensor, objtype, name)
            bounds = EVERYTHING if unit != NUMBER else UNIT
            yield from _vector(f"{what}.{name}.{member}", unit, 3, request, bounds)
        for name in robot.names(what):
            place = SensorRequest("framepos", objtype, name)
            yield f"{what}.{name}.height", Source(Quantity(LENGTH), "height", (place,))
            request = SensorRequest("framequat", objtype, name)
            yield from _vector(f"{what}.{name}.orientation", NUMBER, 4, request, UNIT)
    for name, (member, (sensor, unit)) in product(robot.names("body"), SUBTREE.items()):
        request = SensorRequest(sensor, "body", name)
        yield from _vector(f"body.{name}.{member}", unit, 3, request, EVERYTHING)
    for name in robot.names("sensor"):
        yield from _sensor(robot, name)


def _sensor(robot: RobotFacts, name: str) -> Iterator[tuple[str, Source]]:
    sensor = robot.sensor(name)
    unit, bounds = sensor_dimension(robot, name), SENSOR_RANGES.get(sensor.type, EVERYTHING)
    if sensor.size == 1:
        one = Source(Quantity(unit), "sensor", (name,), element=0, bounds=bounds)
        yield f"sensor.{name}", one
    else:
        yield from _vector(f"sensor.{name}", unit, sensor.size, name, bounds)


def _pose(name: str, labels: tuple[str, ...]) -> Iterator[tuple[str, Source]]:
    """The position and the orientation of a pose that is told, and their elements."""
    parts = (("position", PLACES, LENGTH), ("orientation", QUATERNION_LABELS, NUMBER))
    for part, elements, unit in parts:
        if not set(elements) <= set(labels):
            continue
        turn, bounds = part == "orientation", UNIT if part == "orientation" else EVERYTHING
        whole = Source(Quantity(unit, len(elements)), "pose", what=name, turn=turn, bounds=bounds)
        if not turn:
            yield f"command.{name}", whole
        yield f"command.{name}.{part}", whole
        for index, element in enumerate(elements):
            one = replace(whole, quantity=Quantity(unit), element=index)
            yield f"command.{name}.{element}", one
        if turn and "x" not in labels:
            yield f"command.{name}", whole


def _told(around: Surroundings) -> Iterator[tuple[str, Source]]:
    for name, labels in around.commands.items():
        if name in (around.frames or {}):
            yield from _pose(name, labels)
            continue
        given = (around.dimensions or {}).get(name, {})
        units = [given.get(label) for label in labels]
        for element, (label, unit) in enumerate(zip(labels, units, strict=True)):
            source = Source(Quantity(unit), "command", what=name, element=element)
            yield f"command.{name}.{label}", source
        if labels:
            unit = units[0] if len(set(units)) == 1 else None
            yield f"command.{name}", Source(Quantity(unit, len(labels)), "command", what=name)
