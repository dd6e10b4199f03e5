"""The XML of a model as MuJoCo reads it.

MuJoCo's parser (tinyxml2) knows no namespaces, reads every file as UTF-8, and expands no entities
of a document's own. So does this one: names are as they are written, prefix and all, the encoding
that a file declares is not heeded, and a document that declares entities is refused.
"""

from __future__ import annotations

import posixpath
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from xml.parsers import expat

SUFFIXES = (".xml", ".urdf")
"""How names of files end of which MuJoCo knows by the name that they are XML."""


class XmlError(Exception):
    """A text that is not XML, or XML that MuJoCo would read as something else."""


def parse(data: bytes) -> ElementTree.Element:
    """The elements of a document, with the names that are written in it.

    Raises:
        XmlError: it is not well formed, or declares entities or attributes.
    """
    builder = ElementTree.TreeBuilder()

    def start(name: str, attributes: dict[str, str], place: int) -> None:
        if name.startswith("xacro:"):
            raise XmlError("a xacro file, no URDF yet: expand it with 'xacro FILE > FILE.urdf'")
        builder.start(name, attributes)

    _walk(data, start, builder.end)
    return builder.close()


def typed(data: bytes) -> bytes:
    """The text with the content type of each model to attach whose name does not tell it.

    Raises:
        XmlError: as :func:`parse` does.
    """
    places: list[int] = []

    def start(name: str, attributes: dict[str, str], place: int) -> None:
        file = attributes.get("file", "")
        if name == "model" and file and "content_type" not in attributes and not is_known(file):
            places.append(place + len("<model"))

    _walk(data, start, lambda name: None)
    for place in reversed(places):
        data = data[:place] + b' content_type="text/xml"' + data[place:]
    return data


def is_known(name: str) -> bool:
    """Whether MuJoCo takes a file of this name for XML. It regards the case of letters."""
    return posixpath.splitext(name)[1] in SUFFIXES


def in_memory(root: str, content: Mapping[str, bytes]) -> tuple[str, dict[str, bytes]]:
    """The files of a model as MuJoCo takes them, whatever their names end with.

    Args:
        root: name of the model file.
        content: name -> bytes, of each file of the model.

    Returns:
        The name of the model file among them, and the files by name.
    """
    files = {
        name: typed(data) if b"<model" in data and _is_xml(data) else data
        for name, data in content.items()
    }
    if is_known(root):
        return root, files
    renamed = root + next((s for s in SUFFIXES if root.lower().endswith(s)), SUFFIXES[0])
    while renamed in files:
        renamed = f"{posixpath.dirname(renamed)}/_{posixpath.basename(renamed)}".lstrip("/")
    return renamed, {**files, renamed: files[root]}


def _is_xml(data: bytes) -> bool:
    """Whether a file may be XML: an asset is not parsed for the word that is in it."""
    try:
        parse(data)
    except XmlError:
        return False
    return True


def _walk(
    data: bytes,
    start: Callable[[str, dict[str, str], int], object],
    end: Callable[[str], object],
) -> None:
    """Call a function with the name, attributes and place in bytes of each element, and another."""
    try:
        data.decode()
        parser = expat.ParserCreate("utf-8")
    except UnicodeDecodeError:  # MuJoCo does not mind: the other bytes stand in a comment
        parser = expat.ParserCreate("iso-8859-1")

    def begin(name: str, attributes: dict[str, str]) -> None:
        start(name, attributes, parser.CurrentByteIndex)

    def declared(name: str, system: str | None, public: str | None, inside: int) -> None:
        if system or public or inside:
            raise XmlError("not valid XML for MuJoCo, which reads no declarations of entities")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise XmlError(f"{place}: not valid XML") from error
