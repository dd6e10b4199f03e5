"""The ``.ksim`` file: a compiled task with all that it needs, written, read and checked.

It is a zip archive::

    manifest.json    format, fingerprint, versions, the model's name, SHA-256 of each other member
    task.json        the task in canonical form: defaults filled in, edges explicit, SI units
    plan.txt         the printed plan, for people
    source.yaml      the author's text, for people
    model/...        the MuJoCo model with what it includes and its assets, verbatim
    components/...   the task's own Python files, if it has any, verbatim

The same input gives the same bytes. A reader compiles ``task.json`` and the model anew, from
memory: nothing is unpacked to disk, and nothing in the archive is run unless the caller trusts it.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ksim_compiler.artifact.container import (
    COMPONENTS,
    FORMAT,
    MANIFEST,
    MODEL,
    PLAN,
    SOURCE,
    TASK,
    ArtifactError,
    damaged,
    manifest_of,
    member,
    open_archive,
    unsafe,
)
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.files import MAX_TOTAL, ModelError, ModelFiles, check_complete
from ksim_schema.compose.settings import COMMAND_LINE
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.compiled import (
    DAMAGED_ARCHIVE,
    OTHER_VERSION_ARCHIVE,
    UNWRITABLE_FILE,
)
from ksim_schema.diagnostics.codes.custom import UNTRUSTED_CODE
from ksim_schema.diagnostics.codes.reading import UNREADABLE_FILE
from ksim_schema.frontend import check_document
from ksim_schema.graph.canonical import canonical, fingerprint
from ksim_schema.graph.wiring import wire
from ksim_schema.source import parse
from ksim_schema.source.files import FileError, TooLargeError, read_bytes, reason, write_bytes


@dataclass(frozen=True)
class Archive:
    """The content of a ``.ksim`` file, checked but not compiled.

    Attributes:
        fingerprint: hash of the task's meaning.
        settings: ``path=value`` texts that changed the source before it was compiled.
        versions: versions of ``ksim-schema``, ``mujoco`` and ``python`` that it was made with.
        task: the canonical task, JSON.
        plan: the printed plan.
        source: the author's text, "" when the canonical task is all there was.
        model: the model's files.
        components: the task's own Python files by name, not yet run.
    """

    fingerprint: str
    settings: tuple[str, ...]
    versions: Mapping[str, str]
    task: str
    plan: str
    source: str
    model: ModelFiles
    components: Mapping[str, bytes]


def write(path: Path, compiled: Compiled) -> None:
    """Write a compiled task. The file appears whole or not at all.

    Raises:
        ArtifactError: the file cannot be written.
        ValueError: the task has errors.
    """
    data = pack(compiled)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise ArtifactError(UNWRITABLE_FILE, f"cannot write {path}: it is a folder")
        write_bytes(path, data)
    except OSError as error:
        raise ArtifactError(UNWRITABLE_FILE, f"cannot write {path}: {reason(error)}") from error


def pack(compiled: Compiled) -> bytes:
    """The bytes of a compiled task's archive.

    Raises:
        ArtifactError: the model is larger than what a reader accepts.
        ValueError: the task has errors.
    """
    plan = compiled.plan
    if plan is None:
        raise ValueError("a task with errors has no archive")
    task = canonical_text(plan)
    members = {TASK: task.encode(), PLAN: plan.text().encode()}
    source = plan.task.document.text
    if source != task:  # it is when an archive is compiled again
        members[SOURCE] = source.encode()
    members |= _files(plan)
    files = plan.robot.files
    settings = compiled.sources.get(COMMAND_LINE, "")
    manifest = {
        "format": FORMAT,
        "task": plan.task.name,
        "fingerprint": compiled.fingerprint,
        "model": files.root,
        "settings": settings.split("\n") if settings else [],
        "versions": versions(),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {MANIFEST: _json_text(manifest).encode(), **members}.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data, compresslevel=6)
    packed = buffer.getvalue()
    open_archive(packed).close()  # what a reader would refuse is not written
    return packed


def _files(plan: Plan) -> dict[str, bytes]:
    """The files of a task by their names in an archive."""
    files, own = plan.robot.files.content, plan.task.components.files
    found = {MODEL + name: files[name] for name in sorted(files)}
    return found | {COMPONENTS + name: own[name] for name in sorted(own)}


def digest(plan: Plan) -> str:
    """A hash of all that a task is: its canonical form and its files."""
    found = hashlib.sha256(canonical_text(plan).encode())
    for name, data in _files(plan).items():
        found.update(f"\n{name} {hashlib.sha256(data).hexdigest()}".encode())
    return found.hexdigest()


def canonical_text(plan: Plan) -> str:
    """The canonical task as JSON that a YAML reader reads too."""
    return _json_text(canonical(plan.task, wire(plan.task, Sink())))


@cache
def versions() -> dict[str, str]:
    """Versions of what the meaning of a compiled task rests on."""
    from importlib import metadata

    found = {"python": platform.python_version()}
    for name in ("ksim-schema", "mujoco"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a checkout that is not installed
            found[name] = "unknown"
    return dict(sorted(found.items()))


def read(
    path: Path,
    settings: Sequence[str] = (),
    name: str | None = None,
    *,
    trust: bool = False,
    data: bytes | None = None,
) -> Compiled:
    """Read an archive and compile its task; what is wrong with it is in the diagnostics.

    Args:
        path: the file.
        settings: ``path=value`` texts that change the task.
        name: how to call the file in messages; the path by default.
        trust: whether to run the Python files that it carries; without, one that carries any is
            refused, and nothing of it is run.
        data: the archive, where the file holds more than it; what the file holds by default.
    """
    name = name or str(path)
    try:
        archive = unpack(path) if data is None else _unpack(data)
        if archive.components and not trust:
            help = _TRUST.format(path=path) if data is None else _TRUST_ITS_MAKER
            raise ArtifactError(UNTRUSTED_CODE, _carried(archive), help)
        return _compile(archive, settings, f"{name}/{TASK}")
    except ArtifactError as error:
        return Compiled(None, [error.diagnostic(name)], {})


def _compile(archive: Archive, settings: Sequence[str], name: str) -> Compiled:
    compiled, meaning = with_meaning(archive, settings, name)
    if meaning and meaning != archive.fingerprint:
        made, here = archive.versions.get("ksim-schema"), versions()["ksim-schema"]
        if made == here:
            help = "compile its source again"
            raise ArtifactError(DAMAGED_ARCHIVE, "the task is not that of the fingerprint", help)
        message = f"made with ksim-schema {made}; under version {here} it means something else"
        raise ArtifactError(OTHER_VERSION_ARCHIVE, message, "compile its source again")
    return compiled


def with_meaning(archive: Archive, settings: Sequence[str], name: str) -> tuple[Compiled, str]:
    """Compile an archive's task, and tell the fingerprint that it has here without the settings.

    Of diagnostics about the task those are left out that its author was told before.

    Args:
        archive: its content.
        settings: ``path=value`` texts that change the task.
        name: how to call the task in messages.
    """
    sink = Sink()
    document = parse(archive.task, name, sink)
    if document is None:
        return Compiled(None, sink.in_order(), {name: archive.task}), ""
    own = archive.components
    compiled = compile_document(document, archive.model, settings, own)
    meaning = compiled.fingerprint
    if settings:
        checked = check_document(document, Path(), files=own)
        task, graph = checked.task, checked.graph
        meaning = fingerprint(task, graph, archive.model.content) if task and graph else ""
    new = [d for d in compiled.diagnostics if _is_new(d, name)]
    return replace(compiled, diagnostics=new), meaning


def _is_new(diagnostic: Diagnostic, name: str) -> bool:
    """Whether the author has not been told when the task was compiled, at a place of theirs."""
    return diagnostic.severity == "error" or diagnostic.where.file != name


def unpack(path: Path) -> Archive:
    """Read an archive into memory and check it.

    Raises:
        ArtifactError: it is not an archive of a compiled task, or is damaged, unsafe or newer.
    """
    try:
        return _unpack(read_bytes(path, MAX_TOTAL))
    except TooLargeError as error:
        raise unsafe(str(error)) from error
    except FileError as error:
        raise ArtifactError(UNREADABLE_FILE, f"cannot read {path}: {error}") from error


def _unpack(data: bytes) -> Archive:
    with open_archive(data) as archive:
        try:
            members = {info.filename: member(archive, info) for info in archive.infolist()}
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise damaged(str(error)) from error
    manifest = manifest_of(members.pop(MANIFEST))
    hashes: Mapping[str, str] = manifest["sha256"]
    for name in sorted({*hashes, *members, TASK, PLAN}):
        if name not in members:
            raise damaged(f"{name} is missing")
        if hashes.get(name) != hashlib.sha256(members[name]).hexdigest():
            raise damaged(f"{name} was changed")
    try:
        task, plan, source = (members.pop(n, b"").decode() for n in (TASK, PLAN, SOURCE))
    except UnicodeDecodeError as error:
        raise damaged("a text is not UTF-8") from error
    content, own = (
        {k.removeprefix(p): v for k, v in members.items() if k.startswith(p)}
        for p in (MODEL, COMPONENTS)
    )
    files = ModelFiles(manifest["model"], content)
    try:
        check_complete(files)
    except ModelError as error:
        raise ArtifactError(DAMAGED_ARCHIVE, f"the model is damaged: {error}") from error
    settings, made_with = tuple(manifest["settings"]), manifest["versions"]
    return Archive(manifest["fingerprint"], settings, made_with, task, plan, source, files, own)


_TRUST = "read it with 'ksim-compile --emit components {path}', then give --trust to run it"
_TRUST_ITS_MAKER = "give --trust to run it, if you trust who made the file"


def _carried(archive: Archive) -> str:
    """That an archive carries code, with the name, size and hash of each file."""
    files = ", ".join(
        f"{name} ({len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()})"
        for name, data in sorted(archive.components.items())
    )
    return f"the compiled task carries Python code, which is not run without --trust: {files}"


_UNPRINTABLE = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML takes for no character, for a line break or for a byte order mark."""


def _json_text(data: Any) -> str:
    """JSON that a YAML reader reads as the same data."""
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"
