"""What every test may rely on: the CPU, and golden files that a flag refreshes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# The tests compare bits and tolerances stated for the CPU. A GPU test is run by setting this.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

GOLDEN = Path(__file__).parent / "golden"


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
