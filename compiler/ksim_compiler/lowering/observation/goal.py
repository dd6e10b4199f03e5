"""Rules of observations of what is left to a goal."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.observation.trunk import rotation
from ksim_compiler.lowering.pose import frame_pose, told_pose
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import SensorRequest
from ksim_schema.vocabulary.observation import goal as v


@lower(v.PoseError)
def pose_error(c: v.PoseError, x: Context) -> Float[Array, " size"]:
    goal, now = told_pose(x, c.command), frame_pose(x, *c.target(x.robot))
    assert now.orientation is not None
    axes = now.orientation
    if c.frame == "robot":
        axes = x.sensor(SensorRequest("framequat", "xbody", x.robot.root))
    if c.of == "position":
        assert goal.position is not None
        assert now.position is not None
        left = goal.position - now.position
        return left if c.frame == "world" else geometry.unrotate(axes, left)
    assert goal.orientation is not None
    turn = geometry.multiply(goal.orientation, geometry.conjugate(now.orientation))
    if c.frame != "world":  # the same rotation, seen from other axes
        turn = jnp.concatenate([turn[:1], geometry.unrotate(axes, turn[1:])])
    turn = jnp.where(turn[0] < 0.0, -turn, turn)
    if c.form == "rotation_vector":
        return geometry.to_rotation_vector(turn)
    return rotation(c.form, turn)
