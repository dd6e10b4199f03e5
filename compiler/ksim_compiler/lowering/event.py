"""Rules of events: the effect that each draws. When it happens is the same for all."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import scaled, uniform
from ksim_compiler.lowering.timing import drawn_ticks, ticks
from ksim_schema.vocabulary import event as v


class Effect(NamedTuple):
    """What an event does.

    Attributes:
        push: change of qvel before the first physics step of the tick in which it happens.
        wrench: force (N) on and torque (N*m) about the centre of mass of each body.
        duration: how long the wrench lasts, s.
    """

    push: Float[Array, " nv"]
    wrench: Float[Array, "nbody 6"]
    duration: Float[Array, ""]


class Memory(NamedTuple):
    """Ticks until the next event, the wrench at work and the ticks that it still lasts."""

    left: Int[Array, ""]
    wrench: Float[Array, "nbody 6"]
    lasts: Int[Array, ""]


def first(c: v.Event, x: Context) -> Memory:
    """The memory at the start of an episode."""
    return Memory(_interval(c, x), _none(x).wrench, jnp.int32(0))


def following(c: v.Event, x: Context, memory: Memory) -> tuple[Effect, Memory]:
    """The effect in this tick, and the memory for the next."""
    due = memory.left <= 0
    happens = due & (jax.random.uniform(name_key(x.key, "happens")) < c.probability)
    drawn, _ = rules.apply(c, x, ())
    if not isinstance(drawn, Effect):
        drawn = _effect(c, x, drawn)
    strength = scaled(c.scale, x.level)
    push = jnp.where(happens, drawn.push * strength, 0.0)
    wrench, lasts = memory.wrench, memory.lasts
    if c.pulls:
        wrench = jnp.where(happens, drawn.wrench * strength, wrench)
        lasts = jnp.where(happens, ticks(drawn.duration, x.period), lasts)
        wrench = jnp.where(lasts > 0, wrench, 0.0)
    left = jnp.where(due, _interval(c, x), memory.left) - 1
    return Effect(push, wrench, lasts * x.period), Memory(left, wrench, lasts - 1)


def _interval(c: v.Event, x: Context) -> Int[Array, ""]:
    return drawn_ticks(name_key(x.key, "interval"), c.every, x.period)


def _none(x: Context) -> Effect:
    bodies = len(x.robot.bodies)
    return Effect(jnp.zeros(x.robot.nv), jnp.zeros((bodies, 6)), jnp.float32(0.0))


def _effect(c: v.Event, x: Context, drawn: Any) -> Effect:
    """What an event of a task's own file gives: a push, or a wrench and how long it lasts."""
    if not c.pulls:
        return _none(x)._replace(push=drawn)
    wrench, duration = drawn
    return _none(x)._replace(wrench=wrench, duration=jnp.float32(duration))


def _free_push(c: v.Push, x: Context, offset: int, change: Float[Array, " n"]) -> Effect:
    """A change of the velocity of a floating body: ``offset`` of its linear or angular part."""
    base = x.robot.free_joint(c.body)
    assert base is not None
    start = base.dof + offset
    none = _none(x)
    return none._replace(push=none.push.at[start : start + change.shape[0]].set(change))


def _horizontal(x: Context) -> Float[Array, "2"]:
    angle = jax.random.uniform(name_key(x.key, "direction"), minval=-math.pi, maxval=math.pi)
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)])


@lower(v.LinearPush)
def linear_push(c: v.LinearPush, x: Context) -> Effect:
    return _free_push(c, x, 0, uniform(x.key, c.speed) * _horizontal(x))


@lower(v.AngularPush)
def angular_push(c: v.AngularPush, x: Context) -> Effect:
    axis = jax.random.normal(name_key(x.key, "axis"), (3,))
    return _free_push(c, x, 3, uniform(x.key, c.rate) * axis / jnp.linalg.norm(axis))


@lower(v.Jump)
def jump(c: v.Jump, x: Context) -> Effect:
    return _free_push(c, x, 2, uniform(x.key, c.speed)[None])


@lower(v.ForcePush)
def force_push(c: v.ForcePush, x: Context) -> Effect:
    body = x.robot.body_id(c.body or x.robot.root)
    force = uniform(x.key, c.force) * _horizontal(x)
    wrench = _none(x).wrench.at[body, :2].set(force)
    duration = uniform(name_key(x.key, "duration"), c.duration)
    return _none(x)._replace(wrench=wrench, duration=duration)
