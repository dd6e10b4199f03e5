"""The files of a MuJoCo model: the model file, what it includes, and the assets they name.

MuJoCo looks for a file in these places (found by experiment with MuJoCo 4.0, on files):

* an included file: in the folder of the model file, then in that of the file that includes it;
* a mesh, height field, skin or flex: in ``meshdir`` under the folder of the model file, then in
  the folder of the file that names it; a texture likewise, with ``texturedir``;
* a model to attach: in the folder of the file that names it. It has its own ``compiler`` settings.

The last ``compiler`` element that says something wins, wherever it stands. In memory MuJoCo takes
a file by its path when there is one, and otherwise any file of that name, whatever its folder:
where the two would differ, the model is refused.
"""

from __future__ import annotations

import os
import posixpath
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import NamedTuple

from ksim_compiler.robot.xml import XmlError, parse
from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.names import UNREADABLE_MODEL
from ksim_schema.records import dataclass
from ksim_schema.robot import FILES
from ksim_schema.source.files import FileError, NoFileError, read_bytes

MAX_FILE = 200_000_000
"""Largest file read as a part of a model, in bytes."""
MAX_TOTAL = 1_000_000_000
"""Largest size of all files of a model together, in bytes."""
MAX_FILES = 4096
"""Largest number of files of a model."""


class ModelError(Exception):
    """A model that cannot be read or compiled. The message is for the author.

    Attributes:
        code: of the diagnostic.
        field: of the PhysicsState that it is about, such as ``terrain.resolution``.
        help: what to do.
    """

    def __init__(
        self,
        message: str,
        help: str = "",
        *,
        code: Code = UNREADABLE_MODEL,
        field: str = "model",
    ) -> None:
        super().__init__(message)
        self.code, self.field, self.help = code, field, help


@dataclass(frozen=True)
class ModelFiles:
    """A model file with all that it needs.

    Names are relative to the closest folder that holds all the files, with ``/`` between the
    folders and without ``.`` and ``..``.

    Attributes:
        root: name of the model file.
        content: name -> bytes, of each file.
    """

    root: str
    content: Mapping[str, bytes]


def read_files(path: Path) -> ModelFiles:
    """Read an MJCF or URDF file, what it includes and the assets it names.

    Raises:
        ModelError: a file cannot be read, is not XML, or is named in a way that would not work
            on another machine.
    """
    folder = path.parent
    found = _collect(path.name, lambda name: _read(folder / name), folder)
    up = max(name.split("/").count("..") for name in found)
    parents = folder.resolve().parts[1:]
    prefix = "/".join(parents[len(parents) - up :]) if up else ""

    def named(name: str) -> str:
        return posixpath.normpath(posixpath.join(prefix, name))

    return ModelFiles(named(path.name), {named(name): data for name, data in found.items()})


def check_complete(files: ModelFiles) -> None:
    """Check that a model needs just the files it is made of, so that it reads none from disk.

    Raises:
        ModelError: a file is missing or needless, or one is not XML.
    """
    needed = _collect(files.root, files.content.get, None)
    for name in files.content:
        if name not in needed and not name.startswith(FILES):  # the task itself reads those
            raise ModelError(f"{files.root} does not need {name}")


def _read(path: Path) -> bytes | None:
    """The content of a file; None when there is no such file."""
    try:
        return read_bytes(path, MAX_FILE)
    except NoFileError:
        return None
    except FileError as error:
        raise ModelError(f"cannot read {path}: {error}") from error


class _Element(NamedTuple):
    """An XML element, and the name of the file that it stands in."""

    xml: ElementTree.Element
    file: str


@dataclass
class _Collector:
    read: Callable[[str], bytes | None]
    where: Path | None
    content: dict[str, bytes] = field(default_factory=lambda: {})
    size: int = 0
    second_choices: list[str] = field(default_factory=lambda: [])
    models: list[str] = field(default_factory=lambda: [])

    def add(self, by: str, *candidates: str) -> str:
        """Read the first of the candidates that exists; return its name."""
        for name in candidates:
            if name not in self.content:
                data = self.read(name)
                if data is None:
                    continue
                self.content[name] = data
                self.size += len(data)
                if len(self.content) > MAX_FILES or self.size > MAX_TOTAL:
                    limits = f"{MAX_FILES:,} files or {MAX_TOTAL:,} bytes"
                    raise ModelError(f"the model is made of more than {limits}")
            if name != candidates[0]:
                self.second_choices.append(name)
            return name
        named = f", which {by} names" if by else ""
        looked = ""
        if self.where is not None:  # the name of the model may be long, and is given already
            paths = (os.path.abspath(os.path.join(self.where, name)) for name in candidates)
            looked = f" (looked for {' and '.join(dict.fromkeys(paths))})"
        raise ModelError(f"there is no file {candidates[0]}{named}{looked}")

    def model(self, root: str) -> None:
        """Collect what a model file needs."""
        elements = list(self.expand(root, self.parse(root), posixpath.dirname(root), {root}))
        urdf = elements[0].xml.tag == "robot"
        folders, strip = _asset_folders(element.xml for element in elements)
        for element in _used(elements) if urdf else elements:
            for file in _assets(element.xml, urdf):
                self.asset(element, file, posixpath.dirname(root), folders, strip)

    def expand(
        self, name: str, xml: ElementTree.Element, folder: str, seen: set[str]
    ) -> Iterator[_Element]:
        """The elements of a file in order, with those of included files in their place."""
        for element in xml.iter():
            file = element.get("file")
            if element.tag != "include" or file is None:
                yield _Element(element, name)
                continue
            included = self.add(name, _join(folder, file), _join(posixpath.dirname(name), file))
            if included not in seen:  # MuJoCo refuses a second time with a message of its own
                seen.add(included)
                parsed = self.parse(included)
                if (parsed.tag == "robot") != (xml.tag == "robot"):
                    raise _unlike(name, included, parsed.tag == "robot")
                yield from self.expand(included, parsed, folder, seen)

    def asset(
        self, element: _Element, file: str, base: str, folders: Mapping[str, str], strip: bool
    ) -> None:
        """Add an asset, or a model to attach with all that it needs."""
        beside = posixpath.dirname(element.file)
        if element.xml.tag == "model":
            name = self.add(element.file, _join(beside, file))
            if name not in self.models:
                self.models.append(name)
            return
        file = posixpath.basename(file.replace("\\", "/")) if strip else file
        asset_folder = folders["texture" if element.xml.tag == "texture" else "mesh"]
        first = _join(posixpath.join(base, asset_folder.replace("\\", "/")), file)
        self.add(element.file, first, _join(beside, file))

    def parse(self, name: str) -> ElementTree.Element:
        try:
            return parse(self.content[name])
        except XmlError as error:
            joint = ", " if str(error).startswith("line") else ": "
            raise ModelError(f"{name}{joint}{error}") from error

    def check_names(self) -> None:
        """MuJoCo finds a file of the right name in any folder before it looks beside an include."""
        names: dict[str, list[str]] = {}
        for name in self.content:
            names.setdefault(posixpath.basename(name).lower(), []).append(name)
        for name in self.second_choices:
            same = names[posixpath.basename(name).lower()]
            if len(same) > 1:
                raise ModelError(
                    f"MuJoCo would confuse {' and '.join(same)}: give them different names, or "
                    "write their paths relative to the folder of the model file"
                )


def _collect(
    root: str, read: Callable[[str], bytes | None], where: Path | None
) -> dict[str, bytes]:
    """The files of a model by name; ``read`` takes names that may begin with ``..``."""
    collector = _Collector(read, where)
    collector.models.append(collector.add("", root))
    for name in collector.models:  # grows
        try:
            collector.model(name)
        except RecursionError as error:
            raise ModelError(f"{name} includes files too deeply") from error
    collector.check_names()
    return collector.content


def _unlike(name: str, included: str, urdf: bool) -> ModelError:
    """What is said of a file that includes one in the other language."""
    if not urdf:
        return ModelError(f"{name} is a URDF, and cannot include {included}, which is MJCF")
    file = posixpath.basename(included)
    return ModelError(
        f"{name} includes {included}, which is a URDF, and MJCF includes MJCF only",
        f"attach it: <model name='robot' file='{file}'/> in <asset>, and in <worldbody> "
        "<attach model='robot' prefix='my_'/>",
    )


def _join(folder: str, file: str) -> str:
    """The name of a file in a folder, made as MuJoCo makes it.

    Raises:
        ModelError: the file is not named relative to the model.
    """
    file = file.replace("\\", "/")
    if "://" in file:
        help = "write a path relative to the model, or write <compiler strippath='true' "
        help += "meshdir='FOLDER'/> into it (in the <robot> of a URDF within <mujoco>...</mujoco>)"
        raise ModelError(f"{file!r} is an address, not a file name; {help}")
    name = posixpath.normpath(posixpath.join(folder, file))
    if posixpath.isabs(name) or name[1:3] == ":/":
        help = "it would not be there on another machine; write a path relative to the model"
        raise ModelError(f"{file!r} is an absolute path: {help}")
    return name


def _asset_folders(elements: Iterator[ElementTree.Element]) -> tuple[dict[str, str], bool]:
    """Folders of meshes and textures, and whether names of assets lose their folders."""
    folders, strip = {"mesh": "", "texture": ""}, False
    for compiler in elements:
        if compiler.tag != "compiler":
            continue
        for what in folders:
            both = compiler.get("assetdir", folders[what])
            folders[what] = compiler.get(f"{what}dir", both)
        strip = compiler.get("strippath", str(strip).lower()) == "true"
    return folders, strip


_TEXTURE_FILES = ("file", "fileright", "fileleft", "fileup", "filedown", "filefront", "fileback")


def _assets(element: ElementTree.Element, urdf: bool) -> Iterator[str]:
    """The files that an element names."""
    if urdf:
        names = ("filename",) if element.tag == "mesh" else ()
    else:
        names = _TEXTURE_FILES if element.tag == "texture" else ("file",)
    for name in names:
        file = element.get(name)
        if file:
            yield file


def _used(elements: list[_Element]) -> Iterator[_Element]:
    """The elements of a URDF without those of visuals, which MuJoCo discards unless told not to."""
    keep = any(e.xml.tag == "compiler" and e.xml.get("discardvisual") == "false" for e in elements)
    visual = {id(x) for e in elements if e.xml.tag == "visual" for x in e.xml.iter()}
    return (e for e in elements if keep or id(e.xml) not in visual)
