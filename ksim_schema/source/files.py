"""Files read up to a size and written whole or not at all; everything else reads and writes here.

A file is written beside its name and renamed, so that what stands under the name is always whole.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from ksim_schema.records import dataclass

START = 1_000_000
"""How much of a file is read to show a place in it, or to see what it is; bytes."""


_OPEN: ContextVar[Mapping[str, bytes] | None] = ContextVar("_OPEN", default=None)


@contextmanager
def read_as(contents: Mapping[Path, bytes]) -> Generator[None]:
    """Read files as an editor has them, and not as they are on the disk, while the block lasts.

    Args:
        contents: file -> what it holds, of those that are open.
    """
    token = _OPEN.set({os.path.realpath(path): content for path, content in contents.items()})
    try:
        yield
    finally:
        _OPEN.reset(token)


def stamp(path: Path) -> object:
    """What differs when a file's content has changed; None of a file that is not there."""
    opened = _OPEN.get()
    content = opened.get(os.path.realpath(path)) if opened else None
    if content is not None:
        return content
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@dataclass(frozen=True)
class Named:
    """What the name of a file of some kind ends in.

    Attributes:
        what: the kind, for messages: "a video".
        endings: one of these.
        any_case: whether capitals are as good, which they are where nothing reads the file again.
    """

    what: str
    endings: tuple[str, ...]
    any_case: bool = False

    def wrong(self, path: Path) -> str:
        """What is wrong with a file's name; "" when nothing is."""
        ending = path.suffix.lower() if self.any_case else path.suffix
        if ending in self.endings:
            return ""
        *others, last = self.endings
        ends = f"{', '.join(others)} or {last}" if others else last
        return f"{path.name}: the name of {self.what} ends in {ends}"


class FileError(Exception):
    """A file that cannot be read; the message is the reason, without the file's name."""


class NoFileError(FileError):
    """A file that is not there."""


class TooLargeError(FileError):
    """A file that is larger than it may be."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a file.

    Args:
        path: the file. A pipe or a device, which has no end or is waited for, is refused.
        limit: the most that it may hold, in bytes; no more is read.

    Raises:
        FileError: it cannot be read.
    """
    content = _beginning(path, limit + 1)
    if len(content) > limit:
        raise TooLargeError(f"the file is larger than {limit:,} bytes")
    return content


def read_start(path: Path) -> bytes:
    """The first million bytes of a file.

    Raises:
        FileError: it cannot be read.
    """
    return _beginning(path, START)


def start_text(path: Path) -> str:
    """The first part of a file, to show what is wrong in it; "" when it cannot be read."""
    try:
        return read_start(path).decode("utf-8-sig", "replace")
    except FileError:
        return ""


def _beginning(path: Path, size: int) -> bytes:
    try:
        opened = _OPEN.get()
        content = opened.get(os.path.realpath(path)) if opened else None
        if content is not None:
            return content[:size]
        if not path.is_file():
            if path.is_dir():
                raise FileError("is a folder")
            if path.exists():
                raise FileError("is not a regular file")
            raise NoFileError("there is no such file")
        with path.open("rb") as stream:
            return stream.read(size)
    except OSError as error:
        raise FileError(reason(error)) from error
    except ValueError as error:  # a NUL in the name
        raise FileError("is not the name of a file") from error


def reason(error: OSError) -> str:
    """Why the system refused, to stand inside a sentence: ``permission denied``."""
    return (error.strerror or "error").lower()


def write_bytes(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file, whole or not at all; see :func:`replacing`.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path, sync=sync) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8 with the line ends as they are, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write_bytes(path, text.encode())


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Generator[Path]:
    """A name beside a file, to write to; when the block ends well, it takes the file's place.

    Links are followed and permissions kept. A pipe or a device is itself written to.

    Args:
        path: the file.
        sync: whether the file outlasts a loss of power once the block has ended.

    Raises:
        OSError: it cannot be written; the error names ``path``.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    try:
        yield partial
        if target.is_file():
            shutil.copymode(target, partial)
        if sync:
            _sync(partial)
        partial.replace(target)
        if sync and hasattr(os, "O_DIRECTORY"):
            _sync(target.parent)  # the new name as well
    except OSError as error:
        if error.filename not in (str(partial), partial):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


_PARTIAL = re.compile(r"\..*\.\d+\.partial(\.[^.]*)?")


def is_partial(path: Path) -> bool:
    """Whether a file is what a process that was killed has left of :func:`replacing`."""
    return _PARTIAL.fullmatch(path.name) is not None


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
