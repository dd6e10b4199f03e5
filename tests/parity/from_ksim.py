"""From ksim's rewards, by class name and parameters, to parts of a task.

ksim's length and kernel scales s stand in ``exp(-e^2 / (2 s^2))``; an ``error_scale`` is
``sqrt(2) s``. Where ksim counts in ticks, the parts have SI units.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Params = Mapping[str, Any]
Yaml = dict[str, Any]
ONE_SIDED = "-1.0e6 rad/s"
"""A turning rate that no robot reaches: where ksim tests one side of a rate only."""


@dataclass(frozen=True)
class Rollout:
    """What the parameters of ksim's rewards refer to.

    Attributes:
        period: the control period in s.
        joints: names of all joints, the free joint first.
        bodies: names of all bodies, the world first.
        feet: the bodies of the observation of the feet, in its order.
    """

    period: float
    joints: Sequence[str]
    bodies: Sequence[str]
    feet: Sequence[str]


@dataclass(frozen=True)
class Translated:
    """A part that gives the numbers of a ksim reward, and how ksim runs it over a rollout.

    Attributes:
        part: the part's YAML. Its scale turns its unit into ksim's.
        masked: ticks at the start of a rollout at which ksim writes 0 instead of the value.
        carried: whether ksim keeps the memory where an episode ends inside the rollout.
        mean_of_rollout: whether ksim moves a running mean once a rollout, by the rollout's mean,
            starting from ``carry``, instead of at each tick from zero.
        carry: ksim's initial memory, where it is not that of the part.
        in_order_of_joints: whether ksim takes the i-th actuator to be on the i-th joint.
    """

    part: Yaml
    masked: int = 0
    carried: bool = False
    mean_of_rollout: bool = False
    carry: tuple[float, ...] = ()
    in_order_of_joints: bool = False


MISTAKES = {
    "EnergyPenalty": "multiplies the torque of the i-th actuator with the velocity of the i-th "
    "joint, which belongs to another actuator when the orders differ",
    "ReachabilityPenalty": "compares the i-th action with the i-th joint, which belongs to another "
    "actuator when the orders differ",
    "OffAxisVelocityReward": "takes qvel[4] and qvel[5], the rates about the body's y and z axes, "
    "for those about x and y",
}
"""ksim's rewards whose formula is a mistake; the parts compute what the names promise."""


def translate(name: str, params: Params, rollout: Rollout) -> Translated:
    """The part that stands for a ksim reward.

    Raises:
        KeyError: not a reward of ksim.
        ValueError: a parameter that has no counterpart.
    """
    given = _Given(params, rollout)
    translated = _TRANSLATIONS[name](given)
    unknown = set(params) - given.used - _WITHOUT_EFFECT.get(name, frozenset())
    if unknown:
        raise ValueError(f"{name}: no counterpart of {', '.join(sorted(unknown))}")
    return translated


_WITHOUT_EFFECT = {
    "LinearVelocityReward": frozenset(("vis_height",)),
    "AngularVelocityReward": frozenset(("vis_height",)),
    "BaseHeightReward": frozenset(("norm",)),
    "FlatBodyReward": frozenset(("norm",)),
    "PositionTrackingReward": frozenset(("body_name",)),
    "FeetAirTimeReward": frozenset(("ctrl_dt", "num_feet")),
    "SparseTargetHeightReward": frozenset(("num_bodies",)),
    "ForcePenalty": frozenset(("ctrl_dt",)),
    "SinusoidalGaitReward": frozenset(("ctrl_dt", "num_feet")),
}
"""Parameters that ksim's formula does not read, or that the recording itself tells."""


class _Given:
    """Parameters with ksim's defaults, as texts with units; remembers which were asked for."""

    def __init__(self, params: Params, rollout: Rollout) -> None:
        self.params, self.rollout, self.used = params, rollout, set[str]()

    def get(self, name: str, default: Any = None) -> Any:
        self.used.add(name)
        return self.params.get(name, default)

    def number(self, name: str, default: float | None = None) -> float:
        value = self.get(name, default)
        if value is None:
            raise ValueError(f"the parameter {name} is missing")
        return float(value)

    def measured(self, name: str, unit: str, default: float | None = None) -> str:
        return _text(self.number(name, default), unit)

    def error_scale(self, name: str, unit: str, default: float = 0.25) -> str:
        return _text(math.sqrt(2) * self.number(name, default), unit)

    def penalties(self, prefix: str = "") -> Yaml:
        return {key: self.number(prefix + key, 0.1) for key in ("sq_scale", "abs_scale")}

    def kernel(self, name: str, unit: str) -> Yaml:
        """A kernel of ksim's UprightReward and NoRollReward: `pose_scale`, `pose_sq_scale`, ..."""
        prefix = name.removesuffix("scale")
        return {"error_scale": self.error_scale(name, unit), **self.penalties(prefix)}

    def joints(self, plural: str = "joint") -> list[str]:
        """Names of joints, given by name or by their place after the free joint."""
        names = self.get(f"{plural}_names")
        indices = self.get(f"{plural}_indices")
        return list(names) if names is not None else [self.joint_at(i) for i in indices]

    def joint(self, side: str) -> str:
        name, index = self.get(f"{side}_joint_name"), self.get(f"{side}_joint_index")
        return re.escape(name if name is not None else self.joint_at(index))

    def joint_at(self, index: int) -> str:
        return self.rollout.joints[1 + index]

    def body(self, name: str, index: str) -> str:
        text, number = self.get(name), self.get(index)
        return text if text is not None else self.rollout.bodies[number]


def _text(value: float, unit: str) -> str:
    return f"{value!r} {unit}"


def _patterns(names: Sequence[str]) -> list[str]:
    return [re.escape(name) for name in names]


def _stay_alive(g: _Given) -> Translated:
    part: Yaml = {"kind": "stay_alive", "balance": g.number("balance", 100.0)}
    success = g.get("success_reward")
    return Translated(part if success is None else part | {"success": float(success)})


def _linear_velocity(g: _Given) -> Translated:
    return Translated(
        {
            "kind": "linear_velocity",
            "command": g.get("cmd"),
            "error_scale": g.error_scale("vel_length_scale", "m/s"),
            "direction_scale": g.error_scale("yaw_length_scale", "rad"),
            "zero_threshold": g.measured("zero_threshold", "m/s", 0.01),
            "wrap": False,
            **g.penalties(),
        }
    )


def _angular_velocity(g: _Given) -> Translated:
    return Translated(
        {
            "kind": "angular_velocity",
            "command": g.get("cmd"),
            "error_scale": g.error_scale("angvel_length_scale", "rad/s"),
            "zero_threshold": g.measured("zero_threshold", "rad/s", math.radians(5)),
            **g.penalties(),
        }
    )


def _off_axis_velocity(g: _Given) -> Translated:
    linear = g.error_scale("lin_length_scale", "m/s")
    angular = g.error_scale("ang_length_scale", "rad/s")
    part = {"kind": "off_axis_velocity", "linear_scale": linear, "angular_scale": angular}
    return Translated(part)


def _base_height(g: _Given) -> Translated:
    height = g.measured("height_target", "m")
    scale = g.error_scale("kernel_scale", "m")
    return Translated({"kind": "base_height", "height": height, "error_scale": scale})


def _base_height_range(g: _Given) -> Translated:
    limits = [g.measured("z_lower", "m"), g.measured("z_upper", "m")]
    dropoff = g.measured("dropoff", "1/m")
    return Translated({"kind": "base_height_range", "range": limits, "dropoff": dropoff})


def _action_change(kind: str, order: int) -> Callable[[_Given], Translated]:
    def translate(g: _Given) -> Translated:
        part = {"kind": kind, "norm": g.get("norm", "l2"), "reduce": "mean"}
        return Translated(part, masked=order)

    return translate


def _small_joints(kind: str, order: int) -> Callable[[_Given], Translated]:
    def translate(g: _Given) -> Translated:
        change = math.sqrt(2) * g.number("kernel_scale", 0.25)
        scale = _text(change / g.rollout.period**order, f"rad/s^{order}")
        return Translated({"kind": kind, "error_scale": scale})

    return translate


def _links(kind: str, order: int) -> Callable[[_Given], Translated]:
    def translate(g: _Given) -> Translated:
        norm = g.get("norm", "l2")
        per_tick = g.rollout.period ** (order * (1 if norm == "l1" else 2))
        return Translated({"kind": kind, "norm": norm, "reduce": "mean", "scale": per_tick})

    return translate


def _avoid_limits(g: _Given) -> Translated:
    factor = g.number("factor", 0.05)
    return Translated({"kind": "avoid_limits", "factor": factor, "reduce": "mean"})


def _torque(g: _Given) -> Translated:
    return Translated({"kind": "torque_penalty", "norm": "l1", "reduce": "mean", "relative": True})


def _energy(g: _Given) -> Translated:
    part = {"kind": "energy", "norm": "l1", "reduce": "mean", "relative": True}
    return Translated(part, in_order_of_joints=True)


def _joint_deviation(g: _Given) -> Translated:
    part: Yaml = {
        "kind": "joint_deviation",
        "joints": _patterns(g.joints()),
        "targets": [_text(float(t), "rad") for t in g.get("joint_targets")],
        "norm": g.get("norm", "l2"),
    }
    weights = g.get("joint_weights")
    return Translated(part if weights is None else part | {"weights": [float(w) for w in weights]})


def _flat_body(g: _Given) -> Translated:
    names, indices = g.get("body_names"), g.get("body_indices")
    bodies = names if names is not None else [g.rollout.bodies[i] for i in indices]
    plane = [float(p) for p in g.get("plane", (0.0, 0.0, 1.0))]
    return Translated({"kind": "flat_body", "bodies": list(bodies), "plane": plane})


def _position_tracking(g: _Given) -> Translated:
    return Translated(
        {
            "kind": "position_tracking",
            "command": g.get("command_name"),
            "body": g.body("tracked_body_name", "tracked_body_idx"),
            "base": g.body("base_body_name", "base_body_idx"),
            "norm": g.get("norm", "l1"),
            "error_scale": g.error_scale("kernel_scale", "m"),
        }
    )


def _upright(g: _Given) -> Translated:
    return Translated(
        {
            "kind": "upright",
            "angvel": g.kernel("angvel_scale", "rad/s"),
            "linvel": g.kernel("linvel_scale", "m/s"),
            "pose": g.kernel("pose_scale", "rad"),
        }
    )


def _no_roll(g: _Given) -> Translated:
    angvel, pose = g.kernel("angvel_scale", "rad/s"), g.kernel("roll_scale", "rad")
    return Translated({"kind": "no_roll", "angvel": angvel, "pose": pose})


def _symmetry(g: _Given) -> Translated:
    targets = tuple(float(t) for t in g.get("joint_targets"))
    part = {
        "kind": "symmetry",
        "joints": _patterns(g.joints()),
        "targets": [_text(t, "rad") for t in targets],
        "alpha": g.number("alpha", 0.1),
    }
    in_order = tuple(sorted(zip(g.joints(), targets, strict=True), key=lambda j: _place(g, j[0])))
    return Translated(part, mean_of_rollout=True, carry=tuple(target for _, target in in_order))


def _place(g: _Given, joint: str) -> int:
    return list(g.rollout.joints).index(joint)


def _pairwise_symmetry(g: _Given) -> Translated:
    zeros = (g.number("left_zero", 0.0), g.number("right_zero", 0.0))
    part = {
        "kind": "pairwise_symmetry",
        "left": g.joint("left"),
        "right": g.joint("right"),
        "left_zero": _text(zeros[0], "rad"),
        "right_zero": _text(zeros[1], "rad"),
        "flipped": g.get("flipped", False),
        "alpha": g.number("alpha", 0.1),
        "error_scale": g.error_scale("kernel_scale", "rad"),
        **g.penalties(),
    }
    return Translated(part, mean_of_rollout=True, carry=zeros)


def _reachability(g: _Given) -> Translated:
    reaches = {float(value) for value in g.get("delta_max_j")}
    if len(reaches) != 1:
        raise ValueError("joints of different reach need a part each")
    velocity = _text(reaches.pop() / g.rollout.period, "rad/s")
    norm = "l2" if g.get("squared", True) else "l1"
    part = {"kind": "reachability", "max_velocity": velocity, "norm": norm}
    return Translated(part, in_order_of_joints=True)


def _rest(g: _Given, linear: float, angular: float, *, both_sides: bool = False) -> Yaml:
    turn = g.number("angvel_moving_threshold", angular)
    low = _text(-turn, "rad/s") if both_sides else ONE_SIDED
    speed = g.measured("linvel_moving_threshold", "m/s", linear)
    return {"speed": speed, "turn": [low, _text(turn, "rad/s")]}


def _feet_gait_time(g: _Given) -> Translated:
    linear, angular = g.get("linvel_cmd"), g.get("angvel_cmd")
    part: Yaml = {
        "kind": "feet_gait_time",
        "contact": g.get("contact_obs"),
        "period": g.measured("gait_period", "s"),
        "air": g.number("air_time_percent"),
        "bias": g.number("bias", 0.0),
        "ground_penalty": g.number("ground_penalty", 0.1),
        "rest": _rest(g, 0.1, math.radians(10), both_sides=angular is not None),
    }
    g.get("alpha")  # ksim's formula does not read it
    if linear is not None:
        part["linear_command"] = linear
    if angular is not None:
        part["angular_command"] = angular
    return Translated(part, carried=True)


def _feet_slip(g: _Given) -> Translated:
    contact, velocity = g.get("contact_obs"), g.get("velocity_obs")
    return Translated({"kind": "feet_slip", "contact": contact, "velocity": velocity})


def _feet(g: _Given, name: str) -> list[str]:
    g.get(name)
    return list(g.rollout.feet)


def _sparse_target_height(g: _Given) -> Translated:
    return Translated(
        {
            "kind": "sparse_target_height",
            "contact": g.get("contact_obs"),
            "bodies": _feet(g, "position_obs"),
            "height": g.measured("height", "m"),
            "rest": _rest(g, 0.5, math.radians(30)),
        }
    )


def _motionless_at_rest(g: _Given) -> Translated:
    return Translated({"kind": "motionless_at_rest", "rest": _rest(g, 0.5, math.radians(30))})


def _force(g: _Given) -> Translated:
    return Translated(
        {
            "kind": "force",
            "force": g.get("force_obs"),
            "expected_weight": g.measured("expected_weight", "N"),
            "bias": g.measured("bias", "N", 0.0),
        }
    )


def _sinusoidal_gait(g: _Given) -> Translated:
    return Translated(
        {
            "kind": "sinusoidal_gait",
            "command": g.get("pos_cmd"),
            "bodies": _feet(g, "pos_obs"),
            "max_height": g.measured("max_height", "m"),
        }
    )


def _joint_position(g: _Given) -> Translated:
    names, indices = g.get("joint_names"), g.get("indices")
    return Translated(
        {
            "kind": "joint_position_tracking",
            "command": g.get("command_name"),
            "joints": _patterns(names if names is not None else [g.joint_at(i) for i in indices]),
            "error_scale": g.error_scale("pos_scale", "rad"),
            "velocity_scale": g.error_scale("vel_scale", "rad/s"),
            **g.penalties(),
        }
    )


def _intersection(g: _Given) -> Translated:
    bodies, distance = _feet(g, "position_obs"), g.measured("min_distance", "m")
    return Translated({"kind": "intersection", "bodies": bodies, "min_distance": distance})


_TRANSLATIONS: dict[str, Callable[[_Given], Translated]] = {
    "StayAliveReward": _stay_alive,
    "LinearVelocityReward": _linear_velocity,
    "AngularVelocityReward": _angular_velocity,
    "OffAxisVelocityReward": _off_axis_velocity,
    "BaseHeightReward": _base_height,
    "BaseHeightRangeReward": _base_height_range,
    "ActionVelocityPenalty": _action_change("action_velocity", 1),
    "ActionAccelerationPenalty": _action_change("action_acceleration", 2),
    "ActionJerkPenalty": _action_change("action_jerk", 3),
    "SmallJointVelocityReward": _small_joints("small_joint_velocity", 1),
    "SmallJointAccelerationReward": _small_joints("small_joint_acceleration", 2),
    "SmallJointJerkReward": _small_joints("small_joint_jerk", 3),
    "AvoidLimitsPenalty": _avoid_limits,
    "TorquePenalty": _torque,
    "EnergyPenalty": _energy,
    "JointDeviationPenalty": _joint_deviation,
    "FlatBodyReward": _flat_body,
    "PositionTrackingReward": _position_tracking,
    "UprightReward": _upright,
    "NoRollReward": _no_roll,
    "LinkAccelerationPenalty": _links("link_acceleration", 2),
    "LinkJerkPenalty": _links("link_jerk", 3),
    "SymmetryReward": _symmetry,
    "PairwiseSymmetryReward": _pairwise_symmetry,
    "ReachabilityPenalty": _reachability,
    "FeetAirTimeReward": _feet_gait_time,
    "FeetSlipPenalty": _feet_slip,
    "SparseTargetHeightReward": _sparse_target_height,
    "MotionlessAtRestPenalty": _motionless_at_rest,
    "ForcePenalty": _force,
    "SinusoidalGaitReward": _sinusoidal_gait,
    "JointPositionReward": _joint_position,
    "IntersectionPenalty": _intersection,
}
