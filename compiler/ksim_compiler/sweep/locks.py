"""Locks of trials: files that a process holds as long as it lives, and no longer."""

from __future__ import annotations

import platform
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


class Locks:
    """The locks of the trials of a study, in a folder.

    Attributes:
        here: what tells this machine and this folder apart from others; a lock can be asked for
            where it was taken, and nowhere else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[int, BinaryIO] = {}
        self.here = f"{platform.node()}/{_mark(folder)}"

    def hold(self, number: int) -> bool:
        """Lock the file of a trial for as long as this process trains it; whether that worked."""
        path = self._folder / f"trial{number}.lock"
        file = path.open("ab")
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # not on Windows
            pass
        except OSError:
            file.close()
            return False
        self._held[number] = file
        return True

    def let_go(self, number: int) -> None:
        """Give the lock of a trial back."""
        file = self._held.pop(number, None)
        if file is not None:
            file.close()

    def holds(self, number: int) -> bool:
        """Whether this process holds the lock of a trial."""
        return number in self._held


def _mark(folder: Path) -> str:
    """What tells a folder apart from those of other machines that have the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "place"
    with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write(uuid.uuid4().hex)
    for _ in range(100):  # who has just made it writes next
        found = path.read_text(encoding="utf-8")
        if found:
            return found
        time.sleep(0.02)
    return uuid.uuid4().hex
