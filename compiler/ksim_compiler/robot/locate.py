"""Where a task's model is: a path, a file of an installed package, or a MuJoCo Menagerie model.

* ``robots/arm/scene.xml``: an MJCF or URDF file, relative to the task's folder;
* ``package:module/path/file.xml``: a file of an installed Python package, which is not imported;
* ``menagerie:NAME`` or ``menagerie:NAME/ENTRY``: a model of MuJoCo Menagerie by the
  ``mujoco-menagerie`` package, which downloads it at first use.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ksim_compiler.robot.files import ModelError
from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.names import (
    DOWNLOAD_FAILED,
    MENAGERIE_NOT_INSTALLED,
    NO_PACKAGE_FILE,
    UNKNOWN_MENAGERIE_MODEL,
)
from ksim_schema.source.named import folders_of

PACKAGE, MENAGERIE = "package:", "menagerie:"
INSTALL = "pip install 'ksim-schema[menagerie]'"


class ModelRefError(ModelError):
    """A reference to a model that leads nowhere."""

    def __init__(self, code: Code, message: str, help: str = "") -> None:
        super().__init__(message, help, code=code)


class Located(NamedTuple):
    """A model file.

    Attributes:
        path: where it is on this machine.
        downloaded: what was downloaded for it, for a message; "" when it was here.
    """

    path: Path
    downloaded: str = ""


def locate(model: str, folder: Path) -> Located:
    """The file that a task's ``model`` means.

    Args:
        model: as the task has it.
        folder: the folder that a path is relative to.

    Raises:
        ModelRefError: there is no such package or model, or it cannot be downloaded.
    """
    if model.startswith(PACKAGE):
        return Located(_in_package(model))
    if model.startswith(MENAGERIE):
        return _in_menagerie(model)
    return Located(folder / model)


def _in_package(model: str) -> Path:
    module, slash, file = model.removeprefix(PACKAGE).partition("/")
    steps = PurePosixPath(file).parts
    if not slash or not steps or ".." in steps or file.startswith("/") or "\\" in file:
        help = "write package:module/folder/file.xml"
        raise ModelRefError(NO_PACKAGE_FILE, f"{model!r} names no file of a package", help)
    folders = list(folders_of(module))
    if not folders:
        message = f"no package {module!r} is installed here"
        raise ModelRefError(NO_PACKAGE_FILE, message, "install it into this Python environment")
    for folder in folders:
        path = folder.joinpath(*steps)
        if path.is_file():
            return path
    raise ModelRefError(NO_PACKAGE_FILE, f"package {module!r} has no file {file!r} in {folders[0]}")


def _in_menagerie(model: str) -> Located:
    name, _, entry = model.removeprefix(MENAGERIE).partition("/")
    try:
        import mujoco_menagerie as menagerie
    except ImportError as error:
        message = f"{model!r} needs the package mujoco-menagerie, which is not installed"
        raise ModelRefError(MENAGERIE_NOT_INSTALLED, message, INSTALL) from error
    try:
        robot: Any = menagerie.get(name)
        point = robot.entry(entry or None)
    except (menagerie.UnknownRobotError, menagerie.UnknownEntryPointError) as error:
        help = "'mujoco-menagerie names' and 'mujoco-menagerie info NAME' list what there is"
        raise ModelRefError(UNKNOWN_MENAGERIE_MODEL, str(error), help) from error
    cache = menagerie.Cache()
    here = cache.root is not None or cache.is_cached(robot)
    try:
        folder = robot.path(cache)
    except (menagerie.MenagerieError, OSError) as error:
        message = f"{name!r} of MuJoCo Menagerie is not on this machine, and cannot be downloaded: "
        help = (
            f"run 'mujoco-menagerie prefetch {name}' once with a network, or set MENAGERIE_ROOT to "
            "a checkout of mujoco_menagerie"
        )
        raise ModelRefError(DOWNLOAD_FAILED, message + str(error), help) from error
    size = f" ({robot.download_size / 1e6:.1f} MB)" if robot.download_size else ""
    return Located(folder / point.file, "" if here else f"{name}{size} to {folder}")
