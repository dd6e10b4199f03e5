"""Where a run comes from: the command, the time, the revision of the folder of its task."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PATIENCE = 5.0
"""Seconds that git may take to answer."""


def origin(task: Path | None = None) -> dict[str, Any]:
    """What ``run.json`` says of the command that begins a run, or goes on with one.

    Args:
        task: the task's file; with it, the revision of git that its folder is at is told.

    Returns:
        ``command``, the command line as it would be typed; ``started``, the time in UTC; and
        ``git``, a revision and whether a tracked file differs from it, or None outside of git.
    """
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    found: dict[str, Any] = {
        "command": shlex.join(words),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if task is not None:
        found["git"] = revision(task.resolve().parent)
    return found


def revision(folder: Path) -> dict[str, Any] | None:
    """The commit that is checked out around a folder, and whether tracked files differ from it."""
    head = _git(folder, "rev-parse", "--verify", "HEAD")
    if head is None or head.returncode:
        return None
    differs = _git(folder, "diff-index", "--quiet", "HEAD", "--")
    changed = None if differs is None or differs.returncode > 1 else bool(differs.returncode)
    return {"revision": head.stdout.strip(), "changed": changed}


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str] | None:
    """What git answers; None where there is none. No program that a repository names is run."""
    quiet = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.devnull)
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *quiet, *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
