"""Rules of resets: each changes the state in which an episode begins."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import uniform
from ksim_schema.facts import Joint
from ksim_schema.vocabulary import reset as v

Pose = tuple[Float[Array, " nq"], Float[Array, " nv"]]
"""qpos and qvel. A rule sees that of the rules before it in ``x.world``."""


@lower(v.ResetJointPosition)
def joint_position(c: v.ResetJointPosition, x: Context) -> Pose:
    joints = x.robot.match_joints(c.joints)
    base = jnp.array([j.home[0] if c.around == "home" else 0.0 for j in joints])
    spread = c.range * jax.random.uniform(x.key, base.shape, minval=-1.0, maxval=1.0)
    limits = jnp.array([_limits(j) for j in joints])
    position = jnp.clip(base + spread, limits[:, 0], limits[:, 1])
    return x.world["qpos"].at[jnp.array([j.qpos for j in joints])].set(position), x.world["qvel"]


def _limits(joint: Joint) -> tuple[float, float]:
    return joint.limits or (-jnp.inf, jnp.inf)


@lower(v.ResetJointVelocity)
def joint_velocity(c: v.ResetJointVelocity, x: Context) -> Pose:
    dofs = jnp.array([j.dof for j in x.robot.match_joints(c.joints)])
    spread = c.range * jax.random.uniform(x.key, dofs.shape, minval=-1.0, maxval=1.0)
    return x.world["qpos"], x.world["qvel"].at[dofs].set(spread)


@lower(v.ResetHeading)
def heading(c: v.ResetHeading, x: Context) -> Pose:
    base = x.robot.base
    assert base is not None
    quat = slice(base.qpos + 3, base.qpos + 7)
    turn = geometry.about_vertical(uniform(x.key, (-c.range, c.range)))
    qpos = x.world["qpos"]
    return qpos.at[quat].set(geometry.multiply(turn, qpos[quat])), x.world["qvel"]
