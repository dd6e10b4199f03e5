"""What a robot has that a task can name: joints, bodies, sites, ..., and where its file says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from ksim_compiler.editor.findings import Thing
from ksim_compiler.robot.model import Robot
from ksim_schema.checks.ranges import shown, shown_range
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.units import FORCE, LENGTH, MASS, TORQUE
from ksim_schema.units.interval import Interval

Places = Mapping[tuple[str, str], tuple[Path, int, int]]
"""What a thing is and its name -> the file, line and column (from 1) that name it."""
WHAT = ("joint", "body", "site", "geom", "sensor", "actuator", "keyframe")


def things_of(robot: Robot, path: Path) -> dict[str, list[Thing]]:
    """All that a robot has that can be named.

    Args:
        robot: the robot as its file has it.
        path: the file.
    """
    facts, places = robot.facts, places_in(robot, path)
    found: dict[str, list[Thing]] = {}
    moving = {joint.name for joint in facts.motion_joints}
    for what in WHAT:
        for name in facts.names(what):
            about, brief = _about(robot, what, name)
            file, line, column = places.get((what, name), (None, 1, 1))
            matched = what != "joint" or name in moving
            thing = Thing(name, about, brief, file, line, column, matched)
            found.setdefault(what, []).append(thing)
    return found


def line_of(facts: RobotFacts) -> str:
    """A robot in a line."""
    base = f"base `{facts.root}`" + (", which floats" if facts.base is not None else "")
    joints = len(facts.motion_joints)
    return f"{joints} joint{'s' * (joints != 1)}, {facts.mass:.4g} kg, {base}"


def _about(robot: Robot, what: str, name: str) -> tuple[str, str]:
    facts = robot.facts
    rows: list[tuple[str, str]] = []
    title = what
    match what:
        case "joint":
            joint = next(j for j in facts.joints if j.name == name)
            title = f"{joint.type} joint"
            rows = list(_joint(facts, joint))
        case "body":
            rows = list(_body(robot, name))
        case "geom":
            index = facts.geom_id(name)
            solid = "touches things" if name in facts.solid else "passes through everything"
            rows = [("body", facts.bodies[facts.geom_bodies[index]] or "world"), ("", solid)]
            if name in facts.ground:
                rows.append(("", "stands still"))
        case "site":
            body = facts.bodies[facts.site_bodies[facts.sites.index(name)]]
            rows = [("body", body or "world")]
        case "sensor":
            sensor = facts.sensors[name]
            on = sensor.frame or sensor.joint
            rows = [("type", sensor.type), ("numbers", str(sensor.size))]
            rows += [("on", on)] if on else []
        case "actuator":
            own = facts.own.get(name)
            if own is not None:
                rows = [("joints", ", ".join(own.joints) or "none")]
                if own.limits is not None:
                    rows.append(("control", shown_range(Interval(*own.limits), own.dimension)))
        case _:
            pass
    text = [f"**{name}**: {title} of the robot", ""]
    text += [f"- {head}: {value}" if head else f"- it {value}" for head, value in rows]
    brief = rows[0][1] if rows and what in ("joint", "site", "geom", "sensor") else ""
    return "\n".join(text), brief


def _joint(facts: RobotFacts, joint: Joint) -> Iterator[tuple[str, str]]:
    if joint.type in ("hinge", "slide"):
        limits = joint.limits and shown_range(Interval(*joint.limits), joint.dimension)
        yield "limits", limits or "none"
        yield "home", shown(joint.home[0], joint.dimension)
        effort = joint.effort if joint.effort is not None else joint.cap
        force = FORCE if joint.type == "slide" else TORQUE
        most = shown(effort, force) if math.isfinite(effort) else "not limited"
        yield "largest torque" if force == TORQUE else "largest force", most
    yield "body", joint.body or "world"


def _body(robot: Robot, name: str) -> Iterator[tuple[str, str]]:
    facts, model = robot.facts, robot.model
    index = facts.body_id(name)
    if name == facts.root:
        yield "", "is the robot's base" + (", which floats" if facts.base is not None else "")
    yield "mass", shown(float(model.body_mass[index]), MASS)
    whole = float(model.body_subtreemass[index])
    if whole != float(model.body_mass[index]):
        yield "mass with all that hangs from it", shown(whole, MASS)
    height = facts.measures.get(f"body.{name}.height")
    if height is not None:
        yield "height in the home pose", shown(height, LENGTH)
    joints = [j.name or f"a {j.type} joint" for j in facts.joints if j.body == name]
    if joints:
        yield "joints", ", ".join(joints)
    geoms = facts.geoms_of(name)
    if geoms:
        named = [geom for geom in geoms if not geom.startswith("ksim/")]
        more = f"{len(geoms) - len(named)} without a name" if len(geoms) > len(named) else ""
        yield "geoms that touch things", ", ".join(filter(None, (*named, more)))


_MJCF = {
    "body": "body",
    "joint": "joint",
    "freejoint": "joint",
    "geom": "geom",
    "site": "site",
    "key": "keyframe",
}
_URDF = {"link": "body", "joint": "joint"}


def places_in(robot: Robot, path: Path) -> dict[tuple[str, str], tuple[Path, int, int]]:
    """Where the files of a robot name what it has.

    A model that another one attaches has its names with a prefix, so the end of a name is looked
    for where the whole is not found.
    """
    files = robot.files
    folder = path.resolve().parent
    for _ in range(files.root.count("/")):
        folder = folder.parent
    found: dict[tuple[str, str], tuple[Path, int, int]] = {}
    for name in sorted(files.content, key=lambda n: n != files.root):
        data = files.content[name]
        if b"<mujoco" in data or b"<robot" in data:
            for what, called, line, column in _named_in(data):
                found.setdefault((what, called), (folder / name, line, column))
    for what in WHAT:
        for called in robot.facts.names(what):
            if (what, called) not in found:
                for end in (called.partition("/")[2], called.partition("_")[2]):
                    if end and (what, end) in found:
                        found[what, called] = found[what, end]
                        break
    return found


def _named_in(data: bytes) -> list[tuple[str, str, int, int]]:
    """What an XML file names: what it is, its name, its line and column."""
    found: list[tuple[str, str, int, int]] = []
    stack: list[str] = []
    parser = expat.ParserCreate("utf-8")

    def begin(tag: str, attributes: dict[str, str]) -> None:
        known = _URDF if stack and stack[0] == "robot" else _MJCF
        what = known.get(tag, "")
        above = stack[-1] if stack else ""
        if above in ("sensor", "actuator"):
            what = above
        elif "default" in stack or (known is _MJCF and above in ("equality", "contact", "tendon")):
            what = ""
        name = attributes.get("name", "")
        if what and name:
            found.append((what, name, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1))
        stack.append(tag)

    def end(tag: str) -> None:
        stack.pop()

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        return found
    return found
