"""Clips as other programs and people write them: read as they are meant, or refused in words."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ksim_compiler.cli.motion import main
from ksim_compiler.motion.read import Asked, Reading
from ksim_compiler.motion.write import packed
from ksim_schema.diagnostics.catalogue import CATALOGUE
from tests.ksim_compiler.motion.clips import ROOT, arrays, humanoid, npz, read

Clip = dict[str, Any]
JOINTS = tuple(arrays()["joint_names"].tolist())
HEADER = ("x", "y", "z", "qx", "qy", "qz", "qw", *JOINTS)
ASSUMED = {"KS0694", "KS0668"}
"""What is said of any csv without names and times."""


def changed(change: Callable[[Clip], Any], name: str = "squat") -> bytes:
    clip = arrays(name)
    change(clip)
    return npz(clip)


def tracked(change: Callable[[Clip], Any], name: str = "walk") -> bytes:
    """A clip as whole-body tracking has it."""
    robot, found = humanoid(), read(npz(arrays(name))).clip
    assert found is not None
    with np.load(io.BytesIO(packed(found, "bodies", robot.facts, robot.model))) as file:
        clip = {key: file[key].copy() for key in file.files}
    change(clip)
    return npz(clip)


def table(
    header: tuple[str, ...] = (),
    between: str = ",",
    decimal: str = ".",
    times: Any = None,
    scale: float = 1.0,
    ends: str = "\n",
) -> bytes:
    """The squat as a csv."""
    qpos = arrays()["qpos"].astype(float)
    rows = np.concatenate([qpos[:, :3] * scale, qpos[:, [4, 5, 6, 3]], qpos[:, 7:]], axis=1)
    if times is not None:
        rows = np.concatenate([np.asarray(times, float)[:, None], rows], axis=1)
        header = ("time", *header)
    lines = [between.join(f"{x:.9g}".replace(".", decimal) for x in row) for row in rows]
    return (ends.join([*([between.join(header)] if header else []), *lines]) + ends).encode()


FRAMES = len(arrays()["qpos"])
EVEN = np.arange(FRAMES) * 0.02


def codes(found: Reading) -> set[str]:
    return {str(fault.code) for fault in found.faults}


VALID: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "semicolons": (lambda: table(between=";"), ASSUMED),
    "semicolons and decimal commas": (lambda: table(HEADER, ";", ","), {"KS0694"}),
    "tabs": (lambda: table(between="\t"), ASSUMED),
    "spaces": (lambda: table(between=" "), ASSUMED),
    "spaces after commas": (lambda: table(between=", "), ASSUMED),
    "line ends of Windows": (lambda: table(HEADER, ends="\r\n"), {"KS0694"}),
    "a comma at the end of each line": (lambda: table().replace(b"\n", b",\n"), ASSUMED),
    "a mark of byte order": (lambda: b"\xef\xbb\xbf" + table(HEADER), {"KS0694"}),
    "even times": (lambda: table(HEADER, times=EVEN), set()),
    "times that jitter": (
        lambda: table(HEADER, times=EVEN + np.arange(FRAMES) % 3 * 0.002),
        set(),
    ),
    "names with a robot before them": (
        lambda: changed(lambda c: c.update(joint_names=[f"robot/{n}" for n in JOINTS])),
        {"KS0693"},
    ),
    "names with _joint after them": (
        lambda: changed(lambda c: c.update(joint_names=[f"{n}_joint" for n in JOINTS])),
        {"KS0693"},
    ),
    "names in capitals": (
        lambda: changed(lambda c: c.update(joint_names=[n.upper() for n in JOINTS])),
        {"KS0693"},
    ),
    "names in another order and longer": (
        lambda: table((*HEADER[:7], *(f"left_{n}_dof" for n in JOINTS))),
        {"KS0693", "KS0694"},
    ),
    "a name for each column of qpos": (
        lambda: changed(
            lambda c: c.update(joint_names=["x", "y", "z", "qw", "qx", "qy", "qz", *JOINTS])
        ),
        set(),
    ),
    "doubles, the other end first": (
        lambda: changed(lambda c: c.update(qpos=c["qpos"].astype(">f8"))),
        set(),
    ),
    "far from the origin": (lambda: changed(lambda c: shifted(c, 100.0)), set()),
}


def shifted(clip: Clip, by: float) -> None:
    clip["qpos"][:, 0] += by


@pytest.mark.parametrize("what", VALID)
def test_what_is_merely_unusual_is_read_as_it_is_meant(what: str) -> None:
    make, notes = VALID[what]
    found = read(make(), "clip.csv")
    assert codes(found) == notes, [fault.text for fault in found.faults]
    assert found.clip is not None
    sound = arrays()
    np.testing.assert_allclose(found.clip.joints, sound["qpos"][:, 7:], atol=1e-5)
    assert found.clip.turn is not None
    np.testing.assert_allclose(found.clip.turn, sound["qpos"][:, 3:7], atol=1e-5)


def raised(clip: Clip) -> None:
    """The world with y upwards instead of z."""
    x, y, z = clip["qpos"][:, :3].T.copy()
    clip["qpos"][:, :3] = np.column_stack([x, z, -y])
    own = Rotation.from_quat(clip["qpos"][:, 3:7], scalar_first=True)
    lying = Rotation.from_euler("x", -90, degrees=True) * own
    clip["qpos"][:, 3:7] = lying.as_quat(scalar_first=True)


def wound(clip: Clip) -> None:
    clip["qpos"][:, 7 + 6] += 2 * np.pi


def permuted(clip: Clip) -> None:
    """The orientations of other bodies, and the base's own."""
    order = [0, *np.roll(np.arange(1, clip["body_quat_w"].shape[1]), 1)]
    clip["body_quat_w"] = clip["body_quat_w"][:, order]


def put(clip: Clip, key: str, at: Any, value: float) -> None:
    clip[key][at] = value


def late(frame: int, by: float) -> Any:
    return EVEN + (np.arange(FRAMES) >= frame) * by


WRONG: dict[str, tuple[Callable[[], bytes], str, int | None, str]] = {
    "no frames": (
        lambda: changed(lambda c: c.update(qpos=c["qpos"][:0], qvel=c["qvel"][:0])),
        "KS0663",
        None,
        "it has 0 frames",
    ),
    "a header alone": (lambda: (",".join(HEADER) + "\n").encode(), "KS0663", None, "0 frames"),
    "centimetres": (
        lambda: changed(lambda c: c["qpos"].__imul__(np.r_[[100.0] * 3, [1.0] * 24])),
        "KS0690",
        0,
        "read in centimetres it stands",
    ),
    "millimetres": (lambda: table(scale=1000.0), "KS0690", 0, "read in millimetres it stands"),
    "y upwards": (lambda: changed(raised), "KS0691", None, "with y upwards the robot stands"),
    "a frame that is late": (
        lambda: table(HEADER, times=late(50, 0.2)),
        "KS0692",
        50,
        "it comes 0.22 after the one before it (line 52)",
    ),
    "a time that goes back": (lambda: table(HEADER, times=late(80, -0.5)), "KS0692", 80, "-0.48"),
    "a time that stands still": (
        lambda: table(HEADER, times=EVEN * 0.0),
        "KS0692",
        1,
        "its time is the same as before",
    ),
    "times in milliseconds": (
        lambda: table(HEADER, times=EVEN * 1000),
        "KS0664",
        None,
        "0.05 frames a second",
    ),
    "decimal commas between commas": (lambda: table(decimal=","), "KS0661", None, "columns"),
    "no base": (
        lambda: b"\n".join(b",".join(row.split(b",")[7:]) for row in table().splitlines()),
        "KS0661",
        None,
        "13 joints",
    ),
    "a first column that counts": (
        lambda: table(times=EVEN).partition(b"\n")[2],
        "KS0661",
        None,
        "21 joints",
    ),
    "an encoding of Windows": (
        lambda: table(("Höhe", *HEADER[1:])).decode().encode("cp1252"),
        "KS0660",
        None,
        "line 1 is no text in UTF-8: it holds the byte 0xf6",
    ),
    "UTF-16": (lambda: table(HEADER).decode().encode("utf-16"), "KS0660", None, "UTF-16"),
    "a file that Git has not fetched": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:46\nsize 123\n",
        "KS0660",
        None,
        "Git LFS",
    ),
    "one angle a whole turn off": (lambda: changed(wound), "KS0678", 0, "'ankle_pitch_left'"),
    "whole-body tracking without orientations": (
        lambda: tracked(lambda c: c.pop("body_quat_w")),
        "KS0679",
        None,
        "no place and orientation of the base",
    ),
    "orientations of other bodies": (lambda: tracked(permuted), "KS0680", None, "turned otherwise"),
    "bodies of other names": (
        lambda: tracked(lambda c: c.update(body_names=[f"b{i}" for i in range(12)])),
        "KS0680",
        None,
        "it names 12 bodies, 'b0' and so on",
    ),
    "fewer names than bodies": (
        lambda: tracked(lambda c: c.update(body_names=c["body_names"][:-1])),
        "KS0661",
        None,
        "body_pos_w has 12 bodies and body_names 11",
    ),
    "a body's orientation that is no number": (
        lambda: tracked(lambda c: put(c, "body_quat_w", (22, 4, 1), np.nan)),
        "KS0662",
        22,
        "their orientations",
    ),
    "a body's velocity that is no number": (
        lambda: tracked(lambda c: put(c, "body_lin_vel_w", (23, 4, 1), np.inf)),
        "KS0662",
        23,
        "the velocities of bodies",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_words(what: str) -> None:
    make, code, frame, words = WRONG[what]
    found = read(make(), "clip.csv")
    assert found.clip is None
    fault = found.faults[0]
    assert (str(fault.code), words in fault.text) == (code, True), fault.text
    if frame is not None:
        assert fault.frame == frame


def test_every_code_of_odd_clips_is_shown() -> None:
    shown = {code for _, code, _, _ in WRONG.values()}
    shown |= {code for _, notes in VALID.values() for code in notes}
    assert {code for code in CATALOGUE if "KS0690" <= code <= "KS0694"} <= shown


def test_times_are_not_read_where_the_rate_is_said() -> None:
    found = read(table(HEADER, times=late(50, 0.2)), "clip.csv", Asked(fps=50.0))
    assert found.clip is not None
    assert found.clip.fps == 50.0
    assert codes(found) == set()


def test_help_says_what_it_may_be() -> None:
    helps = {what: read(WRONG[what][0](), "c.csv").faults[0].help for what in WRONG}
    assert "--fps 50" in helps["times in milliseconds"]
    assert "milliseconds" in helps["times in milliseconds"]
    assert "decimal points" in helps["decimal commas between commas"]
    assert "none for its base" in helps["no base"]
    assert "counts the frames" in helps["a first column that counts"]
    assert "whole turn" in helps["one angle a whole turn off"]


def test_the_commands_say_it_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index, (make, *_) in enumerate(WRONG.values()):
        (tmp_path / f"{index}.csv").write_bytes(make())
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    assert main(["check", *paths, "--robot", str(ROOT / "tasks/walk.yaml")]) == 1
    told = capsys.readouterr().err
    assert told.count("error KS06") == len(WRONG)
    assert "Traceback" not in told
