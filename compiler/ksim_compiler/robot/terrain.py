"""Terrains: height fields that take the place of the floor."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from ksim_compiler.robot import tiles
from ksim_compiler.robot.files import ModelError
from ksim_compiler.robot.sane import png_size
from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.values import BAD_TERRAIN, BAD_TERRAIN_IMAGE
from ksim_schema.robot import file_key
from ksim_schema.vocabulary import terrain as v

NAME = "ksim/terrain"
MAX_HEIGHTS = 4_000_000
"""Most heights of a terrain."""
HIGHEST = 1e4
"""Greatest height or depth of a terrain that is made, in m."""
BASE = 0.2
"""Metres of ground below the lowest height, so that nothing falls through it."""


class TerrainError(ModelError):
    """A terrain that cannot be made."""

    def __init__(
        self, message: str, help: str = "", code: Code = BAD_TERRAIN, field: str = "terrain"
    ) -> None:
        super().__init__(message, help, code=code, field=field)


def heights(terrain: v.Terrain) -> np.ndarray:
    """Heights in m above that of the origin, rows along y, columns along x; made anew each time.

    Raises:
        TerrainError: there are too many of them.
    """
    assert isinstance(terrain, (v.RoughTerrain, v.StairsTerrain, v.SlopesTerrain))
    ratio = terrain.size / terrain.resolution
    count = round(min(ratio, MAX_HEIGHTS)) + 1
    if not count >= 2 or count**2 > MAX_HEIGHTS:
        raise TerrainError(
            f"a terrain of {ratio + 1:.7g} x {ratio + 1:.7g} heights is not possible",
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
    if not np.abs(field).max() <= HIGHEST:
        what = f"a terrain with heights of {np.abs(field).max():.3g} m is not possible"
        raise TerrainError(what, f"the limit is {HIGHEST:g} m above and below the origin")
    return field


def _rough(terrain: v.RoughTerrain, axis: np.ndarray) -> np.ndarray:
    if not terrain.size / terrain.spacing + 2.0 <= MAX_HEIGHTS**0.5:
        raise TerrainError("the terrain's spacing is too small", "choose a larger one")
    knots = np.arange(axis[0], axis[-1] + terrain.spacing, terrain.spacing)
    rng = np.random.default_rng(terrain.seed)
    drawn = rng.uniform(0.0, terrain.amplitude, (len(knots), len(knots)))
    along = np.stack([np.interp(axis, knots, row) for row in drawn])
    return np.stack([np.interp(axis, knots, column) for column in along.T], axis=1)


def check_image(terrain: v.ImageTerrain, data: bytes) -> None:
    """Check that MuJoCo makes a height field of an image.

    Raises:
        TerrainError: it is not a PNG, is damaged, or is too large.
    """
    what, size = f"the image of the terrain, {terrain.file},", png_size(data)
    help, code = (
        "export it as a PNG of 8 bits, black the lowest and white the highest",
        BAD_TERRAIN_IMAGE,
    )
    if size is None:
        found = "is not a PNG" if data else "is empty"
        raise TerrainError(f"{what} {found}", help, code)
    if size[0] * size[1] > MAX_HEIGHTS:
        message = f"{what} has {size[0]:,} x {size[1]:,} pixels; at most {MAX_HEIGHTS:,} are read"
        raise TerrainError(message, "scale it down", code)
    probe = mujoco.MjSpec()
    probe.add_hfield(name=NAME, file="image.png", size=[1.0, 1.0, 1.0, 1.0])
    probe.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname=NAME)
    with mujoco.MjVfs() as vfs:
        vfs["image.png"] = data
        try:
            probe.compile(vfs=vfs)
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split("Element name")[0].split())
            reason = reason.rsplit(": ", 1)[-1]
            raise TerrainError(f"{what} cannot be read: {reason}", help, code) from error


def add(terrain: v.Terrain, spec: mujoco.MjSpec, files: Mapping[str, bytes]) -> None:
    """Make the floor of a model a terrain.

    Args:
        terrain: the terrain.
        spec: the model, which is changed.
        files: by name, the model's and the task's.

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
    if isinstance(terrain, v.GridTerrain):
        _add_grid(terrain, spec, geom)
        return
    if isinstance(terrain, v.ImageTerrain):
        half = (terrain.size[0] / 2, terrain.size[1] / 2)
        file = file_key(terrain.file)
        if file in files:
            check_image(terrain, files[file])
        spec.add_hfield(
            name=NAME, file=file, content_type="image/png", size=[*half, terrain.height, BASE]
        )
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


def _add_grid(terrain: v.GridTerrain, spec: mujoco.MjSpec, geom: mujoco.MjsGeom) -> None:
    try:
        rows, columns = tiles.size(terrain)
        if rows * columns > MAX_HEIGHTS:
            message = f"a terrain of {rows:,} x {columns:,} heights is not possible; at most "
            help = "choose fewer or smaller tiles, a narrower border or a coarser resolution"
            raise TerrainError(f"{message}{MAX_HEIGHTS:,} are", help)
        field = tiles.field(terrain)
    except tiles.BadTile as error:
        raise TerrainError(str(error), error.help, field=f"terrain.{error.field}") from error
    top = int(field.heights.max())
    if top * field.unit > HIGHEST:
        message = f"a terrain with heights of {top * field.unit:.3g} m is not possible"
        raise TerrainError(message, f"the limit is {HIGHEST:g} m from the lowest to the highest")
    spec.add_hfield(
        name=NAME,
        nrow=rows,
        ncol=columns,
        size=[*field.half, max(top * field.unit, 1e-6), BASE],
        userdata=(field.heights / max(top, 1)).ravel().astype(np.float32),
    )
    geom.type, geom.hfieldname = mujoco.mjtGeom.mjGEOM_HFIELD, NAME
    geom.size = [0.0, 0.0, 0.0]
    x, y = geom.pos[:2] + np.array(field.middle)
    geom.pos = [x, y, geom.pos[2] + field.lowest]
