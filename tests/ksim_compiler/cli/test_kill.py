"""A run that is killed at any moment, and a disk that is full, lose nothing that was saved."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ksim_compiler.learn.run.checkpoints import checkpoints

CARTPOLE = str(Path(__file__).parents[3] / "tasks" / "cartpole.yaml")
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
OFTEN = ("--engine", "native", "--episodes", "2", "--checkpoint-every", "64")
FRESH = (CARTPOLE, *SMALL, *OFTEN)
STEPS = 64 * 100


def start(log: Path, *arguments: str | Path | int) -> subprocess.Popen[bytes]:
    """``ksim-run``, whose output goes to a file: a pipe that is full would stop it."""
    command = [sys.executable, "-m", "ksim_compiler.cli.run", *map(str, arguments)]
    with log.open("w") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)


def finish(log: Path, *arguments: str | Path | int) -> str:
    process = start(log, *arguments)
    assert process.wait(300) == 0, log.read_text()
    return log.read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of STEPS that was left alone."""
    folder = tmp_path_factory.mktemp("whole")
    finish(folder / "log", *FRESH, "--steps", STEPS, "--out", folder / "run")
    return folder / "run"


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_and_resumed_a_run_ends_as_one_left_alone(
    tmp_path: Path, whole: Path, kills: int
) -> None:
    parted, log = tmp_path / "parted", tmp_path / "log"
    steps = STEPS * kills
    if kills > 1:
        whole = tmp_path / "whole"
        finish(log, *FRESH, "--steps", steps, "--out", whole)
    rng, killed, moments = random.Random(0), 0, []
    begin: tuple[str | Path | int, ...] = (*FRESH, "--steps", steps, "--out", parted)
    for _ in range(kills):
        process = start(log, *begin)
        while process.poll() is None and "steps  " not in log.read_text():
            time.sleep(0.01)  # until it trains
        moments.append(rng.uniform(0.0, 0.5))
        try:
            process.wait(moments[-1])
        except subprocess.TimeoutExpired:
            killed += 1
            process.send_signal(signal.SIGKILL)
            process.wait()
        begin = ("--resume", parted, "--steps", steps)
    assert killed == kills
    finish(log, *begin)
    assert newest(parted).name == newest(whole).name
    assert newest(parted).read_bytes() == newest(whole).read_bytes(), f"killed after {moments} s"


def newest(run: Path) -> Path:
    return checkpoints(run)[-1][1]


def test_a_full_disk_ends_with_a_message_and_the_last_good_checkpoint(
    tmp_path: Path, whole: Path
) -> None:
    run, more = tmp_path / "run", STEPS + 640
    # without its logs, which are longer than a checkpoint, which is to be what does not fit
    shutil.copytree(whole, run, ignore=shutil.ignore_patterns("metrics*", "events*", "report*"))
    good, names = newest(run), {path.name for path in newest(run).parent.iterdir()}
    before = good.read_bytes()
    size = len(before) // 1024 - 4  # a limit of file sizes fails as a full disk does: as one writes
    resume = [
        sys.executable,
        "-m",
        "ksim_compiler.cli.run",
        "--resume",
        str(run),
        "--steps",
        str(more),
    ]
    shell = f'ulimit -f {size}; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", shell, "-", *resume],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert good.read_bytes() == before
    assert {path.name for path in good.parent.iterdir()} == names
    assert f"done: {more:,} steps" in finish(tmp_path / "log", "--resume", run, "--steps", more)
