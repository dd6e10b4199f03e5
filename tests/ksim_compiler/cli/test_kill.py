"""A run that is killed at any moment, and a disk that is full, lose nothing that was saved."""

from __future__ import annotations

import os
import random
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


def start(log: Path, *arguments: str | Path | int) -> subprocess.Popen[bytes]:
    """``ksim-run``, whose output goes to a file: a pipe that is full would stop it."""
    command = [sys.executable, "-m", "ksim_compiler.cli.run", *map(str, arguments)]
    with log.open("w") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)


def finish(log: Path, *arguments: str | Path | int) -> str:
    process = start(log, *arguments)
    assert process.wait(300) == 0, log.read_text()
    return log.read_text()


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_and_resumed_a_run_ends_as_one_left_alone(tmp_path: Path, kills: int) -> None:
    whole, parted, log = (tmp_path / name for name in ("whole", "parted", "log"))
    steps = 64 * 100 * kills
    fresh = (CARTPOLE, *SMALL, *OFTEN, "--steps", steps, "--out")
    finish(log, *fresh, whole)
    rng, killed, moments = random.Random(0), 0, []
    begin: tuple[str | Path | int, ...] = (*fresh, parted)
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


def test_a_full_disk_ends_with_a_message_and_the_last_good_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [CARTPOLE, *SMALL, *OFTEN, "--steps", "64", "--out", str(run)]
    finish(tmp_path / "log", *arguments)
    good = newest(run)
    before = good.read_bytes()
    size = len(before) // 1024 - 4  # a limit of file sizes fails as a full disk does: as one writes
    resume = [sys.executable, "-m", "ksim_compiler.cli.run", "--resume", str(run), "--steps", "640"]
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
    assert [path.name for path in good.parent.iterdir()] == [good.name]
    assert "done: 640 steps" in finish(tmp_path / "log", "--resume", run, "--steps", "640")
