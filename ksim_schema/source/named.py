"""What a task is called by: the path of its file, the name of one that ships, or ``package:task``.

A package brings tasks by an entry point of the group ``ksim.tasks``:

    [project.entry-points."ksim.tasks"]
    hopper = "hopper_tasks.tasks"

``hopper:jump`` is then the file ``jump.yaml`` in the folder ``tasks`` of the package
``hopper_tasks``. Nothing of the package is imported.
The group ``ksim.components`` names folders with component files in the same way.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".yaml"
TASKS = "ksim.tasks"
"""The group of entry points that names folders with tasks."""
COMPONENTS = "ksim.components"
"""That of folders with component files."""
_NAMED = re.compile(r"(?P<package>[A-Za-z0-9][\w.-]+):(?P<name>[A-Za-z0-9][\w.-]*)")
"""A package has two letters at least: C:task.yaml is a path of Windows."""


class UnknownTaskError(Exception):
    """``package:name`` that names nothing; the message says what there is."""


def shipped_folder() -> Path:
    """The folder of the tasks that ship: in an installed package, or in a checkout."""
    home = Path(__file__).resolve().parents[1]
    inside = home / "_tasks"
    return inside if inside.is_dir() else home.parent / "tasks"


def shipped() -> list[str]:
    """The names of the tasks that ship."""
    return tasks_in(shipped_folder())


def tasks_in(folder: Path) -> list[str]:
    """The names of the tasks in a folder."""
    return sorted(path.stem for path in folder.glob(f"*{SUFFIX}"))


def find(text: str) -> Path:
    """The file that a task's name stands for.

    What is there under a path is that path. Otherwise ``package:task`` is a task of an installed
    package, and a word without a dot and a folder that of a task that ships, where there is one;
    anything else is the path that it says.

    Raises:
        UnknownTaskError: there is no such package, or it has no such task.
    """
    path = Path(text)
    if path.exists():
        return path
    return named(text) or path


def beside(text: str, folder: Path) -> Path:
    """The same in a file of a folder, whose paths are relative to it; only a file is there.

    Raises:
        UnknownTaskError: there is no such package, or it has no such task.
    """
    path = folder / text
    return path if path.is_file() else named(text) or path


def named(text: str) -> Path | None:
    """The file that ``package:task`` or the name of a task that ships stands for; None of others.

    Raises:
        UnknownTaskError: there is no such package, or it has no such task.
    """
    if is_packaged(text):
        return of_package(text, TASKS, SUFFIX)[2]
    path = Path(text)
    if path.suffix or len(path.parts) != 1:
        return None
    own = shipped_folder() / f"{text}{SUFFIX}"
    return own if own.is_file() else None


def is_packaged(text: str) -> bool:
    """Whether a text has the form ``package:name``."""
    return _NAMED.fullmatch(text) is not None


def of_package(text: str, group: str, suffix: str) -> tuple[str, str, Path]:
    """What an installed package brings by an entry point.

    Args:
        text: ``package:name``.
        group: of the entry point.
        suffix: how the file ends.

    Returns:
        The package, the name without the suffix, and the file.

    Raises:
        UnknownTaskError: there is no such package, or it has no such file.
    """
    named = _NAMED.fullmatch(text)
    assert named is not None
    package, name = named["package"], named["name"].removesuffix(suffix)
    what = group.partition(".")[2]
    modules = packages(group)
    if package not in modules:
        there = f"installed are {', '.join(modules)}" if modules else "none that does is installed"
        raise UnknownTaskError(f"no package {package!r} brings {what} here; {there}")
    folders = list(folders_of(modules[package]))
    for folder in folders:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return package, name, path
    known = sorted({path.stem for folder in folders for path in folder.glob(f"*{suffix}")})
    there = f"there are {', '.join(n for n in known if n[0] != '_')}" if known else "it has none"
    raise UnknownTaskError(f"{package!r} has no {name!r} among its {what}; {there}")


def packages(group: str) -> dict[str, str]:
    """Entry points of a group: name -> module."""
    from importlib import metadata  # few commands ask

    return {point.name: point.value for point in sorted(metadata.entry_points(group=group))}


def folders_of(module: str) -> Iterator[Path]:
    """The folders of a package by its dotted name.

    Only its outermost package is looked up: finding a module inside of it would import it.
    """
    outer, *inner = module.split(".")
    if not all(name.isidentifier() for name in (outer, *inner)):
        return
    try:
        spec = importlib.util.find_spec(outer)
    except (ImportError, ValueError):  # a module without a spec, such as __main__
        return
    for location in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(location).joinpath(*inner)
        if folder.is_dir():
            yield folder
