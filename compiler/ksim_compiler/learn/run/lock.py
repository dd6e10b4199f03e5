"""Who trains in a folder holds a lock on a file in it that nothing replaces.

The lock goes with the process; the file is left where it was killed, and means nothing then.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

LOCK = ".lock"
TRIES, PAUSE = 4, 0.02
"""How often a lock is tried that another process holds, and the seconds between."""


class FolderError(Exception):
    """A folder that cannot be used; the message says why."""


class Busy(FolderError):
    """A folder that another process trains in."""


@contextmanager
def lock(folder: Path) -> Generator[None]:
    """Keep other processes from training in a run's folder.

    Raises:
        Busy: another one trains in it.
        OSError: it cannot be written to.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    path, left = folder / LOCK, TRIES
    while True:
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                left -= 1
                if left > 0:  # a watcher that looks whether somebody trains holds it for a moment
                    time.sleep(PAUSE)
                    continue
                raise Busy(f"another process trains in {folder}") from error
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP):  # some network file systems
                    raise
            if not _is(path, file.fileno()):
                continue  # its last holder has removed it since it was opened
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is(path: Path, number: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(number))
    except FileNotFoundError:
        return False


def held(folder: Path) -> bool | None:
    """Whether a process trains in a folder; None where it cannot be known.

    To look, the lock is shared for less than a millisecond, which :func:`lock` bears.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:  # not readable, or a file system without locks
        return None
    return False
