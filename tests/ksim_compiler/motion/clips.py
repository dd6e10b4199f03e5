"""A robot, a sound clip of it, and clips as the bytes of files."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ksim_compiler.motion.read import ASKED, Asked, Reading, read_clip
from ksim_compiler.robot import model as robots
from ksim_compiler.robot.model import Robot
from ksim_schema.vocabulary.state import Robot as RobotPart

ROOT = Path(__file__).parents[3]
CLIPS = ROOT / "tasks" / "motions"


@cache
def humanoid() -> Robot:
    """The humanoid of the shipped tasks."""
    path = ROOT / "tasks/robots/humanoid/scene.xml"
    data = {"model": str(path), "control": "20 ms", "home": {"keyframe": "home"}}
    return robots.load(RobotPart.model_validate(data), robots.read_files(path))


def arrays(name: str = "squat") -> dict[str, Any]:
    """The arrays of a shipped clip."""
    with np.load(CLIPS / f"{name}.npz") as file:
        return {key: file[key].copy() for key in file.files}


def npz(content: dict[str, Any]) -> bytes:
    """Arrays as the bytes of a file."""
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    return buffer.getvalue()


def csv(content: dict[str, Any], header: str = "") -> bytes:
    """A clip as retargeted LAFAN1 clips are: x, y, z, a quaternion x, y, z, w, the joints."""
    qpos = content["qpos"]
    rows = np.concatenate([qpos[:, :3], qpos[:, [4, 5, 6, 3]], qpos[:, 7:]], axis=1)
    lines = [",".join(f"{x:.9g}" for x in row) for row in rows]
    return "\n".join([*([header] if header else []), *lines, ""]).encode()


def read(data: bytes, name: str = "clip.npz", asked: Asked = ASKED) -> Reading:
    """Read a clip of the humanoid."""
    robot = humanoid()
    return read_clip(data, name, robot.facts, robot.model, asked)
