"""Checkpoints: the whole training state in one safetensors file, written atomically.

The file holds plain arrays under their path in the state, with a header that says what they are
for. Nothing in it can run code. A file is written beside its name, synced and renamed, so that
what stands under the name is always whole; a SHA-256 of the arrays finds later damage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ksim_schema.source.files import reason, write_bytes

FORMAT = "ksim-checkpoint-1"

Tree = TypeVar("Tree")


class CheckpointError(Exception):
    """A checkpoint that cannot be written or read; the message says why."""


def write(path: Path, state: Any, header: Mapping[str, str]) -> None:
    """Save a state.

    Args:
        path: the file; what stands there is replaced when the new one is whole.
        state: a pytree of arrays (random keys among them).
        header: texts to keep beside it, such as the task's fingerprint and versions.

    Raises:
        CheckpointError: the file cannot be written, on a full disk for example.
    """
    data = arrays(state)
    about = {**header, "format": FORMAT, "sha256": digest(data)}
    # one text, because safetensors does not write several in a fixed order
    metadata = {"about": json.dumps(about, sort_keys=True)}
    try:
        write_bytes(path, save(data, metadata=metadata), sync=True)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {reason(error)}") from error


def read_header(path: Path) -> dict[str, str]:
    """The texts that were kept beside a state.

    Raises:
        CheckpointError: the file cannot be read or is not a checkpoint.
    """
    return _load(path)[1]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a state by their path in it; keys as their bits.

    Raises:
        CheckpointError: the file cannot be read or is not a checkpoint.
    """
    return _load(path)[0]


def arrays(state: Any) -> dict[str, np.ndarray]:
    """The arrays of a state as :func:`read_arrays` gives them."""
    return {name: _plain(leaf) for name, leaf in _leaves(state).items()}


def with_arrays(like: Tree, values: Mapping[str, np.ndarray]) -> Tree:
    """A state whose arrays are replaced by others of the same names, shapes and types."""
    restored = [_like(values[name], leaf) for name, leaf in _leaves(like).items()]
    dynamic, static = eqx.partition(like, eqx.is_array)
    _, structure = jax.tree.flatten(dynamic)
    return eqx.combine(jax.tree.unflatten(structure, restored), static)


def zeros(shapes: Any) -> Any:
    """A state of zeros.

    Args:
        shapes: what ``jax.eval_shape`` or ``equinox.filter_eval_shape`` says that it looks like;
            its random keys are of JAX's usual kind.
    """

    def zero(leaf: Any) -> Any:
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jnp.asarray(np.zeros(leaf.shape, leaf.dtype))
        bits = jax.eval_shape(jax.random.key_data, leaf)
        data = jnp.asarray(np.zeros(bits.shape, bits.dtype))
        return jax.random.wrap_key_data(data)

    return jax.tree.map(zero, shapes)


def read(path: Path, like: Tree) -> Tree:
    """Load a state.

    Args:
        path: the file.
        like: a state of the same structure, whose arrays are replaced.

    Raises:
        CheckpointError: the file is damaged, or its arrays are not those of ``like``.
    """
    found, _ = _load(path)
    wanted = _leaves(like)
    missing, extra = set(wanted) - set(found), set(found) - set(wanted)
    if missing or extra:
        name = sorted(missing or extra)[0]
        what = "lacks" if missing else "has an unknown"
        raise CheckpointError(f"{path} is of another task: it {what} {name}")
    for name, leaf in wanted.items():
        array, old = found[name], _plain(leaf)
        if array.shape != old.shape or array.dtype != old.dtype:
            raise CheckpointError(
                f"{path} is of another task: {name} is {array.dtype}{list(array.shape)}, "
                f"and {old.dtype}{list(old.shape)} is needed"
            )
    return with_arrays(like, found)


def _load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("about", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged or not a checkpoint: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a checkpoint of this program")
    if header.get("sha256") != digest(arrays):
        raise CheckpointError(f"{path} is damaged: its content does not have its checksum")
    return arrays, header


def _leaves(state: Any) -> dict[str, Any]:
    dynamic = eqx.filter(state, eqx.is_array)
    paths = jax.tree_util.tree_flatten_with_path(dynamic)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in paths}


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf, order="C")


def _like(array: np.ndarray, leaf: Any) -> jax.Array:
    if _is_key(leaf):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(leaf))
    return jnp.asarray(array)


def digest(arrays: Mapping[str, np.ndarray], text: str = "") -> str:
    """SHA-256 of arrays with their names, types and shapes, and of a text that belongs to them."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        found.update(json.dumps([name, str(array.dtype), list(array.shape)]).encode())
        found.update(np.ascontiguousarray(array).tobytes())
    found.update(text.encode())
    return found.hexdigest()
