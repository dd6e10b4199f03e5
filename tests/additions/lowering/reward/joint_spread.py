"""How the reward is computed."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.reward.joint_spread import JointSpread


@lower(JointSpread)
def joint_spread(c: JointSpread, x: Context) -> Float[Array, ""]:
    return jnp.ptp(x.joint_positions(x.robot.match_joints(c.joints)))
