"""The rule of a formula: its tree, folded with jax.numpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import SensorRequest
from ksim_schema.units.formula import evaluate
from ksim_schema.vocabulary.reward.formula import AXES, Formula

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": jnp.add,
    "-": jnp.subtract,
    "*": jnp.multiply,
    "/": jnp.divide,
    "**": lambda base, n: jnp.asarray(base) ** (int(n) if n.is_integer() else n),
    "neg": jnp.negative,
    "exp": jnp.exp,
    "log": jnp.log,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tanh": jnp.tanh,
    "sqrt": jnp.sqrt,
    "square": jnp.square,
    "abs": jnp.abs,
    "clip": jnp.clip,
    "min": lambda *values: reduce(jnp.minimum, values),
    "max": lambda *values: reduce(jnp.maximum, values),
    "reduce_sum": jnp.sum,
    "reduce_mean": jnp.mean,
    "reduce_norm": jnp.linalg.norm,
    "reduce_min": jnp.min,
    "reduce_max": jnp.max,
}
"""What each operation of a formula computes."""


@lower(Formula)
def formula(c: Formula, x: Context) -> Float[Array, ""]:
    tree = c.read(x.robot, x.labels, x.action.shape[0])
    value = evaluate(tree, lambda name: _value(name, x), FUNCTIONS)
    return jnp.asarray(value, jnp.float32)


def _value(name: str, x: Context) -> Any:
    kind, _, rest = name.partition(".")
    match kind:
        case "time":
            return x.time
        case "action":
            return x.previous_action if rest else x.action
        case "base":
            return _base(rest, x)
        case "joint":
            named = {joint.name: joint for joint in x.robot.motion_joints}
            if rest in named:
                return x.joint_positions((named[rest],))[0]
            return x.joint_velocities((named[rest.removesuffix(".velocity")],))[0]
        case "command":
            places = ((c, label) for c, labels in x.labels.items() for label in labels)
            command, label = next(place for place in places if ".".join(place) == rest)
            return x.command(command, label)[0]
        case _:
            known = x.robot.names(kind)
            owner, _, axis = (rest, "", "") if rest in known else rest.rpartition(".")
            objtype = "site" if kind == "site" else "xbody"
            position = x.sensor(SensorRequest("framepos", objtype, owner))
            return position[AXES.index(axis)] if axis else position


def _base(what: str, x: Context) -> Any:
    def sensor(kind: str) -> Any:
        return x.sensor(SensorRequest(kind, "xbody", x.robot.root))

    if what == "height":
        return sensor("framepos")[2]
    if what == "turn":
        return sensor("frameangvel")[2]
    quat = sensor("framequat")
    if what == "tilt":
        return jnp.arccos(jnp.clip(geometry.up(quat)[2], -1.0, 1.0))
    velocity = sensor("framelinvel")
    if what == "up":
        return velocity[2]
    planar = geometry.turn_about_vertical(velocity[:2], -geometry.heading(quat))
    return planar[("forward", "left").index(what)]
