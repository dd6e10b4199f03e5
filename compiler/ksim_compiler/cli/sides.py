"""The two sides of a comparison: files, folders, compiled tasks, runs, revisions of git."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ksim_compiler.cli.common import ARCHIVE, UsageError
from ksim_schema.source.named import TASKS, UnknownTaskError, find, packages

MAX_TREE = 1_000_000_000
"""Largest size in bytes of a revision that is looked into."""
MAX_FILE = 200_000_000
"""Largest size in bytes of a file of it; larger ones are left out."""
RUN = f"task{ARCHIVE}"
"""The compiled task in the folder of a run."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: as it was given.
        path: a file or folder on disk.
        root: the temporary folder that a revision was unpacked into, None for a path on disk.
    """

    name: str
    path: Path
    root: Path | None = None

    def shown(self, path: Path) -> str:
        """How to call a file of this side in messages."""
        if self.root is None:
            return str(path)
        return f"{self.name.partition(':')[0]}:{path.relative_to(self.root).as_posix()}"


@contextmanager
def open_side(name: str) -> Generator[Side]:
    """Make a side available on disk while it is needed.

    Args:
        name: a path, the name of a task that ships, ``package:task``; or ``REV:path`` with a path
            from the current folder (``REV:./path``) or from the top of the repository, when there
            is no file of that name.

    Raises:
        UsageError: there is no such file, revision or repository.
    """
    path = Path(name)
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise UsageError(f"{name!r} is not a file name") from error
    revision, colon, inside = name.partition(":")
    if not exists:
        try:
            path = find(name)  # what is called after a package is that, and no revision
        except UnknownTaskError as error:
            if revision in packages(TASKS):
                raise UsageError(str(error)) from error
        exists = path.exists()
    if exists or not colon:
        if not exists:
            raise UsageError(f"there is no {name}")
        yield Side(name, _of_run(path))
        return
    with tempfile.TemporaryDirectory(prefix="ksim-diff-") as folder:
        root = Path(folder).resolve()
        found = root / _unpack(revision, inside, root)
        if not found.exists():
            raise UsageError(f"there is no {inside or '.'} in revision {revision}")
        yield Side(name, _of_run(found), root)


def _of_run(path: Path) -> Path:
    """The compiled task of a run, or the path itself."""
    return path / RUN if (path / RUN).is_file() else path


def _unpack(revision: str, inside: str, root: Path) -> PurePosixPath:
    """Unpack the tree of a revision into a folder; returns the place in it that was asked for.

    Files and links that would lead out of the folder are refused (tarfile's data filter).
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}")
    if commit is None:
        raise UsageError(f"there is no file {revision}:{inside}, and no revision {revision!r}")
    top = _git("rev-parse", "--show-toplevel")
    here = PurePosixPath((_git("rev-parse", "--show-prefix") or b"").decode().strip())
    asked = PurePosixPath(inside)
    asked = here / asked if inside.startswith(("./", "../")) else asked
    clean: list[str] = []
    for step in asked.parts:
        if step == ".." and not clean:
            raise UsageError(f"{inside} leads out of the repository")
        clean = clean[:-1] if step == ".." else [*clean, step]
    place = PurePosixPath(*clean)
    if place.is_absolute():
        raise UsageError(f"{inside} is an absolute path; write it from the top of the repository")
    folder = (top or b".").decode().strip()
    data = _git("-C", folder, "archive", "--format=tar", commit.decode().strip())
    if data is None:
        raise UsageError(f"git cannot read revision {revision!r}")
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if member.size <= MAX_FILE:
                    archive.extract(member, root, filter="data")
    except tarfile.TarError as error:
        raise UsageError(f"revision {revision!r} is unsafe to read: {error}") from error
    return place


def _git(*arguments: str) -> bytes | None:
    """What git prints, None when it fails.

    Raises:
        UsageError: git is not there, or it prints more than MAX_TREE bytes.
    """
    command = ["git", *arguments]
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            data = process.stdout.read(MAX_TREE + 1)
            if len(data) > MAX_TREE:
                process.kill()
                raise UsageError(f"the revision is larger than {MAX_TREE:,} bytes")
    except OSError as error:
        raise UsageError("git is needed to read REV:path, and it does not run here") from error
    return data if process.returncode == 0 else None
