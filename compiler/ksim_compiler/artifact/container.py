"""The zip file of a compiled task: what is in it, and whether it is safe to unpack."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Iterable
from typing import Any

from ksim_compiler.robot.files import MAX_FILE, MAX_FILES, MAX_TOTAL
from ksim_schema.custom.files import MAX_FILES as MAX_COMPONENTS
from ksim_schema.diagnostics import Code, Diagnostic, Span
from ksim_schema.diagnostics.codes.compiled import (
    DAMAGED_ARCHIVE,
    NEWER_ARCHIVE,
    NOT_AN_ARCHIVE,
    UNSAFE_ARCHIVE,
)

FORMAT = 1
"""Version of the archive's layout. A reader refuses a newer one."""
MANIFEST, TASK, PLAN, SOURCE, MODEL, COMPONENTS = (
    "manifest.json",
    "task.json",
    "plan.txt",
    "source.yaml",
    "model/",
    "components/",
)
MAX_MEMBERS = MAX_FILES + MAX_COMPONENTS + 4
MAX_TEXT = 8_000_000
"""Largest size in bytes of a member that is not a part of the model."""
MAX_RATIO = 200
"""Largest ratio of unpacked to packed size of an archive that unpacks to more than FREE_SIZE."""
FREE_SIZE = 50_000_000


class ArtifactError(Exception):
    """An archive that cannot be read or written.

    Attributes:
        code: the code of the diagnostic.
        help: what to do.
    """

    def __init__(self, code: Code, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code, self.help = code, help

    def diagnostic(self, file: str) -> Diagnostic:
        """The error as a diagnostic about a file."""
        return Diagnostic(self.code, str(self), Span(file), help=self.help)


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content of a member: of what it inflates to, no more than its size is ever in memory."""
    with archive.open(info) as stream:
        return stream.read(info.file_size or 1)


def open_archive(data: bytes) -> zipfile.ZipFile:
    """Open an archive and check its directory, before anything of it is unpacked.

    Raises:
        ArtifactError: it is not an archive of a compiled task, or one that is damaged or unsafe.
    """
    count = _count(data)
    if count > MAX_MEMBERS:
        raise unsafe(f"it has {count:,} members")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise damaged(str(error)) from error
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(infos) != count or len(set(names)) != count:
        raise unsafe("a member is in it twice")
    for info in infos:
        _check_member(info)
    total = sum(info.file_size for info in infos)
    if total > MAX_TOTAL:
        raise unsafe(f"it unpacks to {total:,} bytes")
    if total > FREE_SIZE and total > MAX_RATIO * len(data):
        raise unsafe(f"it unpacks to {total // len(data)} times its size")
    if MANIFEST not in names:
        raise no_task("it has no manifest")
    return archive


def _count(data: bytes) -> int:
    """The number of members by the record at the archive's end, which here has no comment."""
    end, locator = data[-22:], data[-42:-22]
    if len(end) < 22 or end[:4] != b"PK\5\6" or end[-2:] != b"\0\0":
        if data[:4] == b"PK\3\4":
            raise damaged("its end is missing")
        raise no_task("it is not a zip archive")
    if locator[:4] == b"PK\6\7":
        raise unsafe("it is in the form for very large archives (zip64)")
    return int(struct.unpack("<H", end[10:12])[0])


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    steps = name.split("/")
    if "\\" in name or {"", ".", ".."} & set(steps) or not name.isprintable():
        raise unsafe(f"a member has the name {name[:80]!r}")
    if info.filename != name or (info.external_attr >> 16) & 0o170000 not in (0, stat.S_IFREG):
        raise unsafe(f"{name} is not a plain file")
    if info.flag_bits & 0x1:
        raise unsafe(f"{name} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise unsafe(f"{name} is packed in an unusual way")
    of_model = name.startswith(MODEL)
    of_own = name.startswith(COMPONENTS) and name.endswith(".py")
    if not (of_model or of_own) and name not in (MANIFEST, TASK, PLAN, SOURCE):
        raise unsafe(f"it has an unknown member {name[:80]!r}")
    if info.file_size > (MAX_FILE if of_model else MAX_TEXT):
        raise unsafe(f"{name} unpacks to {info.file_size:,} bytes")


def manifest_of(data: bytes) -> dict[str, Any]:
    """The manifest, with each field of its type."""
    try:
        manifest: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise no_task("its manifest is not JSON") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise no_task("its manifest names no format")
    if manifest["format"] > FORMAT:
        made = manifest.get("versions")
        by = made.get("ksim-schema") if isinstance(made, dict) else None
        message = f"the file is of format {manifest['format']}, and this version reads {FORMAT}"
        raise ArtifactError(
            NEWER_ARCHIVE, message, f"it was made with ksim-schema {by}" if by else ""
        )
    maps, settings = [manifest.get("sha256"), manifest.get("versions")], manifest.get("settings")
    good = (
        manifest["format"] == FORMAT
        and isinstance(manifest.get("model"), str)
        and isinstance(manifest.get("fingerprint"), str)
        and all(isinstance(m, dict) and _are_texts(m.values()) for m in maps)
        and isinstance(settings, list)
        and _are_texts(settings)
    )
    if not good:
        raise damaged("its manifest is incomplete")
    return manifest


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def no_task(why: str) -> ArtifactError:
    """A file that is something else."""
    return ArtifactError(
        NOT_AN_ARCHIVE, f"not a compiled task: {why}", "make one with ksim-compile"
    )


def unsafe(why: str) -> ArtifactError:
    """An archive that no compiler has made, and that is not unpacked."""
    return ArtifactError(UNSAFE_ARCHIVE, f"the archive is unsafe: {why}")


def damaged(why: str) -> ArtifactError:
    """An archive in which something is missing or was changed."""
    return ArtifactError(DAMAGED_ARCHIVE, f"the archive is damaged: {why}")
