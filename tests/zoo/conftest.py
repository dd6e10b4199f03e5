"""Collects what the zoo finds, and prints it as a table at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
COLUMNS = ("--init", "all driven", "half", "mjx")
_RESULTS = pytest.StashKey[dict[str, dict[str, str]]]()


class Record:
    """Does something for a cell of the table and keeps how it went."""

    def __init__(self, results: dict[str, dict[str, str]]) -> None:
        self._results = results

    def __call__(self, model: str, column: str, do: Callable[[], T]) -> T:
        row = self._results.setdefault(model, {})
        try:
            value = do()
        except BaseException as error:
            row[column] = f"{type(error).__name__}: {' '.join(str(error).split())[:60]}"
            raise
        row[column] = f"{value:.1e}" if isinstance(value, float) else "ok"
        return value


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    return Record(request.config.stash.setdefault(_RESULTS, {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    results = config.stash.get(_RESULTS, {})
    if not results:
        return
    terminalreporter.section("models of others: largest difference to plain MuJoCo")
    columns = [c for c in COLUMNS if any(c in row for row in results.values())]
    width = max(map(len, results))
    terminalreporter.line(" " * width + "".join(f"  {column:<12}" for column in columns))
    for name, row in sorted(results.items()):
        cells = "".join(f"  {row.get(column, ''):<12}" for column in columns)
        terminalreporter.line(f"{name:<{width}}{cells}".rstrip())
