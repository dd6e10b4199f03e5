"""A clip's file and a robot: whose joint is which column, and where the base is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import mujoco
import numpy as np

from ksim_compiler.motion.bodies import Fit, fitted
from ksim_compiler.motion.clip import Array, Clip, ClipError, Fault, moving_joints
from ksim_compiler.motion.raw import (
    CSV_FPS,
    LAYOUTS,
    MAX_TEXT,
    Raw,
    from_arrays,
    read_arrays,
    refused,
)
from ksim_compiler.motion.screen import screened
from ksim_compiler.motion.table import base_columns, read_table
from ksim_schema.diagnostics import closest, did_you_mean
from ksim_schema.diagnostics.codes import motions as codes
from ksim_schema.robot import RobotFacts

RATES = (5.0, 1000.0)
"""Frames a second that a clip can have."""
SHORTEST = 0.1
"""Shortest clip, s."""


class Reading(NamedTuple):
    """A clip, or None where an error keeps it from being one, and what was found."""

    clip: Clip | None
    faults: list[Fault]


@dataclass(frozen=True)
class Asked:
    """What a reader is told of a file that the file itself may not say.

    Attributes:
        fps: frames a second, instead of what the file says.
        degrees: whether hinges are in degrees.
        quaternion: the order of quaternions, instead of that of the layout: ``wxyz`` or ``xyzw``.
    """

    fps: float | None = None
    degrees: bool = False
    quaternion: str = ""


ASKED = Asked()


def read_clip(
    data: bytes,
    name: str,
    robot: RobotFacts,
    model: mujoco.MjModel,
    asked: Asked = ASKED,
) -> Reading:
    """Read a clip for a robot, and screen it.

    Args:
        data: the file's bytes.
        name: the file's name.
        robot: names and limits of the robot.
        model: its model, for where its bodies are.
        asked: what the file may not say.

    Returns:
        The clip, where nothing keeps it from being one, and its faults by frame.
    """
    try:
        joints = moving_joints(robot)
        raw = _raw(data, tuple(joint.name for joint in joints))
        raw, notes = _split(raw, robot)
        if asked.quaternion and raw.turn is not None:
            scalar_last = raw.layout.startswith("csv")
            if (asked.quaternion == "xyzw") != scalar_last:
                columns = [1, 2, 3, 0] if scalar_last else [3, 0, 1, 2]
                raw = replace(raw, turn=raw.turn[:, columns])
        fps, assumed = _fps(raw, asked)
        notes += assumed
        _long_enough(raw, fps)
        _finite(raw, fps)
        raw, fit = _ordered(raw, robot, model)
        notes += fit
        if asked.degrees:
            hinges = np.array([j.type == "hinge" for j in joints])
            factor = np.where(hinges, math.pi / 180, 1.0)
            rates = None if raw.rates is None else raw.rates * factor
            raw = replace(raw, joints=raw.joints * factor, rates=rates)
        turn, flips = _unit(raw, fps)
    except ClipError as error:
        return Reading(None, error.faults)
    stem = name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or name
    names = tuple(joint.name for joint in joints)
    clip = Clip(stem, fps, names, raw.joints, raw.place, turn, raw.layout, flips)
    faults = [*notes, *screened(clip, raw, robot, model)]
    failed = any(fault.code.severity == "error" for fault in faults)
    order = {"error": 0, "warning": 1, "info": 2}
    faults.sort(key=lambda f: (order[f.code.severity], -1 if f.frame is None else f.frame))
    return Reading(None if failed else clip, faults)


def _raw(data: bytes, robot_joints: tuple[str, ...]) -> Raw:
    """The arrays of an npz or a csv, told apart by what is in the file.

    Args:
        data: the file.
        robot_joints: what joints are called, to know them in the header of a csv.

    Raises:
        ClipError: it is neither, or is damaged.
    """
    if data[:2] == b"PK":
        return from_arrays(read_arrays(data))
    if data[:6] == b"\x93NUMPY":
        message = "it is a single array (.npy), which tells neither rate nor joints"
        raise refused(codes.NOT_A_CLIP, message, help=LAYOUTS)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise refused(codes.NOT_A_CLIP, "it is text in UTF-16", help="save it as text in UTF-8")
    if data.startswith(b"version https://git-lfs"):
        message = "it is what Git LFS leaves in the place of a file that was not fetched"
        raise refused(codes.NOT_A_CLIP, message, help="run git lfs pull")
    if data[:1] == b"\x80" or b"\0" in data[:1000]:
        message = "it is neither an .npz of arrays nor a .csv of numbers"
        if data[:1] == b"\x80":
            message += "; it looks like a pickle, which could run code when it is read"
        raise refused(codes.NOT_A_CLIP, message, help=LAYOUTS)
    if len(data) > MAX_TEXT:
        raise refused(codes.NOT_A_CLIP, f"the file is larger than {MAX_TEXT:,} bytes")
    return read_table(data, robot_joints)


def _split(raw: Raw, robot: RobotFacts) -> tuple[Raw, list[Fault]]:
    """The base apart from the joints, where the columns are all of qpos."""
    notes = [Fault(codes.CLIP_ORDER_ASSUMED, remark) for remark in raw.remarks]
    floats = robot.base is not None
    if raw.bodies and raw.body_places is not None and not set(raw.bodies) & set(robot.bodies):
        message = f"it names {len(raw.bodies)} bodies, {raw.bodies[0]!r} and so on, and the robot "
        message += "has none of them"
        raise refused(codes.CLIP_OTHER_ROBOT, message, help="correct or leave out 'body_names'")
    if raw.bodies is not None and robot.root in raw.bodies:
        index = raw.bodies.index(robot.root)
        for field, table in (("place", raw.body_places), ("turn", raw.body_turns)):
            raw = raw if table is None else replace(raw, **{field: table[:, index]})
    if not raw.whole:
        if floats and (raw.place is None or raw.turn is None):
            message = "it has no place and orientation of the base, and the robot floats"
            raise refused(codes.CLIP_BASE, message, help="add body_pos_w and body_quat_w")
        if not floats and raw.layout.startswith("csv"):
            return replace(raw, place=None, turn=None), notes
        return (raw if floats else replace(raw, place=None, turn=None)), notes
    names, joints, rates = raw.names, raw.joints, raw.rates
    if names is None and joints.shape[1] != robot.nq:
        message = f"qpos has {joints.shape[1]} columns, and the robot {robot.nq} coordinates"
        raise refused(codes.CLIP_WIDTH, message, help="name the joints in 'joint_names'")
    if names is None:
        _fitting(joints, rates, floats)
        rows = [j.qpos for j in moving_joints(robot)]
        dofs = [j.dof for j in moving_joints(robot)]
        base = robot.base
        raw = replace(
            raw,
            joints=joints[:, rows],
            rates=None if rates is None else rates[:, dofs],
            place=None if base is None else joints[:, base.qpos : base.qpos + 3],
            turn=None if base is None else joints[:, base.qpos + 3 : base.qpos + 7],
        )
        return raw, notes
    if floats and (base := base_columns(names)) is not None:
        names, joints = names[7:], np.concatenate([joints[:, base], joints[:, 7:]], axis=1)
    free = {robot.base.name} if robot.base is not None else set[str]()
    named = tuple(name for name in names if name not in free or name == "")
    wide = joints.shape[1] - len(named)
    if floats and wide == 0:
        message = "qpos has a column for each joint that is named and none for the base, and the "
        raise refused(codes.CLIP_BASE, message + "robot floats")
    if wide != (7 if floats else 0):
        message = f"qpos has {joints.shape[1]} columns, and {len(named)} joints are named"
        help = "the base has seven columns, before those of the joints" if floats else ""
        raise refused(codes.CLIP_WIDTH, message, help=help)
    _fitting(joints, rates, floats)
    raw = replace(
        raw,
        names=named,
        joints=joints[:, wide:],
        rates=None if rates is None else rates[:, 6 if floats else 0 :],
        place=joints[:, :3] if floats else None,
        turn=joints[:, 3:7] if floats else None,
    )
    return raw, notes


def _fitting(qpos: Array, qvel: Array | None, floats: bool) -> None:
    if qvel is not None and qvel.shape[1] != qpos.shape[1] - (1 if floats else 0):
        message = f"qvel has {qvel.shape[1]} columns and qpos {qpos.shape[1]}"
        raise refused(codes.CLIP_WIDTH, message)


def _fps(raw: Raw, asked: Asked) -> tuple[float, list[Fault]]:
    """Frames a second, and what was taken for granted."""
    if raw.uneven is not None and asked.fps is None:
        raise ClipError([raw.uneven])
    fps = asked.fps or raw.fps
    if fps is None and raw.layout.startswith("csv"):
        message = f"it does not say how many frames a second it has; {CSV_FPS:g} are taken"
        return CSV_FPS, [Fault(codes.CLIP_RATE_ASSUMED, message, help="say it with --fps or 'fps'")]
    help = "add an array fps, or say it with --fps or 'fps'"
    if fps is None:
        raise refused(codes.CLIP_RATE, "it does not say how many frames a second it has", help=help)
    if not (math.isfinite(fps) and RATES[0] <= fps <= RATES[1]):
        low, high = RATES
        message = f"it says that it has {fps:g} frames a second; {low:g} to {high:g} are taken"
        for unit, share in (("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)):
            if raw.timed and RATES[0] <= fps * share <= RATES[1]:
                help = f"its times are in {unit}, it seems, and are read in seconds; say the rate "
                help += f"with --fps {fps * share:.4g} or 'fps'"
        raise refused(codes.CLIP_RATE, message, help=help)
    return fps, []


def _finite(raw: Raw, fps: float) -> None:
    tables = {"the joints": raw.joints, "the base's position": raw.place}
    tables |= {"the base's orientation": raw.turn, "the velocities": raw.rates}
    tables |= {"the places of bodies": raw.body_places, "their orientations": raw.body_turns}
    tables |= raw.others
    for what, table in tables.items():
        if table is None:
            continue
        bad = ~np.isfinite(table.reshape(len(table), -1))
        if bad.any():
            frame = int(np.argmax(bad.any(axis=1)))
            column = int(np.argmax(bad[frame]))
            where = f", line {raw.first_line + frame}" if raw.first_line else ""
            name = raw.names[column] if what == "the joints" and raw.names else ""
            named = f" ({name})" if name else ""
            message = f"a number of {what}{named} is not finite{where}"
            fault = Fault(codes.CLIP_NOT_FINITE, message, frame, frame / fps)
            raise ClipError([fault])


def _long_enough(raw: Raw, fps: float) -> None:
    frames = len(raw.joints)
    if frames < 2 or (frames - 1) / fps < SHORTEST - 1e-9:
        lasts = f"{max(frames - 1, 0) / fps:.3g} s"
        message = f"it has {frames} frame{'s' if frames != 1 else ''} and lasts {lasts}"
        raise refused(codes.CLIP_TOO_SHORT, message + f"; {SHORTEST:g} s are needed")


def _ordered(raw: Raw, robot: RobotFacts, model: mujoco.MjModel) -> tuple[Raw, list[Fault]]:
    """The joints in the model's order: by their names, or as the places of bodies fit."""
    known = tuple(joint.name for joint in moving_joints(robot))
    if raw.names is not None:
        if len(raw.names) != raw.joints.shape[1]:
            message = f"{len(raw.names)} joints are named, and there are columns of "
            raise refused(codes.CLIP_WIDTH, message + f"{raw.joints.shape[1]}")
        notes = list[Fault]()
        if (shorter := _shortened(raw.names, known)) is not None:
            message = f"its joints are called {raw.names[0]!r} and so on, and are taken for "
            notes.append(Fault(codes.CLIP_LONGER_NAMES, message + f"{shorter[0]!r} and so on"))
            raw = replace(raw, names=shorter)
        assert raw.names is not None
        faults = _by_name(raw.names, known, robot.source)
        if faults:
            raise ClipError(faults)
        columns = [raw.names.index(name) for name in known]
        if raw.names != known:
            pairs = zip(raw.names, known, strict=True)
            first = next(i for i, (own, other) in enumerate(pairs) if own != other)
            message = f"its joint {first + 1} is {raw.names[first]!r} and the model's "
            message += f"{known[first]!r}; joints are taken by their names"
            notes.append(Fault(codes.CLIP_REORDERED, message))
        return _columns(raw, columns), notes
    if raw.joints.shape[1] != len(known):
        message = f"it has {raw.joints.shape[1]} joints and names none; the robot has {len(known)}"
        help = "name the joints"
        if raw.joints.shape[1] + 7 == len(known) and raw.layout.startswith("csv"):
            help = (
                "it has a column for each joint of the robot, and none for its base: x, y, z and "
            )
            help += "the quaternion come before them"
        elif raw.place is not None and _counts(raw.place[:, 0]):
            help = "its first column counts the frames, it seems: give it a header, such as "
            help += "time,x,y,z,qx,qy,qz,qw and the joints"
        raise refused(codes.CLIP_WIDTH, message, help=help)
    if raw.body_places is None or raw.turn is None:
        message = "it does not name its joints; they are taken in the model's order"
        return raw, [Fault(codes.CLIP_ORDER_ASSUMED, message)]
    found: Fit = fitted(raw, robot, model)
    notes = [Fault(codes.CLIP_ORDER_ASSUMED, found.message)]
    return _columns(replace(raw, bodies=found.bodies), list(found.columns)), notes


def _shortened(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...] | None:
    """The robot's names, where all have the same before or after them, or other capitals."""
    if not known or sorted(names) == sorted(known):
        return None
    for name in names:
        if not name.endswith(known[0]) and known[0] not in name:
            continue
        before, _, after = name.rpartition(known[0])
        if not all(n.startswith(before) and n.endswith(after) for n in names):
            continue
        shorter = tuple(n[len(before) : len(n) - len(after)] for n in names)
        if sorted(shorter) == sorted(known):
            return shorter
    lower = tuple(n.lower() for n in names)
    return _respelt(lower, known)


def _respelt(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...] | None:
    """The robot's names of names in small letters, where they are alike but for these."""
    spelt = {name.lower(): name for name in known}
    alike = len(spelt) == len(known) and sorted(names) == sorted(spelt)
    return tuple(spelt[name] for name in names) if alike else None


def _counts(column: Array) -> bool:
    """Whether a column goes up by the same each frame."""
    steps = np.diff(column)
    return len(steps) > 2 and float(np.ptp(steps)) < 1e-3 * abs(float(steps[0]))


def _by_name(names: tuple[str, ...], known: tuple[str, ...], source: str) -> list[Fault]:
    """Joints that are missing, not there, or named twice."""
    faults: list[Fault] = []
    for name in sorted(set(names) - set(known)):
        message = f"it names the joint {name!r}, which the robot does not have"
        help = did_you_mean(name, [k for k in known if k not in names] or known, of=f"{source} has")
        faults.append(Fault(codes.CLIP_OTHER_JOINT, message, help=help))
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(Fault(codes.CLIP_OTHER_JOINT, f"it names the joint {name!r} twice"))
    strange = set(names) - set(known)
    missing = [name for name in known if name not in names]
    missing = [name for name in missing if not closest(name, strange)]  # it is misspelt
    if missing:
        message = f"it has no joint {missing[0]!r}"
        if len(missing) > 1:
            message += f", nor {', '.join(map(repr, missing[1:6]))}"
            message += " and others" if len(missing) > 6 else ""
        help = "its joints: " + ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        faults.append(Fault(codes.CLIP_LACKS_JOINT, message, help=help))
    return faults


def _columns(raw: Raw, columns: list[int]) -> Raw:
    rates = None if raw.rates is None else raw.rates[:, columns]
    return replace(raw, joints=raw.joints[:, columns], rates=rates)


def _unit(raw: Raw, fps: float) -> tuple[Array | None, tuple[int, ...]]:
    """Unit quaternions, each with the signs that are nearer to the one before it."""
    if raw.turn is None:
        return None, ()
    lengths = np.linalg.norm(raw.turn, axis=1)
    off = np.abs(lengths - 1.0) > 0.01
    if off.any():
        frame = int(np.argmax(off))
        message = f"the quaternion's length is {lengths[frame]:.3g}, not 1"
        raise ClipError([Fault(codes.CLIP_QUATERNION_LENGTH, message, frame, frame / fps)])
    turn = raw.turn / lengths[:, None]
    turned = np.sum(turn[1:] * turn[:-1], axis=1) < 0.0
    signs = np.concatenate([[1.0], np.cumprod(np.where(turned, -1.0, 1.0))])
    flips = tuple(int(i) + 1 for i in np.flatnonzero(turned))
    return turn * signs[:, None], flips
