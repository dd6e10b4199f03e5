"""Rules of commands.

The rule of a drawn command gives one draw; when it is drawn anew and how fast the told value
follows is the same for all of them. The other commands' rules have a memory: the rule gives the
value of this tick and the memory for the next.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from ksim_compiler.lowering import geometry, rules
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.pose import drawn_pose, frame_pose, in_world, pose_of, reached
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import scaled, uniform
from ksim_compiler.lowering.timing import drawn_ticks
from ksim_schema.vocabulary.command import Command, Drawn
from ksim_schema.vocabulary.command.motion import (
    BaseHeight,
    CartesianCoordinate,
    JointPosition,
    Phase,
    SinusoidalGait,
    StartOrientation,
    StartPosition,
)
from ksim_schema.vocabulary.command.pose import Pose
from ksim_schema.vocabulary.command.vector import FloatVector, IntegerVector
from ksim_schema.vocabulary.command.velocity import AngularVelocity, LinearVelocity, PlanarVelocity

Value = Float[Array, " size"]
Seconds = Float[Array, ""]


class Memory(NamedTuple):
    """A command's value and what its kind remembers."""

    value: Value
    state: Any


class Draw(NamedTuple):
    """What a drawn command remembers; unused parts are ``()``.

    Attributes:
        target: the last draw; of a planar velocity with a heading, also the direction to face and
            whether it is followed.
        now: where the value is on its way there.
        left: ticks until the next draw.
        speed: speed of a point on its way, m/s.
        origin: what a point is relative to, in the world's frame.
    """

    target: Value
    now: Value
    left: Any
    speed: Any
    origin: Any


def first(c: Command, x: Context) -> Memory:
    """The command at the start of an episode."""
    if not isinstance(c, Drawn):
        return Memory(*rules.apply(c, x, rules.initial(c, _with_key(x, "initial"))))
    target, left, speed = _draw(c, x)
    now = _aim(c, x, target)
    if c.from_rest and c.rates():
        limited = jnp.array([rate is not None for rate in c.rates()])
        now = jnp.where(limited, 0.0, now)
    origin: Any = ()
    if isinstance(c, CartesianCoordinate) and c.relative_to == "start":
        origin = x.sensor(c.sensors(x.robot)[0])
    return _told(c, Draw(target, now, left, speed, origin))


def following(c: Command, x: Context, memory: Memory) -> Memory:
    """The command of the next tick."""
    if not isinstance(c, Drawn):
        return Memory(*rules.apply(c, x, memory.state))
    before: Draw = memory.state
    due = jnp.bool_(False)
    if c.resample is not None:
        before = before._replace(left=before.left - 1)
        due = before.left <= 0
    if c.switch is not None:
        due = due | _chance(x.key, "switch", c.switch)
    if isinstance(c, CartesianCoordinate) and c.on_arrival:
        due = due | jnp.all(before.now == before.target)
    if isinstance(c, Pose) and c.redraw == "reached":
        due = due | _at_pose(c, x, before.now)
    drawn = jax.tree.map(lambda new, old: jnp.where(due, new, old), _draw(c, x), _drawn(before))
    target, left, speed = drawn
    now = _moved(c, x, before.now, _aim(c, x, target), speed)
    return _told(c, Draw(target, now, left, speed, before.origin))


def _draw(c: Drawn, x: Context) -> tuple[Value, Any, Any]:
    """Target, interval and speed."""
    target, _ = rules.apply(c, x, ())
    left, speed = (), ()
    if c.resample is not None:
        left = drawn_ticks(name_key(x.key, "resample"), c.resample, x.period)
    if isinstance(c, CartesianCoordinate) and c.speed is not None:
        speed = uniform(name_key(x.key, "speed"), c.speed)
    return target, left, speed


def _aim(c: Drawn, x: Context, target: Float[Array, " drawn"]) -> Value:
    """What the value is on its way to: the draw, or what follows from it at this moment."""
    if not isinstance(c, PlanarVelocity) or c.heading is None:
        return target
    forward, sideways, turn, facing, follows = target
    facing = facing - geometry.heading(x.sensor(c.sensors(x.robot)[0]))
    off = jnp.remainder(facing + math.pi, 2 * math.pi) - math.pi
    rate = jnp.clip(c.heading.gain * off, *c.turn) * scaled(c.scale, x.level)
    return jnp.stack([forward, sideways, jnp.where(follows > 0, rate, turn)])


def _drawn(draw: Draw) -> tuple[Value, Any, Any]:
    return draw.target, draw.left, draw.speed


def _moved(c: Drawn, x: Context, now: Value, target: Value, speed: Any) -> Value:
    """One tick's motion of the value to its target."""
    if isinstance(c, CartesianCoordinate) and c.speed is not None:
        return _straight(now, target, speed * x.period)
    rates = c.rates()
    if not rates:
        return target
    steps = jnp.stack([jnp.float32(jnp.inf if r is None else r) for r in rates]) * x.period
    return now + jnp.clip(target - now, -steps, steps)


def _straight(now: Value, target: Value, step: Any) -> Value:
    distance = jnp.linalg.norm(target - now)
    moved = now + (target - now) * (step / jnp.maximum(distance, 1e-9))
    return jnp.where(distance <= step, target, moved)


def _told(c: Drawn, draw: Draw) -> Memory:
    if isinstance(c, LinearVelocity):
        speed, direction = draw.now
        planar = speed * jnp.stack([jnp.cos(direction), jnp.sin(direction)])
        return Memory(jnp.concatenate([draw.now, planar]), draw)
    if isinstance(c, CartesianCoordinate) and c.relative_to == "start":
        return Memory(draw.now + draw.origin, draw)
    return Memory(draw.now, draw)


def _with_key(x: Context, name: str) -> Context:
    return replace(x, key=name_key(x.key, name))


def _chance(key: Key[Array, ""], name: str, probability: Any) -> Bool[Array, ""]:
    """Whether something happens that has a probability, never without one."""
    if probability is None:
        return jnp.bool_(False)
    return jax.random.uniform(name_key(key, name)) < probability


def _each(x: Context, ranges: Any) -> Value:
    """A uniform draw from each of some ranges."""
    keys = jax.random.split(x.key, len(ranges))
    return jnp.stack([uniform(k, r) for k, r in zip(keys, ranges, strict=True)])


@lower(FloatVector)
def float_vector(c: FloatVector, x: Context) -> Value:
    value = _each(x, c.ranges) * scaled(c.scale, x.level)
    return jnp.where(_chance(x.key, "zero", c.zero), 0.0, value)


@lower(IntegerVector)
def integer_vector(c: IntegerVector, x: Context) -> Value:
    low, high = jnp.array(c.ranges).T
    value = jax.random.randint(x.key, low.shape, low, high + 1).astype(jnp.float32)
    return jnp.where(_chance(x.key, "zero", c.zero), 0.0, value)


@lower(PlanarVelocity)
def planar_velocity(c: PlanarVelocity, x: Context) -> Value:
    value = _each(x, (c.forward, c.sideways, c.turn)) * scaled(c.scale, x.level)
    if c.heading is not None:
        facing = uniform(name_key(x.key, "heading"), c.heading.range)
        follows = _chance(x.key, "follows", c.heading.share).astype(jnp.float32)
        value = jnp.concatenate([value, jnp.stack([facing, follows])])
    return jnp.where(_chance(x.key, "still", c.stand_still), 0.0, value)


@lower(LinearVelocity)
def linear_velocity(c: LinearVelocity, x: Context) -> Value:
    """Speed and direction."""
    speed, direction = _each(x, (c.speed, (-c.direction, c.direction)))
    speed = speed * scaled(c.scale, x.level)
    speed = jnp.where(_chance(x.key, "backward", c.backward), -speed, speed)
    still = _chance(x.key, "still", c.stand_still)
    return jnp.where(still, 0.0, jnp.stack([speed, direction]))


@lower(AngularVelocity)
def angular_velocity(c: AngularVelocity, x: Context) -> Value:
    turn = uniform(x.key, c.turn) * scaled(c.scale, x.level)
    if c.either_way:
        turn = jnp.where(_chance(x.key, "way", 0.5), -turn, turn)
    return jnp.where(_chance(x.key, "still", c.stand_still), 0.0, turn)[None]


@lower(BaseHeight)
def base_height(c: BaseHeight, x: Context) -> Value:
    return uniform(x.key, c.range)[None]


@lower(CartesianCoordinate)
def cartesian_coordinate(c: CartesianCoordinate, x: Context) -> Value:
    return _each(x, (c.x, c.y, c.z))


@lower(Pose)
def pose(c: Pose, x: Context) -> Value:
    place, turn = drawn_pose(c.box, x.key)
    parts = ([place] if c.box.positioned else []) + ([turn] if c.box.turned else [])
    return jnp.concatenate(parts)


def _at_pose(c: Pose, x: Context, told: Value) -> Bool[Array, ""]:
    """Whether what is to have a pose has it."""
    wanted = in_world(x, pose_of(told, c.labels(x.robot)), c.frame_of(x.robot) or "")
    return reached(wanted, frame_pose(x, *c.target(x.robot)), c.within, c.within_angle)


def _start(c: StartPosition | StartOrientation, x: Context) -> Value:
    return x.sensor(c.sensors(x.robot)[0])


@lower(StartPosition, initial=_start)
def start_position(c: StartPosition, x: Context, start: Value) -> tuple[Value, Value]:
    return start, start


@lower(StartOrientation, initial=_start)
def start_orientation(c: StartOrientation, x: Context, start: Value) -> tuple[Value, Value]:
    return start, start


class Path(NamedTuple):
    """A straight way between two joint positions: ticks that it takes and ticks gone."""

    start: Value
    target: Value
    ticks: Float[Array, ""]
    gone: Float[Array, ""]


def _path(c: JointPosition, x: Context, start: Value | None = None) -> Path:
    joints = x.robot.match_joints(c.joints)
    draw = jax.random.uniform(name_key(x.key, "target"), (len(joints),))
    if c.range is None:
        low, high = (
            jnp.array(ends) for ends in zip(*(j.limits or () for j in joints), strict=True)
        )
        base: Any = 0.0
    else:
        low, high = c.range
        base = jnp.array([j.home[0] for j in joints]) if c.around == "home" else 0.0
    ticks = drawn_ticks(name_key(x.key, "duration"), c.duration, x.period).astype(jnp.float32)
    start = x.joint_positions(joints) if start is None else start
    return Path(start, base + low + (high - low) * draw, ticks, jnp.float32(0.0))


@lower(JointPosition, initial=_path)
def joint_position(c: JointPosition, x: Context, path: Path) -> tuple[Value, Path]:
    way = path.target - path.start
    value = jnp.concatenate(
        [path.start + way * path.gone / path.ticks, way / (path.ticks * x.period)]
    )
    gone = path.gone + 1.0
    renewed = _path(c, x, path.target)
    onwards = path._replace(gone=gone)
    return value, jax.tree.map(lambda a, b: jnp.where(gone >= path.ticks, a, b), renewed, onwards)


def _no_phase(c: SinusoidalGait, x: Context) -> Float[Array, ""]:
    return jnp.float32(0.0)


@lower(SinusoidalGait, initial=_no_phase)
def sinusoidal_gait(
    c: SinusoidalGait, x: Context, phase: Float[Array, ""]
) -> tuple[Value, Float[Array, ""]]:
    if c.still_below is not None:
        speed = jnp.linalg.norm(x.sensor(c.sensors(x.robot)[0])[:2])
        phase = jnp.where(speed < c.still_below, 0.0, phase)
    feet = (phase + jnp.arange(c.feet) / c.feet) % 1.0
    swing = jnp.clip((feet - c.stance) / (1.0 - c.stance), 0.0, 1.0)
    heights = c.offset + c.height * jnp.sin(math.pi * swing)
    turn = 2 * math.pi * phase
    value = jnp.concatenate([heights, jnp.stack([jnp.sin(turn), jnp.cos(turn)])])
    return value, (phase + x.period / c.period) % 1.0


def _clock(c: Phase, x: Context) -> tuple[Seconds, Float[Array, ""]]:
    return uniform(name_key(x.key, "period"), c.period), uniform(name_key(x.key, "start"), c.start)


@lower(Phase, initial=_clock)
def phase(c: Phase, x: Context, clock: Any) -> tuple[Value, Any]:
    period, start = clock
    angle = 2 * math.pi * (start + x.time / period + jnp.stack(c.offsets))
    return jnp.ravel(jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=1)), clock
