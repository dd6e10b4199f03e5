"""The checkpoints of a run: one file each, the newest few kept, damaged ones passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from ksim_compiler.learn.run import checkpoint
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.files import CHECKPOINTS as FOLDER, checkpoints as checkpoints
from ksim_schema.source.files import is_partial, reason

Tree = TypeVar("Tree")


@dataclass(frozen=True)
class Restored(Generic[Tree]):
    """What was read of a checkpoint.

    Attributes:
        state: what was read.
        steps: environment steps that were done.
        path: the file.
        passed_over: what was wrong with newer ones.
    """

    state: Tree
    steps: int
    path: Path
    passed_over: tuple[str, ...]


def save(run: Path, state: Any, steps: int, header: Mapping[str, str], keep: int) -> Path:
    """Write a checkpoint, then delete the oldest but ``keep``.

    Raises:
        CheckpointError: it cannot be written; those before stay as they are.
    """
    folder = run / FOLDER
    path = folder / f"{steps:012d}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in filter(is_partial, folder.iterdir()):  # by a process that was killed
            left.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"cannot make {folder}: {reason(error)}") from error
    checkpoint.write(path, state, {**header, "steps": str(steps)})
    for _, old in checkpoints(run)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def restore(
    run: Path, read: Callable[[Path], Tree], after: int | None = None
) -> Restored[Tree] | None:
    """The newest checkpoint of a run that can be read, or None where none was written.

    Args:
        run: the run's folder.
        read: what is read of its file; a CheckpointError where it cannot be.
        after: environment steps of the only one that is wanted.

    Raises:
        CheckpointError: there are checkpoints, and not one can be read.
    """
    wrong: list[str] = []
    for steps, path in reversed(checkpoints(run)):
        if after not in (None, steps):
            continue
        try:
            return Restored(read(path), steps, path, tuple(wrong))
        except CheckpointError as error:
            wrong.append(str(error))
    if wrong:
        raise CheckpointError(wrong[0])
    return None
