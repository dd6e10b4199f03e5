"""Rules of observations of the ground: where vertical rays from above first meet it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.ground import ground_height
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.observation import terrain as v


@lower(v.HeightScan)
def height_scan(c: v.HeightScan, x: Context) -> Float[Array, "rows columns"]:
    position, orientation = (x.sensor(s) for s in c.sensors(x.robot))
    forward = c.ahead + c.length * _spread(c.points[0])
    sideways = c.width * _spread(c.points[1])
    grid = jnp.stack(jnp.meshgrid(forward, sideways, indexing="ij"), axis=-1).reshape(-1, 2)
    angle = geometry.heading(orientation)
    points = position[:2] + jax.vmap(lambda p: geometry.turn_about_vertical(p, angle))(grid)
    ground = ground_height(c.surfaces(x.robot), points)
    return jnp.reshape(jnp.minimum(position[2] - ground, c.reach) - c.offset, c.points)


def _spread(count: int) -> np.ndarray:
    """Evenly from -1/2 to 1/2; a single point is in the middle."""
    return np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(1)
