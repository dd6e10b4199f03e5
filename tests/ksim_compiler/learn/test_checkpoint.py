"""Checkpoints: whole round trips, damage that is found, states of another task that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.learn.run.checkpoint import CheckpointError, read, read_header, write


def state(seed: int = 0) -> dict[str, Any]:
    key = jax.random.key(seed)
    return {
        "weights": (jax.random.normal(key, (3, 2)), jnp.arange(4, dtype=jnp.int32)),
        "rows": jax.random.bits(key, (2, 5), jnp.uint32),
        "key": key,
        "flag": jnp.array([True, False]),
        "nothing": (),
        "name": "static",
    }


def test_a_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    write(path, state(0), {"fingerprint": "abc"})
    back = read(path, state(1))
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(state(0)), strict=True):
        if isinstance(a, jax.Array) and jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        np.testing.assert_array_equal(a, b)
    assert read_header(path)["fingerprint"] == "abc"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("where", [0, 9, 200, -1])
def test_a_flipped_byte_is_found(tmp_path: Path, where: int) -> None:
    path = tmp_path / "c.safetensors"
    write(path, state(), {})
    data = bytearray(path.read_bytes())
    data[where] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"c\.safetensors"):
        read(path, state())


@pytest.mark.parametrize("size", [0, 7, 100, -8])
def test_a_cut_file_is_found(tmp_path: Path, size: int) -> None:
    path = tmp_path / "c.safetensors"
    write(path, state(), {})
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError):
        read(path, state())


def test_a_state_of_another_task_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    write(path, state(), {})
    other = state()
    other["rows"] = jnp.zeros((2, 6), jnp.uint32)
    with pytest.raises(CheckpointError, match=r"rows is uint32\[2, 5\], and uint32\[2, 6\]"):
        read(path, other)
    more = {**state(), "new": jnp.zeros(1)}
    with pytest.raises(CheckpointError, match="lacks new"):
        read(path, more)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read(tmp_path / "none", state())


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.safetensors"
    write(path, state(0), {})
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="no space left"):
        write(path, state(1), {})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
