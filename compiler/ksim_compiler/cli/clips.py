"""Clips and robots as the command line names them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli.common import OK, UsageError

if TYPE_CHECKING:
    from ksim_compiler.motion.clip import Clip, Fault
    from ksim_compiler.motion.keyframes import Keyframes
    from ksim_compiler.motion.read import Asked
    from ksim_compiler.motion.write import Form
    from ksim_compiler.robot.model import Robot
    from ksim_schema.diagnostics import Diagnostic

PROGRAM = "ksim-motion"


def robot_of(text: str) -> Robot:
    """The robot that an option names.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    from ksim_compiler.robot import locate, model as robots
    from ksim_compiler.robot.files import ModelError
    from ksim_schema.vocabulary.state import Robot as RobotPart

    folder, part = Path(), None
    if text.endswith((".yaml", ".yml")):
        from ksim_schema.frontend import check_file

        if not Path(text).is_file():
            raise UsageError(f"--robot: there is no file {text}")
        task = check_file(Path(text)).task
        found = list(task.of(RobotPart).values()) if task is not None else []
        if task is None or not found:
            raise UsageError(f"--robot: {text} has no robot that can be read; check it first")
        folder, part = task.folder, found[0]
    try:
        if part is not None:
            return robots.load(part, robots.read_files(locate.locate(part.model, folder).path))
        return robots.load(*_standing(text))
    except ModelError as error:
        raise UsageError(f"--robot {text}: {error}") from error


def _standing(text: str):
    """A model as a task without a home would have it, and its files."""
    from ksim_compiler.robot import locate, model as robots
    from ksim_schema.vocabulary.state import Robot as RobotPart

    files = robots.read_files(locate.locate(text, Path()).path)
    part = RobotPart.model_validate({"model": text, "control": "20 ms"})
    known = robots.load(part, files).facts.keyframes
    home = next((name for name in ("home", "stand") if name in known), None)
    if home is not None:
        part = RobotPart.model_validate(
            {"model": text, "control": "20 ms", "home": {"keyframe": home}}
        )
    return part, files


def asked(options: argparse.Namespace) -> Asked:
    """What the command line says of a clip."""
    from ksim_compiler.motion.read import Asked

    if options.fps is not None and not (math.isfinite(options.fps) and options.fps > 0):
        raise UsageError("--fps is a number above 0")
    return Asked(options.fps, options.degrees, options.quaternion)


def read(path: Path, robot: Robot, told: Asked) -> tuple[Clip | None, list[Fault]]:
    """Read and screen a clip.

    Raises:
        UsageError: the file cannot be read.
    """
    from ksim_compiler.motion.raw import MAX_SIZE
    from ksim_compiler.motion.read import read_clip
    from ksim_schema.source.files import FileError, read_bytes

    try:
        data = read_bytes(path, MAX_SIZE)
    except FileError as error:
        raise UsageError(f"{path}: {error}") from error
    return read_clip(data, path.name, robot.facts, robot.model, told)


def diagnostics(path: Path, faults: Sequence[Fault]) -> list[Diagnostic]:
    """Faults as reports about a file."""
    from ksim_schema.diagnostics import Diagnostic, Span

    return [Diagnostic(f.code, f.text, Span(str(path)), help=f.help) for f in faults]


def write(clip: Clip, out: Path, robot: Robot, form: Form | None = None) -> int:
    """Write a clip as its file's name says, and say so."""
    from ksim_compiler.motion.write import packed
    from ksim_schema.source.files import write_bytes

    form = form or ("csv" if out.suffix == ".csv" else "qpos")
    write_bytes(out, packed(clip, form, robot.facts, robot.model))
    size = out.stat().st_size
    print(f"wrote {out} ({size:,} bytes, {clip.duration:.2f} s at {clip.fps:g} frames a second)")
    return OK


def robot_of_poses(poses: Keyframes, folder: Path) -> Robot:
    """The robot that a file of poses names.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    from ksim_compiler.robot import locate, model as robots
    from ksim_compiler.robot.files import ModelError
    from ksim_schema.vocabulary.state import Robot as RobotPart

    data: dict[str, object] = {"model": poses.model, "control": "20 ms"}
    data |= {"home": {"keyframe": poses.home}} if poses.home else {}
    data |= {"base": poses.base} if poses.base else {}
    part = RobotPart.model_validate(data)
    try:
        files = robots.read_files(locate.locate(part.model, folder).path)
        return robots.load(part, files)
    except ModelError as error:
        raise UsageError(f"{poses.model}: {error}") from error
