"""What the names in a formula stand for, and the field in which a component has one.

Rewards, observations, terminations and metrics have formulas of the same names.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.records import dataclass
from ksim_schema.robot import RobotFacts, SensorRequest
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
from ksim_schema.units.formula_calls import FUNCTIONS
from ksim_schema.units.formula_text import commands_in, plain, whole_names_in
from ksim_schema.units.formula_units import Units
from ksim_schema.units.interval import EVERYTHING
from ksim_schema.units.quantity import UNITS
from ksim_schema.vocabulary.base import Model
from ksim_schema.vocabulary.formula_joints import by_pattern, joints
from ksim_schema.vocabulary.formula_loads import contact, loads
from ksim_schema.vocabulary.formula_several import (
    UNIT,
    Found,
    contacts,
    geom,
    members,
    place,
    several,
    vector,
)
from ksim_schema.vocabulary.formula_source import Source as Source
from ksim_schema.vocabulary.later import Later
from ksim_schema.vocabulary.pose import PLACES, QUATERNION_LABELS
from ksim_schema.vocabulary.sensortypes import (
    SENSOR_RANGES,
    STATE_SENSORS,
    sensor_dimension,
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


_TAKEN = frozenset(
    (
        *("base", "joint", "joints", "body", "bodies", "site", "sites", "geom", "geoms"),
        *("contact", "contacts", "sensor", "command", "action", "time", "pi", "inf"),
    )
)
"""Words that mean something else in a formula than a term that it names."""


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

    let: Annotated[dict[str, str], Later()] = Field(
        default={},
        description="Names for terms, which the formula and the terms after each may use: "
        "{toward: body.cube - site.gripper}.",
        examples=[{"speed": "norm(body.torso.velocity)"}],
    )

    @model_validator(mode="before")
    @classmethod
    def _named_commands(cls, data: Any) -> Any:
        """The commands that the formula names, whether or not the author lists them."""
        if "commands" not in cls.model_fields or not is_mapping(data):
            return data
        text, listed, let = data.get("expression"), data.get("commands", ()), data.get("let", {})
        listed = (listed,) if isinstance(listed, str) else listed
        if not isinstance(text, str) or not is_list(listed):
            return data
        texts = (text, *(t for t in let.values() if isinstance(t, str))) if is_mapping(let) else ()
        found = dict.fromkeys(name for t in texts for name in commands_in(t))
        more = tuple(name for name in sorted(found) if name not in listed)
        return {**data, "commands": (*listed, *more)} if more else data

    @model_validator(mode="after")
    def _names_of_terms(self) -> Self:
        for name in self.let:
            if not plain(name) or name in UNITS or name in _TAKEN or name in FUNCTIONS:
                why = "means something else" if plain(name) else "is no single word"
                about = {"name": name, "why": why, "help": "give another name", "fields": "let"}
                raise PydanticCustomError("one_form", "a term's name '{name}' {why}", about)
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the terms that have names, and that of the formula."""
        return (*self.let.values(), self.expression)

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
        return sources(robot, around, frozenset[str]().union(*map(names_in, self.texts)))

    def measured(self, robot: RobotFacts, around: Surroundings) -> tuple[Expression, Units]:
        """The formula as a tree, of the names that :meth:`sources` says, and its unit.

        Raises:
            FormulaError: it has no meaning.
        """
        known = {name: source.quantity for name, source in self.sources(robot, around).items()}
        terms: dict[str, tuple[Expression, Units]] = {}
        for name, text in self.let.items():
            try:
                terms[name] = measure(text, known, remembers=self.remembers, terms=terms)
            except FormulaError as error:
                error.term = name
                raise
        return measure(self.expression, known, self.asked, remembers=self.remembers, terms=terms)

    def read(self, robot: RobotFacts, around: Surroundings) -> Expression:
        """As :meth:`measured`, without the unit."""
        return self.measured(robot, around)[0]

    def named(self, robot: RobotFacts) -> dict[str, Source]:
        """What it names of the robot."""
        texts = frozenset[str]().union(*map(whole_names_in, self.texts)) - self.let.keys()
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
        fields = (field for source in self.named(robot).values() for field in source.fields)
        return tuple(dict.fromkeys(("qpos", "qvel", *fields)))


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
    rows = [
        *joints(robot),
        *_places(robot),
        *_told(around),
        *members(robot),
        *_sensors(robot),
        *loads(robot),
    ]
    for name, source in rows:  # a name of the model comes before what is asked of another
        found.setdefault(name, source)
    for name in named:
        head, _, rest = name.partition(".")
        if rest and head in _BY_TEXT:
            found[name] = _BY_TEXT[head](robot, rest, found)
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
    asked = sources[tree.name].sensors if tree.op == "quantity" else ()
    return bool(asked) and all(
        isinstance(request, SensorRequest)
        and request.type == "framepos"
        and _of_robot(robot, request)
        for request in asked
    )


def _of_robot(robot: RobotFacts, request: SensorRequest) -> bool:
    """Whether a frame belongs to the robot, and not to another tree of bodies."""
    what, name = _carrier(robot, request)
    return robot.frame_tree(what, name) == robot.trees[robot.body_id(robot.root)]


def _carrier(robot: RobotFacts, request: SensorRequest) -> tuple[Literal["body", "site"], str]:
    """The body or the site whose place a frame has; that of a geom is its body's."""
    if request.objtype == "geom":
        return "body", robot.body_of(request.objname)
    return "site" if request.objtype == "site" else "body", request.objname


def _sensed(robot: RobotFacts, source: Source) -> bool:
    """Whether it can be measured, as observations of the same by a kind of their own can."""
    fixed = f"body/{robot.root}" in robot.encoded
    if source.kind == "base":
        return fixed or source.what in ("tilt", "turn")
    if source.kind == "touch":
        return True  # a switch
    if source.kind == "several":
        return all(_sensed(robot, part) for part in source.parts)
    if source.kind != "sensor":
        return source.kind in ("position", "velocity", "time", "constant", "target")
    (sensor,) = source.sensors
    if isinstance(sensor, str):
        return fixed or robot.sensor(sensor).type not in STATE_SENSORS
    if sensor.type in ("framexaxis", "frameyaxis", "framezaxis", "frameangvel"):
        return True  # an attitude and a gyroscope
    if "/".join(_carrier(robot, sensor)) in robot.encoded:
        return True
    return sensor.type == "framepos" and not _of_robot(robot, sensor)  # as a camera sees it


def _base(robot: RobotFacts, what: str) -> Source:
    sensors = tuple(SensorRequest(sensor, "xbody", robot.root) for sensor in BASE_SENSORS)
    return Source(Quantity(BASE[what]), "base", sensors, what=what)


def _touching(robot: RobotFacts, text: str, _: Found) -> Source:
    return contact(robot, text)


_BY_TEXT = {
    "joints": by_pattern,
    "contact": _touching,
    "contacts": contacts,
    "geom": geom,
    "geoms": several("geom"),
    "sites": several("site"),
    "bodies": several("body"),
}
"""What is found by its text, as there is too much of it to be listed."""


def _places(robot: RobotFacts) -> Iterator[tuple[str, Source]]:
    for what, objtype in (("site", "site"), ("body", "xbody")):
        for name in robot.names(what):
            yield from place(what, objtype, name)


def _sensors(robot: RobotFacts) -> Iterator[tuple[str, Source]]:
    for name in robot.names("sensor"):
        yield from _sensor(robot, name)


def _sensor(robot: RobotFacts, name: str) -> Iterator[tuple[str, Source]]:
    sensor = robot.sensor(name)
    unit, bounds = sensor_dimension(robot, name), SENSOR_RANGES.get(sensor.type, EVERYTHING)
    if sensor.size == 1:
        one = Source(Quantity(unit), "sensor", (name,), element=0, bounds=bounds)
        yield f"sensor.{name}", one
    else:
        yield from vector(f"sensor.{name}", unit, sensor.size, name, bounds)


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
