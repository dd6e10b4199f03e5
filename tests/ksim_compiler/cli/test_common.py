"""What a user gets when a command line is wrong, or something happens that nobody foresaw."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from pydantic_core import SchemaError

from ksim_compiler.cli import common, play, programs, run
from ksim_compiler.cli.compile import main as compile_main
from ksim_compiler.engine import EngineUnavailable
from ksim_compiler.play import renderer

NONSENSE = ("inf", "-inf", "nan", "1e400", "-1", "", "abc", "1" + "0" * 400, "0x10", "1,5")
OPTIONS = [
    *((run, "--" + name, "t.yaml") for name in ("seed", "steps", "threads", "episodes", "keep")),
    *((run, "--" + name, "t.yaml") for name in ("evaluate-every", "checkpoint-every")),
    *((play, "--" + name, "run") for name in ("seed", "seconds", "size")),
]


@pytest.mark.parametrize("value", NONSENSE)
@pytest.mark.parametrize(
    ("command", "option", "what"), OPTIONS, ids=[f"{m.PROGRAM} {o}" for m, o, _ in OPTIONS]
)
def test_numbers_that_make_no_sense(
    command: ModuleType,
    option: str,
    what: str,
    value: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        status = command.main([what, f"{option}={value}"])
    except SystemExit as error:
        status = error.code
    assert status == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith(command.PROGRAM)
    assert option in said


@pytest.mark.parametrize(("text", "value"), [("1e6", 10**6), ("1_000", 1000), ("7", 7)])
def test_numbers_of_steps(text: str, value: int) -> None:
    assert common.count(text) == value


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("half of nothing"), "ZeroDivisionError: half of nothing"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "not enough memory"),
        (OSError(28, "No space left on device", "x.ksim"), "x.ksim: no space left"),
        (IsADirectoryError(21, "Is a directory", "x"), "x: is a directory"),
    ],
)
def test_one_line_for_what_nobody_foresaw(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert common.main("ksim-x", fail) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("ksim-x: ")
    assert said in lines[0]


def test_the_traceback_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise KeyError("a mistake")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert common.main("ksim-x", fail) == 1
    (file,) = tmp_path.iterdir()
    assert str(file) in capsys.readouterr().err
    assert "in fail" in file.read_text(encoding="utf-8")
    monkeypatch.setenv("KSIM_TRACEBACK", "1")
    assert common.main("ksim-x", fail) == 1
    assert "in fail" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


def test_warnings_are_lines_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warn() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("the cable is loose", UserWarning, stacklevel=1)
            warnings.warn("the cable is loose", UserWarning, stacklevel=1)
            warnings.warn("invalid value encountered in divide", RuntimeWarning, stacklevel=1)
        return 0

    monkeypatch.setattr("sys.warnoptions", [])
    assert common.main("ksim-x", warn) == 0
    assert capsys.readouterr().err == "ksim-x: warning: the cable is loose\n"


@pytest.mark.parametrize("choice", ["glfw", "cgl"])
def test_a_way_to_draw_that_does_not_work_is_the_one_that_is_named(
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", choice)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(renderer.VideoError, match=f"MUJOCO_GL={choice}"):
        renderer.choose_renderer()


def test_an_engine_that_refuses_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> int:
        raise EngineUnavailable("no such engine here")

    assert play._told(refuse) == 1
    assert capsys.readouterr().err == "ksim-play: no such engine here\n"


def test_a_model_that_mjx_cannot_do_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    geom = "<geom type='cylinder' size='.1 .1'/>"
    (tmp_path / "robot.xml").write_text(
        "<mujoco><worldbody><geom type='box' size='.1 .1 .1'/>"
        f"<body pos='0 0 1'><joint name='a' type='slide' axis='0 0 1'/>{geom}</body></worldbody>"
        "<actuator><motor joint='a' ctrlrange='-1 1'/></actuator></mujoco>",
        encoding="utf-8",
    )
    assert (
        compile_main(["--init", str(tmp_path / "new"), "--robot", str(tmp_path / "robot.xml")]) == 0
    )
    capsys.readouterr()
    assert run.main([str(tmp_path / "new.yaml"), "--probe", "--engine", "mjx"]) == 1
    told = capsys.readouterr().err
    assert "error KS0486: " in told
    assert "cylinder" in told
    assert "the engine native can" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("version", "quiet"), [("0.9.2", True), ("0.10.2", False)])
def test_what_jax_0_9_says_of_each_kept_program_is_not_shown(
    version: str, quiet: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)})
    monkeypatch.setattr(programs, "version_of", {"jaxlib": version}.get)
    programs.keep()
    assert "JAX_COMPILATION_CACHE_DIR" in os.environ
    assert ("TF_CPP_MIN_LOG_LEVEL" in os.environ) == quiet


def test_an_interrupt_in_a_library_that_is_being_loaded_is_an_interrupt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def load() -> int:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("the extension cannot be initialized") from error

    assert common.main("ksim-x", load) == 130
    assert capsys.readouterr().err == "ksim-x: interrupted\n"


def test_an_interrupt_of_which_pydantic_keeps_the_name_is_an_interrupt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def load() -> int:
        problem = 'Error building "model" validator:\n  SchemaError: Field "a":\n'
        raise SchemaError(problem + "  KeyboardInterrupt: ")

    assert common.main("ksim-x", load) == 130
    assert capsys.readouterr().err == "ksim-x: interrupted\n"
