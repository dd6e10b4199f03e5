"""What a part does to physical quantities that no part owns: starts, asks for, ends, wants them.

A declared component says so in a few lines beside its fields, as ``effects``; a checker asks
:func:`statements` what that comes to in a task with its robot. The names of quantities:

* ``body.<name>.height``, ``.x``, ``.y`` (place of its origin in the world, m), ``.distance`` (from
  the world's origin along the ground), ``.tilt``, ``.pitch``, ``.roll``, ``.heading`` (rad),
  ``.forward``, ``.left``, ``.climb`` (up), ``.speed`` (m/s), ``.turn`` (about the vertical),
  ``.spin`` (about any axis; rad/s), ``.push`` (N), ``.mass``, ``.inertia``, ``.centre``
* ``site.<name>.x``, ``.y``, ``.height``, ``.tilt``
* ``joint.<name>``, ``joint.<name>.velocity``, ``.torque``, ``.frictionloss``, ``.armature``,
  ``.damping``, ``.kp``, ``.kd``, ``.strength``, ``.zero``
* ``geom.<name>.friction``, ``.size``, ``.contact`` (1 where it touches something), ``.force``
* ``motion.<command>.anchor.rise``, ``.distance``, ``.tilt``, ``.angle``: how far the anchor of a
  recorded motion is from where it should be, in height (m), place (m), of what is up, and in
  orientation (rad); ``.bodies.distance``, ``.angle``, ``.speed``, ``.spin`` and ``.joints.apart``,
  ``.joints.velocity``: the mean over bodies and joints; ``.<body>.rise``; ``.base.distance``, ...:
  of the base alone; ``.phase``: the share of the clip that is behind
* ``command.<name>.<element>``, ``action.change``, ``gravity``, ``time`` (of the episode), ``level``

``base`` stands for the body of that name that the robot's base is.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

from ksim_schema.records import dataclass
from ksim_schema.robot import RobotFacts
from ksim_schema.units import (
    ANGLE,
    ANGULAR_SPEED,
    DAMPING,
    FORCE,
    INERTIA,
    LENGTH,
    MASS,
    NUMBER,
    SPEED,
    TIME,
    TORQUE,
    Dimension,
)
from ksim_schema.units.interval import EVERYTHING, ZERO, Interval

Verb = Literal["starts", "draws", "adds", "asks", "ends", "wants", "needs"]
VERBS: dict[Verb, str] = {
    "starts": "starts",
    "draws": "draws for each environment",
    "adds": "adds now and then to",
    "asks": "asks for",
    "ends": "ends the episode unless",
    "wants": "is best at",
    "needs": "moves the level by",
}
"""What a part does to a quantity -> how that is read aloud."""
Reach = Literal["range", "value", "half_width", "at_least", "at_most", "symmetric", "home", "zero"]
"""How a field's value becomes an interval: ``[low, high]``; one number; from minus it to it; not
below it; not above it; the size of a change to either side. ``home``: the joint's place in the home
pose, whatever the field is; ``zero``: 0."""
Change = Literal["set", "add", "multiply"]
"""What is done with the interval: it replaces what was, is added to it, or multiplies it."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A line of a declaration: what a part does to a quantity, given by one of its fields.

    Attributes:
        verb: what it does.
        quantity: its name; ``{body}`` stands for what the field ``body`` names (the base where
            nothing is named), ``{joints}`` for each joint that it matches, ``{name}`` for the part.
        field: the field that gives the interval, or "" where ``fixed`` does.
        reach: how the field's value becomes an interval.
        change: how the interval acts on what was before.
        fixed: the interval of an effect that no field gives; in SI units.
        scale: field with the error at which what is wanted is worth 1/e, for a kernel.
        element: the element of the command that ``field`` names, for what follows a command.
        entry: index in a field that is a list of values, or -1.
    """

    verb: Verb
    quantity: str
    field: str = ""
    reach: Reach = "range"
    change: Change = "set"
    fixed: Interval | None = None
    scale: str = ""
    element: str = ""
    entry: int = -1

    def in_words(self) -> str:
        """The line in words, as ``--explain`` prints it."""
        quantity = self.quantity.replace("{", "<").replace("}", ">")
        said = f"{VERBS[self.verb]} {quantity}"
        if self.element:
            said += f" where the command of {self.field!r} is"
        elif self.fixed is not None:
            said += f" = {_text(self.fixed)}"
        else:
            said += f" {_RELATION[self.reach].format(self.field)}"
        said += {"set": "", "add": ", added to what it is", "multiply": ", times what it is"}[
            self.change
        ]
        return f"{said}, worth 1/e at an error of {self.scale!r}" if self.scale else said


_RELATION: dict[Reach, str] = {
    "range": "in {!r}",
    "value": "= {!r}",
    "half_width": "within ±{!r}",
    "at_least": ">= {!r}",
    "at_most": "<= {!r}",
    "symmetric": "by up to {!r}",
    "home": "at home",
    "zero": "= 0",
}


def _text(interval: Interval) -> str:
    low, high = f"{interval.low:g}", f"{interval.high:g}"
    return low if low == high else f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a part of a task says of a quantity.

    Attributes:
        object, part: the part: ``Termination``, ``fallen``.
        verb: what it does.
        quantity: its full name.
        within: the interval, in SI units.
        change: how it acts on what was before.
        place: the path in the source of what gives the interval.
        scale: error at which what is wanted is worth 1/e, or None.
        command: name of the command that is followed, or "".
        penalty: whether the part takes away what is farther off (and gives nothing).
    """

    object: str
    part: str
    verb: Verb
    quantity: str
    within: Interval
    change: Change
    place: tuple[str | int, ...]
    scale: float | None = None
    command: str = ""
    penalty: bool = False


_SUFFIXES: dict[str, Dimension] = {
    **dict.fromkeys(("x", "y", "height", "distance", "centre", "rise"), LENGTH),
    **dict.fromkeys(("tilt", "pitch", "roll", "heading", "angle"), ANGLE),
    **dict.fromkeys(("forward", "left", "climb", "speed"), SPEED),
    **dict.fromkeys(("turn", "spin"), ANGULAR_SPEED),
    **dict.fromkeys(("push", "force"), FORCE),
    **dict.fromkeys(("friction", "size", "contact", "kp", "kd", "strength"), NUMBER),
    "mass": MASS,
    "inertia": INERTIA,
    "torque": TORQUE,
    "damping": DAMPING,
}


def dimension_of(quantity: str, robot: RobotFacts) -> Dimension:
    """The dimension of a quantity; that of a number where it is not known.

    Args:
        quantity: its full name.
        robot: the robot whose joints it may be of.
    """
    head, _, rest = quantity.partition(".")
    if head == "joint":
        found = next((j for j in robot.motion_joints if rest.startswith(j.name)), None)
        for joint in robot.motion_joints:
            if rest == joint.name or rest == f"{joint.name}.zero":
                return joint.dimension
            if rest == f"{joint.name}.velocity":
                return joint.dimension.times(Dimension(s=1), -1)
        if found is not None and rest.endswith(".torque"):
            return FORCE if found.type == "slide" else TORQUE
        return NUMBER
    if head == "time":
        return TIME
    if head == "command":
        return _COMMANDED.get(quantity.rpartition(".")[2], NUMBER)
    return _SUFFIXES.get(quantity.rpartition(".")[2], NUMBER)


_COMMANDED: dict[str, Dimension] = {
    **dict.fromkeys(("forward", "sideways", "speed"), SPEED),
    **dict.fromkeys(("x", "y", "z", "height"), LENGTH),
    "turn": ANGULAR_SPEED,
    "direction": ANGLE,
}


def interval_of(value: Any, reach: Reach) -> Interval:
    """The interval that a field's value means.

    Args:
        value: a number or a pair of numbers; None for no limit.
        reach: how it is read.
    """
    if value is None:
        return EVERYTHING
    if reach == "zero":
        return ZERO
    if isinstance(value, tuple):
        low, high = map(float, cast("tuple[float, float]", value))
        return Interval(low, high) if reach != "symmetric" else Interval(-high, high)
    number = float(value)
    match reach:
        case "at_least":
            return Interval(number, EVERYTHING.high)
        case "at_most":
            return Interval(EVERYTHING.low, number)
        case "half_width" | "symmetric":
            return Interval(-number, number)
        case _:
            return Interval(number, number)


def resolved(effect: Effect, part: Any, name: str, robot: RobotFacts) -> Iterator[tuple[str, int]]:
    """The full names of the quantities of an effect, with the index of each in its field."""
    head, brace, rest = effect.quantity.partition("{")
    if not brace:
        yield effect.quantity, 0
        return
    field, _, tail = rest.partition("}")
    for index, value in enumerate(_named(field, part, name, robot)):
        yield f"{head}{value}{tail}", index


def _named(field: str, part: Any, name: str, robot: RobotFacts) -> Sequence[str]:
    """The names that a field stands for, each once."""
    if field == "name":
        return (name,)
    value: Any = getattr(part, field)
    if field == "joints":
        return tuple(joint.name for joint in robot.match_joints(value))
    if not value:
        return (robot.root,) if field in ("body", "bodies") else ()
    names: tuple[str, ...] = (value,) if isinstance(value, str) else value
    thing = {"geoms": "geom", "bodies": "body", "body": "body"}.get(field)
    if thing and not set(names) <= set(robot.names(thing)):
        return robot.match(thing, names)
    return tuple(dict.fromkeys(names))
