"""``ksim-run`` as a user runs it: the run folder, the same seed, Ctrl-C, wrong command lines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ksim_compiler.cli.run import main, parser
from ksim_compiler.learn.run import manifest
from ksim_compiler.learn.run.checkpoint import read_header
from ksim_compiler.learn.run.checkpoints import checkpoints

ROOT = Path(__file__).parents[3]
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
CARTPOLE = str(ROOT / "tasks" / "cartpole.yaml")


def newest(folder: Path) -> Path:
    return checkpoints(folder)[-1][1]


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_whole_folder_and_the_compiled_task_runs_again_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    arguments = ("--engine", "native", "--steps", "150", "--episodes", "2", "--seed", "3")
    assert main([CARTPOLE, *SMALL, *arguments, "--out", str(first)]) == 0
    printed = capsys.readouterr().out
    assert "Observation.pole_speed" in printed
    assert "Reward.effort" in printed
    assert "-0.0001" in printed
    assert "evaluation over 2 episodes" in printed
    names = {path.name for path in first.iterdir()}
    assert names == {
        "checkpoints",
        "evaluations.jsonl",
        "metrics.jsonl",
        "report.html",
        "run.json",
        "task.ksim",
        "task.yaml",
        "tensorboard",
    }
    log = rows(first)
    assert [row["steps"] for row in log] == [64, 128, 192]  # 150 rounded up to whole iterations
    wanted = {"seconds", "episode/return", "episode/length", "reward/alive", "loss/kl"}
    assert wanted <= set(log[0])
    about = json.loads((first / "run.json").read_text())
    header = read_header(newest(first))
    assert about["fingerprint"] == header["fingerprint"]
    assert {"jax", "equinox", "mujoco", "mujoco-mjx", "python"} <= set(about["versions"])
    assert about["hardware"]["cores"] >= 1
    assert about["hardware"]["processor"]
    assert header["steps"] == "192"
    assert main([str(first / "task.ksim"), *arguments, "--out", str(again)]) == 0
    for a, b in zip(log, rows(again), strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}
    assert json.loads((again / "run.json").read_text())["fingerprint"] == about["fingerprint"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_a_checkpoint(number: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "ksim_compiler.cli.run", CARTPOLE, *SMALL]
    command += ["--engine", "native", "--steps", "100000000", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "metrics.jsonl").is_file() or len(rows_so_far(out)) < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(number)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert f"stopped by {number.name}" in printed
    steps = read_header(newest(out))["steps"]
    assert int(steps) == rows(out)[-1]["steps"]


WANDB = """
class Error(Exception):
    pass


def init(**options):
    raise Error("no API key\\nconfigured")
"""


@pytest.mark.parametrize(
    ("package", "message"),
    [(None, "pip install wandb"), (WANDB, "--metrics wandb: no API key configured")],
)
def test_metrics_that_cannot_be_sent_are_one_clear_message(
    package: str | None,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    if package is None:
        monkeypatch.setitem(sys.modules, "wandb", None)
    else:
        (tmp_path / "wandb.py").write_text(package)
        monkeypatch.syspath_prepend(tmp_path)
    arguments = ("--engine", "native", "--steps", "64", "--metrics", "wandb")
    assert main([CARTPOLE, *SMALL, *arguments, "--out", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err


def rows_so_far(folder: Path) -> list[str]:
    return (folder / "metrics.jsonl").read_text().splitlines()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((CARTPOLE, "--seed", "-1"), 2, "--seed must be"),
        ((CARTPOLE, "--set", "Reward.alive.scal=1"), 1, "KS0104"),
        ((CARTPOLE, "--set", "Reward.alife.scale=1"), 1, "KS0115"),
        (("no/such/task.yaml",), 1, "KS0001"),
    ],
)
def test_a_users_mistake_is_one_clear_message(
    arguments: tuple[str, ...],
    status: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "run")]) == status
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flag", ["--steps", "--episodes", "--keep", "--checkpoint-every"])
@pytest.mark.parametrize("count", ["0", "-1", "1.5", "nan", "inf", "1e400", "1e16", "", "many"])
def test_a_number_of_things_is_a_whole_one(
    flag: str, count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([CARTPOLE, flag, count])
    assert stop.value.code == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"ksim-run: error: argument {flag}: ")
    assert "whole number" in told or "must be from 1" in told


@pytest.mark.parametrize(
    ("text", "number"), [("3e6", 3_000_000), ("2_000", 2000), ("1", 1), ("9e14", 9 * 10**14)]
)
def test_a_number_of_steps_in_several_ways(text: str, number: int) -> None:
    assert parser().parse_args([CARTPOLE, "--steps", text]).steps == number


@pytest.mark.parametrize("flag", ["resume", "from"])
def test_a_probe_trains_no_run(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([CARTPOLE, "--probe", f"--{flag}", str(tmp_path)]) == 2
    assert f"leave out --{flag}" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_not_written_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("precious")
    assert main([CARTPOLE, "--out", str(tmp_path)]) == 2
    assert "holds something already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_resumed_run_ends_as_one_that_was_not_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    short = ("--engine", "native", "--episodes", "2", "--checkpoint-every", "64")
    begin = [CARTPOLE, *SMALL, *short, "--evaluate-every", "128"]
    assert main([*begin, "--steps", "448", "--out", str(whole)]) == 0
    assert main([*begin, "--steps", "256", "--out", str(parted)]) == 0
    # as a kill leaves it: a log that is ahead with half a line, a damaged newest checkpoint
    with (parted / "metrics.jsonl").open("a") as file:
        file.write('{"steps": 320, "sec')
    data = newest(parted).read_bytes()
    newest(parted).write_bytes(data[: len(data) // 2])
    capsys.readouterr()
    assert main(["--resume", str(parted), "--steps", "448"]) == 0
    printed = capsys.readouterr().out
    assert "passed over a checkpoint" in printed
    assert "going on after 192 steps" in printed
    assert newest(parted).name == newest(whole).name
    assert newest(parted).read_bytes() == newest(whole).read_bytes()
    for a, b in zip(rows(parted), rows(whole), strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}
    assert len(checkpoints(parted)) == 3
    evaluations = (whole / "evaluations.jsonl").read_text()
    assert (parted / "evaluations.jsonl").read_text() == evaluations
    assert main(["--resume", str(whole)]) == 0  # it had ended: nothing is left to do or to add
    assert (whole / "evaluations.jsonl").read_text() == evaluations
    assert newest(parted).read_bytes() == newest(whole).read_bytes()


def test_two_processes_do_not_train_in_one_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    arguments = (*SMALL, "--engine", "native", "--episodes", "2", "--steps", "64")
    assert main([CARTPOLE, *arguments, "--out", str(run)]) == 0
    before = (run / "metrics.jsonl").read_text()
    with manifest.lock(run):
        assert main(["--resume", str(run), "--steps", "128"]) == 1
    assert "another process trains in" in capsys.readouterr().err
    assert (run / "metrics.jsonl").read_text() == before


def test_a_resume_elsewhere_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    arguments = (*SMALL, "--engine", "native", "--episodes", "2", "--steps", "64")
    assert main([CARTPOLE, *arguments, "--out", str(run)]) == 0
    about = json.loads((run / "run.json").read_text())
    now = about["versions"]["jax"]
    about["versions"]["jax"] = "0.0.1"
    (run / "run.json").write_text(json.dumps(about))
    capsys.readouterr()
    assert main(["--resume", str(run)]) == 0
    said = f"it may end with other bits: jax 0.0.1 is now {now}\n"
    assert capsys.readouterr().err.endswith(said)


def test_mistakes_of_a_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--resume", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
    run = tmp_path / "run"
    arguments = (*SMALL, "--engine", "native", "--episodes", "2", "--steps", "64")
    assert main([CARTPOLE, *arguments, "--out", str(run)]) == 0
    assert main(["--resume", str(run), "--set", "PPO.gamma=0.9"]) == 2
    assert "leave out --set" in capsys.readouterr().err
    assert main(["--resume", str(run), "--seed", "5"]) == 2
    assert "the run has seed 0" in capsys.readouterr().err
    assert main([CARTPOLE, "--resume", str(run)]) == 2  # it was begun with other settings
    assert "is not the task of" in capsys.readouterr().err
    for _, path in checkpoints(run):
        path.write_bytes(b"no checkpoint")
    assert main(["--resume", str(run)]) == 1
    assert "damaged" in capsys.readouterr().err
    (run / "run.json").write_text("{")
    assert main(["--resume", str(run)]) == 2
    assert "cannot be read" in capsys.readouterr().err
