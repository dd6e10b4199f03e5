"""``ksim-compile`` as its users meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ksim_compiler import artifact
from ksim_compiler.cli import common, compile
from tests.ksim_compiler.cli.variants import CARTPOLE, UNKNOWN, UNUSED, Output, place, variant


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_compiles_to_the_build_folder(capsys: Output) -> None:
    assert compile.main([CARTPOLE]) == common.OK
    out, err = capsys.readouterr()
    assert err == ""
    assert artifact.unpack(Path("build/cartpole.ksim")).settings == ()
    lines = out.splitlines()
    assert any(line.split()[:3] == ["Action.force", "torque", "1"] for line in lines)
    assert any(line.split()[:3] == ["Reward.alive", "stay_alive", "-"] for line in lines)
    order = " ".join(lines[lines.index("order of a tick") + 1 :])
    assert order.index("Observation.cart,") < order.index("Critic.critic,")
    assert "wrote build/cartpole.ksim" in out
    assert lines[-1] == f"{CARTPOLE}: no problems"


def test_check_writes_nothing(capsys: Output) -> None:
    assert compile.main(["--check", CARTPOLE]) == common.OK
    assert capsys.readouterr().out == f"{CARTPOLE}: no problems\n"
    assert os.listdir() == []


def test_quiet(capsys: Output) -> None:
    assert compile.main(["-q", CARTPOLE]) == common.OK
    assert capsys.readouterr() == ("", "")
    assert os.listdir("build") == ["cartpole.ksim"]


@pytest.mark.parametrize(
    ("out", "expected"), [("made/x.ksim", "made/x.ksim"), ("made", "made/cartpole.ksim")]
)
def test_out(out: str, expected: str) -> None:
    assert compile.main(["-q", CARTPOLE, "--out", out]) == common.OK
    assert Path(expected).is_file()


def test_set_changes_the_task() -> None:
    assert compile.main(["-q", CARTPOLE, "--set", "Reward.alive.scale=3"]) == common.OK
    made = artifact.unpack(Path("build/cartpole.ksim"))
    assert json.loads(made.task)["Reward"]["alive"]["scale"] == {"constant": 3.0}


def test_a_compiled_task_is_a_task(capsys: Output) -> None:
    assert compile.main(["-q", CARTPOLE]) == common.OK
    assert compile.main(["-q", "build/cartpole.ksim", "-o", "again"]) == common.OK
    first, again = (artifact.unpack(Path(p, "cartpole.ksim")) for p in ("build", "again"))
    assert again.task == first.task
    assert again.fingerprint == first.fingerprint
    assert compile.main(["--check", "build/cartpole.ksim", "--set", "PPO.envs=x"]) == common.ERRORS
    assert "--set:1:10: error KS0106" in capsys.readouterr().err


def test_errors(capsys: Output) -> None:
    path = variant("bad.yaml", UNKNOWN)
    assert compile.main([str(path)]) == common.ERRORS
    out, err = capsys.readouterr()
    assert out == "bad.yaml: 1 error\n"
    line, column = place(path, "slider")
    assert err.startswith(f"bad.yaml:{line}:{column}: error KS0203: unknown joint 'slider'")
    assert "did you mean 'slide'?" in err
    assert not Path("build").exists()


def test_warnings_do_not_stop_unless_strict(capsys: Output) -> None:
    path = str(variant("spare.yaml", UNUSED))
    assert compile.main([path]) == common.OK
    assert Path("build/cartpole.ksim").is_file()
    out, err = capsys.readouterr()
    assert "warning KS0307" in err
    assert out.endswith("spare.yaml: 1 warning\n")
    assert compile.main([path, "--strict", "-o", "strict"]) == common.ERRORS
    assert not Path("strict").exists()


def test_json(capsys: Output) -> None:
    good, bad = variant("good.yaml"), variant("bad.yaml", UNKNOWN, UNUSED)
    status = compile.main(["--check", "--format", "json", str(good), str(bad)])
    out, err = capsys.readouterr()
    assert (status, err) == (common.ERRORS, "")
    found = json.loads(out)["diagnostics"]
    assert [(d["file"], d["code"], d["severity"]) for d in found] == [
        ("bad.yaml", "KS0307", "warning"),
        ("bad.yaml", "KS0203", "error"),
    ]
    line, column = place(bad, "slider")
    end = {"end_line": line, "end_column": column + len("slider")}
    expected = {"line": line, "column": column, **end, "code": "KS0203"}
    assert found[1].items() >= expected.items()
    assert found[1]["path"].startswith("Action.force.joints")
    assert "slider" in found[1]["message"]
    assert "did you mean 'slide'?" in found[1]["help"]
    assert compile.main(["--check", "--format", "json", str(good)]) == common.OK
    assert json.loads(capsys.readouterr().out) == {"diagnostics": []}


def test_folders(capsys: Output) -> None:
    variant("set/b.yaml", ("task: cartpole", "task: b"))
    variant("set/more/a.yml", ("task: cartpole", "task: a"))
    variant("set/base/shared.yaml")
    variant("set/.hidden/x.yaml")
    Path("set/fragment.yaml").write_text("Reward: {}\n", encoding="utf-8")
    Path("set/notes.txt").write_text("task: none\n", encoding="utf-8")
    assert compile.main(["set", "set/b.yaml"]) == common.OK
    assert sorted(os.listdir("build")) == ["a.ksim", "b.ksim"]
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "no problems" in line] == [
        "set/b.yaml: no problems",
        "set/more/a.yml: no problems",
    ]


def test_two_tasks_of_one_name_do_not_overwrite_each_other(capsys: Output) -> None:
    paths = [str(variant("a.yaml")), str(variant("b.yaml"))]
    assert compile.main(paths) == common.ERRORS
    message = "error KS0506: cannot write build/cartpole.ksim: it was made of a.yaml"
    assert message in capsys.readouterr().err
    assert os.listdir("build") == ["cartpole.ksim"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["."],
        ["--emit", "graph", CARTPOLE, CARTPOLE + ".copy"],
        ["--emit", "graph", CARTPOLE, "--out", "x"],
        ["--emit", "graph", CARTPOLE, "--format", "json"],
        ["a.yaml", "b.yaml", "--out", "one.ksim"],
        ["--init", "."],
        ["--init", "/"],
        ["--init", "hop", CARTPOLE],
        ["--init", "hop", "--check"],
        ["--init", "hop", "--set", "PPO.envs=8"],
        ["--init", "hop", "--out", "elsewhere"],
    ],
)
def test_command_lines_that_make_no_sense(arguments: list[str], capsys: Output) -> None:
    assert compile.main(arguments) == common.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ksim-compile: ")
    assert err.count("\n") == 1
    assert not Path("hop.yaml").exists()


@pytest.mark.parametrize(
    "arguments", [[""], ["--fmt", ""], ["--check", CARTPOLE, ""], ["--init", ""], ["--out", ""]]
)
def test_an_empty_name_is_not_the_current_folder(arguments: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as stop:
        compile.main(arguments)
    assert stop.value.code == common.USAGE
    assert "it is empty" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--emit", "graphs"], ["--no-such"], ["--color", "blue"]])
def test_unknown_options(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        compile.main(arguments)
    assert stop.value.code == common.USAGE


def test_mistakes_are_diagnostics(capsys: Output) -> None:
    Path("empty.yaml").write_text("", encoding="utf-8")
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00")
    Path("no.ksim").write_text("no", encoding="utf-8")
    Path("occupied").write_text("", encoding="utf-8")
    folder = variant("folder.yaml", ("robots/cartpole/scene.xml", "robots/cartpole"))
    absent = variant("absent.yaml", ("robots/cartpole/scene.xml", "robots/none.xml"))
    cases = {
        ("nowhere.yaml",): "KS0001",
        ("empty.yaml",): "KS0007",
        ("binary.yaml",): "KS0006",
        ("no.ksim",): "KS0501",
        ("gone.ksim",): "KS0001",
        (str(folder),): "KS0202",
        (str(absent),): "KS0202",
        (CARTPOLE, "--out", "occupied"): "KS0506",
        (CARTPOLE, "--set", "nonsense"): "KS0115",
    }
    for arguments, code in cases.items():
        assert compile.main(list(arguments)) == common.ERRORS, arguments
        assert f"error {code}: " in capsys.readouterr().err


def test_a_folder_that_must_not_be_written(capsys: Output) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    Path("locked").mkdir(mode=0o500)
    assert compile.main([CARTPOLE, "--out", "locked"]) == common.ERRORS
    assert "error KS0506: cannot write locked/cartpole.ksim" in capsys.readouterr().err


def test_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(common, "load", interrupted)
    assert compile.main([CARTPOLE]) == common.INTERRUPTED
    assert capsys.readouterr().err == "ksim-compile: interrupted\n"


@pytest.mark.parametrize(("choice", "expected"), [("always", True), ("never", False)])
def test_colour(choice: str, expected: bool, capsys: Output) -> None:
    compile.main([CARTPOLE, str(variant("bad.yaml", UNKNOWN)), "--color", choice])
    out, err = capsys.readouterr()
    assert ("\x1b[" in out, "\x1b[" in err) == (expected, expected)


def test_automatic_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    terminal: object = Terminal()
    assert common.use_colour("auto", terminal)  # type: ignore[arg-type]
    with open(os.devnull) as plain:
        assert not common.use_colour("auto", plain)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not common.use_colour("auto", terminal)  # type: ignore[arg-type]
    assert common.use_colour("always", terminal)  # type: ignore[arg-type]


def python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(  # type: ignore[call-overload]
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, **options
    )


def test_the_command_imports_no_jax() -> None:
    program = (
        "import sys; from ksim_compiler.cli.compile import main; "
        f"sys.argv = ['ksim-compile', {CARTPOLE!r}]; status = main(); "
        "print([m for m in sys.modules if m.split('.')[0] in ('jax', 'jaxlib', 'rich', 'glfw')]); "
        "sys.exit(status)"
    )
    result = python("-c", program)
    assert result.returncode == common.OK, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


def test_runs_as_a_module() -> None:
    result = python("-m", "ksim_compiler.cli.compile", "--check", CARTPOLE)
    assert (result.returncode, result.stderr) == (common.OK, "")
    assert result.stdout == f"{CARTPOLE}: no problems\n"


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = [sys.executable, "-m", "ksim_compiler.cli.compile", "--list"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environment)
    os.close(write)
    assert result.stderr == b""


def test_names_that_the_terminal_cannot_show() -> None:
    path = variant("pôle.yaml", ("tipped:", "umgefallen_ä:"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "0"}
    environment |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "ksim_compiler.cli.compile", "--check", str(path)]
    result = subprocess.run(command, capture_output=True, env=environment)
    assert result.returncode == common.ERRORS
    assert b"KS0112" in result.stderr
    assert b"Traceback" not in result.stderr


def test_ignored_warnings(capsys: Output) -> None:
    ignored = (UNUSED[0], UNUSED[1].replace("}\n", "}  # ksim: ignore[KS0307]\n", 1))
    path = str(variant("ignored.yaml", ignored))
    assert compile.main(["--check", "--strict", path]) == common.OK
    assert capsys.readouterr() == (f"{path}: no problems\n", "")


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit"])
def test_reports_for_programs(form: str, capsys: Output) -> None:
    bad, good = str(variant("bad.yaml", UNKNOWN)), str(variant("good.yaml"))
    assert compile.main(["--check", "--format", form, bad, good]) == common.ERRORS
    out, err = capsys.readouterr()
    assert err == ""
    assert "KS0203" in out
    assert "unknown joint" in out
    assert compile.main(["--check", "--format", form, good]) == common.OK
