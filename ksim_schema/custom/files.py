"""Component files: Python files of a task that declare kinds of its own.

A file is run when its task is loaded, and its kinds are known to that task alone. What is wrong
with a file is reported with the place in it. See :mod:`ksim_schema.custom` for what it may say.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path, PurePosixPath

from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.custom import (
    FAILING_COMPONENT,
    KIND_TAKEN,
    UNREADABLE_COMPONENT_FILE,
)
from ksim_schema.diagnostics.codes.structure import WRONG_TYPE
from ksim_schema.records import dataclass
from ksim_schema.source import Document, Path_, dotted
from ksim_schema.source.files import FileError, TooLargeError, read_bytes, reason
from ksim_schema.source.named import COMPONENTS, UnknownTaskError, is_packaged, of_package
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.units import describe
from ksim_schema.vocabulary.base import KINDS, Kinds, Part

KEY = "components"
"""The key of a task that lists its component files."""
MAX_SIZE = 1_000_000
"""Largest size of a component file in bytes."""
MAX_FILES = 100
"""Largest number of component files of a task."""


class UnreadableError(Exception):
    """A component file that cannot be read. The message is for the author."""


Reader = Callable[[str], bytes]
"""Name of a component file -> its content; raises :class:`UnreadableError`."""


@dataclass(frozen=True)
class Components:
    """The component files of a task.

    Attributes:
        files: name as in the task -> content.
        kinds: object -> kind -> class, the built-in ones among them.
        sources: name of a file in messages -> its text.
        broken: whether a file has a mistake, so that kinds may be missing.
    """

    files: Mapping[str, bytes] = field(default_factory=lambda: {})
    kinds: Kinds = field(default_factory=lambda: KINDS)
    sources: Mapping[str, str] = field(default_factory=lambda: {})
    broken: bool = False


def reader_of(folder: Path) -> Reader:
    """Reads component files from a folder, and from nowhere else."""

    def read(name: str) -> bytes:
        path = folder / name
        try:
            if path.is_file() and not path.resolve().is_relative_to(folder.resolve()):
                raise UnreadableError(f"{path} leads out of the task's folder")
            return read_bytes(path, MAX_SIZE)
        except TooLargeError as error:
            raise UnreadableError(f"{name} is larger than {MAX_SIZE:,} bytes") from error
        except (FileError, OSError) as error:
            why = reason(error) if isinstance(error, OSError) else error
            raise UnreadableError(f"cannot read {path}: {why}") from error

    return read


def collect(document: Document, read: Reader, sink: Sink) -> dict[str, bytes]:
    """Read the component files that a task lists. Nothing is run."""
    files: dict[str, bytes] = {}
    for given, path in _listed(document, sink):
        problem, name = "", str(PurePosixPath(given))
        steps, packaged = PurePosixPath(given).parts, None
        if is_packaged(given):
            try:
                name, packaged = _of_package(given)
            except UnknownTaskError as error:
                problem = str(error)
        if problem:
            pass
        elif "\\" in given or given.startswith("/") or ".." in steps or not given.isprintable():
            problem = f"{given!r} is not a path in the task's folder"
        elif not name.endswith(".py"):
            problem = f"{given!r} is not a Python file"
        elif name in files:
            problem = f"{name!r} is listed twice"
        elif len(files) == MAX_FILES:
            problem = f"a task has at most {MAX_FILES} component files"
        else:
            try:
                inside = packaged and reader_of(packaged.parent)
                content = inside(packaged.name) if inside and packaged else read(name)
                if len(content) > MAX_SIZE:
                    problem = f"{name} is larger than {MAX_SIZE:,} bytes"
                content.decode("utf-8-sig")
                files[name] = content
            except UnreadableError as error:
                problem = str(error)
            except UnicodeDecodeError:
                problem = f"{name} is not UTF-8 text"
        if problem:
            sink.report(UNREADABLE_COMPONENT_FILE, problem, document.at(path), dotted(path))
    return files


def _of_package(text: str) -> tuple[str, Path]:
    """How the component file of a package is called in a compiled task, and where it is.

    Raises:
        UnknownTaskError: there is none.
    """
    package, name, path = of_package(text, COMPONENTS, ".py")
    return f"{package}/{name}.py", path


def _places(document: Document) -> dict[str, str]:
    """The component files of packages: name in a compiled task -> how messages call it."""
    found: dict[str, str] = {}
    for given, _ in _listed(document, Sink()):
        if is_packaged(given):
            with suppress(UnknownTaskError):
                name, path = _of_package(given)
                found[name] = str(path)
    return found


def _listed(document: Document, sink: Sink) -> Iterator[tuple[str, Path_]]:
    written = document.data.get(KEY)
    if isinstance(written, str):
        yield written, (KEY,)
        return
    if not is_list(written):
        message = f"expected a list of Python files, not {describe(written)}"
        sink.report(WRONG_TYPE, message, document.at((KEY,)), KEY)
        return
    for index, name in enumerate(written):
        if isinstance(name, str):
            yield name, (KEY, index)
        else:
            message = f"expected the name of a Python file, not {describe(name)}"
            path: Path_ = (KEY, index)
            sink.report(WRONG_TYPE, message, document.at(path), dotted(path))


def load(
    document: Document,
    read: Reader,
    folder: str,
    sink: Sink,
    folders: Mapping[str, str] | None = None,
) -> Components:
    """Run the component files of a task and collect the kinds that they declare.

    Args:
        document: the task.
        read: reads a file by its name.
        folder: how to call the folder of the files in messages.
        sink: where what is wrong with the files is reported.
        folders: the same of files that are in other folders, by their name.

    Returns:
        The components. A class with a mistake is left out.
    """
    if not is_mapping(document.data) or KEY not in document.data:
        return Components()
    from ksim_schema.custom.classes import declared_in  # few tasks have component files

    reported = len(sink)
    files = collect(document, read, sink)
    kinds = {object: dict(of) for object, of in KINDS.items()}
    sources: dict[str, str] = {}
    places = _places(document)
    for name, content in files.items():
        beside = str(PurePosixPath((folders or {}).get(name, folder)) / name)
        shown = places.get(name, beside)
        sources[shown] = content.decode("utf-8-sig")
        for model in declared_in(name, sources[shown], shown, sink):
            of = kinds[model.object]
            if model.kind_name in of:
                taken = of[model.kind_name]
                by = f"in {taken.declared_at.file}" if issubclass(taken, Custom) else "built-in"
                message = f"there is a {model.object} {model.kind_name!r} already ({by})"
                help = "rename the class, or give it another kind_name"
                sink.report(KIND_TAKEN, message, model.declared_at, help=help)
            else:
                of[model.kind_name] = model
    return Components(files, kinds, sources, broken=len(sink) > reported)


def blame(
    error: BaseException, sources: Mapping[str, str], what: str = "", help: str = ""
) -> Diagnostic | None:
    """An exception as a diagnostic about the component file that it came through.

    Args:
        error: the exception.
        sources: name of a component file in messages -> its text.
        what: what failed, for the message.
        help: what to do.

    Returns:
        None when it came through none of them.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not any(frame.filename in sources for frame in frames):
        return None
    from ksim_schema.custom.classes import message_of, place_of

    message = f"{what or 'the component'} fails: {message_of(error)}"
    return Diagnostic(FAILING_COMPONENT, message, place_of(error, sources), help=help)


def custom_parts(parts: Mapping[str, Mapping[str, Part]]) -> Iterator[tuple[str, str, Custom]]:
    """Object, name and part of each part whose kind a component file declares."""
    for object, named in parts.items():
        for name, part in named.items():
            if isinstance(part, Custom):
                yield object, name, part
