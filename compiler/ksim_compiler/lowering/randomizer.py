"""Rules of randomizers: each changes values of the model of one environment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry, rules
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import scaled, uniform
from ksim_schema.custom.api import Custom
from ksim_schema.robot import Drive, Joint
from ksim_schema.vocabulary import randomizer as v
from ksim_schema.vocabulary.each import one

Values = dict[str, Float[Array, "..."]]
"""MjModel field -> value. A rule sees those of the rules before it in ``x.world``."""


def drawn(c: v.Randomizer, x: Context) -> Values:
    """The fields of the model after a draw; ``x.world`` has those before it."""
    values, _ = rules.apply(c, x, ())
    if not isinstance(c, Custom):  # the built-in ones weigh their draws themselves
        return values
    weight, before = scaled(c.scale, x.level), x.world
    weighed = {name: before[name] + weight * (new - before[name]) for name, new in values.items()}
    return {**before, **weighed}


def _factors(c: v.Spread, x: Context, limits: tuple[Any, Any], count: int, key: Any = None) -> Any:
    """One factor for each of some things; 1 where the scale is 0."""
    draw = _each(c, x.key if key is None else key, limits, count)
    return 1.0 + scaled(c.scale, x.level) * (draw - 1.0)


def _each(c: v.Spread, key: Any, limits: tuple[Any, Any], count: int) -> Any:
    """A draw for each of some things, or one for all of them."""
    unit = jax.random.uniform(key, (1 if c.shared else count,))
    return jnp.broadcast_to(_between(c.distribution, limits, unit), (count,))


def _between(distribution: str, limits: tuple[Any, Any], unit: Any) -> Any:
    """What stands at a share from 0 to 1 of a range, or of its logarithm."""
    low, high = limits
    if distribution == "log_uniform":
        return low * (high / low) ** unit
    return low + (high - low) * unit


def _offsets(c: v.Randomizer, x: Context, half_width: Any, shape: tuple[int, ...]) -> Any:
    draw = jax.random.uniform(x.key, shape, minval=-1.0, maxval=1.0)
    return scaled(c.scale, x.level) * half_width * draw


def _times(x: Context, field: str, rows: Sequence[int], factors: Any) -> Values:
    """The model with some rows of a field multiplied."""
    value = x.world[field]
    factors = factors.reshape(-1, *(1,) * (value.ndim - 1))
    return {**x.world, field: value.at[jnp.array(rows)].multiply(factors)}


def _dofs(joints: tuple[Joint, ...]) -> list[int]:
    return [joint.dof for joint in joints]


@lower(v.FloorFriction)
def floor_friction(c: v.FloorFriction, x: Context) -> Values:
    geom = x.robot.geom_id(c.geom)
    friction = x.world["geom_friction"]
    draw = _between(c.distribution, c.range, jax.random.uniform(x.key))

    def drawn(own: Any) -> Any:
        return own + scaled(c.scale, x.level) * (draw - own)

    changed = {**x.world, "geom_friction": friction.at[geom, 0].set(drawn(friction[geom, 0]))}
    if pairs := x.robot.pairs_of(c.geom):  # of a pair, both tangential directions
        rows = jnp.array(pairs)
        friction = x.world["pair_friction"]
        changed["pair_friction"] = friction.at[rows, :2].set(drawn(friction[rows, :2]))
    return changed


_COEFFICIENTS = {"sliding": (0, (0, 1)), "torsional": (1, (2,)), "rolling": (2, (3, 4))}
"""Columns of geom_friction and of pair_friction."""


@lower(v.GeomFriction)
def geom_friction(c: v.GeomFriction, x: Context) -> Values:
    geoms = jnp.array([x.robot.geom_id(name) for name in x.robot.match("geom", c.geoms)])
    pairs, strength = c.pairs(x.robot), scaled(c.scale, x.level)
    changed = dict(x.world)
    for name, limits in c.given.items():
        column, columns = _COEFFICIENTS[name]
        draw = _each(c, name_key(x.key, name), limits, len(geoms))
        own = changed["geom_friction"][geoms, column]
        new = own + strength * (draw - own)
        changed["geom_friction"] = changed["geom_friction"].at[geoms, column].set(new)
        if pairs:
            rows, of = jnp.array(list(pairs)), jnp.array(list(pairs.values()))
            for other in columns:
                own = changed["pair_friction"][rows, other]
                new = own + strength * (draw[of] - own)
                changed["pair_friction"] = changed["pair_friction"].at[rows, other].set(new)
    return changed


def _joint_factor(c: v.StaticFriction | v.Armature | v.JointDamping, x: Context) -> Values:
    joints, field = x.robot.match_joints(c.joints), c.changes[0]
    count, dofs = len(joints), jnp.array(_dofs(joints))
    world = _times(x, field, _dofs(joints), _factors(c, x, one(c.factor), count))
    low, high = one(c.add)
    unit = jax.random.uniform(name_key(x.key, "add"), (1 if c.shared else count,))
    added = jnp.broadcast_to(low + (high - low) * unit, (count,))
    value = world[field]
    more = (scaled(c.scale, x.level) * added).reshape(-1, *(1,) * (value.ndim - 1))
    return {**world, field: value.at[dofs].set(jnp.maximum(value[dofs] + more, 0.0))}


@lower(v.StaticFriction)
def static_friction(c: v.StaticFriction, x: Context) -> Values:
    return _joint_factor(c, x)


@lower(v.Armature)
def armature(c: v.Armature, x: Context) -> Values:
    return _joint_factor(c, x)


@lower(v.JointDamping)
def joint_damping(c: v.JointDamping, x: Context) -> Values:
    return _joint_factor(c, x)


def _bodies(c: v.BodyMass | v.CentreOfMass | v.BodyInertia, x: Context) -> list[int]:
    return [x.robot.body_id(name) for name in x.robot.match("body", c.body)]


@lower(v.BodyMass)
def body_mass(c: v.BodyMass, x: Context) -> Values:
    bodies = _bodies(c, x)
    own = x.world["body_mass"][jnp.array(bodies)]
    low, high = one(c.add)
    shape = (1 if c.shared else len(bodies),)
    added = low + (high - low) * jax.random.uniform(name_key(x.key, "add"), shape)
    new = own * _factors(c, x, one(c.factor), len(bodies)) + scaled(c.scale, x.level) * added
    new = jnp.maximum(new, 1e-3 * own)
    ratio = jnp.where(own > 0, new / jnp.where(own > 0, own, 1.0), 1.0)
    masses = {**x.world, "body_mass": x.world["body_mass"].at[jnp.array(bodies)].set(new)}
    inertia = x.world["body_inertia"].at[jnp.array(bodies)].multiply(ratio[:, None])
    return {**masses, "body_inertia": inertia}


@lower(v.CentreOfMass)
def centre_of_mass(c: v.CentreOfMass, x: Context) -> Values:
    bodies = jnp.array(_bodies(c, x))
    widths = jnp.broadcast_to(one(c.range), (len(bodies),))[:, None]
    moved = x.world["body_ipos"].at[bodies].add(_offsets(c, x, widths, (len(bodies), 3)))
    return {**x.world, "body_ipos": moved}


@lower(v.BodyInertia)
def inertia(c: v.BodyInertia, x: Context) -> Values:
    bodies = _bodies(c, x)
    return _times(x, "body_inertia", bodies, _factors(c, x, one(c.factor), len(bodies)))


@lower(v.ImuAlignment)
def imu_alignment(c: v.ImuAlignment, x: Context) -> Values:
    site = x.robot.sites.index(c.site)
    turn = geometry.from_rotation_vector(_offsets(c, x, c.tilt, (3,)))
    quats = x.world["site_quat"]
    return {**x.world, "site_quat": quats.at[site].set(geometry.multiply(quats[site], turn))}


@lower(v.CollisionGeometry)
def collision_geometry(c: v.CollisionGeometry, x: Context) -> Values:
    geoms = [x.robot.geom_id(name) for name in x.robot.match("geom", c.geoms)]
    factors = _factors(c, x, one(c.factor), len(geoms))
    world = _times(x, "geom_size", geoms, factors)
    # a bound only rules contacts out: one that never shrinks is right for meshes too, whose
    # vertices do not follow their size
    growth = jnp.maximum(factors, 1.0)
    rbound = x.world["geom_rbound"].at[jnp.array(geoms)].multiply(growth)
    return {**world, "geom_rbound": rbound}


class _Drives(NamedTuple):
    """Rows of the actuators that the task put on joints, and the joints they drive.

    ``kept`` are the places of the joints that have one among those that the part names;
    ``back_emf`` are those of the second actuators that motors with a torque-speed curve have, and
    ``curved`` the places of those motors among the rows.
    """

    rows: Any
    joints: Any
    back_emf: Any
    curved: Any
    kept: Any


def _drives(c: v.ServoGains | v.MotorStrength, x: Context) -> _Drives:
    actuators = x.robot.actuators
    named = [Drive(joint.name, math.inf) for joint in x.robot.match_joints(c.joints)]
    motors = [x.robot.motor_on(drive.joint) for drive in named]
    kept = [i for i, motor in enumerate(motors) if motor]
    drives = [named[i] for i in kept]
    curved = [i for i, drive in enumerate(drives) if drive.drag_name in actuators]
    names = [joint.name for joint in x.robot.joints]
    return _Drives(
        jnp.array([actuators.index(motors[i]) for i in kept], jnp.int32),
        jnp.array([names.index(drive.joint) for drive in drives], jnp.int32),
        jnp.array([actuators.index(drives[i].drag_name) for i in curved], jnp.int32),
        jnp.array(curved, jnp.int32),
        jnp.array(kept, jnp.int32),
    )


def _of_kept(limits: tuple[Any, Any], drives: _Drives) -> tuple[Any, Any]:
    """A range for each of the joints that have an actuator, where there is one for each joint."""
    low, high = (end[drives.kept] if jnp.ndim(end) else end for end in limits)
    return low, high


@lower(v.ServoGains)
def servo_gains(c: v.ServoGains, x: Context) -> Values:
    drives = _drives(c, x)
    rows = drives.rows
    kp = _factors(c, x, _of_kept(one(c.kp), drives), len(rows))
    kd = _factors(c, x, _of_kept(one(c.kd), drives), len(rows), name_key(x.key, "kd"))
    bias = x.world["actuator_biasprm"]
    # the damping of a motor with a torque-speed curve is split: the back-EMF's is not the servo's
    back_emf = jnp.zeros(len(rows)).at[drives.curved].set(bias[drives.back_emf, 2])
    stiffness, damping = bias[rows, 1], bias[rows, 2] + back_emf
    follows = jnp.where(stiffness != 0, kp, jnp.where(damping != 0, kd, 1.0))
    gain = x.world["actuator_gainprm"].at[rows, 0].multiply(follows)
    bias = bias.at[rows, 1].multiply(kp).at[rows, 2].set(kd * damping - back_emf)
    return {**x.world, "actuator_gainprm": gain, "actuator_biasprm": bias}


@lower(v.MotorStrength)
def motor_strength(c: v.MotorStrength, x: Context) -> Values:
    drives = _drives(c, x)
    factors = _factors(c, x, _of_kept(one(c.factor), drives), len(drives.rows))[:, None]
    actuators = jnp.concatenate([drives.rows, drives.back_emf])
    each = jnp.concatenate([factors, factors[drives.curved]])
    values = {
        field: x.world[field].at[actuators].multiply(each)
        for field in c.changes
        if field.startswith("actuator")
    }
    limits = x.world["jnt_actfrcrange"].at[drives.joints].multiply(factors)
    return {**x.world, **values, "jnt_actfrcrange": limits}


@lower(v.Gravity)
def gravity(c: v.Gravity, x: Context) -> Values:
    half_width = jnp.stack([c.horizontal, c.horizontal, c.vertical])
    keys = (name_key(x.key, axis) for axis in "xyz")
    added = [uniform(k, ends) for k, ends in zip(keys, (c.x, c.y, c.z), strict=True)]
    change = _offsets(c, x, half_width, (3,)) + scaled(c.scale, x.level) * jnp.stack(added)
    return {**x.world, "opt.gravity": x.world["opt.gravity"] + change}


@lower(v.JointZero)
def joint_zero(c: v.JointZero, x: Context) -> Values:
    rows = jnp.array([joint.qpos for joint in x.robot.match_joints(c.joints)])
    moved = x.world["qpos0"].at[rows].add(_offsets(c, x, one(c.range), (len(rows),)))
    return {**x.world, "qpos0": moved}
