"""Robots that are kept from one check of a task to the next, where the same process checks again.

A check compiles a robot twice, as its file has it and with what the task puts into it. An editor
checks at each change of a text, of which few change the robot. Without :func:`keeping` nothing is
kept, and the functions here are those of :mod:`ksim_compiler.robot.model`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar

from ksim_compiler.robot import model
from ksim_compiler.robot.model import ModelFiles, Robot
from ksim_schema.records import dataclass
from ksim_schema.robot import Drive, SensorRequest
from ksim_schema.source.files import stamp
from ksim_schema.vocabulary.state import Robot as RobotPart

T = TypeVar("T")
MOST = 6
"""How many of each are kept; what was not used for longest goes first."""


@dataclass(eq=False)
class Kept:
    """What is kept: pairs of what it was made of and what it is, the last used at the end."""

    files: list[tuple[Any, Any]] = field(default_factory=lambda: [])
    loaded: list[tuple[Any, Any]] = field(default_factory=lambda: [])
    equipped: list[tuple[Any, Any]] = field(default_factory=lambda: [])


_KEPT: ContextVar[Kept | None] = ContextVar("_KEPT", default=None)


@contextmanager
def keeping(kept: Kept) -> Generator[None]:
    """Keep robots while the block lasts, and take those that are kept."""
    token = _KEPT.set(kept)
    try:
        yield
    finally:
        _KEPT.reset(token)


def read_files(path: Path) -> ModelFiles:
    """The files of a model, read anew where one of them has changed.

    Raises:
        ModelError: as :func:`~ksim_compiler.robot.files.read_files` does.
    """
    kept = _KEPT.get()
    if kept is None:
        return model.read_files(path)
    for known, (files, stamps) in reversed(kept.files):
        if known == path and _stamps(path, files) == stamps:
            return files
    files = model.read_files(path)
    kept.files = [
        *((p, f) for p, f in kept.files if p != path),
        (path, (files, _stamps(path, files))),
    ]
    del kept.files[:-MOST]
    return files


def _stamps(path: Path, files: ModelFiles) -> list[object]:
    """What differs when a file of a model has changed."""
    folder = path.resolve().parent
    for _ in range(files.root.count("/")):
        folder = folder.parent
    return [stamp(folder / name) for name in files.content]


def load(part: RobotPart, files: ModelFiles) -> Robot:
    """A model as it is, with the smallest textures; see :func:`ksim_compiler.robot.model.load`.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    kept = _KEPT.get()
    if kept is None:
        return model.load(part, files, textures=False)

    def same(made_of: tuple[RobotPart, ModelFiles]) -> bool:
        return made_of[0] == part and _same_files(made_of[1], files)

    return _once(kept.loaded, same, (part, files), lambda: model.load(part, files, textures=False))


def _same_files(a: ModelFiles, b: ModelFiles) -> bool:
    """Whether files are the same; what was read once is not compared."""
    if a is b or a.content is b.content:
        return True
    if a.root != b.root or a.content.keys() != b.content.keys():
        return False
    return all(a.content[name] is b.content[name] for name in a.content) or a == b


def equip(
    robot: Robot,
    sensors: Iterable[SensorRequest],
    drives: Iterable[Drive],
    off_centre: Collection[str],
    told: Collection[str],
) -> Robot:
    """A robot with sensors and actuators added; see :func:`ksim_compiler.robot.model.equip`.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    kept, given = _KEPT.get(), (tuple(sensors), tuple(drives), tuple(off_centre), tuple(told))
    if kept is None:
        return model.equip(robot, *given)
    return _once(
        kept.equipped,
        lambda made_of: made_of[0] is robot and made_of[1] == given,
        (robot, given),
        lambda: model.equip(robot, *given),
    )


def _once(
    known: list[tuple[Any, Any]], same: Callable[[Any], bool], made_of: Any, make: Callable[[], T]
) -> T:
    """What is kept of the same, or what is made now and kept."""
    for index, (other, made) in enumerate(known):
        if same(other):
            known.append(known.pop(index))
            return made
    made = make()
    known.append((made_of, made))
    del known[:-MOST]
    return made
