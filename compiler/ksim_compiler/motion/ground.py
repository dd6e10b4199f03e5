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
    column = {int(body): i for i, body in enumerate(bodies)}
    shapes = [_shape(model, geom) for geom in geoms]
    height = np.full((clip.frames, len(bodies)), np.inf)
    slip = np.zeros_like(height)
    before = np.zeros((len(bodies), 3))  # the lowest point of each body, in the world
    marks = np.zeros((len(bodies), 3))  # and in its own frame
    for frame, data in enumerate(poses(model, clip.qpos(robot))):
        places, turns = data.xpos[bodies], data.xmat[bodies].reshape(-1, 3, 3)
        if frame:
            now = places + np.einsum("bij,bj->bi", turns, marks)
            slip[frame] = np.linalg.norm(now[:, :2] - before[:, :2], axis=1)
        before = np.zeros((len(bodies), 3))
        for geom, (points, radius) in zip(geoms, shapes, strict=True):
            turn = data.geom_xmat[geom].reshape(3, 3)
            heights = points @ turn[2]
            least = int(np.argmin(heights))
            point = data.geom_xpos[geom] + turn @ points[least] - [0.0, 0.0, radius]
            i = column[int(model.geom_bodyid[geom])]
            if point[2] - floor < height[frame, i]:
                height[frame, i], before[i] = point[2] - floor, point
        marks = np.einsum("bji,bj->bi", turns, before - places)
    return Lowest(bodies, height, slip)


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
