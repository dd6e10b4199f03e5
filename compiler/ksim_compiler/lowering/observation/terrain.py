"""Rules of observations of the ground: where vertical rays from above first meet it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import Surface
from ksim_schema.vocabulary.observation import terrain as v

Points = Float[Array, "points 2"]
Heights = Float[Array, " points"]


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


def ground_height(surfaces: tuple[Surface, ...], points: Points) -> Heights:
    """Height of the highest surface at each point (x, y) of the world, -inf where there is none."""
    heights = [_HEIGHTS[surface.type](surface, points) for surface in surfaces]
    return jnp.max(jnp.stack(heights), axis=0)


def _spread(count: int) -> np.ndarray:
    """Evenly from -1/2 to 1/2; a single point is in the middle."""
    return np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(1)


def _plane(surface: Surface, points: Points) -> Heights:
    """A plane is seen from its front alone, within its size where that is not 0."""
    local, direction = _ray(surface, points)
    distance = jnp.where(direction[2] < 0, -local[:, 2] / direction[2], jnp.inf)
    at = local + distance[:, None] * direction
    inside = jnp.isfinite(distance)
    for axis, half in enumerate(surface.size[:2]):
        if half > 0:
            inside &= jnp.abs(at[:, axis]) <= half
    return jnp.where(inside, surface.position[2] - distance, -jnp.inf)


def _box(surface: Surface, points: Points) -> Heights:
    """The slab method: a ray is in the box where it is between the planes of all three pairs."""
    local, direction = _ray(surface, points)
    size = jnp.array(surface.size)
    parallel = jnp.abs(direction) < 1e-9
    slope = jnp.where(parallel, 1.0, direction)
    ends = jnp.stack([(-size - local) / slope, (size - local) / slope])
    within = jnp.abs(local) <= size
    near = jnp.where(parallel, jnp.where(within, -jnp.inf, jnp.inf), ends.min(axis=0))
    far = jnp.where(parallel, jnp.inf, ends.max(axis=0))
    enter = near.max(axis=1)
    hit = enter <= far.min(axis=1)
    return jnp.where(hit, surface.position[2] - enter, -jnp.inf)


def _height_field(surface: Surface, points: Points) -> Heights:
    """Two triangles to a cell, which share the edge from its first to its last corner (mj_ray)."""
    local, _ = _ray(surface, points)
    heights = jnp.asarray(surface.heights)
    rows, columns = heights.shape
    half_x, half_y = surface.size
    u = (local[:, 0] + half_x) / (2 * half_x) * (columns - 1)
    w = (local[:, 1] + half_y) / (2 * half_y) * (rows - 1)
    column = jnp.clip(jnp.floor(u), 0, columns - 2).astype(jnp.int32)
    row = jnp.clip(jnp.floor(w), 0, rows - 2).astype(jnp.int32)
    u, w = u - column, w - row
    first, last = heights[row, column], heights[row + 1, column + 1]
    below, above = heights[row, column + 1], heights[row + 1, column]
    height = jnp.where(
        u >= w,
        first + u * (below - first) + w * (last - below),
        first + w * (above - first) + u * (last - above),
    )
    inside = (jnp.abs(local[:, 0]) <= half_x) & (jnp.abs(local[:, 1]) <= half_y)
    return jnp.where(inside, surface.position[2] + height, -jnp.inf)


def _ray(surface: Surface, points: Points) -> tuple[Float[Array, "points 3"], Float[Array, "3"]]:
    """The points at the height of the surface's centre and the direction down, in its frame."""
    axes = jnp.array(surface.axes)
    flat = points - jnp.array(surface.position[:2])
    return flat @ axes[:, :2].T, -axes[:, 2]


_HEIGHTS = {"plane": _plane, "box": _box, "hfield": _height_field}
