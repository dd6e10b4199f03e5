"""What an EngineSpec accepts, and which engine a name stands for."""

from __future__ import annotations

import subprocess
import sys

import jax
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, EngineUnavailable, make_engine, resolve_engine


def test_qpos_and_qvel_are_always_there(walker):
    spec = EngineSpec(walker, 2, 1, ("xmat", "qvel", "ncon", "xmat"))
    assert spec.fields == ("qpos", "qvel", "xmat", "ncon")
    shapes = spec.world_shapes()
    assert shapes["xmat"].shape == (2, walker.nbody, 9)
    assert shapes["ncon"].dtype == np.int32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"envs": 0}, "envs must be at least 1"),
        ({"substeps": 0}, "substeps must be at least 1"),
        ({"threads": -1}, "threads"),
        ({"fields": ("xposs",)}, "unknown MjData field 'xposs'"),
        ({"fields": ("efc_force",)}, "efc_force"),
        ({"fields": ("subtree_linvel",)}, "mjSENS_SUBTREELINVEL"),
        ({"fields": ("qfrc_inverse",)}, "does not compute"),
        ({"model_fields": ("mass",)}, "unknown MjModel field 'mass'"),
        ({"model_fields": ("geom_type",)}, "cannot vary"),
    ],
)
def test_a_bad_spec_is_refused(walker, change, message):
    good = {"model": walker, "envs": 2, "substeps": 1, "fields": ()}
    with pytest.raises(ValueError, match=message):
        EngineSpec(**good | change)


def test_a_field_that_a_sensor_needs_is_accepted(walker):
    # the walker's accelerometer makes mj_step compute cacc
    assert "cacc" in EngineSpec(walker, 1, 1, ("cacc",)).fields


def test_auto_is_native_on_a_cpu():
    if jax.default_backend() != "cpu":
        pytest.skip("JAX runs on an accelerator here")
    assert resolve_engine("auto") == "native"


def test_names(walker):
    assert make_engine("native", EngineSpec(walker, 1, 1, ())).name == "native"
    with pytest.raises(ValueError, match="choose one of auto, mjx, warp, native"):
        resolve_engine("bullet")


@pytest.mark.parametrize("name", ["native", "mjx"])
def test_64_bits_are_refused(walker, name):
    with (
        jax.enable_x64(True),
        pytest.raises(EngineUnavailable, match="unset JAX_ENABLE_X64"),
    ):
        make_engine(name, EngineSpec(walker, 1, 1, ()))


def test_warp_without_a_gpu_says_what_to_install(walker):
    if jax.default_backend() != "cpu":
        pytest.skip("JAX runs on an accelerator here")
    with pytest.raises(EngineUnavailable, match="pip install"):
        make_engine("warp", EngineSpec(walker, 1, 1, ()))


def test_native_does_not_import_mjx_and_mjx_prints_nothing():
    program = (
        "import sys; import ksim_compiler.engine.native; "
        "assert not any(m.startswith('mujoco.mjx') for m in sys.modules); "
        "from ksim_compiler.engine.mjx import import_mjx; import_mjx()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
