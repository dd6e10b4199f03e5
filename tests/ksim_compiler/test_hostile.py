"""Files that are made to do harm: each gives a clear error, in little memory, and no harm is done.

All are checked by one process whose memory and time are limited. Compiled tasks that lie are in
test_artifact.py.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROBOT = (ROOT / "tests/invalid/robots/biped.xml").read_bytes()
GOOD = (
    (ROOT / "tests/invalid/KS0408_height.yaml")
    .read_text(encoding="utf-8")
    .replace(", height], network", "], network")
    .replace("clean: [hips, gyro]", "clean: [hips, gyro, height]")
)
MEMORY = 3_000_000_000
"""Bytes of address space; libraries reserve far more of it than is used."""


def altered(old: str, new: str) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new, 1).encode()


def laughs() -> bytes:
    """Each list holds the one before ten times."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 10)}]")
    return "\n".join(lines).encode()


def model(path: str) -> bytes:
    return altered("robots/biped.xml", path)


TASKS: dict[str, tuple[str, bytes]] = {
    "alias_bomb": ("KS0005", laughs()),
    "many_values": ("KS0005", b"- a\n" * 300_000),
    "deep_list": ("KS0005", b"[" * 1_000_000),
    "deep_mapping": ("KS0005", b"{a: " * 100_000),
    "deep_block": ("KS0005", b"\n".join(b" " * i + b"a:" for i in range(2000))),
    "nul": ("KS0006", altered("hop", "h\0p")),
    "broken_utf8": ("KS0006", GOOD.encode().replace(b"hop", b"h\xffp")),
    "python_object": ("KS0004", altered("hop", "!!python/object/apply:os.system [touch pwned]")),
    "python_name": ("KS0004", altered("hop", "!!python/name:os.system")),
    "model_outside": ("KS0202", model("../../../../../../etc/passwd")),
    "model_folder": ("KS0202", model("robots")),
    "model_sparse": ("KS0202", model("robots/sparse.xml")),
    "model_device": ("KS0202", model("/dev/zero")),
    "model_pipe": ("KS0202", model("robots/pipe.xml")),
    "model_loop": ("KS0202", model("robots/loop.xml")),
    "model_long_name": ("KS0202", model("x" * 5000)),
    "model_entities": ("KS0202", model("robots/entities.xml")),
    "model_external_entity": ("KS0202", model("robots/external.xml")),
    "model_deep": ("KS0202", model("robots/deep.xml")),
    "mesh_sparse": ("KS0202", model("robots/mesh.xml")),
    "include_outside": ("KS0202", model("robots/include.xml")),
    "components_outside": ("KS0701", b"components: [../../x.py]\n" + GOOD.encode()),
    "extends_outside": ("KS0601", b"extends: ../../../../../etc/passwd\n" + GOOD.encode()),
    "extends_itself": ("KS0603", b"extends: extends_itself.yaml\n" + GOOD.encode()),
    "pattern_bomb": ("KS0211", altered("hip_.*", '"(h|i|p|_|[a-z])*!"')),
    "digits": ("KS0108", altered("0.5 rad", "9" * 100_000)),
}
MODELS: dict[str, bytes] = {
    "biped.xml": ROBOT,
    "entities.xml": b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'.encode()
        for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
    )
    + b']><mujoco model="&k;"/>',
    "external.xml": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><mujoco model="&x;"/>',
    "deep.xml": b"<mujoco>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</mujoco>",
    "mesh.xml": b'<mujoco><asset><mesh name="m" file="sparse.xml"/></asset></mujoco>',
    "include.xml": b'<mujoco><include file="../../../../../../../etc/passwd"/></mujoco>',
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, object]]]:
    """What is reported of each file: name -> diagnostics."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "robots").mkdir()
    for name, content in MODELS.items():
        (folder / "robots" / name).write_bytes(content)
    with (folder / "robots" / "sparse.xml").open("wb") as stream:
        stream.truncate(2_000_000_000)
    os.mkfifo(folder / "robots" / "pipe.xml")
    (folder / "robots" / "loop.xml").symlink_to("loop.xml")
    for name, (_, content) in TASKS.items():
        (folder / f"{name}.yaml").write_bytes(content)
    with (folder / "big.yaml").open("wb") as stream:
        stream.write(b"a: 1\n" * 10_000_000)
    os.mkfifo(folder / "pipe.yaml")
    (folder / "zip.ksim").symlink_to("/dev/zero")
    before = sorted(folder.rglob("*"))
    names = [*(f"{name}.yaml" for name in TASKS), "big.yaml", "pipe.yaml", "zip.ksim"]
    command = [sys.executable, "-m", "ksim_compiler.cli.compile", "--check", "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "compiler")))}
    run = subprocess.run(
        [*command, *names],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert run.returncode == 1
    assert run.stderr == ""
    assert sorted(folder.rglob("*")) == before, "something was written"
    found: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for diagnostic in json.loads(run.stdout)["diagnostics"]:
        found.setdefault(diagnostic["file"], []).append(diagnostic)
    return found


@pytest.mark.parametrize("name", TASKS)
def test_is_refused(name: str, reports: dict[str, list[dict[str, object]]]) -> None:
    found = reports[f"{name}.yaml"]
    assert TASKS[name][0] in {d["code"] for d in found if d["severity"] == "error"}
    assert all(len(str(d["message"])) < 6000 for d in found)
    assert "root:" not in json.dumps(found), "the content of another file is shown"


@pytest.mark.parametrize(
    ("name", "code"), [("big.yaml", "KS0005"), ("pipe.yaml", "KS0001"), ("zip.ksim", "KS0001")]
)
def test_files_that_are_no_task(
    name: str, code: str, reports: dict[str, list[dict[str, object]]]
) -> None:
    assert [d["code"] for d in reports[name]] == [code]
