"""Actions of mjlab and of Isaac Lab, with the gains of the actuators that they tell."""

from __future__ import annotations

from ksim_schema.exchange.others.draft import Draft, quantity
from ksim_schema.exchange.others.tagged import Value
from ksim_schema.exchange.others.terms import Fields

ACTUATORS = (
    ("scene", "robot", "actuators"),
    ("scene", "entities", "robot", "articulation", "actuators"),
)
"""Where the actuators of the robot are."""


def translate(draft: Draft, document: Value) -> None:
    """The actions of a file."""
    section = document.get("actions")
    gains, limits = _actuators(document)
    for name, value in section.items() if section is not None else ():
        if not isinstance(value.data, dict):
            continue
        found = value.get("class_type")
        kind = found.function if found is not None else "JointPositionAction"
        path = f"actions.{name}"
        joints = value.get("joint_names") or value.get("actuator_names")
        fields = Fields(joints=list(joints.texts)) if joints is not None and joints.texts else {}
        scale = value.get("scale")
        unit = {"JointPositionAction": "rad", "JointVelocityAction": "rad/s"}.get(kind, "N*m")
        size = _each(scale, unit) if scale is not None else quantity(1.0, unit)
        if kind == "JointPositionAction":
            base = value.get("use_default_offset")
            around = "zero" if base is not None and base.data is False else "home"
            whole = {"kind": "position_target", **fields, "around": around, "scale": size}
            if gains:
                whole["gains"] = gains
            else:
                why = "the file has no stiffness and damping: give 'gains'"
                draft.leave("Action", path, value, why)
        elif kind == "JointEffortAction":
            whole = {"kind": "torque", **fields, "scale": size}
        else:
            why = "an action of a kind that is not known here"
            draft.leave("Action", path, value, why, kind)
            continue
        if limits:
            whole["torque_limit"] = limits
        offset = value.get("offset")
        if offset is not None and (offset.number or list(offset.items())):
            why = "its offset is left out: targets are about the home pose or zero"
            draft.leave("Action", f"{path}.offset", offset, why)
        draft.add("Action", name, whole)


def _each(value: Value, unit: str) -> object:
    """A number, or one for each pattern."""
    if value.number is not None:
        return quantity(value.number, unit)
    return {name: quantity(v.number, unit) for name, v in value.items() if v.number is not None}


def _actuators(document: Value) -> tuple[Fields, Fields]:
    """Gains and torque limits by the patterns of joints."""
    gains, limits = Fields(), Fields()
    found = next((v for place in ACTUATORS if (v := document.get(*place)) is not None), None)
    if found is None:
        return gains, limits
    groups = found.list() if isinstance(found.data, list) else [v for _, v in found.items()]
    for group in groups:
        names = group.get("joint_names_expr") or group.get("target_names_expr")
        stiff, damp = group.get("stiffness"), group.get("damping")
        limit = group.get("effort_limit_sim") or group.get("effort_limit")
        for pattern in names.texts if names is not None else ():
            for inner in _patterns(stiff, pattern):
                kp, kd = _of(stiff, inner), _of(damp, inner)
                if kp and kd is not None:
                    gains[inner] = {"kp": quantity(kp, "N*m/rad"), "kd": quantity(kd, "N*m*s/rad")}
            for inner in _patterns(limit, pattern):
                most = _of(limit, inner)
                if most:
                    limits[inner] = quantity(most, "N*m")
    return gains, limits


def _patterns(value: Value | None, pattern: str) -> list[str]:
    """The patterns that a value has numbers for; the group's own, where it is one number."""
    inner = [name for name, _ in value.items()] if value is not None else []
    return inner or [pattern]


def _of(value: Value | None, pattern: str) -> float | None:
    if value is None:
        return None
    if value.number is not None:
        return value.number
    found = value.get(pattern)
    return found.number if found is not None else None
