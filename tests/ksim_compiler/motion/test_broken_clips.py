"""Clips with one thing wrong in each: it is found, with the frame in which it shows first."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ksim_compiler.cli.motion import main
from ksim_compiler.motion.read import Asked
from ksim_compiler.motion.write import packed
from ksim_schema.diagnostics.catalogue import CATALOGUE
from tests.ksim_compiler.motion.clips import ROOT, arrays, csv, humanoid, npz, read

Clip = dict[str, Any]
KNEE = 7 + 5
"""The column of knee_left in qpos."""


def changed(change: Callable[[Clip], Any], name: str = "squat") -> bytes:
    clip = arrays(name)
    change(clip)
    return npz(clip)


def without(clip: Clip, joint: str) -> None:
    kept = [i for i, name in enumerate(clip["joint_names"]) if name != joint]
    clip["joint_names"] = clip["joint_names"][kept]
    clip["qpos"] = clip["qpos"][:, [*range(7), *(7 + i for i in kept)]]
    clip["qvel"] = clip["qvel"][:, [*range(6), *(6 + i for i in kept)]]


def renamed(clip: Clip) -> None:
    names = clip["joint_names"].tolist()
    names[names.index("knee_left")] = "kne_left"
    clip["joint_names"] = np.array(names)


def turned(clip: Clip) -> None:
    order = np.random.default_rng(0).permutation(20)
    clip["joint_names"] = clip["joint_names"][order]
    clip["qpos"][:, 7:] = clip["qpos"][:, 7:][:, order]
    clip["qvel"][:, 6:] = clip["qvel"][:, 6:][:, order]


def put(key: str, rows: Any, columns: Any, value: Any) -> Callable[[Clip], None]:
    def change(clip: Clip) -> None:
        clip[key][rows, columns] = value

    return change


def added(key: str, rows: Any, columns: Any, value: Any) -> Callable[[Clip], None]:
    def change(clip: Clip) -> None:
        clip[key][rows, columns] += value

    return change


def degrees(clip: Clip) -> None:
    clip["qpos"][:, 7:] *= 180 / np.pi
    clip["qvel"][:, 6:] *= 180 / np.pi


def scalar_last(clip: Clip) -> None:
    clip["qpos"][:, 3:7] = clip["qpos"][:, [4, 5, 6, 3]]


def halved(clip: Clip) -> None:
    clip["fps"] = np.array(100.0)


def cut(clip: Clip, frames: int = 3) -> None:
    clip["qpos"], clip["qvel"] = clip["qpos"][:frames], clip["qvel"][:frames]


def sliding(clip: Clip) -> None:
    clip["qpos"][100:, 0] += np.minimum(np.arange(len(clip["qpos"]) - 100) * 0.004, 0.2)


def taller(clip: Clip) -> None:
    clip["qpos"][:, 2] += 0.3


def stretched(clip: Clip) -> None:
    """An elbow that goes 5 degrees farther than straight, and back."""
    frames = np.arange(len(clip["qpos"])) - 150
    bump = np.clip(1 - np.abs(frames - 50) / 50, 0, None)
    bump = bump * bump * (3 - 2 * bump)
    clip["qpos"][:, 7 + 16] = -0.5 + bump * (0.5 + np.radians(5.0))
    clip["qvel"][:, 6 + 16] = np.gradient(clip["qpos"][:, 7 + 16]) * 50


def no_base(clip: Clip) -> None:
    clip["qpos"], clip["qvel"] = clip["qpos"][:, 7:], clip["qvel"][:, 6:]


def tracked() -> Clip:
    robot = humanoid()
    found = read(npz(arrays())).clip
    assert found is not None
    with np.load(io.BytesIO(packed(found, "bodies", robot.facts, robot.model))) as file:
        return {key: file[key].copy() for key in file.files}


def other_robot() -> bytes:
    clip = tracked()
    clip["body_pos_w"][50:, 3] += 0.6
    return npz(clip)


BROKEN = {
    "no joint knee_left": (lambda: changed(lambda c: without(c, "knee_left")), "KS0665", None),
    "a misspelt joint": (lambda: changed(renamed), "KS0666", None),
    "joints in another order": (lambda: changed(turned), "KS0667", None),
    "a joint a little beyond its limits": (lambda: changed(stretched), "KS0669", 189),
    "a knee bent the other way": (
        lambda: changed(put("qpos", slice(60, None), KNEE, -0.8)),
        "KS0678",
        60,
    ),
    "degrees": (lambda: changed(degrees), "KS0670", 0),
    "quaternions with the scalar last": (lambda: changed(scalar_last), "KS0671", None),
    "a quaternion that is not unit": (
        lambda: changed(put("qpos", 40, slice(3, 7), [0.9, 0.0, 0.0, 0.0])),
        "KS0672",
        40,
    ),
    "velocities of another rate": (lambda: changed(halved), "KS0673", 20),
    "a jump of a joint": (
        lambda: changed(added("qpos", slice(30, None), 7 + 14, -0.6)),
        "KS0674",
        30,
    ),
    "a jump of the base": (lambda: changed(added("qpos", slice(33, None), 0, 0.5)), "KS0674", 33),
    "sliding feet": (lambda: changed(sliding), "KS0675", None),
    "sunken feet": (lambda: changed(added("qpos", slice(200, None), 2, -0.06)), "KS0676", 200),
    "feet in the air": (lambda: changed(taller), "KS0677", 0),
    "a number that is not one": (lambda: changed(put("qpos", 17, 9, np.nan)), "KS0662", 17),
    "an infinite velocity": (lambda: changed(put("qvel", 18, 9, np.inf)), "KS0662", 18),
    "three frames": (lambda: changed(cut), "KS0663", None),
    "poses and velocities of different number": (
        lambda: changed(lambda c: c.update(qvel=c["qvel"][:100])),
        "KS0661",
        100,
    ),
    "a column too few": (
        lambda: changed(lambda c: c.update(qpos=c["qpos"][:, 1:])),
        "KS0661",
        None,
    ),
    "no base": (lambda: changed(no_base), "KS0679", None),
    "no rate": (lambda: changed(lambda c: c.pop("fps")), "KS0664", None),
    "a rate of zero": (lambda: changed(lambda c: c.update(fps=np.array(0.0))), "KS0664", None),
    "bodies of another robot": (other_robot, "KS0680", 50),
    "no arrays of a clip": (lambda: npz({"poses": np.zeros((9, 9))}), "KS0660", None),
    "names that need pickle": (
        lambda: changed(lambda c: c.update(joint_names=c["joint_names"].astype(object))),
        "KS0660",
        None,
    ),
    "a pickle": (lambda: pickle.dumps({"qpos": [1.0]}), "KS0660", None),
    "a truncated file": (lambda: npz(arrays())[:-500], "KS0660", None),
}


def faults(data: bytes, name: str = "clip.npz") -> list[tuple[str, int | None]]:
    return [(str(fault.code), fault.frame) for fault in read(data, name).faults]


@pytest.mark.parametrize("what", [name for name, (_, code, _) in BROKEN.items() if code])
def test_what_is_wrong_is_found_with_its_frame(what: str) -> None:
    make, code, frame = BROKEN[what]
    found = read(make())
    told = [(str(fault.code), fault.frame) for fault in found.faults]
    assert (code, frame) in told or (frame is None and code in dict(told)), told
    severities = {CATALOGUE[c].severity for c, _ in told}
    assert (found.clip is None) == ("error" in severities)
    if frame is not None:
        fault = next(f for f in found.faults if f.code == code)
        assert fault.text.startswith((f"frame {frame} (", f"frame {frame}: "))
    # and nothing else is made of it that is not so
    allowed = {code, "KS0667"} | BESIDE.get(what, set())
    assert {c for c, _ in told} <= allowed, told


BESIDE = {
    "a knee bent the other way": {"KS0674", "KS0676", "KS0675", "KS0673"},
    "velocities of another rate": {"KS0674"},
    "a jump of the base": {"KS0675", "KS0673"},
    "a jump of a joint": {"KS0673"},
    "sunken feet": {"KS0675"},
    "quaternions with the scalar last": {"KS0674"},
}
"""What else is true of some: a knee that is bent the other way also lifts the foot."""


def test_every_code_of_clips_is_shown() -> None:
    elsewhere = {"KS0668": "a csv without a header", "KS0681": "poses, in test_clips.py"}
    shown = {code for _, code, _ in BROKEN.values()} | set(elsewhere)
    assert shown == {code for code in CATALOGUE if "KS0660" <= code <= "KS0681"}


def test_a_csv_tells_the_line(tmp_path: Path) -> None:
    lines = csv(arrays()).decode().splitlines()
    cells = lines[12].split(",")
    lines[12] = ",".join([*cells[:9], "nan", *cells[10:]])
    fault = read("\n".join(lines).encode(), "clip.csv").faults[0]
    assert (fault.code, fault.frame) == ("KS0662", 12)
    assert "line 13" in fault.text
    lines = csv(arrays()).decode().splitlines()
    lines[7] += ",0.5"
    fault = read("\n".join(lines).encode(), "clip.csv").faults[0]
    assert (fault.code, fault.frame) == ("KS0661", 7)
    lines[7] = lines[6].replace(",", ",x", 1)
    fault = read("\n".join(lines).encode(), "clip.csv").faults[0]
    assert (fault.code, fault.frame) == ("KS0660", 7)


def test_a_csv_with_the_scalar_first_is_told(tmp_path: Path) -> None:
    clip = arrays()
    clip["qpos"][:, 3:7] = clip["qpos"][:, [6, 3, 4, 5]]  # so that the csv has w, x, y, z
    found = read(csv(clip), "clip.csv")
    assert [str(f.code) for f in found.faults if f.code.severity == "error"] == ["KS0671"]
    mended = read(csv(clip), "clip.csv", Asked(quaternion="wxyz"))
    sound = read(csv(arrays()), "clip.csv")
    assert mended.clip is not None
    assert sound.clip is not None
    np.testing.assert_allclose(mended.clip.turn, sound.clip.turn, atol=1e-6)


def test_signs_that_turn_round_are_the_same_rotation() -> None:
    clip = arrays()
    clip["qpos"][50:120, 3:7] *= -1
    found = read(npz(clip))
    assert found.faults == []
    assert found.clip is not None
    assert found.clip.flips == (50, 120)
    np.testing.assert_allclose(found.clip.turn, arrays()["qpos"][:, 3:7], atol=1e-6)


def test_degrees_are_read_where_they_are_asked_for() -> None:
    found = read(changed(degrees), asked=Asked(degrees=True))
    sound = read(npz(arrays()))
    assert found.clip is not None
    assert sound.clip is not None
    np.testing.assert_allclose(found.clip.joints, sound.clip.joints, atol=1e-6)


def test_an_array_that_says_it_is_huge_is_not_made() -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, np.zeros((2, 2)))
    header = content.getvalue().replace(b"(2, 2)", b"(9999999999, 9999999)"[:6] if 0 else b"(9, 9)")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("qpos.npy", header)
    assert faults(buffer.getvalue())[0][0] == "KS0660"


def test_the_command_tells_it_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bent.npz"
    path.write_bytes(BROKEN["a knee bent the other way"][0]())
    robot = str(ROOT / "tasks/walk.yaml")
    assert main(["check", str(path), "--robot", robot]) == 1
    told = capsys.readouterr().err
    assert "error KS0678: frame 60 (1.20 s): 'knee_left' is at -45.84 deg" in told
    assert main(["check", str(tmp_path / "none.npz"), "--robot", robot]) == 2
    assert main(["info", str(path), "--robot", "nowhere.xml"]) == 2
