"""Rules of actions: from the policy's output to the controls of the actuators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import uniform
from ksim_schema.vocabulary import action as v

Controls = Float[Array, " joints"]


@lower(v.PositionTarget)
def position_target(c: v.PositionTarget, x: Context) -> Controls:
    joints = x.robot.match_joints(c.joints)
    base = jnp.array([j.home[0] for j in joints]) if c.around == "home" else 0.0
    return base + c.scale * x.action


@lower(v.Torque)
def torque(c: v.Torque, x: Context) -> Controls:
    return c.scale * x.action


def controls(c: v.Action, x: Context) -> Controls:
    """The controls of an action's actuators; ``x.action`` is its stretch of the output."""
    if c.clip is not None:
        x = replace(x, action=jnp.clip(x.action, *c.clip))
    return rules.apply(c, x, ())[0]


def first_latency(c: v.Action, x: Context) -> Any:
    """The episode's latency in seconds, or ``()`` for an action without one."""
    return () if c.latency is None else uniform(x.key, c.latency)


def in_substeps(
    now: Controls, before: Controls, latency: Any, substeps: int, timestep: float
) -> Float[Array, "substeps joints"]:
    """The controls of each physics step: those of the last tick until the latency is over."""
    if isinstance(latency, tuple):
        return jnp.broadcast_to(now, (substeps, *now.shape))
    time = jnp.arange(substeps) * timestep
    late = time[:, None] < latency - 1e-6
    return jnp.where(late, before, now)
