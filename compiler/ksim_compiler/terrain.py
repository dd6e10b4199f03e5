"""Terrains: height fields that take the place of the floor."""

from __future__ import annotations

import mujoco
import numpy as np

from ksim_compiler.modelfiles import ModelError
from ksim_schema.facts import file_key
from ksim_schema.vocabulary import state as v

NAME = "ksim/terrain"
MAX_HEIGHTS = 4_000_000
"""Most heights of a terrain."""
BASE = 0.2
"""Metres of ground below the lowest height, so that nothing falls through it."""


class TerrainError(ModelError):
    """A terrain that cannot be made.

    Attributes:
        code: of the diagnostic.
        field: of the PhysicsState that it is about.
    """

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.field, self.help = "KS0418", "terrain", help


def heights(terrain: v.Terrain) -> np.ndarray:
    """Heights in m above that of the origin, rows along y, columns along x; made anew each time.

    Raises:
        TerrainError: there are too many of them.
    """
    assert isinstance(terrain, (v.RoughTerrain, v.StairsTerrain, v.SlopesTerrain))
    count = round(terrain.size / terrain.resolution) + 1
    if not count >= 2 or count**2 > MAX_HEIGHTS:
        raise TerrainError(
            f"a terrain of {count} x {count} heights is not possible",
            f"choose a size and resolution with 2 to {int(MAX_HEIGHTS**0.5)} heights along a side",
        )
    axis = np.linspace(-terrain.size / 2, terrain.size / 2, count)
    x, y = np.meshgrid(axis, axis)
    match terrain:
        case v.RoughTerrain():
            field = _rough(terrain, axis)
        case v.StairsTerrain():
            out = np.maximum(np.abs(x), np.abs(y)) - terrain.flat
            steps = np.ceil(np.maximum(out, 0.0) / terrain.depth - 1e-9)
            field = steps * terrain.step * (1.0 if terrain.outwards == "up" else -1.0)
        case v.SlopesTerrain():
            k = 2 * np.pi / terrain.wavelength
            field = terrain.amplitude * (2.0 - np.cos(k * x) - np.cos(k * y)) / 4.0
    if not isinstance(terrain, v.StairsTerrain):  # rises from the flat spot over its radius again
        away = np.hypot(x, y) - terrain.flat
        field = field * np.clip(away / max(terrain.flat, 1e-6), 0.0, 1.0)
    return field


def _rough(terrain: v.RoughTerrain, axis: np.ndarray) -> np.ndarray:
    knots = np.arange(axis[0], axis[-1] + terrain.spacing, terrain.spacing)
    if len(knots) ** 2 > MAX_HEIGHTS:
        raise TerrainError("the terrain's spacing is too small", "choose a larger one")
    rng = np.random.default_rng(terrain.seed)
    drawn = rng.uniform(0.0, terrain.amplitude, (len(knots), len(knots)))
    along = np.stack([np.interp(axis, knots, row) for row in drawn])
    return np.stack([np.interp(axis, knots, column) for column in along.T], axis=1)


def add(terrain: v.Terrain, spec: mujoco.MjSpec) -> None:
    """Make the floor of a model a terrain.

    Raises:
        TerrainError: the model has no such floor, or the terrain cannot be made.
    """
    if isinstance(terrain, v.FlatTerrain):
        return
    geom = spec.geom(terrain.replaces)
    if geom is None or geom.type != mujoco.mjtGeom.mjGEOM_PLANE:
        planes = [g.name for g in spec.geoms if g.type == mujoco.mjtGeom.mjGEOM_PLANE]
        what = f"the model has no plane {terrain.replaces!r}, which the terrain is to replace"
        raise TerrainError(what, f"name it with 'replaces'; planes: {', '.join(planes) or 'none'}")
    if isinstance(terrain, v.ImageTerrain):
        half = (terrain.size[0] / 2, terrain.size[1] / 2)
        spec.add_hfield(name=NAME, file=file_key(terrain.file), size=[*half, terrain.height, BASE])
        lowest = 0.0
    else:
        field = heights(terrain)
        lowest = float(field.min())
        top = max(float(field.max()) - lowest, 1e-6)
        half = (terrain.size / 2, terrain.size / 2)
        spec.add_hfield(
            name=NAME,
            nrow=len(field),
            ncol=len(field),
            size=[*half, top, BASE],
            userdata=((field - lowest) / top).ravel().astype(np.float32),
        )
    geom.type, geom.hfieldname = mujoco.mjtGeom.mjGEOM_HFIELD, NAME
    geom.size = [0.0, 0.0, 0.0]
    geom.pos = [*geom.pos[:2], geom.pos[2] + lowest]
