"""What a task says of each physical quantity: where it starts, what is asked, ended and wanted.

An abstract interpretation of the task: values are intervals in SI units, and what is not known is
the whole line. Laws that compare them stand in modules of their own.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, cast

from ksim_schema.records import dataclass
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.units import NUMBER, Dimension
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary import Part
from ksim_schema.vocabulary.apart import apart
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.each import ByPattern
from ksim_schema.vocabulary.effects import (
    Effect,
    Statement,
    Verb,
    dimension_of,
    interval_of,
    resolved,
)
from ksim_schema.vocabulary.reset import Reset
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.reward.joints import Targeted
from ksim_schema.vocabulary.scale import Scale


@dataclass(frozen=True)
class Ranges:
    """All that is known of one quantity.

    Attributes:
        quantity: its name.
        dimension: its dimension.
        home: its value in the robot's home pose, or None.
        bounds: what the model allows, such as a joint's limits.
        start: where episodes begin; the whole line where that is not known.
        statements: what parts say of it, in the task's order.
    """

    quantity: str
    dimension: Dimension
    home: float | None
    bounds: Interval
    start: Interval
    statements: tuple[Statement, ...]

    def says(self, *verbs: Verb) -> tuple[Statement, ...]:
        """The statements of some verbs."""
        if len(verbs) == 1:
            return self._by_verb.get(verbs[0], ())
        return tuple(s for s in self.statements if s.verb in verbs)

    @cached_property
    def _by_verb(self) -> Mapping[Verb, tuple[Statement, ...]]:
        found: dict[Verb, list[Statement]] = {}
        for statement in self.statements:
            found.setdefault(statement.verb, []).append(statement)
        return {verb: tuple(said) for verb, said in found.items()}

    @cached_property
    def lasting(self) -> Interval | None:
        """Where an episode goes on: within all that would end it. None where that is nowhere."""
        left: Interval | None = self.bounds
        for statement in self.says("ends"):
            left = left.intersect(statement.within) if left else None
        return left


def statements(task: Task, robot: RobotFacts) -> Iterator[Statement]:
    """What the parts of a task say of quantities of its robot.

    Names that the robot does not have are left out: they are reported where names are checked.
    """
    for object, name, part in task:
        for piece in (part,) if isinstance(part, Targeted) else apart(part, robot):
            for effect in piece.effects_on(robot):
                yield from _stated(task, robot, object, name, piece, effect)


def _stated(
    task: Task, robot: RobotFacts, object: str, name: str, part: Part, effect: Effect
) -> Iterator[Statement]:
    if effect.field and effect.fixed is None and _given(part, effect.field) is None:
        return  # the field is not given, and so nothing is said
    value = _given(part, effect.field)
    alias = type(part).model_fields[effect.field].alias if effect.field else None
    place: tuple[str | int, ...] = (object, name)
    place += (alias or effect.field,) if effect.field else ()
    scale = _given(part, effect.scale)
    if effect.entry >= 0:
        entry = effect.entry
        if isinstance(value, ByPattern):
            pattern, value = cast("ByPattern[Any]", value).entries[entry]
            place = (*place, pattern)
        else:
            value, place = value[entry], (*place, entry)
    penalty = isinstance(part, Reward) and part.penalty
    for quantity, row in resolved(effect, part, name, robot):
        within = effect.fixed
        if effect.element:
            element = effect.element.replace("{joints}", quantity.removeprefix("joint."))
            within = commanded(task, robot, value, element)
            if within is not None and _elsewhere(task, robot, value, quantity):
                within = EVERYTHING
        elif effect.reach == "home":
            joint = next((j for j in robot.motion_joints if quantity == f"joint.{j.name}"), None)
            within = Interval.exactly(joint.home[0]) if joint and joint.home else None
        elif within is None:
            within = interval_of(value, effect.reach)
        if within is None or (effect.change, within) in _NOTHING:
            continue
        at = (*place, row) if effect.field in ("geoms",) else place
        yield Statement(
            object=object,
            part=name,
            verb=effect.verb,
            quantity=quantity,
            within=within,
            change=effect.change,
            place=at,
            scale=None if scale is None else float(scale),
            command=str(value) if effect.element else "",
            penalty=penalty,
        )


def _elsewhere(task: Task, robot: RobotFacts, command: str, quantity: str) -> bool:
    """Whether a place in the world follows a pose that is told in the frame of a body."""
    part = task.of(Command).get(command)
    if part is None or quantity.rpartition(".")[2] not in ("x", "y", "height"):
        return False
    return bool(part.frame_of(robot))


def _given(part: Part, field: str) -> Any:
    """A field's value; None where no field is named."""
    return getattr(part, field) if field else None


_NOTHING = (("add", Interval.exactly(0.0)), ("multiply", Interval.exactly(1.0)))
"""Changes that leave a quantity as it is."""


def commanded(task: Task, robot: RobotFacts, command: str, element: str) -> Interval | None:
    """What a command asks of one of its elements; None where it has none of this name."""
    part = task.of(Command).get(command)
    if part is None:
        return None
    for effect in part.effects_on(robot):
        for quantity, _ in resolved(effect, part, command, robot):
            if quantity == f"command.{command}.{element}":
                if effect.fixed is not None:
                    return effect.fixed
                value: Any = getattr(part, effect.field)
                value = value[effect.entry] if effect.entry >= 0 else value
                return interval_of(value, effect.reach)
    return EVERYTHING if element in part.labels(robot) else None


def table(
    task: Task, robot: RobotFacts, starts: Mapping[str, Interval] | None = None
) -> dict[str, Ranges]:
    """What is known of each quantity that a part says something of.

    Args:
        task: the task.
        robot: the facts of its robot.
        starts: where episodes begin, of quantities that follow from others by the robot's
            kinematics; what is known without it by default.
    """
    said: dict[str, list[Statement]] = {}
    for statement in statements(task, robot):
        said.setdefault(statement.quantity, []).append(statement)
    known: dict[str, Ranges] = {}
    for quantity in sorted(said, key=lambda q: _order(q, robot)):
        home = 0.0 if quantity == "time" else robot.measures.get(quantity)
        bounds = bounds_of(quantity, robot)
        start = (starts or {}).get(quantity)
        if start is None:
            start = _start(task, said[quantity], home, bounds)
        known[quantity] = Ranges(
            quantity, dimension_of(quantity, robot), home, bounds, start, tuple(said[quantity])
        )
    return known


def _order(quantity: str, robot: RobotFacts) -> tuple[int, str]:
    """The base first, then what moves, then what is told."""
    kinds = ("body", "joint", "site", "geom", "command", "action", "gravity", "time", "level")
    kind, _, rest = quantity.partition(".")
    if rest.startswith(f"{robot.root}."):
        return -1, rest
    joints = [j.name for j in robot.motion_joints]
    place = f"{joints.index(rest):06}" if kind == "joint" and rest in joints else rest
    return (kinds.index(kind) if kind in kinds else len(kinds)), place


def bounds_of(quantity: str, robot: RobotFacts) -> Interval:
    """What a quantity can be of a robot, whatever is done."""
    for joint in robot.motion_joints:
        if quantity == f"joint.{joint.name}" and joint.limits is not None:
            return Interval(*joint.limits)
        limit = robot.torque_limits.get(joint.name)
        if quantity == f"joint.{joint.name}.torque" and limit is not None:
            return Interval(-limit, limit)
    last = quantity.rpartition(".")[2]
    if last in ("tilt", "angle"):
        return Interval(0.0, math.pi)
    if last in ("distance", "mass", "friction", "time", "force", "inertia", "size"):
        return Interval(0.0, math.inf)
    return Interval(0.0, 1.0) if last == "contact" else EVERYTHING


def _start(task: Task, said: list[Statement], home: float | None, bounds: Interval) -> Interval:
    """Where episodes begin: resets act one after the other on the home pose."""
    if any(part.whole for part in task.of(Reset).values()):
        return EVERYTHING
    start = EVERYTHING if home is None else Interval.exactly(home)
    for statement in said:
        if statement.verb == "starts":
            then = start + statement.within if statement.change == "add" else statement.within
            always = task.of(Reset)[statement.part].episodes is None
            start = then if always or start == EVERYTHING else start.hull(then)
    return start.intersect(bounds) or start


def shown(value: float, dimension: Dimension) -> str:
    """A number with its unit as people read it: angles in degrees."""
    angle = dimension.rad == 1 and dimension.m == 0 and dimension.kg == 0
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    number = math.degrees(value) if angle else value
    unit = str(dimension).replace("rad", "deg") if angle else str(dimension)
    return f"{number + 0.0:.4g} {unit}".rstrip()


def shown_range(interval: Interval, dimension: Dimension) -> str:
    """An interval as people read it."""
    low, high = shown(interval.low, dimension), shown(interval.high, dimension)
    if interval == EVERYTHING:
        return "anything"
    if interval.low == -math.inf:
        return f"at most {high}"
    if interval.high == math.inf:
        return f"at least {low}"
    if low == high:
        return low
    unit = shown(interval.high, dimension).partition(" ")[2]
    return f"{low.removesuffix(unit).strip()} to {high}" if unit else f"{low} to {high}"


def display(quantity: str, robot: RobotFacts) -> str:
    """A quantity's name as people read it: ``base.height`` of the base's body."""
    return quantity.replace(f"body.{robot.root}.", "base.", 1) if robot.root else quantity


def text(task: Task, found: Mapping[str, Ranges], robot: RobotFacts) -> str:
    """The table as ``--emit ranges`` prints it: a line for each thing that is said, with its place.

    Joints of which the same is said stand together.
    """
    groups: dict[Any, list[str]] = {}
    for quantity, ranges in found.items():
        key: Any = (quantity,)
        if quantity.startswith("joint."):
            key = tuple((s.part, s.verb, s.within, s.place) for s in ranges.statements)
            key = ("joint", key, ranges.bounds, ranges.start, ranges.home)
        groups.setdefault(key, []).append(quantity)
    lines: list[str] = []
    for quantities in groups.values():
        ranges = found[quantities[0]]
        title = ", ".join(display(q, robot) for q in quantities)
        lines += ["", *textwrap.wrap(title, WIDTH, break_long_words=False)]
        rows: list[tuple[str, str, str, str]] = []
        if ranges.home is not None:
            rows.append(("home", shown(ranges.home, ranges.dimension), "", ""))
        if ranges.bounds != EVERYTHING and ranges.quantity.startswith("joint."):
            rows.append(("limits", shown_range(ranges.bounds, ranges.dimension), "", ""))
        if ranges.start != EVERYTHING and ranges.says("starts", "ends"):
            rows.append(("starts", shown_range(ranges.start, ranges.dimension), "", ""))
        rows += [_row(task, statement, ranges.dimension) for statement in ranges.statements]
        lines += [
            f"  {verb:9} {value:32} {part:28} {at}".rstrip() for verb, value, part, at in rows
        ]
    return f"{task.name}: what is said of each quantity\n" + "\n".join(lines) + "\n"


WIDTH = 100
_SHOWN: dict[Verb, str] = {
    "starts": "reset",
    "draws": "drawn",
    "adds": "event",
    "asks": "asked",
    "ends": "lasts in",
    "wants": "wanted",
    "needs": "level",
}


def _row(task: Task, said: Statement, dimension: Dimension) -> tuple[str, str, str, str]:
    value = shown_range(said.within, NUMBER if said.change == "multiply" else dimension)
    if said.change == "multiply":
        value = f"times {value}"
    elif said.change == "add":
        value = f"plus {value}"
    if said.scale is not None:
        value += f" (± {shown(said.scale, dimension)})"
    value += _followed(task, said)
    at = task.span(*said.place)
    return _SHOWN[said.verb], value, f"{said.object}.{said.part}", f"{at.file}:{at.line}"


def _followed(task: Task, said: Statement) -> str:
    """By what a command, an event or a draw is multiplied as the level of a curriculum rises."""
    part = task.of(said.object).get(said.part)
    scale = next((value for _, value in part or () if isinstance(value, Scale)), None)
    if said.object == "Reward" or scale is None:
        return ""
    first, last = scale.extremes
    if scale.ramp is not None:
        first, last = scale.ramp[1].start, scale.ramp[1].to
    return "" if first == last else f" (x {first:g} to x {last:g} with the level)"
