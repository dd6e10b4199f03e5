"""Kinds of networks and distributions: what they declare is so, and a new one is two files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import pytest

from ksim_compiler.learn.nets.distributions import LAWS
from ksim_compiler.learn.nets.networks import BUILDERS, build_network
from ksim_schema.vocabulary.distributions import DISTRIBUTIONS
from ksim_schema.vocabulary.networks import NETWORKS

ROOT = Path(__file__).parents[3]
LEAKY = ROOT / "tests" / "support" / "leaky"
OTHERS = ({}, {"hidden": 5, "depth": 3, "head": (7, 4)}, {"hidden": (6, 3, 5)}, {"hidden": ()})


def test_each_declared_kind_is_computed_once() -> None:
    assert set(BUILDERS) == set(NETWORKS.values())
    assert set(LAWS) == set(DISTRIBUTIONS.values())


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_a_network_declares_is_what_is_built(kind: str) -> None:
    tried = 0
    for values in OTHERS:
        try:
            spec = NETWORKS[kind].model_validate(values)
        except ValueError:
            continue  # fields of another kind
        tried += 1
        built = build_network(spec, 11, 3, jax.random.key(0), 1.0)
        arrays = jax.tree.leaves(eqx.filter(built, eqx.is_array))
        assert spec.parameters(11, 3) == sum(array.size for array in arrays)
        assert spec.recurrent == built.recurrent
        assert spec.units(11, 3) >= 11 + 3
    assert tried > 1


def test_a_network_is_its_declaration_and_its_module(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("ksim_schema", "compiler", "schemas", "tasks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    added = {
        "declaration.py": "ksim_schema/vocabulary/networks/leaky.py",
        "module.py": "compiler/ksim_compiler/learn/nets/networks/leaky.py",
    }
    for file, place in added.items():
        shutil.copy(LEAKY / file, tmp_path / place)
    path = os.pathsep.join((str(tmp_path), str(tmp_path / "compiler")))
    done = subprocess.run(
        [sys.executable, str(LEAKY / "uses.py"), str(tmp_path / "out")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.endswith("all of it\n")
    assert "KS0402" in done.stdout + done.stderr
