"""Whether a model can be simulated at all: its numbers, options, keyframes and images.

MuJoCo compiles models whose numbers are not finite or make no sense, and computes with them. Here
they are refused, with what is wrong in the author's terms.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.robot.files import ModelError
from ksim_compiler.robot.xml import XmlError, parse
from ksim_schema.diagnostics import Code
from ksim_schema.diagnostics.codes.names import BAD_MODEL_OPTION, BROKEN_MODEL
from ksim_schema.diagnostics.codes.values import BAD_KEYFRAME
from ksim_schema.robot import FILES

MAX_PIXELS = 1 << 27
"""Most pixels of an image, and most heights of a height field: about 400 MB with 3 colours."""
MAX_COPIES = 100_000
"""Most copies of a body, parts of a composite, or keyframes that an element may ask for."""
MAX_ENTRIES = 10_000_000
"""Largest size of an array that an element of a model asks for by its number of entries."""
SHORTEST = 1e-7
"""Shortest timestep, in s: a control period would take hundreds of thousands of them."""

_MEND = "mend the model: a script may have written the number without checking it"
_PNG = b"\x89PNG\r\n\x1a\n"


class BrokenModel(ModelError):
    """A model that MuJoCo reads, and that cannot be simulated."""

    def __init__(self, code: Code, message: str, field: str = "model", help: str = "") -> None:
        super().__init__(message, help, code=code, field=field)


def png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels that a PNG file says it has; None for another file."""
    if not data.startswith(_PNG) or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def check_files(content: Mapping[str, bytes]) -> None:
    """Check the files of a model before MuJoCo reads them, which makes what they ask for.

    Raises:
        ModelError: an image or height field has too many pixels, or there are too many of a thing.
        BrokenModel: with the code KS0228: a number is nan. MuJoCo takes some for not given.
    """
    documents = {
        name: root for name, data in content.items() if (root := _document(data)) is not None
    }
    names = {
        element.get(what)
        for root in documents.values()
        for element in root.iter()
        for what in _NAMES
    }
    for name, root in documents.items():
        for element in root.iter():
            _check_size(
                f"the {_TITLES.get(element.tag, '')} {element.get('name', '')!r}",
                *(_count(element, what) for what in _SIZES.get(element.tag, ())),
            )
            _check_counts(element)
            if element.tag not in _LENIENT:
                _check_nan(name, element, names)
    for name, data in content.items():
        if not name.startswith(FILES):  # the task's own: terrain.py says where it stands there
            _check_size(f"the image {name}", *(png_size(data) or ()))


_NAMES = ("name", "class")
_LENIENT = ("key", "numeric", "tuple", "text")
"""Elements whose numbers are looked at elsewhere, or are not for MuJoCo."""
_SIZES = {"texture": ("width", "height"), "hfield": ("ncol", "nrow")}
_USERS = ("body", "jnt", "geom", "site", "cam", "tendon", "actuator", "sensor")
_LARGEST = {
    "numeric": {"size": MAX_ENTRIES},
    "size": {
        **dict.fromkeys(("nuserdata", "nconmax", "njmax"), MAX_ENTRIES),
        **dict.fromkeys(("nkey", *(f"nuser_{what}" for what in _USERS)), MAX_COPIES),
    },
}
_TITLES = {"texture": "texture", "hfield": "height field"}


def _document(data: bytes) -> ElementTree.Element | None:
    """The XML in a file; None of another one."""
    if b"<" not in data[:1000]:
        return None
    try:
        return parse(data)
    except XmlError:
        return None


def _count(element: ElementTree.Element, what: str) -> int:
    text = element.get(what, "0").strip()
    return int(text) if text.isdecimal() else 0


def _check_size(what: str, width: int = 0, height: int = 0) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_PIXELS:
        pixels = f"{width:,} x {height:,} pixels; at most {MAX_PIXELS:,} are read"
        raise ModelError(f"{what} has {pixels}")


def _check_counts(element: ElementTree.Element) -> None:
    copies = math.prod(int(n) for n in element.get("count", "").split() if n.isdecimal())
    if copies > MAX_COPIES:
        raise ModelError(
            f"<{element.tag}> makes {copies:,} copies; at most {MAX_COPIES:,} are made"
        )
    for attribute, most in _LARGEST.get(element.tag, {}).items():
        if _count(element, attribute) > most:
            given = element.get(attribute)
            raise ModelError(f"<{element.tag}> has {attribute} {given}; at most {most:,} is read")


def _check_nan(file: str, element: ElementTree.Element, names: set[str | None]) -> None:
    for attribute, text in element.items():
        if attribute == "user" or "nan" not in text.lower() or text in names:
            continue
        tokens = text.split()
        try:
            bad = [token for token in tokens if math.isnan(float(token))]
        except ValueError:  # no numbers
            continue
        if bad and attribute not in _NAMES:
            named = element.get("name")
            what = f"<{element.tag}>" if named is None else f"{element.tag} {named!r}"
            message = f"a number of the model is not finite: {attribute} of {what} in {file} "
            raise BrokenModel(BROKEN_MODEL, f"{message}has {bad[0]}", help=_MEND)


def check_options(model: mujoco.MjModel, timestep: float | None) -> None:
    """Check the options that a simulation divides by, or steps with.

    Args:
        model: the model, with the task's options in it.
        timestep: the one that the task gives, in s.

    Raises:
        BrokenModel: with the code KS0229.
    """
    value = float(model.opt.timestep)
    if not SHORTEST <= value < np.inf:
        field, whose = ("model", "the model's ") if timestep is None else ("timestep", "a ")
        message = f"{whose}timestep of {value:g} s is not possible"
        help = "write the duration of a step of the simulation, such as 0.002 s"
        if field == "model":
            help += ", into the model's <option timestep=...>, or give the task a 'timestep'"
        raise BrokenModel(BAD_MODEL_OPTION, message, field, help)
    if not model.opt.impratio > 0.0:
        message = f"the model's option impratio is {model.opt.impratio:g}, and must be positive"
        raise BrokenModel(BAD_MODEL_OPTION, message)


def check_numbers(model: mujoco.MjModel) -> None:
    """Check that all numbers that a simulation computes with are finite.

    Ranges may be infinite, which is not a limit. Keyframes are another matter: :func:`broken_keys`.

    Raises:
        BrokenModel: with the code KS0228.
    """
    for name, value in _numbers(model.opt):
        if not np.isfinite(value).all():
            message = f"the model's option {name} is {_first(value)}"
            raise BrokenModel(BROKEN_MODEL, message, help=_MEND)
    for name, value in _numbers(model):
        if name.startswith("key_") or name.endswith("_user") or name in _DATA:
            continue
        bad = np.isnan(value) if "range" in name else ~np.isfinite(value)
        if bad.any():
            row = int(np.argwhere(np.atleast_1d(bad))[0][0])
            number = np.ravel(value)[np.flatnonzero(bad)[0]]
            message = f"a number of the model is not finite: {name} of {_owner(model, name, row)} "
            raise BrokenModel(BROKEN_MODEL, f"{message}has {number}", help=_MEND)


_DATA = ("numeric_data", "tuple_objprm")
"""Numbers that MuJoCo keeps for others."""


def _numbers(of: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The numbers of a model or of its options, by name."""
    for name in dir(of):
        if name.startswith("_"):
            continue
        value = getattr(of, name)
        if isinstance(value, float):
            yield name, np.asarray(value)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
            yield name, value


def _first(value: np.ndarray) -> float:
    """The first number that is not finite."""
    flat = np.ravel(value)
    return float(flat[np.flatnonzero(~np.isfinite(flat))[0]])


_KINDS = {
    "body": "body",
    "jnt": "joint",
    "dof": "joint",
    "qpos0": "joint",
    "qpos": "joint",
    "geom": "geom",
    "site": "site",
    "cam": "camera",
    "light": "light",
    "hfield": "hfield",
    "mat": "material",
    "eq": "equality",
    "tendon": "tendon",
    "actuator": "actuator",
    "sensor": "sensor",
}


def _owner(model: mujoco.MjModel, field: str, row: int) -> str:
    """What a row of a field belongs to, for a message."""
    prefix = field.split("_", 1)[0]
    kind = _KINDS.get(prefix)
    if kind is None or field == "hfield_data":
        return f"entry {row}"
    if prefix == "dof":
        row = int(model.dof_jntid[row])
    elif prefix in ("qpos0", "qpos"):
        row = int(np.searchsorted(model.jnt_qposadr, row, side="right")) - 1
    name = mujoco.mj_id2name(model, getattr(mujoco.mjtObj, f"mjOBJ_{kind.upper()}"), row)
    return f"{kind} {name!r}" if name else f"{kind} {row}"


def broken_keys(model: mujoco.MjModel, spec: mujoco.MjSpec) -> dict[str, str]:
    """What is wrong with keyframes: name -> a phrase, of those in which something is.

    Args:
        model: the model, as it was compiled.
        spec: what it was compiled from: MuJoCo makes a turn of none of a quaternion of length 0.
    """
    found: dict[str, str] = {}
    for key in spec.keys:
        for what in ("time", "qpos", "qvel", "act", "ctrl", "mpos", "mquat"):
            value = np.asarray(getattr(key, what), float)
            if not np.isfinite(value).all():
                found.setdefault(key.name, f"it has {_first(value)} in {what}")
        qpos, mquat = np.asarray(key.qpos), np.asarray(key.mquat)
        for joint in range(model.njnt):
            start = _quaternion(model, joint)
            if start is not None and qpos.size == model.nq and not qpos[start : start + 4].any():
                owner = _owner(model, "jnt_type", joint)
                found.setdefault(key.name, f"the quaternion of {owner} has length 0")
        if mquat.size and not mquat.reshape(-1, 4).any(axis=1).all():
            found.setdefault(key.name, "a quaternion in mquat has length 0")
    return found


def _quaternion(model: mujoco.MjModel, joint: int) -> int | None:
    """Where the quaternion of a joint begins in qpos; None where it has none."""
    start = int(model.jnt_qposadr[joint])
    kinds = {mujoco.mjtJoint.mjJNT_FREE: start + 3, mujoco.mjtJoint.mjJNT_BALL: start}
    return kinds.get(mujoco.mjtJoint(int(model.jnt_type[joint])))


def check_home(broken: Mapping[str, str], home: str | None) -> None:
    """Check the keyframe that episodes begin in.

    Raises:
        BrokenModel: with the code KS0468.
    """
    if home is not None and home in broken:
        message = f"keyframe {home!r} of the model cannot be the home pose: {broken[home]}"
        help = "mend the keyframe in the model"
        raise BrokenModel(BAD_KEYFRAME, message, "home", help)


_RANGES = {
    "jnt_range": "range",
    "jnt_actfrcrange": "actuatorfrcrange",
    "tendon_range": "range",
    "tendon_actfrcrange": "actuatorfrcrange",
    "actuator_ctrlrange": "ctrlrange",
    "actuator_forcerange": "forcerange",
    "actuator_actrange": "actrange",
}
"""Fields of a model that hold limits -> what they are called in a model's file."""


def no_limits(model: mujoco.MjModel) -> Iterator[str]:
    """Ranges that MuJoCo takes for no limit, for they do not run upward; a phrase for each.

    MuJoCo keeps the numbers of such a range as they were written.
    """
    for field, attribute in _RANGES.items():
        rows = np.asarray(getattr(model, field), float).reshape(-1, 2)
        for row in np.flatnonzero((rows[:, 0] >= rows[:, 1]) & rows.any(axis=1)):
            low, high = rows[row]
            owner = _owner(model, field, int(row))
            yield f"the {attribute} of {owner} runs from {low:g} to {high:g}"
