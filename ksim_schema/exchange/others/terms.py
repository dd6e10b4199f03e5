"""Terms of mjlab and of Isaac Lab, by the names of their functions, as parts of a task.

Each function here makes the fields of a part out of a term, or says in a sentence why it cannot: it
raises :class:`Left`. Units are those of both: SI, angles in rad, joints hinges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ksim_schema.exchange.others.draft import even, number, quantity, span
from ksim_schema.exchange.others.tagged import Value

Fields = dict[str, Any]
Maker = Callable[["Term"], Fields]


class Left(Exception):
    """A term that is left out; the message says why."""


@dataclass
class Term:
    """A term, and what else is known.

    Attributes:
        value: the term.
        weight: of a reward.
        episode: length of an episode, s.
        remarks: what is a little different here; the makers add to it.
    """

    value: Value
    weight: float = 1.0
    episode: float | None = None
    remarks: list[str] = field(default_factory=lambda: [])

    def param(self, name: str) -> Value | None:
        """A parameter of the function."""
        return self.value.get("params", name)

    def number(self, name: str, default: float | None = None) -> float:
        """A parameter that is a number."""
        found = self.param(name)
        value = found.number if found is not None else default
        if value is None or not math.isfinite(value):
            raise Left(f"its parameter '{name}' is not a number")
        return value

    def command(self) -> str:
        """The command that it names."""
        found = self.param("command_name")
        if found is None or not found.text:
            raise Left("it names no command")
        return found.text

    def names(self, what: str, *entities: str) -> list[str]:
        """The joints, bodies or geoms that an entity of its parameters selects; [] for all."""
        for entity in entities or ("asset_cfg", "sensor_cfg"):
            found = self.value.get("params", entity, f"{what}_names")
            if found is not None and found.texts:
                return [name for name in found.texts if name != ".*"]
        return []

    def joints(self) -> Fields:
        """The field that selects its joints."""
        names = self.names("joint")
        return {"joints": names} if names else {}


def _exactly(**fields: Any) -> Maker:
    return lambda _: dict(fields)


def _with_joints(**fields: Any) -> Maker:
    return lambda term: fields | term.joints()


def _left(why: str) -> Maker:
    def make(_: Term) -> Fields:
        raise Left(why)

    return make


def _linear(frame: str, remark: str = "") -> Maker:
    def make(term: Term) -> Fields:
        term.remarks += [remark] if remark else []
        scale = quantity(term.number("std"), "m/s")
        named = {"kind": "track_linear_velocity", "command": term.command()}
        return named | {"error_scale": scale, "frame": frame}

    return make


def _angular(frame: str, remark: str = "") -> Maker:
    def make(term: Term) -> Fields:
        term.remarks += [remark] if remark else []
        scale = quantity(term.number("std"), "rad/s")
        named = {"kind": "track_angular_velocity", "command": term.command()}
        return named | {"error_scale": scale, "frame": frame}

    return make


def _squares(quantity_of: str) -> Maker:
    """The sum of the squares of a quantity of joints, as a formula that has the weight in it."""

    def make(term: Term) -> Fields:
        patterns = term.names("joint") or [".*"]
        pattern = patterns[0] if len(patterns) == 1 else "|".join(f"({p})" for p in patterns)
        if "'" in pattern:
            raise Left("a name of a joint has a quotation mark")
        total = f"sum(square(joints['{pattern}']{quantity_of}))"
        return {"kind": "formula", "expression": f"{number(term.weight)} * {total}"}

    return make


def _base_height(term: Term) -> Fields:
    target = number(term.number("target_height"))
    if term.param("sensor_cfg") is not None:
        raise Left("its height is above a scan of the ground")
    return {
        "kind": "formula",
        "expression": f"{number(term.weight)} * square(base.height - {target})",
    }


def _bodies(term: Term, kind: str, **fields: Any) -> Fields:
    names = term.names("body", "sensor_cfg", "asset_cfg")
    if not names:
        raise Left("it selects no bodies by their names")
    return {"kind": kind, "bodies": names, **fields}


def _undesired(term: Term) -> Fields:
    return _bodies(term, "undesired_contacts", threshold=f"{number(term.number('threshold'))} N")


def _air_time(term: Term) -> Fields:
    if term.param("threshold") is None:
        raise Left("it pays for the time in the air by a rule of its own: a formula has 'air_time'")
    target = f"{number(term.number('threshold'))} s"
    return _bodies(term, "feet_air_time", target=target, command=term.command())


def _limits(term: Term) -> Fields:
    term.remarks.append("there beyond the soft limits, a share of the range: see 'factor'")
    return {"kind": "avoid_limits"} | term.joints()


def _body(term: Term) -> str:
    """The only body that it names, as a formula has it; "" for the base."""
    names = term.names("body")
    if len(names) > 1 or any(re.fullmatch(r"\w+", name, re.ASCII) is None for name in names):
        raise Left("it is about several bodies: a formula says it of each")
    return names[0] if names else ""


def _upright(term: Term) -> Fields:
    width, body = number(term.number("std") ** 2), _body(term)
    up = f"body.{body}.up" if body else ""
    tilt = f"square({up}.x) + square({up}.y)" if body else "square(sin(base.tilt))"
    return {"kind": "formula", "expression": f"{number(term.weight)} * exp(-({tilt}) / {width})"}


def _rolling(term: Term) -> Fields:
    body = _body(term)
    if not body:
        raise Left(_AXES)
    rate = f"body.{body}.angular_velocity"
    total = f"(square({rate}.x) + square({rate}.y))"
    return {"kind": "formula", "expression": f"{number(term.weight)} * {total}"}


def _deviation(term: Term) -> Fields:
    return {"kind": "joint_deviation", "norm": "l1"} | term.joints()


def _stand_still(term: Term) -> Fields:
    fields = {"kind": "stand_still", "command": term.command()} | term.joints()
    if (least := term.param("command_threshold")) is not None and least.number is not None:
        fields["threshold"] = least.number
    return fields


_AXES = (
    "a formula says it, with the base's name: square(body.NAME.angular_velocity.x) + the same of y"
)
_VERTICAL = "there it also counts the vertical velocity"
_TILTING = "there it also counts rolling and pitching"
REWARDS: Mapping[str, Maker] = {
    "track_lin_vel_xy_exp": _linear("robot"),
    "track_lin_vel_xy_yaw_frame_exp": _linear("heading"),
    "track_lin_vel_exp": _linear("robot", _VERTICAL),
    "track_linear_velocity": _linear("robot", _VERTICAL),
    "track_ang_vel_z_exp": _angular("robot"),
    "track_ang_vel_z_world_exp": _angular("heading"),
    "track_ang_vel_exp": _angular("robot", _TILTING),
    "track_angular_velocity": _angular("robot", _TILTING),
    "lin_vel_z_l2": _exactly(kind="vertical_velocity"),
    "ang_vel_xy_l2": _rolling,
    "body_angular_velocity_penalty": _rolling,
    "upright": _upright,
    "feet_slip": _left("its contacts are a sensor's of the scene: see feet_slip"),
    "joint_torques_l2": _with_joints(kind="torque_penalty"),
    "dof_torques_l2": _with_joints(kind="torque_penalty"),
    "joint_acc_l2": _squares(".acceleration"),
    "dof_acc_l2": _squares(".acceleration"),
    "joint_vel_l2": _squares(".velocity"),
    "action_rate_l2": _exactly(kind="action_velocity"),
    "action_acc_l2": _exactly(kind="action_acceleration"),
    "action_l2": lambda term: {
        "kind": "formula",
        "expression": f"{number(term.weight)} * sum(square(action))",
    },
    "flat_orientation_l2": _exactly(kind="flat_orientation"),
    "base_height_l2": _base_height,
    "joint_pos_limits": _limits,
    "joint_deviation_l1": _deviation,
    "stand_still_joint_deviation_l1": _stand_still,
    "is_alive": _exactly(kind="stay_alive"),
    "is_terminated": _exactly(kind="termination"),
    "electrical_power_cost": _with_joints(kind="energy"),
    "undesired_contacts": _undesired,
    "feet_slide": lambda term: _bodies(term, "feet_slip"),
    "feet_air_time": _air_time,
    "feet_air_time_positive_biped": _left(
        "one foot in the air is paid at each tick; see gait in docs"
    ),
    "posture": _left("its widths are by joint: joint_deviation or a formula says something alike"),
    "variable_posture": _left("its widths are by joint and speed: a formula with 'when' says it"),
}
PENALTIES = frozenset(
    (
        "vertical_velocity",
        "torque_penalty",
        "action_velocity",
        "action_acceleration",
        "flat_orientation",
        "avoid_limits",
        "joint_deviation",
        "stand_still",
        "termination",
        "energy",
        "undesired_contacts",
        "feet_slip",
    )
)
"""Kinds that are subtracted: their scale is positive."""

OBSERVATIONS: Mapping[str, tuple[Fields, str]] = {
    "base_lin_vel": ({"kind": "base_linear_velocity"}, "m/s"),
    "base_ang_vel": ({"kind": "base_angular_velocity"}, "rad/s"),
    "projected_gravity": ({"kind": "projected_gravity"}, ""),
    "joint_pos": ({"kind": "joint_position"}, "rad"),
    "joint_pos_rel": ({"kind": "joint_position", "relative_to": "home"}, "rad"),
    "joint_vel": ({"kind": "joint_velocity"}, "rad/s"),
    "joint_vel_rel": ({"kind": "joint_velocity"}, "rad/s"),
    "joint_effort": ({"kind": "actuator_force"}, "N*m"),
    "last_action": ({"kind": "last_action"}, ""),
    "base_pos_z": ({"kind": "base_height"}, "m"),
    "root_pos_w": ({"kind": "base_position"}, "m"),
    "root_quat_w": ({"kind": "base_orientation"}, "rad"),
    "root_lin_vel_w": ({"kind": "base_linear_velocity", "frame": "world"}, "m/s"),
    "root_ang_vel_w": ({"kind": "base_angular_velocity", "frame": "world"}, "rad/s"),
}
"""What a function observes, and the unit of its noise."""


def _time_out(term: Term) -> Fields:
    if term.episode is None:
        raise Left("the file does not say how long an episode lasts")
    return {"kind": "episode_length", "after": quantity(term.episode, "s")}


def _illegal(term: Term) -> Fields:
    if term.number("threshold", 0.0) > 0.0:
        term.remarks.append("there a contact counts above a force, here any does")
    return _bodies(term, "illegal_contact")


TERMINATIONS: Mapping[str, Maker] = {
    "time_out": _time_out,
    "bad_orientation": lambda term: {
        "kind": "not_upright",
        "max_tilt": quantity(term.number("limit_angle"), "rad"),
    },
    "root_height_below_minimum": lambda term: {
        "kind": "min_height",
        "height": quantity(term.number("minimum_height"), "m"),
    },
    "illegal_contact": _illegal,
}


def noise(value: Value, unit: str) -> Any:
    """The noise of an observation."""
    low, high = value.get("n_min"), value.get("n_max")
    if low is not None and high is not None and None not in (low.number, high.number):
        half = even((float(low.number or 0.0), float(high.number or 0.0)))
        if half is None:
            raise Left("its noise is not about zero")
        return {"uniform": quantity(half, unit)}
    spread, mean = value.get("std"), value.get("mean")
    if spread is not None and spread.number is not None:
        if mean is not None and mean.number:
            raise Left("the mean of its noise is not zero")
        return {"gaussian": quantity(spread.number, unit)}
    raise Left("its noise is of a kind that is not known")


def ranges(value: Value | None) -> dict[str, tuple[float, float]]:
    """The ranges of a mapping that are not zero."""
    found = {name: entry.pair for name, entry in value.items()} if value is not None else {}
    return {name: pair for name, pair in found.items() if pair is not None and any(pair)}


def about_zero(
    pairs: Mapping[str, tuple[float, float]], name: str, unit: str
) -> str | float | None:
    """Half of a range, with its unit; None where there is none."""
    if name not in pairs:
        return None
    half = even(pairs[name])
    if half is None:
        raise Left(f"its range of {name} is not about zero")
    return quantity(half, unit)


def between(ends: tuple[float, float], unit: str) -> list[str | float]:
    """A range in order."""
    return span((min(ends), max(ends)), unit)
