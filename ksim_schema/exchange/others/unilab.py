"""UniLab's task files: rewards, networks and learner as a task.

UniLab keeps what is observed, commanded and done in Python; a file changes weights and numbers of
that. The draft has the usual parts of its joystick tasks in their place, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from ksim_schema.exchange.others import agent
from ksim_schema.exchange.others.draft import Draft, number, quantity
from ksim_schema.exchange.others.tagged import Value
from ksim_schema.exchange.others.terms import PENALTIES, Fields, Left

Maker = Callable[[Value, float], Fields]
COMMAND = "velocity"
IN_PYTHON = "UniLab has this in Python: compare it with the environment's class"


def knows(document: Value) -> bool:
    """Whether a document is such a file."""
    return document.get("reward", "scales") is not None


def _of(rewards: Value, name: str) -> float:
    found = rewards.get(name)
    if found is None or found.number is None:
        raise Left(f"the file does not say '{name}'")
    return found.number


def _track(kind: str, unit: str) -> Maker:
    def make(rewards: Value, weight: float) -> Fields:
        width = math.sqrt(max(_of(rewards, "tracking_sigma"), 0.0))
        scale = quantity(width, unit)
        return {"kind": kind, "command": COMMAND, "error_scale": scale, "frame": "robot"}

    return make


def _exactly(**fields: object) -> Maker:
    return lambda rewards, weight: dict(fields)


def _height(rewards: Value, weight: float) -> Fields:
    away = f"square(base.height - {number(_of(rewards, 'base_height_target'))})"
    return {"kind": "formula", "expression": f"{number(weight)} * {away}"}


def _sum(expression: str) -> Maker:
    return lambda rewards, weight: {
        "kind": "formula",
        "expression": f"{number(weight)} * {expression}",
    }


REWARDS: Mapping[str, Maker] = {
    "tracking_lin_vel": _track("track_linear_velocity", "m/s"),
    "tracking_ang_vel": _track("track_angular_velocity", "rad/s"),
    "lin_vel_z": _exactly(kind="vertical_velocity"),
    "orientation": _exactly(kind="flat_orientation"),
    "base_height": _height,
    "action_rate": _exactly(kind="action_velocity"),
    "similar_to_default": _exactly(kind="joint_deviation", norm="l1"),
    "torques": _exactly(kind="torque_penalty", norm="l1"),
    "energy": _exactly(kind="energy"),
    "dof_acc": _sum("sum(square(joints['.*'].acceleration))"),
    "alive": _exactly(kind="stay_alive"),
}


def translate(document: Value, file: Path, robot: str) -> Draft:
    """A task out of such a file; see :func:`ksim_schema.exchange.others.managed.translate`."""
    called = document.get("training", "task_name")
    draft = Draft(file, "imported", called.text[:80] if called is not None else "")
    draft.add("PhysicsState", "robot", {"model": robot, "control": "50 Hz"})
    _usual(draft, document)
    rewards = document.get("reward")
    assert rewards is not None
    for name, value in _weights(rewards):
        weight = value.number
        try:
            if not weight:
                raise Left("its weight is 0")
            if name not in REWARDS:
                raise Left("a function of the environment's own, in Python")
            fields = REWARDS[name](rewards, weight)
            if fields["kind"] != "formula":
                fields["scale"] = _scale(fields["kind"], weight)
            draft.add("Reward", name, fields | {"per_second": True})
        except Left as reason:
            draft.leave("Reward", f"reward.scales.{name}", value, str(reason))
    _terminations(draft, document, rewards)
    learner = document.get("algo")
    read = ["gyro", "gravity", "joint_position", "joint_velocity", "last_action"]
    seen = {"policy": read, "critic": [*read, "base_velocity"]}
    agent.translate(draft, learner, seen, {"policy": [COMMAND]})
    return draft


def _weights(rewards: Value) -> list[tuple[str, Value]]:
    scales = rewards.get("scales")
    return list(scales.items()) if scales is not None else []


def _scale(kind: str, weight: float) -> float:
    if kind in PENALTIES and weight > 0:
        raise Left(f"it pays for what {kind} subtracts")
    return -weight if kind in PENALTIES else weight


def _usual(draft: Draft, document: Value) -> None:
    """What stands in Python there."""
    noise = document.get("env", "noise_config")
    units = {"gyro": "rad/s", "joint_angle": "rad", "joint_vel": "rad/s", "gravity": ""}

    def noisy(fields: Fields, name: str) -> Fields:
        found = noise.get(f"scale_{name}") if noise is not None else None
        if found is None or not found.number:
            return fields
        return fields | {"noise": {"uniform": quantity(found.number, units[name])}}

    angle: Fields = {"kind": "joint_position", "relative_to": "home"}
    parts: dict[str, Fields] = {
        "gyro": noisy({"kind": "base_angular_velocity"}, "gyro"),
        "gravity": noisy({"kind": "projected_gravity"}, "gravity"),
        "joint_position": noisy(angle, "joint_angle"),
        "joint_velocity": noisy({"kind": "joint_velocity"}, "joint_vel"),
        "last_action": {"kind": "last_action"},
        "base_velocity": {"kind": "base_linear_velocity"},
    }
    for name, fields in parts.items():
        draft.add("Observation", name, fields)
    speeds: Fields = {"forward": ["-1 m/s", "1 m/s"], "sideways": ["-0.5 m/s", "0.5 m/s"]}
    speeds |= {"turn": ["-1 rad/s", "1 rad/s"], "resample": ["5 s", "10 s"]}
    draft.add("Command", COMMAND, {"kind": "planar_velocity"} | speeds)
    size = document.get("env", "control_config", "action_scale")
    scale = quantity(size.number, "rad") if size is not None and size.number else "0.25 rad"
    gains: Fields = {"kp": "35 N*m/rad", "kd": "0.5 N*m*s/rad"}
    draft.add("Action", "targets", {"kind": "position_target", "scale": scale, "gains": gains})
    for section in ("PhysicsState", "Command", "Observation", "Action"):
        draft.leave(section, section, document, IN_PYTHON)


def _terminations(draft: Draft, document: Value, rewards: Value) -> None:
    least, tilt = rewards.get("min_base_height"), rewards.get("max_tilt_deg")
    if least is not None and least.number:
        fields: Fields = {"kind": "min_height", "height": quantity(least.number, "m")}
        draft.add("Termination", "low", fields)
    if tilt is not None and tilt.number:
        draft.add(
            "Termination",
            "tilted",
            {"kind": "not_upright", "max_tilt": f"{number(tilt.number)} deg"},
        )
    draft.add("Termination", "time_limit", {"kind": "episode_length", "after": "20 s"})
    if least is None and tilt is None:
        draft.leave("Termination", "terminations", document, IN_PYTHON)
