"""Calls of the host: what arrives, what comes back, what fails, and what another process finds."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, host_call


class Adder:
    """Functions of the host that note what they were given."""

    def __init__(self) -> None:
        self.seen: list[tuple[np.ndarray | None, ...]] = []

    @property
    def called(self) -> Sequence[Callable[..., None]]:
        return self.add, self.fail

    def add(self, out: Sequence[np.ndarray], *operands: np.ndarray | None) -> None:
        self.seen.append(tuple(None if o is None else o.copy() for o in operands))
        total = sum(o.astype(np.float64).sum() for o in operands if o is not None)
        for array in out:
            array[...] = total

    def fail(self, out: Sequence[np.ndarray], *operands: np.ndarray) -> None:
        raise ValueError(f"{len(out)} results, {len(operands)} operands")


ADDER = 2**62 + 1
FAILURES = (jax.errors.JaxRuntimeError, ValueError)  # the second one where nothing was to wait for


def adder_of(identity: int = ADDER) -> Adder:
    return host_call.shared(identity, Adder)


def shape(*lengths: int, dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(lengths, dtype)


def test_values_of_each_type_arrive_and_come_back() -> None:
    adder = adder_of()
    operands = [
        jnp.arange(6, dtype=jnp.float32).reshape(2, 3),
        None,
        jnp.array([True, False, True]),
        jnp.array([[7], [-8]], jnp.int32),
        jnp.array([2**32 - 1], jnp.uint32),
        jnp.zeros((2, 0)),
    ]
    results = [shape(2), shape(1, 2, dtype=jnp.uint32), shape(dtype=jnp.bool_), shape(0, 4)]
    found = jax.jit(lambda: host_call.call(ADDER, 0, results, operands))()
    total = 15.0 + 2.0 - 1.0 + (2**32 - 1)
    np.testing.assert_array_equal(found[0], np.float32([total, total]))
    assert found[1].shape == (1, 2)
    assert found[1].dtype == jnp.uint32
    assert bool(found[2]) is True
    assert found[3].shape == (0, 4)
    (seen,) = adder.seen
    for given, arrived in zip(operands, seen, strict=True):
        if given is None:
            assert arrived is None
        else:
            assert arrived is not None
            np.testing.assert_array_equal(given, arrived)
            assert given.dtype == arrived.dtype


def test_a_result_takes_over_the_memory_of_an_operand() -> None:
    class Third(Adder):
        def add(self, out: Sequence[np.ndarray], *operands: np.ndarray | None) -> None:
            out[0][2] = -1.0

    third = host_call.shared(3, Third)
    kept = jnp.arange(4.0)
    results = [shape(4)]
    found = jax.jit(lambda x: host_call.call(3, 0, results, [x], {0: 0}))(kept)
    np.testing.assert_array_equal(found[0], [0.0, 1.0, -1.0, 3.0])
    assert third.called  # it lives as long as its program is run
    np.testing.assert_array_equal(kept, [0.0, 1.0, 2.0, 3.0])  # what is still used was copied


def test_what_fails_on_the_host_fails_in_the_program() -> None:
    adder = adder_of()
    assert adder is adder_of()
    program = jax.jit(lambda: host_call.call(ADDER, 1, [shape(2), shape(3)], [jnp.ones(1)]))
    with pytest.raises(FAILURES, match="ValueError: 2 results, 1 operands"):
        jax.block_until_ready(program())


def test_a_program_calls_whatever_has_the_identity_that_it_names() -> None:
    program = jax.jit(lambda: host_call.call(7, 0, [shape(2)], [jnp.ones(3)]))
    first = adder_of(7)
    jax.block_until_ready(program())
    assert len(first.seen) == 1
    del first
    gc.collect()
    jax.block_until_ready(program())  # it may have been begun while its engine was held
    assert len(adder_of(7).seen) == 2
    for other in range(host_call.RECENT):
        adder_of(100 + other)
    gc.collect()
    with pytest.raises(FAILURES, match="the engine of this program is gone"):
        jax.block_until_ready(program())
    again = adder_of(7)
    np.testing.assert_array_equal(program()[0], [3.0, 3.0])
    assert len(again.seen) == 1


def test_specs_share_an_identity_where_their_engines_compute_the_same() -> None:
    xml = """<mujoco><worldbody><body><joint name="j"/><geom size="{}"/></body></worldbody>
      <actuator><motor joint="j"/></actuator></mujoco>"""

    def identity(size: float = 1.0, envs: int = 2, **more: Any) -> int:
        model = mujoco.MjModel.from_xml_string(xml.format(size))
        return EngineSpec(model, envs, 2, ("xpos",), **more).identity()

    first = identity()
    assert 0 <= first < 2**63
    assert first == identity() == identity(act=None)
    others = [identity(1.1), identity(envs=3), identity(settle=1), identity(told=np.zeros(1))]
    assert len({first, *others}) == 5


STORED = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
import jax, jax.numpy as jnp
from tests.ksim_compiler.engine.test_host_call import ADDER, adder_of, shape
from ksim_compiler.engine import host_call
adder = adder_of()
print("found", jax.jit(lambda x: host_call.call(ADDER, 0, [shape(1)], [x]))(jnp.ones(3)))
"""


def test_another_process_finds_the_compiled_program(tmp_path: Path) -> None:
    chosen = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }

    def run() -> str:
        command = [sys.executable, "-c", STORED]
        root = Path(__file__).parents[3]
        done = subprocess.run(
            command, env={**os.environ, **chosen}, cwd=root, capture_output=True, text=True
        )
        assert "found [Array([3.]" in done.stdout, done.stdout + done.stderr
        return done.stdout

    assert "Persistent compilation cache hit for 'jit__lambda" not in run()
    assert any(path.name.startswith("jit__lambda") for path in tmp_path.iterdir())
    assert "Persistent compilation cache hit for 'jit__lambda" in run()
