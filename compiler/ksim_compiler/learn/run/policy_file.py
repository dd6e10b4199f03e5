"""A trained policy in one file: what is needed to act, and to go on learning from it.

``NAME.ksimp`` is a safetensors file. Its arrays are those of a checkpoint, under the same names:
the networks and the statistics of inputs and returns; of the environments only the level of the
curriculum and the mean of what the networks read, a row each. The compiled task stands beside
them as bytes, where it may travel. Its header is JSON: what the policy is of, what it was made
with, how it was judged, its contract. Nothing in it can run code, and a SHA-256 covers all of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ksim_compiler.learn.run import checkpoint, checkpoints
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.checkpoints import Restored
from ksim_schema.source.files import reason, write_bytes

ENDING = ".ksimp"
"""How the name of a policy file ends."""
FORMAT = "ksim-policy-1"
"""A reader refuses another one."""
LEVEL = "env.episode.level"
"""The path of the levels in a state."""
INPUTS = "env.inputs."
"""The path of what the networks read in a state."""
TASK = "task.ksim"
"""The name of the compiled task among the arrays."""
MAX_SIZE = 200_000_000
"""Largest size in bytes of a file that is read."""
_TEXTS = ("task", "fingerprint", "canonical")
_MAPS = ("versions", "contract", "judged")


@dataclass(frozen=True)
class PolicyFile:
    """The content of a policy file.

    Attributes:
        arrays: by their name in a checkpoint.
        archive: the compiled task; None where the robot is that of a package.
        about: ``task``, its name; its ``fingerprint``; ``canonical``, its canonical form as JSON;
            ``steps`` that were trained; ``versions``; ``contract``; and how it was ``judged``.
    """

    arrays: Mapping[str, np.ndarray]
    archive: bytes | None
    about: Mapping[str, Any]

    @property
    def steps(self) -> int:
        """Environment steps that the policy was trained for."""
        return int(self.about["steps"])


def learned(place: Path, after: int | None = None) -> Restored[Mapping[str, np.ndarray]] | None:
    """The arrays of a run's newest good checkpoint, or those of a policy file.

    Args:
        place: the run's folder, or the file.
        after: environment steps of the only state that is wanted.

    Raises:
        CheckpointError: there is something, and it cannot be read.
    """
    if not place.is_file():
        return checkpoints.restore(place, checkpoint.read_arrays, after)
    file = read(place)
    return Restored(file.arrays, file.steps, place, ()) if after in (None, file.steps) else None


def kept(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a policy file keeps of a checkpoint's arrays."""
    found = dict[str, np.ndarray]()
    for name, array in arrays.items():
        part = name.partition(".")[0]
        if part == "networks" or part.endswith("_normalizer"):
            found[name] = array
        elif name.startswith(LEVEL):
            found[name] = np.mean(array, axis=0, keepdims=True)
        elif name.startswith(INPUTS):
            found[name] = np.asarray(np.mean(array, axis=0, dtype=np.float64, keepdims=True))
    return found


def write(path: Path, file: PolicyFile) -> None:
    """Write a policy file. It appears whole or not at all.

    Raises:
        CheckpointError: it cannot be written.
    """
    data = dict(file.arrays)
    if file.archive is not None:
        data[TASK] = np.frombuffer(file.archive, np.uint8)
    about = {**file.about, "format": FORMAT}
    about["sha256"] = checkpoint.digest(data, _text(about))
    try:
        write_bytes(path, save(data, metadata={"about": _text(about)}))
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {reason(error)}") from error


def read(path: Path) -> PolicyFile:
    """Read a policy file and check it.

    Raises:
        CheckpointError: it is none, or is damaged or of another format.
    """
    try:
        if path.stat().st_size > MAX_SIZE:
            raise CheckpointError(f"{path} is larger than {MAX_SIZE:,} bytes")
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
            data = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no policy {path}") from error
    except (SafetensorError, OSError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged or no policy: {error}") from error
    form = about.get("format") if isinstance(about, dict) else None
    if not str(form).startswith("ksim-policy-"):
        raise CheckpointError(f"{path} is no policy of this program; ksim-export makes one")
    if form != FORMAT:
        raise CheckpointError(f"{path} is of the form {form}, and this version reads {FORMAT}")
    digest = about.pop("sha256", None)
    if digest != checkpoint.digest(data, _text(about)) or not _whole(about):
        raise CheckpointError(f"{path} is damaged: its content does not have its checksum")
    archive = data.pop(TASK, None)
    return PolicyFile(data, None if archive is None else archive.tobytes(), about)


def _whole(about: Mapping[str, Any]) -> bool:
    """Whether each entry is there and of its type."""
    return (
        all(isinstance(about.get(name), str) for name in _TEXTS)
        and all(isinstance(about.get(name), dict) for name in _MAPS)
        and isinstance(about.get("steps"), int)
    )


def _text(about: Mapping[str, Any]) -> str:
    return json.dumps(about, sort_keys=True, allow_nan=False)
