"""The pages that are typed along: each console, in order, prints what the page shows.

A line of dots stands for any lines, dots at the end of a line for any rest of it. What a policy did
has other digits on another processor, so that of what runs one only the words are compared.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ksim_compiler.cli import compile, diff, eval, export, play
from ksim_compiler.pipeline import compile_file
from tests.support.samples import IN_ORDER, ROOT, blocks
from tests.test_commands import words

QUICK = {"ksim-compile": compile.main, "ksim-diff": diff.main}
ACTING = {"ksim-play": play.main, "ksim-eval": eval.main, "ksim-export": export.main}
FILES = {
    "docs/tutorial.md": {"ksim: 1": "my/slow_walk.yaml"},
    "docs/own-robot.md": {
        '<mujoco model="ant"': "my/ant/scene.xml",
        "ksim: 1": "ant_walk.yaml",
    },
    "docs/concepts.md": {},
}
"""Where the pages say that their blocks are to be."""


def consoles(page: str) -> Iterator[tuple[list[str], list[str]]]:
    """What is typed on a page, and what it prints."""
    for block in blocks(page):
        if block.first.startswith("$ "):
            for piece in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, *printed = piece.rstrip("\n").split("\n")
                yield words(line)[0], printed


def shows(shown: list[str], printed: list[str], worded: bool) -> bool:
    """Whether a page shows lines that were printed, in their order and without gaps but dots."""
    if not shown:
        return not printed
    if shown[0].strip() == "...":
        return any(shows(shown[1:], printed[i:], worded) for i in range(len(printed) + 1))
    return (
        bool(printed)
        and same(shown[0], printed[0], worded)
        and shows(shown[1:], printed[1:], worded)
    )


def same(shown: str, printed: str, worded: bool) -> bool:
    if worded or shown.startswith("wrote "):
        shown, printed = (re.sub(r"[-+\d.,e]*\d", "#", text) for text in (shown, printed))
        shown, printed = (re.sub(r" +", " ", text) for text in (shown, printed))
    if shown.endswith("..."):
        return printed.startswith(shown.removesuffix("..."))
    return shown.rstrip() == printed.rstrip()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A folder with the shipped tasks and what the page has one write; gives the page."""
    page: str = request.param
    shutil.copytree(ROOT / "tasks", tmp_path / "tasks")
    (tmp_path / "my" / "ant").mkdir(parents=True)
    if page == "docs/own-robot.md":
        found = importlib.util.find_spec("gymnasium")
        if found is None or found.origin is None:
            pytest.skip("gymnasium is not installed")
        ant = Path(found.origin).parent / "envs" / "mujoco" / "assets" / "ant.xml"
        shutil.copy(ant, tmp_path / "my" / "ant")
    for block in blocks(page):
        for first, name in FILES[page].items():
            if block.first.startswith(first):
                (tmp_path / name).write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return page


@pytest.mark.parametrize("desk", IN_ORDER, indirect=True)
def test_what_is_typed_prints_what_is_shown(desk: str, capsys: pytest.CaptureFixture[str]) -> None:
    seen = 0
    for (program, *arguments), shown in consoles(desk):
        if program in QUICK:
            QUICK[program](arguments)
            out = capsys.readouterr()
            printed = (out.err + out.out).rstrip("\n").split("\n")
            assert shows(shown, printed, worded=False), "\n".join([program, *arguments, *printed])
            seen += 1
        else:
            assert program in ACTING
    assert seen


@pytest.mark.slow
@pytest.mark.parametrize("desk", IN_ORDER[1:], indirect=True)
def test_what_acts_prints_what_is_shown(desk: str, capsys: pytest.CaptureFixture[str]) -> None:
    for (program, *arguments), shown in consoles(desk):
        (QUICK | ACTING)[program](arguments)
        out = capsys.readouterr()
        printed = (out.err + out.out).rstrip("\n").split("\n")
        if program in ACTING:
            assert shows(shown, printed, worded=True), "\n".join([program, *arguments, *printed])


@pytest.mark.parametrize("desk", ["docs/own-robot.md"], indirect=True)
def test_options_of_the_simulation_fit_the_robot(desk: str) -> None:
    (fragment,) = (b.text for b in blocks(desk) if b.first == "PhysicsState:")
    assert compile.main(["-q", "--init", "ant", "--robot", "my/ant/scene.xml"]) == 0
    task = yaml.safe_load(Path("ant.yaml").read_text(encoding="utf-8"))
    task["PhysicsState"]["robot"] |= yaml.safe_load(fragment)["PhysicsState"]["robot"]
    Path("ant.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    assert [str(d) for d in compile_file(Path("ant.yaml")).diagnostics] == []


def test_another_line_is_seen() -> None:
    assert shows(["a", "...", "c 1"], ["a", "b", "b", "c 1"], worded=False)
    assert not shows(["a", "c"], ["a", "b", "c"], worded=False)
    assert not shows(["c 1"], ["c 2"], worded=False)
    assert shows(["c  1.5, d"], ["c -2e-3, d"], worded=True)
    assert not shows(["c 1"], ["d 1"], worded=True)
