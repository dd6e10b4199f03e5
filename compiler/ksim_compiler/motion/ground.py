"""The lowest points of a robot in the frames of a motion, and how they move along the ground."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from jaxtyping import Float, Int

from ksim_compiler.motion.clip import Array, Clip
from ksim_compiler.motion.kinematics import poses
from ksim_schema.robot import RobotFacts

_GEOM = mujoco.mjtGeom
AT_ONCE = 1_000_000
"""Points of a geom, counted in each frame, whose heights are looked at together."""


class Lowest(NamedTuple):
    """The lowest point of each body that can touch the ground.

    Attributes:
        bodies: indices of the bodies.
        height: of the lowest point of each in each frame, above the ground, m.
        slip: how far the point that was the lowest in the frame before has moved along the ground
            since then, m; 0 in the first frame.
    """

    bodies: Int[Array, " bodies"]
    height: Float[Array, "frames bodies"]
    slip: Float[Array, "frames bodies"]


def ground_height(robot: RobotFacts) -> float | None:
    """The height of the flat ground, m; None where there is none that is flat and wide."""
    planes = [s for s in robot.surfaces if s.type == "plane" and s.name in robot.ground]
    level = [s for s in planes if s.axes[2][2] > 0.999]
    return max((s.position[2] for s in level), default=None)


def lowest(clip: Clip, robot: RobotFacts, model: mujoco.MjModel) -> Lowest | None:
    """The lowest points in each frame; None where no ground is flat, or nothing can touch it."""
    floor = ground_height(robot)
    geoms = [
        geom
        for geom in range(model.ngeom)
        if robot.geoms[geom] in robot.solid
        and model.body_weldid[model.geom_bodyid[geom]]
        and robot.trees[model.geom_bodyid[geom]] == robot.trees[robot.body_id(robot.root)]
        and model.geom_type[geom] not in (_GEOM.mjGEOM_PLANE, _GEOM.mjGEOM_HFIELD)
    ]
    if floor is None or not geoms:
        return None
    bodies = np.unique(model.geom_bodyid[geoms])
    shape = clip.frames, len(bodies)
    places, turns = np.empty((*shape, 3)), np.empty((*shape, 3, 3))
    at, turned = np.empty((clip.frames, len(geoms), 3)), np.empty((clip.frames, len(geoms), 3, 3))
    for frame, data in enumerate(poses(model, clip.qpos(robot))):
        places[frame], turns[frame] = data.xpos[bodies], data.xmat[bodies].reshape(-1, 3, 3)
        at[frame], turned[frame] = data.geom_xpos[geoms], data.geom_xmat[geoms].reshape(-1, 3, 3)
    point = np.full((*shape, 3), np.inf)  # the lowest of each body, in the world
    for i, geom in enumerate(geoms):
        found = _lowest_of(_shape(model, geom), at[:, i], turned[:, i])
        column = int(np.searchsorted(bodies, model.geom_bodyid[geom]))
        lower = found[:, 2] < point[:, column, 2]
        point[lower, column] = found[lower]
    marks = np.einsum("fbji,fbj->fbi", turns, point - places)  # and in its own frame
    moved = places[1:] + np.einsum("fbij,fbj->fbi", turns[1:], marks[:-1])
    slip = np.zeros(shape)
    slip[1:] = np.linalg.norm((moved - point[:-1])[..., :2], axis=2)
    return Lowest(bodies, point[..., 2] - floor, slip)


def _lowest_of(
    shape: tuple[Float[Array, "points 3"], float],
    at: Float[Array, "frames 3"],
    turned: Float[Array, "frames 3 3"],
) -> Float[Array, "frames 3"]:
    """The lowest point of a geom in each frame."""
    points, radius = shape
    each = max(1, AT_ONCE // len(points))
    cuts = range(0, max(1, len(turned)), each)
    least = [np.argmin(turned[i : i + each, 2] @ points.T, axis=1) for i in cuts]
    found = points[np.concatenate(least)]
    return at + np.einsum("fij,fj->fi", turned, found) - [0.0, 0.0, radius]


def _shape(model: mujoco.MjModel, geom: int) -> tuple[Float[Array, "points 3"], float]:
    """Points in a geom's frame, and a distance from them, that its lowest point is among."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == _GEOM.mjGEOM_SPHERE:
        return np.zeros((1, 3)), float(size[0])
    if kind == _GEOM.mjGEOM_CAPSULE:
        return np.array([[0.0, 0.0, size[1]], [0.0, 0.0, -size[1]]]), float(size[0])
    if kind == _GEOM.mjGEOM_BOX:
        corners = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
        return corners * size, 0.0
    if kind == _GEOM.mjGEOM_CYLINDER:
        turns = np.linspace(0.0, 2 * np.pi, 16, endpoint=False)
        ring = size[0] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        ends = [np.column_stack([ring, np.full(len(ring), z)]) for z in (-size[1], size[1])]
        return np.concatenate(ends), 0.0
    if kind == _GEOM.mjGEOM_ELLIPSOID:
        turns = np.random.default_rng(0).normal(size=(200, 3))
        return turns / np.linalg.norm(turns, axis=1, keepdims=True) * size, 0.0
    mesh = int(model.geom_dataid[geom])
    if kind == _GEOM.mjGEOM_MESH and mesh >= 0:
        start = model.mesh_vertadr[mesh]
        return np.array(model.mesh_vert[start : start + model.mesh_vertnum[mesh]], float), 0.0
    corners = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
    return model.geom_aabb[geom][:3] + corners * model.geom_aabb[geom][3:], 0.0
