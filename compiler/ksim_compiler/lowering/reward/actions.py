"""Rules of the rewards of the policy's output and of what the motors give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.reward.kernels import Past, Value, constant_past, difference, normed
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import Joint
from ksim_schema.vocabulary.reward import actions as v


@lower(v.ActionVelocity)
def action_velocity(c: v.ActionVelocity, x: Context) -> Value:
    assert x.previous_action is not None
    return normed(c, x.action - x.previous_action)


def _held(order: int) -> Callable[[Any, Context], Past]:
    """The memory of an output that has not changed."""
    return lambda c, x: constant_past(x.action, order)


@lower(v.ActionAcceleration, initial=_held(2))
def action_acceleration(c: v.ActionAcceleration, x: Context, past: Past) -> tuple[Value, Past]:
    change, past = difference(x.action, past)
    return normed(c, change), past


@lower(v.ActionJerk, initial=_held(3))
def action_jerk(c: v.ActionJerk, x: Context, past: Past) -> tuple[Value, Past]:
    change, past = difference(x.action, past)
    return normed(c, change), past


def _driven(c: v.TorquePenalty | v.Energy, x: Context) -> tuple[Joint, ...]:
    """The joints with a motor."""
    return tuple(j for j in x.robot.match_joints(c.joints) if j.name in x.robot.torque_limits)


def _torques(c: v.TorquePenalty | v.Energy, x: Context) -> Float[Array, " joints"]:
    """What each motor gives to its joint, or its share of the largest that it can give."""
    joints = _driven(c, x)
    torques = x.world["qfrc_actuator"][jnp.array([j.dof for j in joints])]
    if not c.relative:
        return torques
    return torques / jnp.array([x.robot.torque_limits[j.name] for j in joints])


@lower(v.TorquePenalty)
def torque_penalty(c: v.TorquePenalty, x: Context) -> Value:
    return normed(c, _torques(c, x))


@lower(v.Energy)
def energy(c: v.Energy, x: Context) -> Value:
    return normed(c, _torques(c, x) * x.joint_velocities(_driven(c, x)))


@lower(v.Reachability)
def reachability(c: v.Reachability, x: Context) -> Value:
    joints = x.robot.match_joints(c.joints)
    joints = tuple(j for j in joints if f"ksim/{j.name}" in x.robot.actuators)
    servos = jnp.array([x.robot.actuators.index(f"ksim/{j.name}") for j in joints])
    reach = c.max_velocity * x.period + 0.5 * c.max_acceleration * x.period**2
    beyond = jnp.abs(x.world["ctrl"][servos] - x.joint_positions(joints)) - reach
    return normed(c, jnp.maximum(beyond, 0.0))
