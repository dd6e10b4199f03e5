"""The shapes of the ground: geoms that stand still, as plain data for the height scan."""

from __future__ import annotations

from typing import Literal

import mujoco
import numpy as np

from ksim_compiler.robot.tiles import cells, field
from ksim_schema.robot import RobotFacts, Surface, TileGrid
from ksim_schema.vocabulary import terrain as v

_TYPES: dict[mujoco.mjtGeom, Literal["plane", "box", "hfield"]] = {
    mujoco.mjtGeom.mjGEOM_PLANE: "plane",
    mujoco.mjtGeom.mjGEOM_BOX: "box",
    mujoco.mjtGeom.mjGEOM_HFIELD: "hfield",
}


def surfaces(model: mujoco.MjModel, terrain: v.Terrain) -> tuple[Surface, ...]:
    """The planes, boxes and upright height fields that stand still; no other geom is described."""
    still = np.flatnonzero(model.body_weldid[model.geom_bodyid] == 0)
    if not still.size:
        return ()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    found: list[Surface] = []
    for i in still:
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_GEOM, i)
        kind = _TYPES.get(mujoco.mjtGeom(model.geom_type[i]))
        axes = data.geom_xmat[i].reshape(3, 3).T
        if not name or kind is None or (kind == "hfield" and axes[2, 2] < 1 - 1e-9):
            continue
        size, heights, unit = model.geom_size[i], np.zeros((0, 0)), 1.0
        if kind == "hfield":
            size, heights = _height_field(model, int(model.geom_dataid[i]))
            if name == terrain.replaces and isinstance(terrain, v.GridTerrain):
                made = field(terrain)
                heights, unit = made.heights, made.unit
        found.append(
            Surface(
                name,
                kind,
                tuple(map(float, data.geom_xpos[i])),
                tuple(tuple(map(float, axis)) for axis in axes),
                tuple(map(float, size)),
                heights,  # type: ignore[arg-type]
                unit,
            )
        )
    return tuple(found)


def grid(terrain: v.Terrain, surfaces: tuple[Surface, ...]) -> TileGrid | None:
    """Where the tiles of a terrain stand in the world, if it has tiles."""
    if not isinstance(terrain, v.GridTerrain):
        return None
    surface = next(s for s in surfaces if s.name == terrain.replaces)
    border = cells(terrain)[1] * terrain.resolution
    x, y = (surface.position[i] - surface.size[i] + border for i in range(2))
    return TileGrid(terrain.kinds(), terrain.levels, terrain.tile, (x, y))


def heights_at(surface: Surface, points: np.ndarray) -> np.ndarray:
    """Heights of an upright height field at points of the world (n, 2), m; flat beyond its edges.

    Between four heights as the planes of a bilinear patch.
    """
    field = np.asarray(surface.heights)
    size, middle = np.array(surface.size[:2]), np.array(surface.position[:2])
    last = np.array(field.shape[::-1]) - 1
    at = np.clip((points - middle + size) / (2 * size), 0.0, 1.0) * last
    low = np.minimum(at.astype(int), last - 1)
    (u, w), (column, row) = (at - low).T, low.T
    above = field[row, column] * (1 - u) + field[row, column + 1] * u
    below = field[row + 1, column] * (1 - u) + field[row + 1, column + 1] * u
    return surface.position[2] + surface.unit * (above * (1 - w) + below * w)


def beneath(facts: RobotFacts, place: np.ndarray) -> float:
    """Height in m of the tiles beneath a place of the world (3,); 0 where there is no grid."""
    if facts.grid is None:
        return 0.0
    terrain = next(surface for surface in facts.surfaces if surface.type == "hfield")
    return float(heights_at(terrain, place[None, :2])[0])


def _height_field(model: mujoco.MjModel, field: int) -> tuple[np.ndarray, np.ndarray]:
    """Half extents in x and y, and heights in m, rows along y."""
    rows, columns = model.hfield_nrow[field], model.hfield_ncol[field]
    start = model.hfield_adr[field]
    unit = model.hfield_data[start : start + rows * columns].reshape(rows, columns)
    half_x, half_y, top, _ = model.hfield_size[field]
    return np.array([half_x, half_y]), np.asarray(unit * top, np.float32)
