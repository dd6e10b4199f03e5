"""What every test may rely on: the CPU, quick compilations, golden files that a flag refreshes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# The same examples for the same tests: what a commit broke is its own fault. The nightly run sets
# HYPOTHESIS_PROFILE=anew, and looks for what nobody thought of.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("anew", deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# The tests compare bits and tolerances stated for the CPU. A GPU test is run by setting this.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

GOLDEN = Path(__file__).parent / "golden"
QUICK = "--xla_backend_optimization_level=0"
"""Most of the time of a quick test is LLVM's, on a program that then runs for milliseconds."""
OLDER = "--xla_cpu_use_fusion_emitters=false"
"""These emitters give LLVM half as much to do; a later XLA may have them no more."""
KEPT = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""What is compiled once is found by the other tests: half of them compile the same small tasks."""
LONGEST = (
    "learn/test_training.py",
    "deploy/test_drive.py",
    "test_every_kind.py",
    "cli/test_kill.py",
    "learn/test_migrate_robot.py",
    "zoo/test_zoo.py",
)
"""Files that are begun first, so that no core waits for one of them at the end."""


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the workers, and what they start, share it
        folder = tempfile.mkdtemp(prefix="ksim-programs-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        for name, value in {**KEPT, "JAX_COMPILATION_CACHE_DIR": folder}.items():
            os.environ.setdefault(name, value)
    # The slow tests and the zoo run what users run; the quick ones compare programs with numbers,
    # or with each other, and both are compiled alike.
    if config.option.markexpr == "not slow" and "XLA_FLAGS" not in os.environ:
        os.environ["XLA_FLAGS"] = f"{QUICK} {OLDER}" if _is_known(OLDER) else QUICK


def _is_known(flag: str) -> bool:
    """Whether XLA has a flag: it ends a process that gives it another."""
    line = [sys.executable, "-c", "import jax; jax.devices()"]
    given = {**os.environ, "XLA_FLAGS": flag}
    return subprocess.run(line, env=given, capture_output=True, check=False).returncode == 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((i for i, name in enumerate(LONGEST) if path.endswith(name)), len(LONGEST))

    items.sort(key=turn)  # stable: the others keep their order


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--refresh-golden",
        action="store_true",
        help="write the golden files from what the code prints now, instead of comparing",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A function `golden(name, text)`: asserts that `tests/golden/<name>` holds exactly `text`."""
    refresh: bool = request.config.getoption("--refresh-golden")

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if refresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            return
        if not path.exists():
            pytest.fail(f"no golden file {name}; make it with pytest --refresh-golden")
        # Bytes, since read_text would turn "\r\n" into "\n".
        expected = path.read_bytes().decode("utf-8")
        assert text == expected, f"{name} has changed; if meant, run pytest --refresh-golden"

    return compare
