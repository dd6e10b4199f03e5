"""Events of mjlab and of Isaac Lab: resets, pushes, and what is drawn once for each environment."""

from __future__ import annotations

from ksim_schema.exchange.others.draft import Draft, number, quantity
from ksim_schema.exchange.others.tagged import Value
from ksim_schema.exchange.others.terms import Fields, Left, Term, about_zero, between, ranges

SECTIONS = {"reset": "Reset", "interval": "Event", "startup": "Randomizer"}
Made = list[tuple[str, str, Fields]]
"""Section, name and fields of parts."""


def translate(draft: Draft, document: Value) -> None:
    """The events of a file."""
    section = document.get("events")
    for name, value in section.items() if section is not None else ():
        function, mode = value.get("func"), value.get("mode")
        if function is None:
            continue
        called = function.function
        home = SECTIONS.get(mode.text if mode is not None else "", "Event")
        term = Term(value)
        try:
            made = _made(called, name, term, value)
        except Left as reason:
            draft.leave(home, f"events.{name}", value, str(reason), called)
            continue
        for where, part, fields in made:
            draft.add(where, part, fields)
        for remark in term.remarks:
            draft.leave(home, f"events.{name}", value, remark, called)


def _made(function: str, name: str, term: Term, value: Value) -> Made:
    match function:
        case "reset_root_state_uniform":
            return _base(term)
        case "reset_joints_by_scale" | "reset_joints_by_offset":
            return _joints(name, term, function.endswith("scale"))
        case "push_by_setting_velocity":
            return _push(name, term, value)
        case "randomize_rigid_body_material":
            return _material(name, term)
        case "randomize_rigid_body_mass" | "add_body_mass":
            return _mass(name, term)
        case "randomize_field" | "geom_friction":
            return _field(name, term, function)
        case "reset_scene_to_default":
            return []
        case _:
            raise Left("an event of a kind that is not known here")


def _base(term: Term) -> Made:
    pose, speed = ranges(term.param("pose_range")), ranges(term.param("velocity_range"))
    made = Made()
    place = {axis: size for axis in "xy" if (size := about_zero(pose, axis, "m")) is not None}
    if place:
        made.append(("Reset", "place", {"kind": "plane_position"} | place))
    if "z" in pose:
        made.append(("Reset", "height", {"kind": "height", "range": between(pose["z"], "m")}))
    if (turn := about_zero(pose, "yaw", "rad")) is not None:
        made.append(("Reset", "heading", {"kind": "heading", "range": turn}))
    tilt = {n: s for n in ("roll", "pitch") if (s := about_zero(pose, n, "rad")) is not None}
    if tilt:
        made.append(("Reset", "tilt", {"kind": "pitch_and_roll"} | tilt))
    fields = Fields()
    for ours, axes, unit in (
        ("horizontal", ("x", "y"), "m/s"),
        ("vertical", ("z",), "m/s"),
        ("angular", ("roll", "pitch", "yaw"), "rad/s"),
    ):
        found = [size for axis in axes if (size := about_zero(speed, axis, unit)) is not None]
        if found:
            fields[ours] = found[0]
        if len(set(map(str, found))) > 1 or 0 < len(found) < len(axes):
            term.remarks.append(f"its speeds along {', '.join(axes)} are drawn from one range here")
    if fields:
        made.append(("Reset", "speed", {"kind": "base_velocity"} | fields))
    return made


def _joints(name: str, term: Term, scaled: bool) -> Made:
    place, speed = term.param("position_range"), term.param("velocity_range")
    made, joints = Made(), term.joints()
    if place is not None and place.pair is not None:
        fields = Fields(kind="joint_position", **joints)
        if scaled and place.pair != (1.0, 1.0):
            made.append(("Reset", name, fields | {"factor": list(map(float, place.pair))}))
        elif not scaled and (half := about_zero(ranges_of(place), "range", "rad")) is not None:
            made.append(("Reset", name, fields | {"range": half}))
    if speed is not None and speed.pair is not None and any(speed.pair):
        if scaled:
            term.remarks.append("it multiplies the velocities of the home pose, which are 0")
        elif (half := about_zero(ranges_of(speed), "range", "rad/s")) is not None:
            fields = Fields(kind="joint_velocity", **joints, range=half)
            made.append(("Reset", f"{name}_velocity", fields))
    return made


def ranges_of(value: Value) -> dict[str, tuple[float, float]]:
    """A range by the name ``range``; nothing where it is zero."""
    return {"range": value.pair} if value.pair is not None and any(value.pair) else {}


def _push(name: str, term: Term, value: Value) -> Made:
    every, speed = value.get("interval_range_s"), ranges(term.param("velocity_range"))
    if every is None or every.pair is None:
        raise Left("it does not say how often")
    flat = [half for axis in "xy" if (half := about_zero(speed, axis, "m/s")) is not None]
    made = Made()
    if flat:
        fields = Fields(kind="linear_push", speed=flat[0], every=between(every.pair, "s"))
        made.append(("Event", name, fields))
        term.remarks.append("there each axis is drawn up to this speed, here the direction is")
    turns = [
        half for axis in ("roll", "pitch", "yaw") if (half := about_zero(speed, axis, "rad/s"))
    ]
    if turns:
        fields = Fields(kind="angular_push", rate=turns[0], every=between(every.pair, "s"))
        made.append(("Event", f"{name}_turning", fields))
    if not made:
        raise Left("it changes no speed")
    return made


def _material(name: str, term: Term) -> Made:
    found = term.param("static_friction_range")
    if found is None or found.pair is None:
        raise Left("it has no range of the friction")
    if found.pair[0] == found.pair[1]:
        raise Left(f"the friction is always {number(found.pair[0])}: give it to the model")
    term.remarks.append("there it is the robot's own friction that is drawn, here the ground's")
    return [("Randomizer", name, {"kind": "floor_friction", "range": list(found.pair)})]


def _mass(name: str, term: Term) -> Made:
    found, how = term.param("mass_distribution_params"), term.param("operation")
    bodies = term.names("body", "asset_cfg")
    if found is None or found.pair is None or not bodies:
        raise Left("it does not say which bodies, or how much")
    operation = how.text if how is not None else "add"
    fields = Fields(kind="body_mass", body=bodies)
    if operation == "add":
        return [("Randomizer", name, fields | {"add": between(found.pair, "kg")})]
    if operation == "scale":
        return [("Randomizer", name, fields | {"factor": between(found.pair, "")})]
    raise Left(f"its operation '{operation[:20]}' has no counterpart")


def _field(name: str, term: Term, function: str) -> Made:
    """mjlab's randomizers of a field of the model."""
    field, how = term.param("field"), term.param("operation")
    changed = field.text if field is not None else function
    found, geoms = term.param("ranges"), term.names("geom", "asset_cfg")
    if changed != "geom_friction" or (how is not None and how.text != "abs"):
        raise Left(f"draws of {changed[:40] or 'this field'}: see the randomizers that there are")
    if found is None or found.pair is None or not geoms:
        raise Left("it does not say which geoms, or how much")
    sliding = [quantity(end, "") for end in found.pair]
    return [("Randomizer", name, {"kind": "geom_friction", "geoms": geoms, "sliding": sliding})]
