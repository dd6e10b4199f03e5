"""Contacts and forces from outside, as formulas name them.

They are found by their text: a robot has too many pairs of geoms to list them all.
"""

from collections.abc import Iterator
from typing import Literal

from ksim_schema.diagnostics import did_you_mean
from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import FORCE, NUMBER, TORQUE
from ksim_schema.units.formula import Quantity
from ksim_schema.units.formula_text import AXES
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.formula_source import Source

Load = Literal["force", "torque"]
LOADS: dict[str, Load] = {"external_force": "force", "external_torque": "torque"}
"""Members of a body -> what of the forces from outside on it."""
_UNITS = {"force": FORCE, "torque": TORQUE}


def contact(robot: RobotFacts, text: str) -> Source:
    """``contact.<geom>``, ``contact.<geom>.<other>``, and their ``.force``; a body stands for all
    that is solid of it, also for geoms without a name."""
    own, rest = _solid(robot, text)
    others, rest = _solid(robot, rest) if own and rest and rest != "force" else ((), rest)
    if not own or rest not in ("", "force"):
        name = rest if own else text
        help = did_you_mean(name, (*robot.names("geom"), *robot.names("body")), of="geoms")
        wrong = f"{name!r} is no geom of the robot or its world"
        return Source(Quantity(None, wrong=wrong, help=help), "touch")
    data = "force" if rest else "found"
    options = (("data", data), ("num", "1"), *((("reduce", "maxforce"),) if rest else ()))
    ends = [("geom", other) for other in others] or [("", "")]
    sensors = tuple(
        SensorRequest("contact", "geom", geom, *end, options)
        for geom in own
        for end in ends
        if end[1] != geom
    )
    if rest:
        return Source(Quantity(FORCE), "force", sensors, bounds=Interval(0.0, float("inf")))
    return Source(Quantity(NUMBER), "touch", sensors, bounds=Interval(0.0, 1.0))


def _solid(robot: RobotFacts, text: str) -> tuple[tuple[str, ...], str]:
    """The geom, or else the geoms of a body, with whose name a text begins, and what follows."""
    for what in ("geom", "body"):
        fitting = [n for n in robot.names(what) if n and (text == n or text.startswith(f"{n}."))]
        name = max(fitting, key=len, default="")
        geoms = (name,) if what == "geom" else robot.geoms_of(name) if name else ()
        if name and geoms:
            return geoms, text[len(name) + 1 :]
    return (), text


def loads(robot: RobotFacts) -> Iterator[tuple[str, Source]]:
    """``body.<name>.external_force`` and ``.external_torque``, and their elements."""
    for body in robot.names("body"):
        for member, what in LOADS.items():
            name, unit = f"body.{body}.{member}", _UNITS[what]
            yield name, _load(robot, (body,), what, Quantity(unit, 3))
            for element, axis in enumerate(AXES):
                yield f"{name}.{axis}", _load(robot, (body,), what, Quantity(unit), element)


def _load(
    robot: RobotFacts,
    bodies: tuple[str, ...],
    what: Load,
    quantity: Quantity,
    element: int | None = None,
) -> Source:
    # MuJoCo computes cfrc_ext only when some acceleration or force sensor needs it
    sensors = (SensorRequest("framelinacc", "xbody", robot.bodies[0]),)
    return Source(quantity, "external", sensors, bodies=bodies, what=what, element=element)
