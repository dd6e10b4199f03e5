"""Limits of joints: in another unit than MuJoCo reads, or none where the file says zero."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_compiler.plan import Plan
from ksim_compiler.robot.xml import XmlError, parse
from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.physics import NO_LIMITS, ODD_LIMITS
from ksim_schema.robot import FILES, Joint

TURNS = 4 * math.pi
"""rad: limits that are wider are hardly meant of a hinge ..."""
DEGREES = 720.0
"""... and those up to this width may be degrees; wider ones stand for no limit."""
ROUND = 30.0
"""Whole numbers from here on are degrees for people who write limits, and no radians."""
NARROW = math.radians(2 * math.pi)
"""rad: the widest limits that are radians (within half a turn to each side), read as degrees."""


def limits(plan: Plan) -> Iterator[tuple[Code, str, str]]:
    """What is odd about the limits of the joints that move: code, message and help."""
    hinges = [j for j in plan.robot.facts.motion_joints if j.type == "hinge" and j.limits]
    wide = [j for j in hinges if TURNS < _width(j) <= DEGREES]
    if len(wide) < 0.5 * len(hinges):  # some may be meant, as of a winch
        wide = [j for j in wide if all(_round(end) for end in j.limits or ())]
    if wide:
        joint = wide[0]
        low, high = joint.limits or (0.0, 0.0)
        message = f"joint {joint.name!r} has limits of {low:.4g} to {high:.4g} rad, "
        message += f"{_width(joint) / (2 * math.pi):.3g} turns: degrees may be read as radians"
        others = len(wide) - 1
        message += f" (and {others} more joint{'s' if others > 1 else ''})" if others else ""
        help = "remove angle='radian' from the model's <compiler>, or write the ranges in radians"
        yield ODD_LIMITS, message, help
    narrow = [j for j in hinges if j.limits and max(map(abs, j.limits)) <= NARROW]
    if len(hinges) >= 3 and len(narrow) == len(hinges):
        joint = max(hinges, key=lambda j: (j.limits or (0.0, 0.0))[1])
        low, high = (math.degrees(end) for end in joint.limits or (0.0, 0.0))
        message = f"no hinge moves more than a few degrees ({joint.name!r}: {low:.3g} to "
        message += f"{high:.3g} deg): radians may be read as degrees"
        help = "write angle='radian' into the model's <compiler>, or the ranges in degrees"
        yield ODD_LIMITS, message, help
    yield from _of_no_width(plan)


def _width(joint: Joint) -> float:
    low, high = joint.limits or (0.0, 0.0)
    return high - low


def _round(end: float) -> bool:
    return end == 0.0 or (abs(end) >= ROUND and abs(end - round(end)) < 1e-6)


def _of_no_width(plan: Plan) -> Iterator[tuple[Code, str, str]]:
    """Joints whose limits are both written as 0, which MuJoCo takes for limits not given."""
    free = {j.name for j in plan.robot.facts.motion_joints if j.name and not j.limits}
    written = dict[str, str]()
    for name, data in plan.robot.files.content.items() if free else ():
        if name.startswith(FILES) or b"<" not in data[:1000]:
            continue
        try:
            root = parse(data)
        except XmlError:  # no XML: a mesh, an image
            continue
        for element in root.iter("joint"):
            limit = element.find("limit")
            if root.tag == "robot" and element.get("type") in ("revolute", "prismatic"):
                given = {} if limit is None else limit.attrib
                ends = [given.get("lower", "0"), given.get("upper", "0")]
            else:
                ends = element.get("range", "").split()
            if (
                element.get("limited") != "false"
                and len(ends) == 2
                and all(_is_zero(end) for end in ends)
            ):
                written.setdefault(element.get("name", ""), name)
    found = [joint for joint in written if joint in free]
    if found:
        one = len(found) == 1
        shown = ", ".join(repr(joint) for joint in found[:3]) + (", ..." if found[3:] else "")
        message = f"joint{'' if one else 's'} {shown} {'has' if one else 'have'} limits of 0 to 0 "
        message += f"in {written[found[0]]}, which MuJoCo takes for none: "
        message += "it moves without end" if one else "they move without end"
        help = "write the limits; in a URDF, a joint without any is 'continuous', and one that "
        help += "does not move 'fixed'"
        yield NO_LIMITS, message, help


def _is_zero(text: str) -> bool:
    try:
        return float(text) == 0.0
    except ValueError:
        return False
