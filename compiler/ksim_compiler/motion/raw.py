"""What is in a clip's file, before it is known what it means for a robot.

Files are read up to a size, and nothing in them is run: arrays that need pickle are refused.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from numpy.lib import format as npy

from ksim_compiler.motion.clip import Array, ClipError, Fault
from ksim_schema.diagnostics.code import Code
from ksim_schema.diagnostics.codes import motions as codes

MAX_SIZE = 500_000_000
"""Largest size of the unpacked arrays of an npz, bytes."""
MAX_TEXT = 100_000_000
"""Largest size of a csv file, bytes."""
MAX_ARRAYS = 64
MAX_FRAMES = 1_000_000
CSV_FPS = 30.0
"""Frames a second of a csv file that says nothing, as the retargeted LAFAN1 clips have."""
LAYOUTS = (
    "an npz has qpos (frames, nq) and fps; or joint_pos, body_pos_w, body_quat_w and fps; a csv "
    "has x, y, z, the quaternion x, y, z, w, and the joints in each line"
)


@dataclass(frozen=True)
class Raw:
    """The arrays of a clip's file.

    Attributes:
        layout: how the file is laid out, in words.
        names: of the joints; None where it does not name them.
        joints: (frames, joints) positions.
        place: (frames, 3) of the base, or None.
        turn: (frames, 4) of the base, w first, or None.
        fps: frames a second, or None where the file does not say.
        rates: (frames, joints) velocities of the joints, or None.
        whole: whether ``joints`` are all of qpos: the base is among them.
        bodies: names of the bodies that ``body_places`` has, or None.
        body_places: (frames, bodies, 3) in the world, or None; so are ``body_turns``, (..., 4).
        first_line: of a text, the line of the first frame.
        remarks: what the reader has assumed.
        others: further tables, of which only the numbers are checked, by what they are.
        timed: whether the rate is that of a column of times.
        uneven: what is wrong with these times, or None.
    """

    layout: str
    joints: Array
    names: tuple[str, ...] | None = None
    place: Array | None = None
    turn: Array | None = None
    fps: float | None = None
    rates: Array | None = None
    whole: bool = False
    bodies: tuple[str, ...] | None = None
    body_places: Array | None = None
    body_turns: Array | None = None
    first_line: int = 0
    remarks: tuple[str, ...] = field(default=())
    others: Mapping[str, Array] = field(default_factory=lambda: {})
    timed: bool = False
    uneven: Fault | None = None


def refused(code: Code, message: str, frame: int | None = None, help: str = "") -> ClipError:
    """A file that cannot be read for one reason."""
    return ClipError([Fault(code, message, frame, help=help)])


def read_arrays(data: bytes) -> dict[str, Array]:
    """The arrays of an npz, none of which is larger than what the file says it unpacks to.

    Raises:
        ClipError: it is damaged, needs pickle, or is too large.
    """
    found: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_ARRAYS or sum(i.file_size for i in infos) > MAX_SIZE:
                message = f"it holds more than {MAX_ARRAYS} arrays or {MAX_SIZE:,} bytes"
                raise refused(codes.NOT_A_CLIP, message)
            for info in infos:
                with archive.open(info) as stream:
                    content = stream.read(info.file_size or 1)
                found[info.filename.removesuffix(".npy")] = _array(info.filename, content)
    except ClipError:
        raise
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        message = f"it is a damaged .npz: {str(error)[:200]}"
        raise refused(codes.NOT_A_CLIP, message) from error
    return found


def _array(name: str, content: bytes) -> Array:
    """One member; its header must tell of no more numbers than there are."""
    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    if dtype.hasobject:
        message = f"{name.removesuffix('.npy')!r} holds objects of Python, which could run code "
        message += "when they are read"
        raise refused(codes.NOT_A_CLIP, message, help="write names as an array of texts (np.array)")
    count = 1
    for size in shape:
        count *= int(size)
    if count * dtype.itemsize > len(content):
        raise refused(codes.NOT_A_CLIP, f"{name} is shorter than it says")
    stream.seek(0)
    return npy.read_array(stream, allow_pickle=False)


def from_arrays(arrays: Mapping[str, Array]) -> Raw:
    fps = _rate(arrays)
    names = _texts(arrays, "joint_names")
    bodies = _texts(arrays, "body_names")
    if "qpos" in arrays:
        qpos = _table(arrays, "qpos", 2)
        rates = _table(arrays, "qvel", 2) if "qvel" in arrays else None
        _as_many_frames({"qpos": qpos, "qvel": rates})
        return Raw("npz of qpos", qpos, names, fps=fps, rates=rates, whole=True)
    if "joint_pos" not in arrays:
        shown = ", ".join(sorted(arrays)[:8]) or "nothing"
        message = f"it has neither 'qpos' nor 'joint_pos': {shown}"
        raise refused(codes.NOT_A_CLIP, message, help=LAYOUTS)
    joints = _table(arrays, "joint_pos", 2)
    rates = _table(arrays, "joint_vel", 2) if "joint_vel" in arrays else None
    places = _table(arrays, "body_pos_w", 3) if "body_pos_w" in arrays else None
    turns = _table(arrays, "body_quat_w", 3) if "body_quat_w" in arrays else None
    speeds = {n: _table(arrays, n, 3) for n in _SPEEDS if n in arrays}
    sized = [("body_pos_w", places, 3), ("body_quat_w", turns, 4)]
    for name, array, size in (*sized, *((n, array, 3) for n, array in speeds.items())):
        if array is not None and (array.shape[2] != size or not array.shape[1]):
            message = f"{name} is {_shape(array)}, and frames x bodies x {size} is needed"
            raise refused(codes.CLIP_WIDTH, message)
    _as_many_frames(
        {"joint_pos": joints, "joint_vel": rates, "body_pos_w": places, "body_quat_w": turns}
        | speeds
    )
    _as_many_bodies({"body_pos_w": places, "body_quat_w": turns} | speeds, bodies)
    return Raw(
        "npz of whole-body tracking",
        joints,
        names,
        place=None if places is None else places[:, 0],
        turn=None if turns is None else turns[:, 0],
        fps=fps,
        rates=rates,
        bodies=bodies,
        body_places=places,
        body_turns=turns,
        others={_SPEEDS[name]: array for name, array in speeds.items()},
    )


_SPEEDS = {
    "body_lin_vel_w": "the velocities of bodies",
    "body_ang_vel_w": "the angular velocities of bodies",
}


def _as_many_bodies(tables: Mapping[str, Array | None], names: tuple[str, ...] | None) -> None:
    counts = {name: table.shape[1] for name, table in tables.items() if table is not None}
    counts |= {} if names is None or not counts else {"body_names": len(names)}
    for name, count in counts.items():
        first, bodies = next(iter(counts.items()))
        if count != bodies:
            message = f"{first} has {bodies} bodies and {name} {count}"
            raise refused(codes.CLIP_WIDTH, message)


def _table(arrays: Mapping[str, Array], name: str, dimensions: int) -> Array:
    array = arrays[name]
    if array.ndim != dimensions or array.dtype.kind not in "fiu":
        message = f"{name} is {_shape(array)} of {array.dtype}, and "
        message += "numbers of frames x " + ("columns" if dimensions == 2 else "bodies x numbers")
        raise refused(codes.CLIP_WIDTH, message + " are needed")
    if len(array) > MAX_FRAMES:
        raise refused(codes.NOT_A_CLIP, f"it has more than {MAX_FRAMES:,} frames")
    return array.astype(float)


def _as_many_frames(tables: Mapping[str, Array | None]) -> None:
    lengths = {name: len(table) for name, table in tables.items() if table is not None}
    first, frames = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != frames:
            message = f"{first} has {frames} frames and {name} {length}"
            raise refused(codes.CLIP_WIDTH, message, min(frames, length))


def _rate(arrays: Mapping[str, Array]) -> float | None:
    """Frames a second; None where the file says nothing.

    Raises:
        ClipError: it says something else than one number.
    """
    if "fps" not in arrays:
        return None
    array = arrays["fps"]
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise refused(codes.CLIP_RATE, f"fps is {_shape(array)} of {array.dtype}, not one number")
    return float(array.reshape(()))


def _texts(arrays: Mapping[str, Array], name: str) -> tuple[str, ...] | None:
    array = arrays.get(name)
    if array is None:
        return None
    if array.ndim != 1 or array.dtype.kind not in "US":
        message = f"{name} is {_shape(array)} of {array.dtype}, and a list of texts is needed"
        raise refused(codes.CLIP_WIDTH, message)
    decode = array.dtype.kind == "S"
    return tuple(t.decode("utf-8", "replace") if decode else str(t) for t in array.tolist())


def _shape(array: Array) -> str:
    return "x".join(map(str, array.shape)) or "a number"
