"""The ground: where vertical rays from above first meet what stands still."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_schema.robot import Surface
from ksim_schema.vocabulary.heights import Above, from_ground

Points = Float[Array, "points 2"]
Heights = Float[Array, " points"]


def heights(x: Context, places: Float[Array, "points 3"], above: Above | None) -> Heights:
    """Heights of places above the world's zero or the ground beneath, m.

    Where there is no ground beneath, they are above the world's zero.
    """
    if not from_ground(x.robot, above):
        return places[:, 2]
    surfaces = tuple(s for s in x.robot.surfaces if s.name in x.robot.ground)
    if not surfaces:
        return places[:, 2]
    ground = ground_height(surfaces, places[:, :2])
    return places[:, 2] - jnp.where(jnp.isfinite(ground), ground, 0.0)


def height(x: Context, place: Float[Array, "3"], above: Above | None = None) -> Float[Array, ""]:
    """As :func:`heights`, of one place."""
    return heights(x, place[None], above)[0]


def ground_height(surfaces: tuple[Surface, ...], points: Points) -> Heights:
    """Height of the highest surface at each point (x, y) of the world, -inf where there is none."""
    heights = [_HEIGHTS[surface.type](surface, points) for surface in surfaces]
    return jnp.max(jnp.stack(heights), axis=0)


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
    corners = (first, below, above, last)
    first, below, above, last = (surface.unit * corner for corner in corners)
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
