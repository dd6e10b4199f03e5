"""A log that another process writes, read as it grows."""

from __future__ import annotations

import os
from pathlib import Path

from ksim_compiler.learn.run import files
from ksim_compiler.learn.run.files import Row

SLICE = 8 * 2**20
"""Bytes that are read at a time."""


class Log:
    """The rows of a file of JSON, a line each.

    A last line that is not whole yet waits for its end. Where the file was replaced or has become
    shorter, as when a run is resumed, all of it is read anew.

    Args:
        path: the file; it need not be there.

    Attributes:
        rows: those that are whole.
        damaged: how many lines are no rows, and were left out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin()
        self._file: tuple[int, int] | None = None

    def _begin(self) -> None:
        self.rows: list[Row] = []
        self.damaged = 0
        self._offset, self._half = 0, b""

    def read(self) -> bool:
        """Read what has come; whether the rows are others than before.

        Raises:
            OSError: it cannot be read; that it is not there is no error.
        """
        try:
            file = self._path.open("rb")
        except (FileNotFoundError, NotADirectoryError):
            changed = bool(self.rows)
            self._begin()
            self._file = None
            return changed
        with file:
            found = os.fstat(file.fileno())
            identity = (found.st_dev, found.st_ino)
            changed = False
            if identity != self._file or found.st_size < self._offset:
                changed = bool(self.rows)
                self._begin()
                self._file = identity
            if found.st_size == self._offset:
                return changed
            file.seek(self._offset)
            while data := file.read(SLICE):
                self._offset += len(data)
                *lines, self._half = (self._half + data).split(b"\n")
                for line in lines:
                    changed = self._take(line) or changed
        return changed

    def _take(self, line: bytes) -> bool:
        if not line.strip():
            return False
        row = files.row(line)
        if row is None:
            self.damaged += 1
            return False
        self.rows.append(row)
        return True
