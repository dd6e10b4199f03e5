"""Geoms as formulas name them, and what a pattern matches of bodies, sites, geoms and contacts.

They are found by their text, as there is too much of it to be listed.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from itertools import product

from ksim_schema.diagnostics import did_you_mean
from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.robot.patterns import PatternError
from ksim_schema.units import ANGULAR_SPEED, LENGTH, NUMBER, SPEED, Dimension
from ksim_schema.units.formula import Quantity
from ksim_schema.units.formula_text import AXES
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.formula_loads import LOADS, contact
from ksim_schema.vocabulary.formula_source import Source

FRAME: dict[str, tuple[str, Dimension]] = {
    "velocity": ("framelinvel", SPEED),
    "angular_velocity": ("frameangvel", ANGULAR_SPEED),
    "x_axis": ("framexaxis", NUMBER),
    "y_axis": ("frameyaxis", NUMBER),
    "z_axis": ("framezaxis", NUMBER),
    "up": ("framezaxis", NUMBER),
}
"""What is asked of a body, a site or a geom, in the world's axes: MuJoCo's sensor and its unit."""
SUBTREE: dict[str, tuple[str, Dimension]] = {
    "com": ("subtreecom", LENGTH),
    "com_velocity": ("subtreelinvel", SPEED),
}
"""What is asked of a body with all that hangs from it, in the world's axes."""
UNIT = Interval(-1.0, 1.0)
_ELEMENTS = ("w", *AXES)
_ASKED = (*FRAME, *SUBTREE, *LOADS, "height", "orientation")
Rows = Iterator[tuple[str, Source]]
Found = Mapping[str, Source]


def vector(
    name: str, dimension: Dimension | None, size: int, sensor: SensorRequest | str, bounds: Interval
) -> Rows:
    """A vector of a sensor, and its elements."""
    yield name, Source(Quantity(dimension, size), "sensor", (sensor,), bounds=bounds)
    labels = {3: AXES, 4: _ELEMENTS}.get(size, ())
    for element, label in enumerate(labels):
        quantity = Quantity(dimension)
        source = Source(quantity, "sensor", (sensor,), element=element, bounds=bounds)
        yield f"{name}.{label}", source


def place(what: str, objtype: str, name: str) -> Rows:
    """Where a frame is in the world."""
    request = SensorRequest("framepos", objtype, name)
    yield from vector(f"{what}.{name}", LENGTH, 3, request, EVERYTHING)


def motion(what: str, objtype: str, name: str) -> Rows:
    """How a frame moves, and its axes."""
    for member, (sensor, unit) in FRAME.items():
        bounds = EVERYTHING if unit != NUMBER else UNIT
        request = SensorRequest(sensor, objtype, name)
        yield from vector(f"{what}.{name}.{member}", unit, 3, request, bounds)


def attitude(what: str, objtype: str, name: str) -> Rows:
    """How high a frame is, and how it is turned."""
    where = SensorRequest("framepos", objtype, name)
    yield f"{what}.{name}.height", Source(Quantity(LENGTH), "height", (where,))
    request = SensorRequest("framequat", objtype, name)
    yield from vector(f"{what}.{name}.orientation", NUMBER, 4, request, UNIT)


def geom(robot: RobotFacts, text: str, _: Found) -> Source:
    """``geom.<name>``, and what is asked of a body in the same way."""
    known = [g for g in robot.names("geom") if g and (text == g or text.startswith(f"{g}."))]
    name = max(known, key=len, default="")
    if not name:
        help = did_you_mean(text, filter(None, robot.names("geom")), of="geoms")
        wrong = f"{text!r} is no geom of the robot or its world"
        return Source(Quantity(None, wrong=wrong, help=help), "sensor")
    rows = (row for of in (place, motion, attitude) for row in of("geom", "geom", name))
    found = dict(rows)
    if f"geom.{text}" in found:
        return found[f"geom.{text}"]
    asked = text.removeprefix(f"{name}.")
    help = "of a geom is asked: x, y, z, " + ", ".join((*FRAME, "height", "orientation"))
    wrong = f"{asked!r} is nothing that a geom has"
    return Source(Quantity(None, wrong=wrong, help=help), "sensor")


def several(what: str) -> Callable[[RobotFacts, str, Found], Source]:
    """``sites['foot_.*'].velocity.x``: of all that a pattern matches, in the model's order.

    Args:
        what: body, site or geom.
    """

    def named(robot: RobotFacts, text: str, found: Found) -> Source:
        pattern, steps = text, list[str]()
        for among in (_ELEMENTS, _ASKED):
            first, dot, last = pattern.rpartition(".")
            if dot and first and last in among:
                pattern, steps = first, [last, *steps]
        names = _matching(robot, what, pattern)
        if isinstance(names, Source):
            return names
        rest = "".join(f".{step}" for step in steps)
        if what == "geom":
            return joined([geom(robot, f"{name}{rest}", found) for name in names])
        missing = next((n for n in names if f"{what}.{n}{rest}" not in found), None)
        if missing is not None:
            wrong = f"{rest.lstrip('.')!r} is nothing that a {what} has"
            return Source(Quantity(None, wrong=wrong), "several")
        return joined([found[f"{what}.{name}{rest}"] for name in names])

    return named


def contacts(robot: RobotFacts, text: str, _: Found) -> Source:
    """``contacts['foot_.*'].floor``: 1 or 0 of each geom, or the ``.force`` of each, N."""
    pattern = text.removesuffix(".force")
    rest = text[len(pattern) :]
    things = (*robot.names("geom"), *robot.names("body"))
    ends = [name for name in things if name and pattern.endswith(f".{name}")]
    if ends:
        other = f".{max(ends, key=len)}"
        pattern, rest = pattern.removesuffix(other), other + rest
    names = _matching(robot, "geom", pattern)
    if isinstance(names, Source):
        bodies = _matching(robot, "body", pattern)
        if isinstance(bodies, Source):
            return names
        names = tuple(body for body in bodies if robot.geoms_of(body))
    return joined([contact(robot, f"{name}{rest}") for name in names])


def _matching(robot: RobotFacts, what: str, pattern: str) -> tuple[str, ...] | Source:
    """The names that a pattern matches, or why there are none."""
    many = {"body": "bodies"}.get(what, f"{what}s")
    try:
        names = tuple(filter(None, robot.match(what, (pattern,))))
    except PatternError as error:
        wrong = f"{pattern!r} is not a pattern of names: {error}"
        return Source(Quantity(None, wrong=wrong), "several")
    if what == "body":
        names = tuple(name for name in names if name != robot.bodies[0])
    if names:
        return names
    help = did_you_mean(pattern, filter(None, robot.names(what)), of=many)
    wrong = f"{pattern!r} matches no {what}"
    return Source(Quantity(None, wrong=wrong, help=help), "several")


def joined(parts: list[Source]) -> Source:
    """Several quantities of one unit, one after the other; a wrong one stands for all."""
    bad = next((part for part in parts if part.quantity.wrong), None)
    if bad is not None:
        return bad
    length = sum(part.quantity.length or 1 for part in parts)
    sensors = tuple(dict.fromkeys(s for part in parts for s in part.sensors))
    bounds = reduce(Interval.hull, (part.bounds for part in parts))
    quantity = Quantity(parts[0].quantity.dimension, length)
    return Source(quantity, "several", sensors, parts=tuple(parts), bounds=bounds)


def members(robot: RobotFacts) -> Rows:
    """Velocities, axes, heights and centres of mass of bodies and sites."""
    for what, objtype in (("site", "site"), ("body", "xbody")):
        for name in robot.names(what):
            yield from motion(what, objtype, name)
        for name in robot.names(what):
            yield from attitude(what, objtype, name)
    for name, (member, (sensor, unit)) in product(robot.names("body"), SUBTREE.items()):
        request = SensorRequest(sensor, "body", name)
        yield from vector(f"body.{name}.{member}", unit, 3, request, EVERYTHING)
