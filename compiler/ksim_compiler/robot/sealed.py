"""A stretch of a program in which no file can be opened."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

_LOCK = threading.Lock()


@contextmanager
def sealed() -> Generator[None]:
    """Open no file in this block, whatever a library in it tries: the system refuses.

    MuJoCo looks for what it does not find in memory on the disk, by names that are for the author
    of a model to choose. The names are checked before; this holds whatever such a check overlooks.
    The limit of open files is that of the whole process, so the block should be short. Files that
    are open stay so. Where the limit cannot be lowered and raised again it is left as it is.
    """
    try:
        import resource
    except ImportError:  # not on this system
        yield
        return
    with _LOCK:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))  # some cannot be set again
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        except (OSError, ValueError):
            yield
            return
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
