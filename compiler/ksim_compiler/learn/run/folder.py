"""The folder of a run: for one process alone, and gone again when its start came to nothing."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ksim_compiler.learn.run.files import CHECKPOINTS, RUN_FILE as RUN_FILE
from ksim_compiler.learn.run.lock import (
    LOCK,
    Busy as Busy,
    FolderError as FolderError,
    lock as lock,
)
from ksim_schema.source.files import is_partial, reason

BEGINNING = ("task.ksim", "task.yaml")
"""What a start writes before ``run.json``, besides a checkpoint of no steps."""


@contextmanager
def new(out: Path | None, default: Path) -> Generator[tuple[Path, Callable[[], None]]]:
    """A folder for a new run, held by this process.

    Args:
        out: the folder that was asked for; it may be there when it is empty.
        default: how it is called otherwise; -2, -3 and so on are added to a name that is taken.

    Yields:
        The folder, and what to call once the run has begun: what was written is removed when
        the block ends without that.

    Raises:
        FolderError: it cannot be made, or holds something.
    """
    try:
        folder, made = _make(out, default)
    except OSError as error:
        message = f"cannot make the run folder {out or default}: {reason(error)}"
        raise FolderError(message) from error
    begun = False

    def begin() -> None:
        nonlocal begun
        begun = True

    try:
        with lock(folder):
            _check(folder)
            try:
                yield folder, begin
            finally:
                if not begun:
                    _clear(folder)
    finally:
        if made and not begun:
            with suppress(OSError):  # somebody else has put something there
                folder.rmdir()


def _make(out: Path | None, default: Path) -> tuple[Path, bool]:
    """The folder, and whether it was not there."""
    if out is None:
        default.parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = default if number == 1 else default.with_name(f"{default.name}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder, True
    assert out is not None
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        out.mkdir()
    except FileExistsError:
        if not out.is_dir():
            raise
        return out, False
    return out, True


def _check(folder: Path) -> None:
    """That a folder is empty; what a start left that was killed before it had begun is removed."""
    names = {path.name for path in folder.iterdir() if not is_partial(path)} - {LOCK}
    saved = folder / CHECKPOINTS
    early = not saved.is_dir() or all(
        path.name == f"{0:012d}.safetensors" or is_partial(path) for path in saved.iterdir()
    )
    if not names <= {*BEGINNING, CHECKPOINTS} or not early or (names and "task.ksim" not in names):
        raise FolderError(
            f"{folder} holds something already; name another folder with --out, "
            "or go on with the run in it with --resume"
        )
    _clear(folder)


def _clear(folder: Path) -> None:
    """Remove what a start has written; the folder was empty before it."""
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
