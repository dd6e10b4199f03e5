"""Recorded motions: arrays out of .npz files, which are read without running anything in them."""

from __future__ import annotations

import io
import zipfile

import numpy as np

MAX_SIZE = 500_000_000
"""Largest size of the unpacked arrays in bytes."""


class MotionError(Exception):
    """A file that is not a motion of the robot; the message says why."""


def read_motion(data: bytes, nq: int, nv: int) -> tuple[np.ndarray, np.ndarray]:
    """qpos (frames, nq) and qvel (frames, nv), float32.

    Raises:
        MotionError: it is no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_SIZE:
                raise MotionError(f"its arrays are larger than {MAX_SIZE:,} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            missing = [name for name in ("qpos", "qvel") if name not in arrays]
            if missing:
                raise MotionError(f"it has no array {missing[0]!r}")
            qpos, qvel = (np.asarray(arrays[name]) for name in ("qpos", "qvel"))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MotionError(f"it is no .npz file of arrays: {error}") from error
    for name, array, size in (("qpos", qpos, nq), ("qvel", qvel, nv)):
        if array.ndim != 2 or array.shape[1] != size or array.dtype.kind not in "fiu":
            shape = "x".join(map(str, array.shape))
            raise MotionError(f"{name} is {array.dtype} {shape}, and frames x {size} is needed")
        if not np.isfinite(array).all():
            raise MotionError(f"{name} holds numbers that are not finite")
    if len(qpos) != len(qvel) or not len(qpos):
        raise MotionError(f"it has {len(qpos)} poses and {len(qvel)} velocities")
    return qpos.astype(np.float32), qvel.astype(np.float32)
