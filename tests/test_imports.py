"""What `ksim-compile --check` loads: packages by name, modules by number. Seconds are not asserted.

The time that a check takes is nearly all of it the time to import modules, which depends on the
machine; their number does not. One more package, or a module that imports half of the compiler,
shows here and is either meant, and then written down, or taken back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ksim_schema.vocabulary.reward import Reward

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "annotated_types",
    "mujoco",
    "numpy",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "yaml",
}
"""Packages of others that a check may load."""
OURS = 272
"""Modules of ksim_schema and ksim_compiler that a check loads at most; 265 today."""
THEIRS = 200
"""Modules of all other packages together; 177 today, 95 of them numpy's."""
CODE = """
import gc, json, sys
before = set(sys.modules)
from ksim_compiler.cli.compile import main
sys.argv = ["ksim-compile", "--check", "tasks/walk.yaml"]
assert main() == 0
print(gc.get_stats()[2]["collections"])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """What the process of a check says of itself, line by line."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def loaded(printed: list[str]) -> Counter[str]:
    """The modules that a check loads and Python does not bring, counted by top-level package."""
    tops = Counter(name.partition(".")[0] for name in json.loads(printed[-1]))
    made = {"cython_runtime"}  # by compiled modules, as are names like _cython_3_1_4
    return Counter(
        {
            top: number
            for top, number in tops.items()
            if top not in sys.stdlib_module_names | made and not top.startswith("_")
        }
    )


def test_a_check_loads_no_other_packages(loaded: Counter[str]) -> None:
    assert set(loaded) - {"ksim_schema", "ksim_compiler"} == ALLOWED


def test_a_check_loads_few_modules(loaded: Counter[str]) -> None:
    ours = loaded["ksim_schema"] + loaded["ksim_compiler"]
    assert 0 < ours <= OURS
    assert 0 < loaded.total() - ours <= THEIRS


def test_a_check_does_not_look_through_all_that_was_imported_for_garbage(
    printed: list[str],
) -> None:
    assert int(printed[-2]) == 0


def test_class_attributes_of_a_declared_class_are_evaluated_once() -> None:
    assert "fields" in Reward.__class_vars__
    assert set(Reward.__annotations__) == {"scale", "per_second", "when"}
