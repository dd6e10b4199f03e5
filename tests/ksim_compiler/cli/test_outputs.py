"""Options that name a file to write: what is wrong with it is said before anything else is done."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ksim_compiler.cli import diff, motion
from ksim_compiler.cli.commands import modules
from ksim_compiler.cli.outputs import Output

READ = {
    *("ksim-play --verify", "ksim-play --dump", "ksim-import file", "ksim-motion make poses"),
    *("ksim-sweep study",),
}
"""Options and words that name files which are read."""


def options(
    parser: argparse.ArgumentParser, name: str
) -> Iterator[tuple[list[str], argparse.Action]]:
    """The words of a command, and each option of it and of those below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from options(below, f"{name} {word}")
        else:
            yield name.split(), action


def all_options() -> Iterator[tuple[list[str], argparse.Action]]:
    for module in modules().values():
        command = importlib.import_module(module)
        yield from options(command.parser(), command.PROGRAM)


WRITTEN = [(words, a) for words, a in all_options() if isinstance(a.type, Output)]


@pytest.mark.parametrize(
    ("words", "option"), WRITTEN, ids=[f"{'-'.join(w)}{a.option_strings[-1]}" for w, a in WRITTEN]
)
def test_a_file_that_cannot_be_written_is_said_first(
    words: list[str], option: argparse.Action, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = option.type._named
    good = f"a{named.endings[0]}" if named else "a.txt"
    wrong = {
        tmp_path / "no" / good: "there is no folder",
        tmp_path / f"folder{Path(good).suffix}": "it is a folder",
    }
    if named:
        wrong[tmp_path / "a.xyz"] = f"a.xyz: the name of {named.what} ends in {named.endings[0]}"
    (tmp_path / f"folder{Path(good).suffix}").mkdir()
    module = importlib.import_module(modules()[words[0].removeprefix("ksim-")])
    for path, message in wrong.items():
        with pytest.raises(SystemExit) as ended:
            module.main([*words[1:], option.option_strings[0], str(path)])
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert message in told
        assert option.option_strings[-1] in told.splitlines()[-1]
    assert option.type(str(tmp_path / good)) == tmp_path / good
    assert [p.name for p in tmp_path.iterdir()] == [f"folder{Path(good).suffix}"]


def test_every_option_for_a_file_is_one_that_is_read_or_is_looked_at_first() -> None:
    names = {
        f"{' '.join(words)} {(action.option_strings or [action.dest])[-1]}"
        for words, action in all_options()
        if str(action.metavar).startswith("FILE") and not isinstance(action.type, Output)
    }
    assert names == READ


def test_a_wrong_name_costs_no_imports(tmp_path: Path) -> None:
    code = (
        "import sys, runpy\n"
        "names = 'jax', 'mujoco', 'numpy', 'matplotlib', 'pydantic'\n"
        "sys.modules.update(dict.fromkeys(names))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_module(sys.argv[0], run_name='__main__')"
    )
    words = ["ksim_compiler.cli.play", str(tmp_path), "--plots", "plots.xyz"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.endswith(
        "argument --plots: plots.xyz: the name of a plot ends in .png, .svg or .pdf\n"
    )


def test_capitals_are_as_good_where_nothing_reads_the_file_again(tmp_path: Path) -> None:
    endings = {
        " ".join([*words, action.option_strings[-1]]): action.type._named
        for words, action in WRITTEN
    }
    assert endings["ksim-play --video"].wrong(Path("A.MP4")) == ""
    assert endings["ksim-play --plots"].wrong(Path("A.PNG")) == ""
    assert endings["ksim-play --events"].wrong(Path("A.JSONL")) != ""


def test_the_bodies_of_a_clip_go_into_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["convert", "a.npz", "--robot", "none.xml", "--bodies", "-o", "b.csv"]
    assert motion.main(words) == 2
    assert "b.csv: the name of a clip of bodies ends in .npz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("form", "out", "found"),
    [
        (None, None, "text"),
        (None, "a.html", "html"),
        (None, "a.md", "markdown"),
        (None, "a.log", "text"),
        ("text", "a.txt", "text"),
        ("svg", None, "svg"),
        ("json", "a.json", "json"),
    ],
)
def test_a_comparison_is_written_as_its_file_is_called(
    form: str | None, out: str | None, found: str
) -> None:
    assert diff._form(form, None if out is None else Path(out)) == found


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("json", "a.html: the name of a json file ends in .json"),
        ("text", "a.html: the name is that of a html file, and --format is text"),
    ],
)
def test_a_comparison_is_not_written_under_the_name_of_another_form(
    form: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff.main(["a.yaml", "b.yaml", "--format", form, "-o", "a.html"]) == 2
    assert message in capsys.readouterr().err
