"""Where a run comes from."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ksim_compiler.learn.run.origin import origin, revision


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    ran = subprocess.run(
        ["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


def test_the_revision_and_whether_files_differ(tmp_path: Path) -> None:
    assert revision(tmp_path) is None  # no repository
    git(tmp_path, "init", "-q")
    assert revision(tmp_path) is None  # no commit
    task = tmp_path / "task.yaml"
    task.write_text("ksim: 1\n")
    git(tmp_path, "add", "task.yaml")
    git(tmp_path, "commit", "-qm", "A task")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert revision(tmp_path) == {"revision": head, "changed": False}
    task.write_text("ksim: 1 # changed\n")
    assert revision(tmp_path) == {"revision": head, "changed": True}


def test_no_program_of_a_repository_is_run(tmp_path: Path) -> None:
    """A repository may name a program that looks for changes: git would run it."""
    git(tmp_path, "init", "-q")
    (tmp_path / "task.yaml").write_text("ksim: 1\n")
    git(tmp_path, "add", "task.yaml")
    git(tmp_path, "commit", "-qm", "A task")
    ran = tmp_path / "ran"
    spy = tmp_path / "spy.sh"
    spy.write_text(f"#!/bin/sh\ntouch {ran}\n")
    spy.chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(spy))
    assert revision(tmp_path) is not None
    assert not ran.exists()


def test_the_command_and_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/ksim-run", "my task.yaml", "--seed", "3"])
    told = origin()
    assert told["command"] == "ksim-run 'my task.yaml' --seed 3"
    assert datetime.now(UTC) - datetime.fromisoformat(told["started"]) < timedelta(minutes=1)
    assert "git" not in told
