"""Rules of actions: from the policy's output to the targets of motors and servos.

A kind's rule gives the targets of one tick; what comes before and after it is the same for all
kinds, in the order that :mod:`ksim_schema.vocabulary.action` declares.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.geometry import rotate
from ksim_compiler.lowering.kinematics import carried, damped_steps
from ksim_compiler.lowering.noise import disturbed, drawn
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import scaled, uniform
from ksim_compiler.lowering.timing import ticks
from ksim_schema.vocabulary import action as v
from ksim_schema.vocabulary.each import one

Targets = Float[Array, " joints"]
Physics = Float[Array, "substeps joints"]


class Memory(NamedTuple):
    """What an action carries from tick to tick; unused parts are ``()``.

    Attributes:
        delivered: the last action that was not lost.
        rule: memory of the kind's rule.
        motion: position and speed of the targets whose motion is limited.
        smooth: output of the low-pass filter.
        bias: a draw for each error of the ``bias`` chain.
        latency: the episode's latency in seconds.
        sent: the last tick's targets.
        held: the targets that the motor controller has taken over.
    """

    delivered: Any
    rule: Any
    motion: Any
    smooth: Any
    bias: Any
    latency: Any
    sent: Any
    held: Any


def first(c: v.Action, x: Context) -> tuple[Targets, Memory]:
    """The targets at the start of an episode, those of a zero action, and fresh memory."""
    zero = jnp.zeros(c.size(x.robot))
    x = replace(x, action=zero, previous_action=zero)
    rule = rules.initial(c, x)
    target = _target(c, x, rule)[0]
    limited = isinstance(c, v.TargetMotion) and c.moves_limited
    bias = tuple(
        drawn(error, name_key(x.key, f"bias {index}"), x.level, target.shape)
        for index, error in enumerate(c.bias)
    )
    latency: Any = ()
    if c.latency is not None:
        latency = uniform(name_key(x.key, "latency"), c.latency) * scaled(c.faults, x.level)
    biased = _biased(c, target, bias)
    memory = Memory(
        delivered=() if c.drop is None else x.action,
        rule=rule,
        motion=(target, jnp.zeros_like(target)) if limited else (),
        smooth=() if c.low_pass is None else target,
        bias=bias,
        latency=latency,
        sent=() if c.latency is None else biased,
        held=() if c.update is None else biased,
    )
    return biased, memory


def following(c: v.Action, x: Context, memory: Memory) -> tuple[Targets, Physics, Memory]:
    """The targets of this tick and of each of its physics steps.

    ``x.action`` is the action's stretch of the policy's output, ``x.time`` the time at which the
    tick begins.
    """
    action, delivered = x.action, memory.delivered
    if c.drop is not None:
        lost = jax.random.uniform(name_key(x.key, "drop")) < c.drop * scaled(c.faults, x.level)
        action = delivered = jnp.where(lost, delivered, action)
    if c.squash == "tanh":
        action = jnp.tanh(action)
    if c.clip is not None:
        action = jnp.clip(action, *one(c.clip))
    target, motion, rule = _target(c, replace(x, action=action), memory.rule, memory.motion)
    smooth = memory.smooth
    if c.low_pass is not None:
        share = x.period / (x.period + 1.0 / (2 * math.pi * c.low_pass))
        target = smooth = smooth + share * (target - smooth)
    target = _biased(c, target, memory.bias)
    for index, noise in enumerate(c.noise):
        key = name_key(x.key, f"noise {index}")
        target = disturbed(noise, target, drawn(noise, key, x.level, target.shape))
    physics, held = _in_physics_steps(c, x, target, memory)
    memory = memory._replace(
        delivered=delivered,
        rule=rule,
        motion=motion,
        smooth=smooth,
        sent=() if c.latency is None else target,
        held=held,
    )
    return target, physics, memory


def _target(c: v.Action, x: Context, rule: Any, motion: Any = ()) -> tuple[Targets, Any, Any]:
    """The targets with limited motion and velocity feed-forward; memory of motion and rule."""
    value, rule = rules.apply(c, x, rule)
    if isinstance(c, v.Actuator | v.Binary | v.InverseKinematics):
        return _within(value, c.bounds(x.robot)), (), rule
    if not isinstance(c, v.TargetMotion):
        return value, (), rule
    target, feed_forward = value if isinstance(c, v.PositionVelocityTarget) else (value, 0.0)
    if motion:
        target, motion = _limited_motion(c, x.period, target, *motion)
    if c.clip_to_limits:
        target = _within_limits(x, c, target)
    return target + feed_forward, motion, rule


def _limited_motion(
    c: v.TargetMotion, period: float, target: Targets, position: Targets, speed: Targets
) -> tuple[Targets, tuple[Targets, Targets]]:
    """The target's speed changes by at most ``max_acceleration * period``."""
    wanted = (target - position) / period
    if c.max_acceleration is not None:
        change = one(c.max_acceleration) * period
        wanted = speed + jnp.clip(wanted - speed, -change, change)
    if c.max_speed is not None:
        wanted = jnp.clip(wanted, -one(c.max_speed), one(c.max_speed))
    position = position + wanted * period
    return position, (position, wanted)


def _biased(c: v.Action, target: Targets, bias: Any) -> Targets:
    for error, draw in zip(c.bias, bias, strict=True):
        target = disturbed(error, target, draw)
    return target


def _in_physics_steps(
    c: v.Action, x: Context, target: Targets, memory: Memory
) -> tuple[Physics, Any]:
    """The targets of each physics step, and those that the motor controller holds at the end."""
    substeps = round(x.period / x.robot.timestep)
    physics = jnp.broadcast_to(target, (substeps, *target.shape))
    if c.latency is not None:
        late = jnp.arange(substeps) * x.robot.timestep < memory.latency - 1e-6
        physics = jnp.where(late[:, None], memory.sent, physics)
    if c.update is None:
        return physics, ()
    every = jnp.maximum(ticks(c.update, x.robot.timestep), 1)
    begin = jnp.round(x.time / x.period).astype(jnp.int32) * substeps
    steps = jnp.arange(substeps)
    taken = jax.lax.cummax(jnp.where((begin + steps) % every == 0, steps, -1))
    physics = jnp.where(taken[:, None] < 0, memory.held, physics[taken])
    return physics, physics[-1]


def _limits(x: Context, c: v.PositionServo) -> tuple[Targets, Targets]:
    """Lower and upper limits of the joints, infinite without any."""
    joints = x.robot.match_joints(c.joints)
    low, high = zip(*(j.limits or (-math.inf, math.inf) for j in joints), strict=True)
    return jnp.array(low), jnp.array(high)


def _within(target: Targets, bounds: tuple[tuple[float, float], ...] | None) -> Targets:
    """Targets within the lowest and the highest of each, where there are any."""
    return target if bounds is None else jnp.clip(target, *jnp.array(bounds).T)


def _within_limits(x: Context, c: v.PositionServo, target: Targets) -> Targets:
    return jnp.clip(target, *_limits(x, c))


Last = Targets | tuple[()]
"""The targets from which the next ones count, where they count from the last."""


def _base(c: v.TargetMotion, x: Context, last: Last) -> Targets:
    """The targets of a zero action."""
    joints = x.robot.match_joints(c.joints)
    if not isinstance(last, tuple):
        return last
    if c.around == "now":
        return x.joint_positions(joints)
    if c.around == "home":
        return jnp.array([j.home[0] for j in joints])
    if c.around == "middle":
        low, high = _limits(x, c)
        return (low + high) / 2
    return jnp.zeros(len(joints))


def _first_controls(c: v.Actuator, x: Context) -> Targets:
    return jnp.array(c.bases(x.robot))[:, 0]


@lower(v.Actuator, initial=_first_controls)
def actuator(c: v.Actuator, x: Context, last: Targets) -> tuple[Targets, Targets]:
    base, half = jnp.array(c.bases(x.robot)).T
    if c.around == "last":
        base = last
    control = base + (half if c.scale is None else one(c.scale)) * x.action
    low, high = jnp.array(c.bounds(x.robot)).T
    return control, jnp.clip(control, low, high)


@lower(v.Binary)
def binary(c: v.Binary, x: Context) -> Targets:
    count = (len(c.things("", x.robot) or ()),)
    opened, closed = (jnp.broadcast_to(one(end), count) for end in (c.open, c.closed))
    return jnp.where(x.action[0] >= 0.0, opened, closed)


@lower(v.InverseKinematics)
def inverse_kinematics(c: v.InverseKinematics, x: Context) -> Targets:
    joints = x.robot.match_joints(c.joints)
    _, turn, columns = carried(c.path(x.robot), x.robot.links.sites[c.site], x.world["qpos"])
    parts = [c.scale * x.action[:3]]
    if c.rotation_scale is not None:
        parts.append(c.rotation_scale * x.action[3:])
    if c.frame == "site":
        parts = [rotate(turn, part) for part in parts]
    rows = jnp.stack([jnp.concatenate(columns[joint.name]) for joint in joints], axis=1)
    step = jnp.concatenate(parts)
    return x.joint_positions(joints) + damped_steps(rows[: len(step)], step, jnp.asarray(c.damping))


@lower(v.Torque)
def torque(c: v.Torque, x: Context) -> Targets:
    return one(c.scale) * x.action


@lower(v.VelocityTarget)
def velocity_target(c: v.VelocityTarget, x: Context) -> Targets:
    return one(c.scale) * x.action


def _first_targets(c: v.TargetMotion, x: Context) -> Last:
    return x.joint_positions(x.robot.match_joints(c.joints)) if c.around == "last" else ()


@lower(v.PositionTarget, initial=_first_targets)
def position_target(c: v.PositionTarget, x: Context, last: Last) -> tuple[Targets, Last]:
    scale: Any = c.scale
    if scale is None:
        low, high = _limits(x, c)
        scale = (high - low) / 2
    target = _base(c, x, last) + scale * x.action
    return target, _kept(c, x, target)


def _kept(c: v.TargetMotion, x: Context, target: Targets) -> Last:
    """A target from which the next one counts."""
    if c.around != "last":
        return ()
    return _within_limits(x, c, target) if c.clip_to_limits else target


@lower(v.PositionVelocityTarget, initial=_first_targets)
def position_velocity_target(
    c: v.PositionVelocityTarget, x: Context, last: Last
) -> tuple[tuple[Targets, Targets], Last]:
    """Position targets, and what the velocity targets add to the servos' setpoints."""
    position, speed = jnp.split(x.action, 2)
    speed = one(c.velocity_scale) * speed
    for index, noise in enumerate(c.velocity_noise):
        key = name_key(x.key, f"velocity noise {index}")
        speed = disturbed(noise, speed, drawn(noise, key, x.level, speed.shape))
    gains = one(c.gains)
    target = _base(c, x, last) + one(c.scale) * position
    return (target, gains.kd / gains.kp * speed), _kept(c, x, target)


def _at_joints(c: v.PositionServo, x: Context) -> tuple[Targets, Targets]:
    position = x.joint_positions(x.robot.match_joints(c.joints))
    return position, jnp.zeros_like(position)


@lower(v.IntegratedVelocity, initial=_at_joints)
def integrated_velocity(
    c: v.IntegratedVelocity, x: Context, memory: tuple[Targets, Targets]
) -> tuple[Targets, tuple[Targets, Targets]]:
    return _advanced(c, x, memory[0], one(c.scale) * x.action)


@lower(v.IntegratedAcceleration, initial=_at_joints)
def integrated_acceleration(
    c: v.IntegratedAcceleration, x: Context, memory: tuple[Targets, Targets]
) -> tuple[Targets, tuple[Targets, Targets]]:
    position, speed = memory
    speed = speed + one(c.scale) * x.action * x.period
    if c.max_speed is not None:
        speed = jnp.clip(speed, -one(c.max_speed), one(c.max_speed))
    return _advanced(c, x, position, speed)


def _advanced(
    c: v.PositionServo, x: Context, position: Targets, speed: Targets
) -> tuple[Targets, tuple[Targets, Targets]]:
    moved = position + speed * x.period
    if c.clip_to_limits:
        limited = _within_limits(x, c, moved)
        speed, moved = jnp.where(limited == moved, speed, 0.0), limited
    return moved, (moved, speed)
