"""The ``.ksim`` archive: it gives back what was compiled, and refuses what is not one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler import artifact
from ksim_compiler.artifact import ArtifactError
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diagnostics.catalogue import CATALOGUE

TASKS = Path(__file__).parents[2] / "tasks"
CARTPOLE = TASKS / "cartpole.yaml"


def saved(model: mujoco.MjModel) -> bytes:
    buffer = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


def compiled(settings: tuple[str, ...] = ()) -> Compiled:
    result = compile_file(CARTPOLE, settings)
    assert result.plan is not None, result.diagnostics
    return result


@pytest.fixture(scope="module")
def packed() -> bytes:
    return artifact.pack(compiled())


def codes(result: Compiled) -> list[str]:
    return [d.code for d in result.diagnostics]


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rebuilt(members: dict[str, bytes], *, sign: bool = True) -> bytes:
    """An archive of other members; with ``sign``, the manifest has their hashes."""
    if sign:
        manifest = json.loads(members["manifest.json"])
        manifest["sha256"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in members.items()
            if name != "manifest.json"
        }
        members = {**members, "manifest.json": json.dumps(manifest).encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_manifest(data: bytes, **changes: object) -> bytes:
    members = members_of(data)
    manifest = json.loads(members["manifest.json"]) | changes
    members["manifest.json"] = json.dumps(manifest).encode()
    return rebuilt(members, sign=False)


@pytest.mark.parametrize("task", sorted(path.name for path in TASKS.glob("*.yaml")))
def test_reading_gives_back_what_was_compiled(task: str, tmp_path: Path) -> None:
    first = compile_file(TASKS / task)
    assert first.plan is not None, first.diagnostics
    path = tmp_path / "made" / "task.ksim"
    artifact.write(path, first)
    again = artifact.read(path)
    assert again.plan is not None, again.diagnostics
    assert again.fingerprint == first.fingerprint
    assert again.plan.text() == first.plan.text()
    assert saved(again.plan.robot.model) == saved(first.plan.robot.model)
    assert again.plan.robot.files == first.plan.robot.files
    assert os.listdir(path.parent) == ["task.ksim"]


def test_same_task_same_bytes(packed: bytes, tmp_path: Path) -> None:
    assert artifact.pack(compiled()) == packed
    path = tmp_path / "cartpole.ksim"
    path.write_bytes(packed)
    again = artifact.unpack(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert names[:4] == ["manifest.json", "task.json", "plan.txt", "source.yaml"]
    assert names[4:] == sorted(names[4:]) == ["model/scene.xml"]
    assert again.source == CARTPOLE.read_text(encoding="utf-8")
    assert again.plan == compiled().plan.text()  # type: ignore[union-attr]
    assert again.model.root == "scene.xml"
    assert again.settings == ()
    assert set(again.versions) == {"ksim-schema", "mujoco", "python"}


def test_nothing_of_the_machine_is_in_it(packed: bytes) -> None:
    for name, data in members_of(packed).items():
        assert str(TASKS).encode() not in data, name


def test_settings_are_recorded_and_can_be_applied_on_top(packed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.ksim"
    path.write_bytes(packed)
    changed = artifact.read(path, ["Reward.alive.scale=3"])
    assert changed.plan is not None, changed.diagnostics
    assert changed.fingerprint == compiled(("Reward.alive.scale=3",)).fingerprint
    assert changed.fingerprint != artifact.unpack(path).fingerprint
    artifact.write(path, changed)
    again = artifact.unpack(path)
    assert again.settings == ("Reward.alive.scale=3",)
    assert artifact.read(path).fingerprint == changed.fingerprint == again.fingerprint


def test_a_bad_setting_is_a_diagnostic(packed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.ksim"
    path.write_bytes(packed)
    result = artifact.read(path, ["PPO.envs=many"])
    assert result.plan is None
    assert [(d.code, d.where.file, d.path) for d in result.diagnostics] == [
        ("KS0106", "--set", "PPO.envs")
    ]


@pytest.mark.parametrize(
    "text", ["line\u2028break", "\ufeffmark", "next\x85line", 'quotes " \\ ', "\U00020000", "\x7f"]
)
def test_any_text_survives(text: str, tmp_path: Path) -> None:
    task = tmp_path / "tasks" / "c.yaml"
    task.parent.mkdir()
    (task.parent / "robots").symlink_to(TASKS / "robots")
    source = CARTPOLE.read_text(encoding="utf-8")
    about = next(line for line in source.splitlines() if line.startswith("about:"))
    quoted = text if text.isprintable() and text.isalnum() else json.dumps(text)
    task.write_text(source.replace(about, f"about: {quoted}"), encoding="utf-8")
    first = compile_file(task)
    assert first.plan is not None, first.diagnostics
    assert first.plan.task.about == text
    artifact.write(tmp_path / "c.ksim", first)
    again = artifact.read(tmp_path / "c.ksim")
    assert again.plan is not None, again.diagnostics
    assert again.plan.task.about == text


def change(name: str, data: bytes) -> Callable[[bytes], bytes]:
    return lambda packed: rebuilt({**members_of(packed), name: data}, sign=False)


def signed(name: str, data: bytes) -> Callable[[bytes], bytes]:
    return lambda packed: rebuilt({**members_of(packed), name: data})


def without(name: str, *, sign: bool) -> Callable[[bytes], bytes]:
    def remove(packed: bytes) -> bytes:
        members = members_of(packed)
        del members[name]
        return rebuilt(members, sign=sign)

    return remove


def manifest(**changes: object) -> Callable[[bytes], bytes]:
    return lambda packed: with_manifest(packed, **changes)


def twice(packed: bytes) -> bytes:
    buffer = io.BytesIO(packed)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("task.json", b"{}")
    return buffer.getvalue()


def link(packed: bytes) -> bytes:
    buffer = io.BytesIO(packed)
    info = zipfile.ZipInfo("model/link.xml")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def bomb(packed: bytes) -> bytes:
    return rebuilt({**members_of(packed), "model/zeros.bin": bytes(60_000_000)})


def lying_size(packed: bytes) -> bytes:
    """A member that says it is smaller than what it inflates to."""
    data = rebuilt({**members_of(packed), "model/zeros.bin": bytes(1_000_000)})
    size = (1_000_000).to_bytes(4, "little")
    assert data.count(size) == 2  # in the member's header and in the directory
    return data.replace(size, (10).to_bytes(4, "little"))


def many(packed: bytes) -> bytes:
    extra = {f"model/{i}": b"" for i in range(artifact.MAX_MEMBERS)}
    return rebuilt({**members_of(packed), **extra})


def flipped(packed: bytes) -> bytes:
    """A bit of the first member's packed content is wrong."""
    at = 60
    return packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]


def encrypted(packed: bytes) -> bytes:
    at = packed.rindex(b"PK\1\2") + 8
    return packed[:at] + bytes([packed[at] | 1]) + packed[at + 1 :]


BAD: dict[str, tuple[str, str, Callable[[bytes], bytes]]] = {
    "empty file": ("KS0501", "not a zip archive", lambda packed: b""),
    "yaml": ("KS0501", "not a zip archive", lambda packed: b"ksim: 1\n" * 10),
    "another zip": (
        "KS0501",
        "no manifest",
        lambda packed: rebuilt({"task.json": b""}, sign=False),
    ),
    "manifest is not JSON": ("KS0501", "not JSON", change("manifest.json", b"{")),
    "manifest is too deep": ("KS0501", "not JSON", change("manifest.json", b"[" * 100_000)),
    "manifest is a list": ("KS0501", "no format", change("manifest.json", b"[]")),
    "cut off": ("KS0502", "end is missing", lambda packed: packed[:-30]),
    "cut in the middle": ("KS0502", "damaged", lambda packed: packed[:100] + packed[200:]),
    "flipped bit": ("KS0502", "damaged", flipped),
    "manifest without hashes": ("KS0502", "incomplete", manifest(sha256=None)),
    "manifest with a number": ("KS0502", "incomplete", manifest(fingerprint=3)),
    "format 0": ("KS0502", "incomplete", manifest(format=0)),
    "changed task": ("KS0502", "task.json was changed", change("task.json", b"{}")),
    "changed model": ("KS0502", "model/scene.xml was changed", change("model/scene.xml", b"<a/>")),
    "missing source": ("KS0502", "source.yaml is missing", without("source.yaml", sign=False)),
    "missing task": ("KS0502", "task.json is missing", without("task.json", sign=True)),
    "missing model": ("KS0502", "no file scene.xml", without("model/scene.xml", sign=True)),
    "needless file": ("KS0502", "does not need a.xml", signed("model/a.xml", b"<mujoco/>")),
    "other root": ("KS0502", "no file other.xml", manifest(model="other.xml")),
    "root outside": ("KS0502", "no file ../scene.xml", manifest(model="../scene.xml")),
    "file outside": (
        "KS0502",
        "no file secret.xml",
        signed("model/scene.xml", b'<mujoco><include file="secret.xml"/></mujoco>'),
    ),
    "plan is not text": ("KS0502", "not UTF-8", signed("plan.txt", b"\xff")),
    "other fingerprint": ("KS0502", "not that of the fingerprint", manifest(fingerprint="0" * 64)),
    "lying size": ("KS0502", "damaged", lying_size),
    "parent": ("KS0503", "'model/../x'", signed("model/../x", b"")),
    "root of the disk": ("KS0503", "'/x'", signed("/x", b"")),
    "backslash": ("KS0503", "name", signed("model\\x", b"")),
    "folder": ("KS0503", "'model/x/'", signed("model/x/", b"")),
    "control character": ("KS0503", "name", signed("model/\x1b[2J", b"")),
    "unknown member": ("KS0503", "unknown member 'run.py'", signed("run.py", b"")),
    "member twice": ("KS0503", "twice", twice),
    "link": ("KS0503", "not a plain file", link),
    "encrypted": ("KS0503", "encrypted", encrypted),
    "bomb": ("KS0503", "times its size", bomb),
    "too many": ("KS0503", "members", many),
    "newer": ("KS0504", "format 2", manifest(format=2)),
    "other version": (
        "KS0505",
        "made with ksim-schema 0.0.0",
        manifest(fingerprint="0" * 64, versions={"ksim-schema": "0.0.0"}),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(case: str, packed: bytes, tmp_path: Path) -> None:
    code, message, damage = BAD[case]
    path = tmp_path / "bad.ksim"
    path.write_bytes(damage(packed))
    result = artifact.read(path)
    assert result.plan is None
    assert codes(result) == [code]
    assert message in result.diagnostics[0].message
    assert result.diagnostics[0].where.file == str(path)
    assert code in CATALOGUE


def test_the_fingerprint_is_checked_before_settings_apply(packed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.ksim"
    path.write_bytes(with_manifest(packed, fingerprint="0" * 64))
    assert codes(artifact.read(path, ["PPO.envs=64"])) == ["KS0502"]


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    assert codes(artifact.read(tmp_path / "absent.ksim")) == ["KS0001"]
    assert codes(artifact.read(tmp_path)) == ["KS0001"]


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    task = compiled()
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in (tmp_path, tmp_path / "file" / "c.ksim"):
        with pytest.raises(ArtifactError) as caught:
            artifact.write(path, task)
        assert caught.value.code == "KS0506"
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.ksim"
    path.write_bytes(b"old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ArtifactError, match="no space left"):
        artifact.write(path, compiled())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["c.ksim"]


def test_a_task_with_errors_is_not_written(tmp_path: Path) -> None:
    broken = compile_file(CARTPOLE, ["PPO.envs=none"])
    with pytest.raises(ValueError, match="errors"):
        artifact.write(tmp_path / "c.ksim", broken)
    assert os.listdir(tmp_path) == []
