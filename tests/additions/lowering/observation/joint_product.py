"""How the observation is computed."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.observation.joint_product import JointProduct


@lower(JointProduct)
def joint_product(c: JointProduct, x: Context) -> Float[Array, "1"]:
    return jnp.prod(x.joint_positions(x.robot.match_joints(c.joints)))[None]
