"""Clips as csv: a line for each frame, with x, y, z, a quaternion x, y, z, w, and the joints."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from ksim_compiler.motion.clip import Array, Fault
from ksim_compiler.motion.raw import LAYOUTS, MAX_FRAMES, Raw, refused
from ksim_schema.diagnostics.codes import motions as codes

_COUNTERS = ("frame", "index", "time", "t", "timestamp", "")
"""Names of a first column that counts the frames."""
UNEVEN = 0.5
"""How much longer or shorter than the others a frame may last: clocks of recorders jitter."""
EVEN = "make the times even, or say with --fps or 'fps' how many frames a second it has"
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
    lines = _lines(data)
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip(" \t,;")]
    numbered = [(i, line) for i, line in numbered if not line.lstrip().startswith("#")]
    if not numbered:
        raise refused(codes.NOT_A_CLIP, "it is empty", help=LAYOUTS)
    if len(numbered) > MAX_FRAMES:
        raise refused(codes.NOT_A_CLIP, f"it has more than {MAX_FRAMES:,} frames")
    split = _splitting([line for _, line in numbered[:2]])
    rows = [(i, split(line)) for i, line in numbered]
    if all(not cells[-1] for _, cells in rows):
        rows = [(i, cells[:-1]) for i, cells in rows]  # each line ends in a separator
    cells = rows[0][1]
    if len(cells) < 2:
        message = f"line {rows[0][0]} is {numbered[0][1].strip()[:40]!r}, which is no line of a "
        raise refused(codes.NOT_A_CLIP, message + "table", help=LAYOUTS)
    header = None if all(map(_is_number, cells)) else cells
    if header is not None:
        rows = rows[1:]
    table = _numbers(rows, len(cells))
    numbered = rows
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


def _lines(data: bytes) -> list[str]:
    """The lines of a text.

    Raises:
        ClipError: one of them is no UTF-8.
    """
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"line {line} is no text in UTF-8: it holds the byte {data[error.start]:#x}"
        help = "save it as text in UTF-8; names in another encoding are written otherwise"
        raise refused(codes.NOT_A_CLIP, message, help=help) from error


def _splitting(lines: list[str]) -> Callable[[str], list[str]]:
    """What makes cells of a line: commas are between them, or semicolons, tabs or spaces.

    Between semicolons, tabs and spaces a comma is a decimal one, as programs write it in many
    countries.
    """
    sample = lines[-1]
    between = next((mark for mark in (";", "\t") if mark in sample), None)
    if between is None and "," not in sample and len(sample.split()) > 1:
        between = " "

    def split(line: str) -> list[str]:
        if between is None:
            return [cell.strip().strip('"') for cell in line.split(",")]
        cells = line.split() if between == " " else line.split(between)
        decimal = [
            re.sub(r"^([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)$", r"\1.\2", c.strip()) for c in cells
        ]
        return [cell.strip('"') for cell in decimal]

    return split


def _numbers(rows: list[tuple[int, list[str]]], width: int) -> Array:
    table = np.empty((len(rows), width))
    for frame, (number, cells) in enumerate(rows):
        if len(cells) != width:
            message = f"line {number} has {len(cells)} columns and the first one {width}"
            whole = not any("." in cell for cell in cells)
            help = "are its decimal points commas? Then put semicolons between its columns"
            raise refused(codes.CLIP_WIDTH, message, frame, help if whole else "")
        try:
            table[frame] = [float(cell or "nan") for cell in cells]
        except ValueError as error:
            bad = next(cell for cell in cells if not _is_number(cell or "nan"))
            message = f"line {number} holds {bad[:40]!r}, which is not a number"
            raise refused(codes.NOT_A_CLIP, message, frame) from error
    return table


def _with_header(
    header: list[str], table: Array, robot_joints: tuple[str, ...], first_line: int
) -> Raw:
    """The columns by what the header calls them."""
    columns, fps, uneven = list(range(len(header))), None, None
    if header[0].lower() in _COUNTERS:
        columns = columns[1:]
        if header[0].lower() in ("time", "t", "timestamp") and len(table) > 1:
            fps, uneven = _clocked(table[:, 0], first_line)
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
        timed=fps is not None,
        uneven=uneven,
    )


def _clocked(times: Array, first_line: int) -> tuple[float | None, Fault | None]:
    """Frames a second by their times, and where these are uneven."""
    steps = np.diff(times)
    usual = float(np.median(steps))
    bad = ~(np.abs(steps - usual) <= UNEVEN * abs(usual)) | ~(steps > 0)
    if not bad.any():
        return 1.0 / usual, None
    frame = int(np.argmax(bad)) + 1
    if not usual > 0:
        message = f"its time is the same as before, in {int((steps <= 0).sum())} of {len(steps)} "
        message += f"frames (line {first_line + frame})"
        return None, Fault(codes.CLIP_UNEVEN, message, frame, help=EVEN)
    message = f"it comes {steps[frame - 1]:.4g} after the one before it (line {first_line + frame})"
    message += f", and frames follow each other after {usual:.4g} elsewhere; {int(bad.sum())} of "
    message += f"{len(steps)} are so"
    at = float(times[frame]) if np.isfinite(times[frame]) else None
    return None, Fault(codes.CLIP_UNEVEN, message, frame, at, EVEN)


def base_columns(names: Sequence[str]) -> list[int] | None:
    """The columns of x, y, z and the quaternion w, x, y, z, if the first seven are these."""
    roles = [_role(name) for name in names[:7]]
    order = ("x", "y", "z", "qw", "qx", "qy", "qz")
    return [roles.index(role) for role in order] if sorted(roles) == sorted(order) else None


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
