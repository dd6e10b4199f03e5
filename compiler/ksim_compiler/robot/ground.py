"""The shapes of the ground: geoms that stand still, as plain data for the height scan."""

from __future__ import annotations

from typing import Literal

import mujoco
import numpy as np

from ksim_schema.robot import Surface

_TYPES: dict[mujoco.mjtGeom, Literal["plane", "box", "hfield"]] = {
    mujoco.mjtGeom.mjGEOM_PLANE: "plane",
    mujoco.mjtGeom.mjGEOM_BOX: "box",
    mujoco.mjtGeom.mjGEOM_HFIELD: "hfield",
}


def surfaces(model: mujoco.MjModel) -> tuple[Surface, ...]:
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
        size, heights = model.geom_size[i], np.zeros((0, 0))
        if kind == "hfield":
            size, heights = _height_field(model, int(model.geom_dataid[i]))
        found.append(
            Surface(
                name,
                kind,
                tuple(map(float, data.geom_xpos[i])),
                tuple(tuple(map(float, axis)) for axis in axes),
                tuple(map(float, size)),
                heights,  # type: ignore[arg-type]
            )
        )
    return tuple(found)


def _height_field(model: mujoco.MjModel, field: int) -> tuple[np.ndarray, np.ndarray]:
    """Half extents in x and y, and heights in m, rows along y."""
    rows, columns = model.hfield_nrow[field], model.hfield_ncol[field]
    start = model.hfield_adr[field]
    unit = model.hfield_data[start : start + rows * columns].reshape(rows, columns)
    half_x, half_y, top, _ = model.hfield_size[field]
    return np.array([half_x, half_y]), np.asarray(unit * top, np.float32)
