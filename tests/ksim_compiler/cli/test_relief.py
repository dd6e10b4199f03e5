"""``--emit terrain``: a picture of the ground from above."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ksim_compiler.cli.compile import main

TASKS = Path(__file__).parents[3] / "tasks"
GRID = "{kind: grid, levels: 3, tile: 6 m, tiles: {stairs_up: {step: 20 cm}, gaps: {gap: 50 cm}}}"


def task(folder: Path, terrain: str) -> str:
    path = folder / "task.yaml"
    path.write_text(
        f"ksim: 1\ntask: hills\nextends: {TASKS}/trot.yaml\nset:\n"
        f"  PhysicsState.quadruped.terrain: {terrain}\n"
    )
    return str(path)


@pytest.mark.parametrize("terrain", [GRID, "{kind: slopes, amplitude: 30 cm, wavelength: 2 m}"])
def test_the_terrain_is_drawn(
    terrain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = pytest.importorskip("matplotlib.image")
    path = tmp_path / "hills.png"
    assert main(["--emit", "terrain", task(tmp_path, terrain), "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"wrote {path}\n"
    pixels = image.imread(path)[..., :3].reshape(-1, 3)
    coloured = np.ptp(pixels, axis=1) > 0.2
    assert coloured.mean() > 0.3  # the map takes much of the picture
    assert len(np.unique(np.round(pixels[coloured], 1), axis=0)) > 20  # in many shades


def test_levels_and_kinds_are_named(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "hills.svg"
    assert main(["--emit", "terrain", task(tmp_path, GRID), "-o", str(path)]) == 0
    text = path.read_text()
    for word in ("stairs up", "gaps", "level", "x (m)", "height (m)"):
        assert f"<!-- {word} -->" in text


@pytest.mark.parametrize(
    ("terrain", "more", "message"),
    [
        (GRID, (), "needs --out FILE.png"),
        (GRID, ("-o", "hills.txt"), "the name of a plot ends in .png, .svg or .pdf"),
        (
            GRID,
            ("-o", "nowhere/hills.png"),
            "cannot write nowhere/hills.png: there is no folder nowhere",
        ),
        ("{kind: flat}", ("-o", "hills.png"), "the ground of 'hills' is flat"),
    ],
)
def test_what_cannot_be_drawn(
    terrain: str, more: tuple[str, ...], message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["--emit", "terrain", task(tmp_path, terrain), *more]) == 2
    assert message in capsys.readouterr().err


def test_drawing_needs_no_jax(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['jax'] = None\n"
        "from ksim_compiler.cli.compile import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["--emit", "terrain", task(tmp_path, GRID), "-o", str(tmp_path / "hills.png")]
    found = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
