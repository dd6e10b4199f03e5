"""docs/first_steps.ipynb: its cells are run in order, with a short training."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[3] / "docs" / "first_steps.ipynb"


@pytest.mark.slow
def test_the_cells_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells), "outputs are not kept"
    made: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            text = "".join(cell["source"])
            tree = ast.parse(text.replace("STEPS = 100_000", "STEPS = 12_000"))
            exec(compile(tree, str(NOTEBOOK), "exec"), made)
    out = capsys.readouterr().out
    assert "error KS0109" in out
    assert "12,288 steps: return" in out  # whole iterations of 4,096
    assert made["run"].metrics["steps"] == [4096, 8192, 12288]
    assert made["run"].report.is_file()
    assert made["judged"].units["length"] == "s"
    assert len(made["judged"].episodes) == 32
    assert made["action"].shape[0] == 2
