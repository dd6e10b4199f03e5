"""Clips as csv: a line for each frame, with x, y, z, a quaternion x, y, z, w, and the joints."""

from __future__ import annotations

import re

import numpy as np

from ksim_compiler.motion.clip import Array
from ksim_compiler.motion.raw import LAYOUTS, MAX_FRAMES, Raw, refused
from ksim_schema.diagnostics.codes import motions as codes

_COUNTERS = ("frame", "index", "time", "t", "timestamp", "")
"""Names of a first column that counts the frames."""
_JOINT_ENDS = ("_dof", "_pos", "_position", ".pos")
"""What the column of a joint may be called after the joint's name."""


def read_table(data: bytes, robot_joints: tuple[str, ...]) -> Raw:
    """The arrays of a csv.

    Args:
        data: the file.
        robot_joints: what joints are called.

    Raises:
        ClipError: it is no table of numbers.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise refused(codes.NOT_A_CLIP, "it is no text in UTF-8", help=LAYOUTS) from error
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip(" \t,;")]
    numbered = [(i, line) for i, line in numbered if not line.lstrip().startswith("#")]
    if not numbered:
        raise refused(codes.NOT_A_CLIP, "it is empty", help=LAYOUTS)
    if len(numbered) > MAX_FRAMES:
        raise refused(codes.NOT_A_CLIP, f"it has more than {MAX_FRAMES:,} frames")
    cells = [cell.strip().strip('"') for cell in numbered[0][1].split(",")]
    header = None if all(map(_is_number, cells)) else cells
    if header is not None:
        numbered = numbered[1:]
    table = _numbers(numbered, len(cells))
    first_line = numbered[0][0] if numbered else 0
    if header is None:
        if len(cells) < 8:
            message = f"a line has {len(cells)} columns, and x, y, z, a quaternion and joints are "
            raise refused(codes.CLIP_WIDTH, message + "needed", help=LAYOUTS)
        turn = table[:, [6, 3, 4, 5]]
        return Raw(
            "csv without a header", table[:, 7:], None, table[:, :3], turn, first_line=first_line
        )
    return _with_header(header, table, robot_joints, first_line)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(numbered: list[tuple[int, str]], width: int) -> Array:
    rows = np.empty((len(numbered), width))
    for frame, (number, line) in enumerate(numbered):
        cells = line.rstrip().rstrip(",").split(",") if line.rstrip().endswith(",") else None
        cells = cells or line.split(",")
        if len(cells) != width:
            message = f"line {number} has {len(cells)} columns and the first one {width}"
            raise refused(codes.CLIP_WIDTH, message, frame)
        try:
            rows[frame] = [float(cell.strip().strip('"') or "nan") for cell in cells]
        except ValueError as error:
            bad = next(cell for cell in cells if not _is_number(cell.strip().strip('"') or "nan"))
            message = f"line {number} holds {bad.strip()[:40]!r}, which is not a number"
            raise refused(codes.NOT_A_CLIP, message, frame) from error
    return rows


def _with_header(
    header: list[str], table: Array, robot_joints: tuple[str, ...], first_line: int
) -> Raw:
    """The columns by what the header calls them."""
    columns, fps = list(range(len(header))), None
    if header[0].lower() in _COUNTERS:
        columns = columns[1:]
        steps = np.diff(table[:, 0])
        if header[0].lower() in ("time", "t", "timestamp") and len(steps) and np.all(steps > 0):
            fps = float(1.0 / np.median(steps))
    joints = {c: name for c in columns if (name := _joint(header[c], robot_joints))}
    rest = [c for c in columns if c not in joints]
    roles = {c: role for c in rest if (role := _role(header[c]))}
    if len(set(roles.values())) == len(roles) == 7:
        order = {role: c for c, role in roles.items()}
        others = {c: header[c] for c in columns if c not in roles}
        remarks: tuple[str, ...] = ()
    elif any(_angle(header[c]) for c in rest) and len(roles) < 7:
        message = "its header tells the base's orientation as angles: "
        message += ", ".join(header[c] for c in rest if _angle(header[c]))
        raise refused(codes.NOT_A_CLIP, message, help="give it as a quaternion x, y, z, w")
    elif columns[:7] == rest[:7] and len(columns) > 7:
        order = dict(zip(("x", "y", "z", "qx", "qy", "qz", "qw"), columns, strict=False))
        others = {c: header[c] for c in columns[7:]}
        remarks = ("the first seven columns are taken for x, y, z and the quaternion x, y, z, w",)
    else:
        message = f"its header names no place and orientation of the base: {', '.join(header[:8])}"
        raise refused(codes.CLIP_WIDTH, message, help=LAYOUTS)
    names = tuple(joints.get(c, name) for c, name in others.items())
    return Raw(
        "csv with a header",
        table[:, list(others)],
        names,
        table[:, [order[a] for a in ("x", "y", "z")]],
        table[:, [order[a] for a in ("qw", "qx", "qy", "qz")]],
        fps,
        first_line=first_line,
        remarks=remarks,
    )


def _joint(title: str, robot_joints: tuple[str, ...]) -> str:
    """The joint that a column is of; "" for none."""
    if title in robot_joints:
        return title
    found = (title.removesuffix(end) for end in _JOINT_ENDS if title.endswith(end))
    return next((name for name in found if name in robot_joints), "")


def _role(title: str) -> str:
    """Which number of the base's pose a column holds: x to z, qx to qw; "" for none."""
    steps = list(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", title).lower()))
    steps = [s for s in steps if s]
    if not steps:
        return ""
    last, before = steps[-1], set(steps[:-1])
    if re.fullmatch("q[wxyz]", last):
        return last
    if last in tuple("wxyz") and before & {"quat", "quaternion", "rot", "orientation", "q"}:
        return f"q{last}"
    plain = before <= {"root", "base", "pelvis", "pos", "position", "translate", "translation", "p"}
    return last if last in tuple("xyz") and plain else ""


def _angle(title: str) -> bool:
    return re.search(r"roll|pitch|yaw|euler|rotate", title.lower()) is not None
