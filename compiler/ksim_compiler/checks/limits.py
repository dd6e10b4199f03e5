"""Limits of joints: in another unit than MuJoCo reads, or none where the file says zero."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from xml.etree.ElementTree import Element

from ksim_compiler.plan import Plan
from ksim_compiler.robot.transmission import joint_equalities
from ksim_compiler.robot.xml import XmlError, parse
from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.physics import NO_LIMITS, ODD_LIMITS
from ksim_schema.robot import FILES, Joint

TURNS = 6 * math.pi
"""rad: limits that are wider are hardly meant of a hinge; those of wrists are up to 5 pi ..."""
DEGREES = 720.0
"""... and those up to this width may be degrees; wider ones stand for no limit."""
ROUND = 30.0
"""Whole numbers from here on are degrees for people who write limits, and no radians."""
_ZERO, _NONE = "limits of 0 to 0", "no limits"
LEAST = 0.5
"""deg: the narrowest limits that are radians of a joint that is worth a motor, read as degrees."""
NARROW = math.radians(2 * math.pi)
"""rad: the widest limits that are radians (within half a turn to each side), read as degrees."""


def limits(plan: Plan) -> Iterator[tuple[Code, str, str]]:
    """What is odd about the limits of the joints that move: code, message and help."""
    hinges = [j for j in plan.robot.facts.motion_joints if j.type == "hinge" and j.limits]
    wide = [j for j in hinges if TURNS < _width(j) <= DEGREES]
    if len(wide) < 0.5 * len(hinges):  # some may be meant, as of a winch
        wide = [j for j in wide if all(_round(end) for end in j.limits or ())]
    if wide and _in_radians(plan):
        joint = wide[0]
        low, high = joint.limits or (0.0, 0.0)
        message = f"joint {joint.name!r} has limits of {low:.4g} to {high:.4g} rad, "
        message += f"{_width(joint) / (2 * math.pi):.3g} turns: degrees may be read as radians"
        others = len(wide) - 1
        message += f" (and {others} more joint{'s' if others > 1 else ''})" if others else ""
        help = "remove angle='radian' from the model's <compiler>, or write the ranges in radians"
        if any(root.tag == "robot" for _, root in _documents(plan)):
            help = "write the limits in radians, as a URDF has them"
        yield ODD_LIMITS, message, help
    narrow = [j for j in hinges if j.limits and max(map(abs, j.limits)) <= NARROW]
    if len(hinges) >= 3 and len(narrow) == len(hinges) and not _in_radians(plan):
        joint = max(hinges, key=lambda j: (j.limits or (0.0, 0.0))[1])
        low, high = (math.degrees(end) for end in joint.limits or (0.0, 0.0))
        message = f"no hinge moves more than a few degrees ({joint.name!r}: {low:.3g} to "
        message += f"{high:.3g} deg): radians may be read as degrees"
        help = "write angle='radian' into the model's <compiler>, or the ranges in degrees"
        yield ODD_LIMITS, message, help
    elif narrow and len(narrow) < 0.5 * len(hinges) and not _in_radians(plan):
        driven = {drive.joint for drive in plan.drives}  # the play of a gear is meant
        yield from _with_fractions([j for j in narrow if j.name in driven], hinges)
    yield from _of_no_width(plan)


def _with_fractions(narrow: list[Joint], hinges: list[Joint]) -> Iterator[tuple[Code, str, str]]:
    """Joints with limits of a radian or so, with a fraction, among others in whole degrees."""
    others = [j for j in hinges if j.limits and max(map(abs, j.limits)) > NARROW]
    odd = [j for j in narrow if _width(j) >= math.radians(LEAST) and not _whole(j)]
    if odd and all(_whole(j) for j in others):
        joint = odd[0]
        low, high = (math.degrees(end) for end in joint.limits or (0.0, 0.0))
        more = f" (and {len(odd) - 1} more)" if odd[1:] else ""
        message = f"joint {joint.name!r}{more} has limits of {low:.4g} to {high:.4g} deg, and the "
        message += "others of many whole degrees: radians may be read as degrees"
        yield ODD_LIMITS, message, "write its range in degrees, as that of the others"


def _whole(joint: Joint) -> bool:
    """Whether both limits are whole numbers of degrees."""
    ends = [math.degrees(end) for end in joint.limits or ()]
    return all(abs(end - round(end)) < 1e-6 for end in ends)


def _width(joint: Joint) -> float:
    low, high = joint.limits or (0.0, 0.0)
    return high - low


def _round(end: float) -> bool:
    return end == 0.0 or (abs(end) >= ROUND and abs(end - round(end)) < 1e-6)


def _of_no_width(plan: Plan) -> Iterator[tuple[Code, str, str]]:
    """Joints whose limits are both 0, as written or as not given, which MuJoCo takes for none.

    A joint that follows another goes no farther than that one, and one of an MJCF whose class says
    ``limited="false"``, or has limits that the joint takes back, is meant to turn without end.
    """
    joints = plan.robot.facts.joints
    follow = {given for given, of in joint_equalities(plan.robot.model) if of >= 0}
    followers = {joints[index].name for index in follow}
    free = {j.name for j in plan.robot.facts.motion_joints if not j.limits} - followers - {""}
    documents = [*_documents(plan)] if free else []
    classes = _classes([root for _, root in documents])
    found: list[tuple[str, str, str]] = []
    for file, root in documents:
        zero = _zero_in_urdf(root) if root.tag == "robot" else _zero_in_mjcf(root, classes)
        found += [(joint, file, given) for joint, given in zero if joint in free]
    if not found:
        return
    (_, file, given), names = found[0], list(dict.fromkeys(joint for joint, *_ in found))
    one = len(names) == 1
    message = f"joint{'' if one else 's'} {', '.join(map(repr, names[:3]))}"
    message += f"{', ...' if names[3:] else ''} {'has' if one else 'have'} "
    message += f"{given} in {file}"
    message += ": " if given == _NONE else ", which MuJoCo takes for none: "
    message += "it moves without end" if one else "they move without end"
    help = "write the range; limited='false' says that none is meant"
    if file in {name for name, root in documents if root.tag == "robot"}:
        help = "write the limits; in a URDF, a joint without any is 'continuous', and one that "
        help += "does not move 'fixed'"
    yield NO_LIMITS, message, help


def _documents(plan: Plan) -> Iterator[tuple[str, Element]]:
    """The XML files of the model."""
    for name, data in plan.robot.files.content.items():
        if name.startswith(FILES) or b"<" not in data[:1000]:
            continue
        try:
            yield name, parse(data)
        except XmlError:  # no XML: a mesh, an image
            continue


def _in_radians(plan: Plan) -> bool:
    """Whether angles are read as radians: in a URDF, or where a <compiler> says so."""
    return any(
        root.tag == "robot" or any(c.get("angle") == "radian" for c in root.iter("compiler"))
        for _, root in _documents(plan)
    )


def _zero_in_urdf(root: Element) -> Iterator[tuple[str, str]]:
    for joint in root.iter("joint"):
        limit = joint.find("limit")
        given = {} if limit is None else limit.attrib
        ends = given.get("lower", "0"), given.get("upper", "0")
        if joint.get("type") in ("revolute", "prismatic") and all(map(_is_zero, ends)):
            written = "lower" in given or "upper" in given
            yield joint.get("name", ""), _ZERO if written else _NONE


def _zero_in_mjcf(
    element: Element, classes: Mapping[str, Mapping[str, str]], of: str = "main"
) -> Iterator[tuple[str, str]]:
    """Joints below an element whose joints are of a class."""
    for child in element:
        if child.tag == "joint":
            usual = classes.get(child.get("class", of), {})
            ends = child.get("range", "").split()
            limited = child.get("limited", usual.get("limited", "auto"))
            meant = limited == "false" or not all(map(_is_zero, usual.get("range", "").split()))
            if len(ends) == 2 and all(map(_is_zero, ends)) and not meant:
                yield child.get("name", ""), _ZERO
        elif child.tag not in ("default", "equality", "tendon", "actuator", "sensor"):
            yield from _zero_in_mjcf(child, classes, child.get("childclass", of))


def _classes(roots: Iterable[Element]) -> dict[str, dict[str, str]]:
    """What the classes of MJCF files say of their joints: name -> attributes."""
    found: dict[str, dict[str, str]] = {}

    def add(default: Element, above: Mapping[str, str], name: str) -> None:
        own = found.setdefault(name, {**above})
        for joint in default.findall("joint"):
            own.update(joint.attrib)
        for inner in default.findall("default"):
            add(inner, own, inner.get("class", ""))

    for root in roots:
        for default in root.findall("default"):
            add(default, {}, default.get("class", "main"))
    return {name: found.get("main", {}) | own for name, own in found.items()}


def _is_zero(text: str) -> bool:
    try:
        return float(text) == 0.0
    except ValueError:
        return False
