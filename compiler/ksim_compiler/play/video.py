"""Pictures of a motion: frames by MuJoCo's renderer, encoded by imageio."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.play.ghost import Ghost, Reference
from ksim_compiler.play.renderer import VIDEO, VideoError
from ksim_compiler.robot.bases import floats, likely
from ksim_schema.source.files import replacing

FRAME_RATE = 25.0
"""Frames a second that a video has at most."""
POLICY = "policy"
"""What is written below the robot where a recorded motion stands beside it."""


def encoder_of(path: Path) -> Any:
    """imageio, when it can write the file.

    Raises:
        VideoError: the format is unknown, or the packages are not there.
    """
    if wrong := VIDEO.wrong(path):
        raise VideoError(wrong)
    try:
        import imageio.v2 as imageio

        importlib.import_module("imageio_ffmpeg")
    except ImportError as error:
        raise VideoError("videos need: pip install 'ksim-schema[video]'") from error
    return imageio


def frames(
    model: mujoco.MjModel,
    qpos: np.ndarray,
    period: float,
    size: tuple[int, int] = (640, 480),
    camera: str | None = None,
    base: int | None = None,
    shadows: bool = True,
    reference: Reference | None = None,
) -> Iterator[np.ndarray]:
    """Pictures of a motion, (height, width, 3) uint8, at most FRAME_RATE a second.

    Args:
        model: the robot in its world.
        qpos: (ticks, nq).
        period: seconds between two rows.
        size: width and height in pixels.
        camera: a camera of the model; by default the one called ``track``, or else a free one
            that follows the base.
        base: index of the robot's base; by default the body that the model's actuators make likely.
        shadows: whether to draw them, which in software takes eight tenths of the time.
        reference: a recorded motion that is followed: a picture's left half is the robot as the
            motion has it, its right half the robot with the motion as a ghost, each seen from the
            camera as if it were alone.

    Raises:
        VideoError: there is no such camera.
    """
    width, height = size
    model.vis.global_.offwidth = max(width, model.vis.global_.offwidth)
    model.vis.global_.offheight = max(height, model.vis.global_.offheight)
    data = mujoco.MjData(model)
    base = likely(model) if base is None else base
    view = view_of(model, camera, base)
    every = max(1, round(1.0 / (FRAME_RATE * period)))
    own = width if reference is None else width // 2
    ghost = None if reference is None else Ghost(model, base)
    with mujoco.Renderer(model, height, own) as renderer:

        def picture(row: np.ndarray, behind: np.ndarray | None = None) -> np.ndarray:
            data.qpos[:] = row
            mujoco.mj_forward(model, data)
            renderer.update_scene(data, view)
            if ghost is not None and behind is not None:
                ghost.draw(renderer.scene, behind)
            if not shadows:
                renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
            return renderer.render()

        for tick in range(0, len(qpos), every):
            if reference is None:
                yield picture(qpos[tick])
                continue
            told = reference.qpos[tick]
            halves = picture(told), picture(qpos[tick], told)
            yield side_by_side(*halves, width, (reference.titles[tick], POLICY))


def side_by_side(
    left: np.ndarray, right: np.ndarray, width: int, titles: tuple[str, str]
) -> np.ndarray:
    """Two pictures as one, with a line between them and what they are at the bottom of each.

    Args:
        left, right: (height, own width, 3) uint8.
        width: of the whole; a column that is left over is the line's.
        titles: of each.
    """
    from PIL import Image, ImageDraw, ImageFont

    height, own, _ = left.shape
    whole = np.full((height, width, 3), 255, np.uint8)
    whole[:, :own], whole[:, width - own :] = left, right
    whole[:, own - 1 : width - own + 1] = 255
    picture = Image.fromarray(whole)
    pen = ImageDraw.Draw(picture, "RGBA")
    size = max(9, min(height // 24, own // 16))
    font = ImageFont.load_default(size)
    for start, text in zip((0, width - own), titles, strict=True):
        box = pen.textbbox((0, 0), text, font)
        x, y = start + size // 2, height - 2 * size
        pad = size // 3
        pen.rectangle((x - pad, y - pad, x + box[2] + pad, y + box[3] + pad), (0, 0, 0, 130))
        pen.text((x, y), text, (255, 255, 255, 255), font)
    return np.asarray(picture)


def view_of(model: mujoco.MjModel, name: str | None, base: int) -> mujoco.MjvCamera:
    """A camera of the model; by default ``track``, or else a free one that follows the base.

    Raises:
        VideoError: there is no such camera.
    """
    view = mujoco.MjvCamera()
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, name or "track")
    if index >= 0:
        view.type, view.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, index
        return view
    if name is not None:
        known = [model.camera(i).name for i in range(model.ncam)]
        raise VideoError(f"there is no camera {name!r}; cameras: {', '.join(known) or 'none'}")
    mujoco.mjv_defaultFreeCamera(model, view)
    follow(view, model, base)
    return view


def follow(camera: mujoco.MjvCamera, model: mujoco.MjModel, base: int) -> bool:
    """Make a camera follow the robot's base; False, and no change, where that does not float."""
    moves = floats(model, base)
    if moves:
        camera.type = int(mujoco.mjtCamera.mjCAMERA_TRACKING)
        camera.trackbodyid, camera.fixedcamid = base, -1
    return moves


def write_video(
    path: Path,
    model: mujoco.MjModel,
    qpos: np.ndarray,
    period: float,
    size: tuple[int, int] = (640, 480),
    camera: str | None = None,
    base: int | None = None,
    shadows: bool = True,
    reference: Reference | None = None,
) -> None:
    """Draw a motion into an ``.mp4`` or ``.gif`` file; see :func:`frames`.

    Raises:
        VideoError: it cannot be drawn or encoded.
    """
    imageio = encoder_of(path)
    every = max(1, round(1.0 / (FRAME_RATE * period)))
    rate = 1.0 / (every * period)
    mp4 = path.suffix.lower() == ".mp4"
    options: dict[str, Any] = (
        {"fps": rate, "quality": 7, "macro_block_size": 2, "pixelformat": "yuv420p"}
        if mp4
        else {"duration": 1000.0 / rate, "loop": 0}
    )
    try:
        with warnings.catch_warnings():
            # JAX warns of any fork; the encoder's process is replaced by ffmpeg at once
            warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
            with replacing(path) as partial, imageio.get_writer(partial, **options) as writer:
                drawn = frames(model, qpos, period, size, camera, base, shadows, reference)
                for frame in drawn:
                    writer.append_data(frame)
    except (OSError, RuntimeError) as error:
        raise VideoError(f"cannot write {path}: {error}") from error
