"""What a task is called by: the path of its file, or the name of one that ships."""

from __future__ import annotations

from pathlib import Path

SUFFIX = ".yaml"


def shipped_folder() -> Path:
    """The folder of the tasks that ship: in an installed package, or in a checkout."""
    home = Path(__file__).resolve().parents[1]
    inside = home / "_tasks"
    return inside if inside.is_dir() else home.parent / "tasks"


def shipped() -> list[str]:
    """The names of the tasks that ship."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}"))


def find(text: str) -> Path:
    """The file that a task's name stands for.

    What is there under a path is that path. Otherwise a word without a dot and a folder is the
    name of a task that ships, where there is one; anything else is the path that it says.
    """
    path = Path(text)
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    named = shipped_folder() / f"{text}{SUFFIX}"
    return named if named.is_file() else path
