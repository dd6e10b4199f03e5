"""Rules of resets: each changes the state in which an episode begins."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.pose import drawn_pose
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import uniform
from ksim_compiler.robot.motion import read_motion
from ksim_schema.robot import Joint, Surface, file_key
from ksim_schema.vocabulary import reset as v
from ksim_schema.vocabulary.each import one

Pose = tuple[Float[Array, " nq"], Float[Array, " nv"]]
"""qpos and qvel. A rule sees that of the rules before it in ``x.world``."""


@lower(v.ResetKeyframe)
def keyframe(c: v.ResetKeyframe, x: Context) -> Pose:
    poses = [x.robot.poses[name] for name in c.keyframes]
    index = jax.random.randint(x.key, (), 0, len(poses))
    qpos, qvel = (jnp.array(columns, jnp.float32) for columns in zip(*poses, strict=True))
    return qpos[index], qvel[index]


@lower(v.ResetJointPosition)
def joint_position(c: v.ResetJointPosition, x: Context) -> Pose:
    joints = x.robot.match_joints(c.joints)
    base = jnp.array([j.home[0] if c.around == "home" else 0.0 for j in joints]) + one(c.offset)
    if c.factor is not None:
        base = base * uniform(name_key(x.key, "factor"), c.factor, base.shape)
    spread = one(c.range) * _units(c.draw, x, base.shape)
    limits = jnp.array([_limits(j) for j in joints])
    position = jnp.clip(base + spread, limits[:, 0], limits[:, 1])
    return x.world["qpos"].at[jnp.array([j.qpos for j in joints])].set(position), x.world["qvel"]


def _units(draw: str, x: Context, shape: tuple[int, ...]) -> Float[Array, " n"]:
    """Draws from -1 to 1, or with a standard deviation of 1."""
    if draw == "gaussian":
        return jax.random.normal(x.key, shape)
    return jax.random.uniform(x.key, shape, minval=-1.0, maxval=1.0)


def _limits(joint: Joint) -> tuple[float, float]:
    return joint.limits or (-jnp.inf, jnp.inf)


@lower(v.ResetJointVelocity)
def joint_velocity(c: v.ResetJointVelocity, x: Context) -> Pose:
    dofs = jnp.array([j.dof for j in x.robot.match_joints(c.joints)])
    spread = one(c.range) * _units(c.draw, x, dofs.shape)
    return x.world["qpos"], x.world["qvel"].at[dofs].set(spread)


def _free(c: v.FloatingReset, x: Context) -> tuple[slice, slice, slice]:
    """Where qpos has a floating body's position and orientation, and qvel its velocity."""
    base = x.robot.free_joint(c.body)
    assert base is not None
    orientation = slice(base.qpos + 3, base.qpos + 7)
    return slice(base.qpos, base.qpos + 3), orientation, slice(base.dof, base.dof + 6)


def _within(x: Context, *widths: ArrayLike) -> Float[Array, " n"]:
    """A draw of each of some numbers, uniform from minus to plus its half width."""
    units = jax.random.uniform(x.key, (len(widths),), minval=-1.0, maxval=1.0)
    return jnp.stack(widths) * units


@lower(v.ResetBaseVelocity)
def base_velocity(c: v.ResetBaseVelocity, x: Context) -> Pose:
    change = _within(x, *[c.horizontal] * 2, c.vertical, *[c.angular] * 3)
    return x.world["qpos"], x.world["qvel"].at[_free(c, x)[2]].add(change)


@lower(v.ResetHeading)
def heading(c: v.ResetHeading, x: Context) -> Pose:
    _, quat, velocity = _free(c, x)
    angle = uniform(x.key, (-c.range, c.range))
    qpos, qvel = x.world["qpos"], x.world["qvel"]
    planar = slice(velocity.start, velocity.start + 2)
    turned = geometry.turn_about_vertical(qvel[planar], angle)
    qpos = qpos.at[quat].set(geometry.multiply(geometry.about_vertical(angle), qpos[quat]))
    return qpos, qvel.at[planar].set(turned)


@lower(v.ResetHeight)
def height(c: v.ResetHeight, x: Context) -> Pose:
    vertical = _free(c, x)[0].start + 2
    return x.world["qpos"].at[vertical].add(uniform(x.key, c.range)), x.world["qvel"]


@lower(v.ResetTilt)
def pitch_and_roll(c: v.ResetTilt, x: Context) -> Pose:
    _, quat, velocity = _free(c, x)
    angles = _within(x, c.roll, c.pitch)
    zero = jnp.zeros(())
    roll = geometry.from_rotation_vector(jnp.stack([angles[0], zero, zero]))
    pitch = geometry.from_rotation_vector(jnp.stack([zero, angles[1], zero]))
    qpos, qvel = x.world["qpos"], x.world["qvel"]
    before, linear = qpos[quat], slice(velocity.start, velocity.start + 3)
    after = geometry.multiply(before, geometry.multiply(pitch, roll))
    turned = geometry.rotate(after, geometry.unrotate(before, qvel[linear]))
    return qpos.at[quat].set(after), qvel.at[linear].set(turned)


@lower(v.ResetPlanePosition)
def plane_position(c: v.ResetPlanePosition, x: Context) -> Pose:
    start = _free(c, x)[0].start
    change = _within(x, c.x, c.y)
    return x.world["qpos"].at[start : start + 2].add(change), x.world["qvel"]


@lower(v.ResetBodyPose)
def body_pose(c: v.ResetBodyPose, x: Context) -> Pose:
    place, quat, velocity = _free(c, x)
    offset, turn = drawn_pose(c, x.key)
    qpos, qvel = x.world["qpos"], x.world["qvel"]
    if c.around == "world":
        around = c.radius is not None
        given = jnp.array([c.x is not None or around, c.y is not None or around, c.z is not None])
        qpos = qpos.at[place].set(jnp.where(given, offset, qpos[place]))
    else:
        qpos = qpos.at[place].add(offset)
    if not c.turned:
        return qpos, qvel
    before, linear = qpos[quat], slice(velocity.start, velocity.start + 3)
    after = turn if c.around == "world" else geometry.multiply(turn, before)
    turned = geometry.rotate(after, geometry.unrotate(before, qvel[linear]))
    return qpos.at[quat].set(after), qvel.at[linear].set(turned)


@lower(v.ResetJointLimits)
def joint_limits(c: v.ResetJointLimits, x: Context) -> Pose:
    joints = [(j, ends) for j in x.robot.match_joints(c.joints) if (ends := v.whole_range(j))]
    rows = jnp.array([joint.qpos for joint, _ in joints], jnp.int32)
    low, high = jnp.array([ends for _, ends in joints]).reshape(-1, 2).T
    half = c.share * jax.random.uniform(x.key, rows.shape, minval=-1.0, maxval=1.0)
    drawn = (low + high) / 2 + half * (high - low) / 2
    return x.world["qpos"].at[rows].set(drawn), x.world["qvel"]


@lower(v.ResetJitter)
def jitter(c: v.ResetJitter, x: Context) -> Pose:
    def drawn(name: str, form: str, width: Any, count: int) -> Array:
        key = name_key(x.key, name)
        if form == "gaussian":
            return width * jax.random.normal(key, (count,))
        return width * jax.random.uniform(key, (count,), minval=-1.0, maxval=1.0)

    qpos = x.world["qpos"] + drawn("position", c.position_draw, c.position, x.robot.nq)
    qvel = x.world["qvel"] + drawn("velocity", c.velocity_draw, c.velocity, x.robot.nv)
    for joint in x.robot.joints:
        if joint.type in ("free", "ball"):
            start = joint.qpos + (3 if joint.type == "free" else 0)
            quat = qpos[start : start + 4]
            qpos = qpos.at[start : start + 4].set(quat / jnp.linalg.norm(quat))
    return qpos, qvel


@lower(v.ResetHeightFieldPosition)
def height_field_position(c: v.ResetHeightFieldPosition, x: Context) -> Pose:
    place = _free(c, x)[0]
    change = _within(x, c.x, c.y)
    here = x.world["qpos"][place][:2] + change
    highest = jnp.max(terrain_height(_terrain(x), _around(here, c.radius)))
    qpos = x.world["qpos"].at[place].add(jnp.append(change, highest))
    return qpos, x.world["qvel"]


def _around(middle: Float[Array, "2"], radius: Any) -> Float[Array, "9 2"]:
    """A point and eight at a distance from it."""
    turns = jnp.arange(8) * (math.pi / 4)
    around = radius * jnp.stack([jnp.cos(turns), jnp.sin(turns)], axis=1)
    return middle + jnp.concatenate([jnp.zeros((1, 2)), around])


@lower(v.ResetTerrainTile)
def terrain_tile(c: v.ResetTerrainTile, x: Context) -> Pose:
    grid, place = x.robot.grid, _free(c, x)[0]
    assert grid is not None
    if x.followed is None:
        row = jax.random.randint(name_key(x.key, "level"), (), 0, grid.levels)
    else:
        row = jnp.round(x.followed * (grid.levels - 1))
    change = jnp.stack([c.x, c.y]) * jax.random.uniform(x.key, (2,), minval=-1.0, maxval=1.0)
    tile = jnp.stack([row, x.column]) + 0.5
    here = jnp.array(grid.corner) + grid.tile * tile + change
    highest = jnp.max(terrain_height(_terrain(x), _around(here, c.radius)))
    height = x.world["qpos"][place.start + 2] + highest
    return x.world["qpos"].at[place].set(jnp.append(here, height)), x.world["qvel"]


def _terrain(x: Context) -> Surface:
    return next(s for s in x.robot.surfaces if s.type == "hfield")


def terrain_height(surface: Surface, points: Float[Array, "n 2"]) -> Float[Array, " n"]:
    """Heights of an upright height field at points of the world, m; flat beyond its edges."""
    field = jnp.asarray(surface.heights)  # in units
    size, middle = jnp.asarray(surface.size[:2]), jnp.asarray(surface.position[:2])
    last = jnp.array([field.shape[1] - 1, field.shape[0] - 1])
    at = jnp.clip((points - middle + size) / (2 * size), 0.0, 1.0) * last
    low = jnp.minimum(jnp.floor(at).astype(jnp.int32), last - 1)
    (u, w), (column, row) = (at - low).T, low.T
    above = field[row, column] * (1 - u) + field[row, column + 1] * u
    below = field[row + 1, column] * (1 - u) + field[row + 1, column + 1] * u
    return surface.position[2] + surface.unit * (above * (1 - w) + below * w)


@lower(v.ResetMotion)
def motion(c: v.ResetMotion, x: Context) -> Pose:
    poses = read_motion(x.robot.files[file_key(c.file)], x.robot.nq, x.robot.nv)
    stop = None if c.count is None else c.first + c.count
    qpos, qvel = (jnp.asarray(array[c.first : stop]) for array in poses)
    frame = jax.random.randint(x.key, (), 0, len(qpos))
    return qpos[frame], qvel[frame]
