"""Shipped tasks with changes, and where a text of theirs stands."""

from __future__ import annotations

from pathlib import Path

import pytest

TASKS = Path(__file__).parents[3] / "tasks"
CARTPOLE = str(TASKS / "cartpole.yaml")

Output = pytest.CaptureFixture[str]


def variant(name: str, *changes: tuple[str, str]) -> Path:
    """A copy of the cartpole task beside a link to its robot, with texts replaced."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    robots = path.parent / "robots"
    if not robots.exists():
        robots.symlink_to(TASKS / "robots")
    text = Path(CARTPOLE).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


def place(path: Path, text: str) -> tuple[int, int]:
    """The line and column of a text in a file, from 1."""
    before = path.read_text(encoding="utf-8").split(text)[0]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


UNUSED = ("Action:\n", "  spare: {kind: joint_position}\n\nAction:\n")
"""An observation that nothing reads: a warning."""
UNKNOWN = ("joints: slide, scale: 10 N", "joints: [slider], scale: 10 N")
"""A joint that the robot does not have: an error."""
