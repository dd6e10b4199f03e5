"""A reward, an observation and a command are two files each, as CONTRIBUTING.md counts them.

They stand in the folders beside this file as they would in the packages, and nothing else knows of
them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
KINDS = ("joint_spread", "joint_product", "coin")


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What ``look.py`` prints."""
    done = subprocess.run(
        [sys.executable, str(HERE / "look.py")], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_each_is_a_declaration_and_a_rule() -> None:
    files = sorted(str(path.relative_to(HERE)) for path in HERE.glob("*/**/*.py"))
    assert files == [
        "lowering/coin.py",  # in lowering/command.py, where the other commands are
        "lowering/observation/joint_product.py",
        "lowering/reward/joint_spread.py",
        "vocabulary/command/coin.py",
        "vocabulary/observation/joint_product.py",
        "vocabulary/reward/joint_spread.py",
    ]


def test_the_table_of_contributing_names_these_files() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip(): row.split("|")[2] for row in text.split("\n") if "|" in row}
    for part, object in (("a reward", "reward"), ("an observation", "observation")):
        assert f"`ksim_schema/vocabulary/{object}/<topic>.py`" in rows[part]
        assert f"`lowering/{object}/<topic>.py`" in rows[part]
    assert "`ksim_schema/vocabulary/command/<topic>.py`" in rows["a command"]
    assert "`lowering/command.py`" in rows["a command"]


def test_they_are_checked(seen: dict[str, Any]) -> None:
    assert seen["diagnostics"] == ["KS0342"]  # nothing depends on the command
    assert "KS0104" in seen["typo"]
    assert seen["knee"] == ["KS0342", "KS0203"]


def test_they_are_explained_and_in_the_schema(seen: dict[str, Any]) -> None:
    texts = ("minus their smallest", "The product of the positions", "by the toss of a coin")
    for kind, text, page in zip(KINDS, texts, seen["explained"], strict=True):
        assert text in page
        assert kind in seen["listed"]
        assert json.dumps(kind) in seen["schema"]


def test_a_change_is_told(seen: dict[str, Any]) -> None:
    assert seen["changes"] == [["part", ["Command", "coin", "angle"], "training"]]


def test_they_run(seen: dict[str, Any]) -> None:
    assert seen["inputs"] == ["Observation.product", "Observation.pole", "Command.coin"]
    read, qpos = np.array(seen["read"]), np.array(seen["qpos"])
    np.testing.assert_allclose(read[:, 0], qpos.prod(axis=1), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.abs(read[:, -1]), 0.25)
    assert len(set(read[:, -1].tolist())) == 2  # of eight tosses
    np.testing.assert_allclose(seen["reward"], 2.0 * np.array(seen["spread"]), rtol=1e-6)
