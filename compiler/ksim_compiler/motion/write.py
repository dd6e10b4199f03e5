"""Clips as files: the same clip gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Literal

import mujoco
import numpy as np

from ksim_compiler.motion.clip import Array, Clip
from ksim_compiler.motion.kinematics import bodies_of
from ksim_compiler.motion.resample import Track, resampled
from ksim_schema.robot import RobotFacts

Form = Literal["qpos", "bodies", "csv"]
FORMS: tuple[Form, ...] = ("qpos", "bodies", "csv")
"""An npz of qpos, an npz as whole-body tracking has it, and a csv."""


def packed(clip: Clip, form: Form, robot: RobotFacts, model: mujoco.MjModel) -> bytes:
    """A clip as the bytes of a file.

    Args:
        clip: the motion.
        form: how it is laid out.
        robot, model: whose motion it is.
    """
    if form == "csv":
        return _table(clip)
    track = resampled(clip, 1.0 / clip.fps)
    arrays = _qpos(track) if form == "qpos" else _bodies(track, robot, model)
    return _npz(arrays)


def _qpos(track: Track) -> dict[str, Array]:
    """qpos and qvel of the base, if it floats, and then of the joints, which are named."""
    clip = track.clip
    qpos, qvel = [clip.joints], [track.joint_rates]
    if clip.place is not None and clip.turn is not None:
        assert track.linear is not None
        assert track.angular is not None
        qpos = [clip.place, clip.turn, *qpos]
        qvel = [track.linear, track.angular, *qvel]
    return {
        "qpos": np.concatenate(qpos, axis=1).astype(np.float32),
        "qvel": np.concatenate(qvel, axis=1).astype(np.float32),
        "fps": np.array(clip.fps, np.float32),
        "joint_names": np.array(clip.names),
    }


def _bodies(track: Track, robot: RobotFacts, model: mujoco.MjModel) -> dict[str, Array]:
    """The layout of whole-body tracking, with the names of joints and bodies."""
    clip = track.clip
    tree = robot.tree_of(robot.root)
    names = [body for body in robot.names("body") if robot.tree_of(body) == tree]
    ids = [robot.body_id(name) for name in names]
    bodies = bodies_of(model, clip.qpos(robot), track.qvel(robot), ids)
    single = {
        "joint_pos": clip.joints,
        "joint_vel": track.joint_rates,
        "body_pos_w": bodies.place,
        "body_quat_w": bodies.turn,
        "body_lin_vel_w": bodies.linear,
        "body_ang_vel_w": bodies.angular,
    }
    arrays = {name: array.astype(np.float32) for name, array in single.items()}
    return arrays | {
        "fps": np.array([clip.fps], np.float32),
        "joint_names": np.array(clip.names),
        "body_names": np.array(names),
    }


def _npz(arrays: Mapping[str, Array]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.compress_type = 3, zipfile.ZIP_DEFLATED
            archive.writestr(info, content.getvalue(), compresslevel=9)
    return buffer.getvalue()


def _table(clip: Clip) -> bytes:
    """x, y, z, a quaternion x, y, z, w and the joints, with a header of names."""
    names, columns = list(clip.names), [clip.joints]
    if clip.place is not None and clip.turn is not None:
        names = ["x", "y", "z", "qx", "qy", "qz", "qw", *names]
        columns = [clip.place, clip.turn[:, [1, 2, 3, 0]], *columns]
    lines = [",".join(names)]
    lines += [",".join(f"{x:.6g}" for x in row) for row in np.concatenate(columns, axis=1)]
    return ("\n".join(lines) + "\n").encode()
