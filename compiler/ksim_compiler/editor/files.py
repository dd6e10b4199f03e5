"""Files as the editor has them: open ones by their text, others from the disk; their addresses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from pygls import uris

from ksim_compiler.editor.nodes import Node
from ksim_compiler.editor.text import Text
from ksim_compiler.editor.tree import read
from ksim_schema.records import dataclass
from ksim_schema.source.files import FileError, read_bytes, stamp

MAX_FILE = 2_000_000
"""Largest file that is looked into, in bytes."""
MAX_FOUND = 2000
"""Most YAML files of a workspace that are looked into."""
SKIPPED = {"node_modules", "build", "dist", "runs", "__pycache__", "site-packages"}
"""Folders that hold no tasks."""
SUFFIXES = (".yaml", ".yml")


def path_of(uri: str) -> Path | None:
    """The file of an address; None of what is no file."""
    name = uris.to_fs_path(uri)
    return Path(os.path.normpath(name)) if name else None


def uri_of(path: Path) -> str:
    """The address of a file."""
    return uris.from_fs_path(str(path)) or path.as_uri()


@dataclass(eq=False)
class File:
    """A file's text and its tree.

    Attributes:
        path: the file.
        text: its text.
        tree: what stands in it.
        version: of an open one, that of the editor.
        uri: its address; of an open one, as the editor writes it.
    """

    path: Path
    text: Text
    tree: Node
    version: int | None = None
    uri: str = ""


@dataclass(eq=False)
class Files:
    """All files.

    Attributes:
        encoding: the unit of the protocol's characters.
        open: those that are open.
        folders: of the workspace.
        uris: the addresses as the client writes them, of files that it has opened.
    """

    encoding: str = "utf-16"
    open: dict[Path, File] = field(default_factory=lambda: {})
    folders: list[Path] = field(default_factory=lambda: [])
    uris: dict[Path, str] = field(default_factory=lambda: {})
    _known: dict[Path, tuple[object, File | None]] = field(default_factory=lambda: {})

    def put(self, uri: str, text: str, version: int | None) -> File | None:
        """Note the text of an open file. None where the address is not that of a file."""
        path = path_of(uri)
        if path is None:
            return None
        file = File(path, Text(text, self.encoding), read(text), version, uri)
        self.open[path], self.uris[path] = file, uri
        return file

    def uri(self, path: Path) -> str:
        """The address of a file, as the client writes it where that is known."""
        return self.uris.get(path) or uri_of(path)

    def get(self, path: Path) -> File | None:
        """A file, open or from the disk; None where it cannot be read."""
        if path in self.open:
            return self.open[path]
        mark = stamp(path)
        known = self._known.get(path)
        if known is not None and known[0] == mark:
            return known[1]
        try:
            text = read_bytes(path, MAX_FILE).decode("utf-8-sig")
            file = File(path, Text(text, self.encoding), read(text), uri=self.uri(path))
        except (FileError, UnicodeDecodeError):
            file = None
        self._known[path] = (mark, file)
        return file

    def texts(self) -> Mapping[Path, str]:
        """The texts of the open files."""
        return {path: file.text.text for path, file in self.open.items()}

    def contents(self) -> dict[Path, bytes]:
        """The same as bytes, as the checker reads them."""
        return {p: t.encode("utf-8", "surrogatepass") for p, t in self.texts().items()}

    def all(self) -> Iterator[File]:
        """The YAML files of the workspace and those that are open, each once."""
        seen: set[Path] = set()
        for path in (*self.open, *self._in_folders()):
            real = Path(os.path.realpath(path))
            if real in seen or path.suffix not in SUFFIXES:
                continue
            seen.add(real)
            file = self.get(path)
            if file is not None:
                yield file

    def _in_folders(self) -> Iterator[Path]:
        count = 0
        for top in self.folders:
            for root, folders, names in os.walk(top):
                folders[:] = sorted(f for f in folders if f not in SKIPPED and f[0] != ".")
                for name in sorted(names):
                    if name.endswith(SUFFIXES) and count < MAX_FOUND:
                        count += 1
                        yield Path(root, name)
                if count >= MAX_FOUND:
                    return
