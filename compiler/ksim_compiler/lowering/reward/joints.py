"""Rules of the rewards of joint positions and of how they move."""

from __future__ import annotations

import re
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.reward.kernels import (
    Components,
    Past,
    Value,
    constant_past,
    difference,
    exp_kernel,
    exp_kernel_with_penalty,
    normed,
    reduced,
)
from ksim_compiler.lowering.reward.velocity import at_rest, commanded_size
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import Joint
from ksim_schema.vocabulary.each import one
from ksim_schema.vocabulary.reward import joints as v

OfJoints = Float[Array, " joints"]


def _each(values: Any, patterns: tuple[str, ...], joints: tuple[Joint, ...]) -> Any:
    """For each joint the value that stands with the first pattern that matches it.

    Of a mapping of patterns there is one for each already.
    """
    if not isinstance(values, tuple):
        return values
    chosen = [
        next(i for i, p in enumerate(patterns) if re.fullmatch(p, joint.name)) for joint in joints
    ]
    return jnp.stack([jnp.float32(values[i]) for i in chosen])


def _home(joints: tuple[Joint, ...]) -> OfJoints:
    return jnp.array([j.home[0] for j in joints])


def _off_target(c: v.JointDeviation | v.StandStill | v.Symmetry, x: Context) -> OfJoints:
    """Distance of each joint from where it should be."""
    joints = x.robot.match_joints(c.joints)
    positions = x.joint_positions(joints)
    if c.targets is not None:
        return positions - _each(c.targets, c.joints, joints)
    return positions - _home(joints) if c.around == "home" else positions


@lower(v.JointDeviation)
def joint_deviation(c: v.JointDeviation, x: Context) -> Value:
    error = _off_target(c, x)
    if c.weights is not None:
        error = error * _each(c.weights, c.joints, x.robot.match_joints(c.joints))
    return normed(c, error)


@lower(v.StandStill)
def stand_still(c: v.StandStill, x: Context) -> Value:
    stands = commanded_size(x, c.command) < c.threshold
    return jnp.where(stands, jnp.sum(jnp.abs(_off_target(c, x))), 0.0)


@lower(v.JointTracking)
def joint_tracking(c: v.JointTracking, x: Context) -> Value:
    error = x.joint_positions(x.robot.match_joints(c.joints)) - one(c.target)
    return exp_kernel(jnp.sum(error**2), c.error_scale)


@lower(v.JointPositionTracking)
def joint_position_tracking(c: v.JointPositionTracking, x: Context) -> Components:
    joints = x.robot.match_joints(c.joints)
    positions = x.command(c.command, *(j.name for j in joints))
    velocities = x.command(c.command, *(f"{j.name} velocity" for j in joints))

    def follow(error: OfJoints, scale: Any) -> Value:
        return jnp.mean(exp_kernel_with_penalty(error, scale, c.sq_scale, c.abs_scale))

    return {
        "pos": follow(positions - x.joint_positions(joints), c.error_scale),
        "vel": follow(velocities - x.joint_velocities(joints), c.velocity_scale),
    }


@lower(v.AvoidLimits)
def avoid_limits(c: v.AvoidLimits, x: Context) -> Value:
    joints = x.robot.match_joints(c.joints)
    free = (-jnp.inf, jnp.inf)
    low, high = jnp.array([j.limits or free for j in joints]).T
    wider = jnp.where(jnp.isfinite(high - low), (high - low) * c.factor, 0.0)
    positions = x.joint_positions(joints)
    beyond = jnp.maximum(low - wider - positions, positions - high - wider)
    return reduced(jnp.maximum(beyond, 0.0), c.reduce)


def _no_deviation(c: v.Symmetry, x: Context) -> OfJoints:
    return jnp.zeros(len(x.robot.match_joints(c.joints)))


@lower(v.Symmetry, initial=_no_deviation)
def symmetry(c: v.Symmetry, x: Context, mean: OfJoints) -> tuple[Value, OfJoints]:
    error = _off_target(c, x)
    mean = mean * (1.0 - c.alpha) + error * c.alpha
    return -jnp.sum(error * mean), mean


def _no_pair_deviation(c: v.PairwiseSymmetry, x: Context) -> OfJoints:
    return jnp.zeros(2)


@lower(v.PairwiseSymmetry, initial=_no_pair_deviation)
def pairwise_symmetry(
    c: v.PairwiseSymmetry, x: Context, mean: OfJoints
) -> tuple[Components, OfJoints]:
    left = x.joint_positions(x.robot.match_joints((c.left,)))[0] - c.left_zero
    right = x.joint_positions(x.robot.match_joints((c.right,)))[0] - c.right_zero
    if c.flipped:
        right = -right
    both = jnp.stack([left, right])
    mean = mean * (1.0 - c.alpha) + both * c.alpha
    alike = exp_kernel_with_penalty(left - right, c.error_scale, c.sq_scale, c.abs_scale)
    return {"lr": alike, "self": -jnp.sum(both * mean)}, mean


def _still(order: int) -> Any:
    """The memory of joints that have not moved."""

    def initial(c: Any, x: Context) -> Past:
        return constant_past(x.joint_positions(x.robot.match_joints(c.joints)), order)

    return initial


def _small(c: Any, x: Context, past: Past) -> tuple[Value, Past]:
    """Mean kernel of the derivative of the joint positions of the order of the past."""
    change, past = difference(x.joint_positions(x.robot.match_joints(c.joints)), past)
    rate = change / x.period ** len(past)
    return jnp.mean(exp_kernel(rate**2, c.error_scale)), past


@lower(v.SmallJointVelocity, initial=_still(1))
def small_joint_velocity(c: v.SmallJointVelocity, x: Context, past: Past) -> tuple[Value, Past]:
    return _small(c, x, past)


@lower(v.SmallJointAcceleration, initial=_still(2))
def small_joint_acceleration(
    c: v.SmallJointAcceleration, x: Context, past: Past
) -> tuple[Value, Past]:
    return _small(c, x, past)


@lower(v.SmallJointJerk, initial=_still(3))
def small_joint_jerk(c: v.SmallJointJerk, x: Context, past: Past) -> tuple[Value, Past]:
    return _small(c, x, past)


@lower(v.MotionlessAtRest)
def motionless_at_rest(c: v.MotionlessAtRest, x: Context) -> Value:
    velocities = x.joint_velocities(x.robot.match_joints(c.joints))
    rests = at_rest(c.rest, c.sensors(x.robot), x)
    return jnp.where(rests, jnp.linalg.norm(velocities), 0.0)
