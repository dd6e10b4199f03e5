"""The command lines in README.md, CONTRIBUTING.md and docs/: they parse, and name what there is.

Those of ksim-compile that take a second are run. Others train, draw, or need a run to look at; of
them the options are read, by the parser of the command itself.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.samples import IN_ORDER, PAGES, ROOT, blocks, inline

PROGRAMS = (
    *("compile", "compare", "diff", "eval", "export", "import"),
    *("lsp", "motion", "play", "run", "sweep", "watch"),
)
MODULES = {"import": "importing"}
"""Commands whose module is called otherwise: 'import' is a word of Python."""
OPERATORS = {"|", ">", "&&", ";"}
READERS = ("my/", "runs/", "build/", "origin/", "logs/")
"""Where files are that a reader has, or that a command makes."""
ENDINGS = (".yaml", ".yml", ".xml", ".py", ".json", ".txt", ".md")


@cache
def parser(program: str) -> argparse.ArgumentParser:
    """The parser of a command."""
    name = program.removeprefix("ksim-")
    module = importlib.import_module(f"ksim_compiler.cli.{MODULES.get(name, name)}")
    return module.parser()


@cache
def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@cache
def extras() -> set[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return set(config["project"]["optional-dependencies"])


def words(line: str) -> list[list[str]]:
    """The commands of a line, each as its words; a file that output goes to counts as one."""
    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|>&;")
    lexer.whitespace_split, commands = True, [[]]
    for word in lexer:
        if word in OPERATORS:
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def lines(page: str) -> Iterator[str]:
    """The command lines in the blocks of a page; of a console only what is typed."""
    for block in blocks(page):
        if not block.is_commands:
            continue
        console = block.first.startswith("$ ")
        for line in block.text.replace("\\\n", " ").splitlines():
            typed = line.startswith("$ ") if console else not line.lstrip().startswith("#")
            if line.strip() and typed:
                yield line


def wrong(command: list[str]) -> str:
    """What is wrong with a command line; "" when nothing is."""
    program, arguments = command[0].removeprefix(".venv/bin/"), command[1:]
    if program.startswith("ksim-"):
        if program.removeprefix("ksim-") not in PROGRAMS:
            return f"there is no {program}"
        try:
            parser(program).parse_args(arguments)
        except SystemExit:
            return f"{program} does not take {arguments}"
    elif program == "make":
        unknown = {word for word in arguments if "=" not in word} - targets()
        return f"no targets {unknown}" if unknown else ""
    elif program == "pip":
        named = {name for word in arguments for name in re.findall(r"\[(\w+)\]", word)}
        named -= {"cuda13"}
        return f"no extras {named - extras()}" if named - extras() else ""
    elif program == "python" and arguments[0] == "-m":
        there = importlib.util.find_spec(arguments[1]) is not None
        return "" if there else f"no module {arguments[1]}"
    return ""


def missing(command: list[str]) -> list[str]:
    """The files of the repository that a command names and that are not there."""
    found = []
    for word in (word for word in command if not word.startswith("package:")):
        name = word.rpartition(":")[2] if ":" in word else word
        named = name.startswith(("tasks", "schemas/", "docs/", "examples/", "tests/"))
        inside = "/" in name and name.endswith(ENDINGS) and not name.startswith(READERS)
        if (named or inside) and not word.startswith("-"):
            found += [] if (ROOT / name).exists() else [name]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_command_lines_parse_and_name_what_there_is(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a reader is, who has folders to write into
    for folder in READERS:
        Path(folder).mkdir()
    problems, made = [], {"tasks/walk.json"}  # docs/acsets.md writes it in the line before
    for line in lines(page):
        for command in words(line):
            if problem := wrong(command):
                problems.append(f"{line}: {problem}")
            problems += [f"{line}: no {name}" for name in missing(command) if name not in made]
    assert problems == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_sentences_have_options_that_exist(page: str) -> None:
    problems = []
    for code in inline(page):
        program, _, rest = code.partition(" ")
        if program.startswith("ksim-") and program.removeprefix("ksim-") in PROGRAMS:
            known = parser(program)._option_string_actions
            given = re.findall(r"(?<!\S)--?[a-z][\w-]*", rest)
            problems += [f"{code}: no {option}" for option in given if option not in known]
        elif program in ("make", "pip") and rest:
            problems += [f"{code}: {problem}"] if (problem := wrong(code_words(code))) else []
    assert problems == []


def code_words(code: str) -> list[str]:
    return next(iter(words(code)))


def of_compile() -> list[str]:
    """The command lines of ksim-compile on shipped tasks, each once."""
    found: dict[str, None] = {}
    for page in (page for page in PAGES if page not in IN_ORDER):
        for line in lines(page):
            command = words(line)[0]
            named = {"walk.yaml", "TASK"}.isdisjoint(command) and "$" not in line
            if command[0] == "ksim-compile" and named:
                found[shlex.join(command[1:])] = None
    return list(found)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with what the pages take for granted."""
    shutil.copytree(ROOT / "tasks", tmp_path / "tasks")
    shutil.copytree(ROOT / "tasks" / "robots" / "cartpole", tmp_path / "my")
    (tmp_path / "my" / "scene.xml").rename(tmp_path / "my" / "robot.xml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arguments", of_compile())
def test_command_lines_of_ksim_compile_run(
    arguments: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ksim_compiler.cli.compile import main

    if "tasks/walk.json" in arguments:  # made by the line before
        assert main(["--emit", "acset", "tasks/walk.yaml"]) == 0
        (house / "tasks" / "walk.json").write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(shlex.split(arguments)) == 0, capsys.readouterr().err


def test_a_wrong_line_is_seen() -> None:
    assert wrong(["ksim-compile", "--chekc", "tasks/"])
    assert wrong(["ksim-fly"])
    assert wrong(["make", "everything"])
    assert wrong(["pip", "install", "ksim-schema[wings]"])
    assert wrong(["python", "-m", "ksim_schema.wings"])
    assert missing(["ksim-run", "tasks/run.yaml"]) == ["tasks/run.yaml"]
    assert words("a b > c | d 'e # f'  # g") == [["a", "b"], ["c"], ["d", "e # f"]]
