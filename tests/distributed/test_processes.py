"""Processes that train together: they begin, end, stop and are lost together."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ksim_compiler.cli.devices import without
from ksim_compiler.cli.local_processes import shares
from ksim_compiler.cli.peers import Peers, address, launcher
from ksim_compiler.learn.run import checkpoint
from ksim_compiler.learn.run.checkpoints import checkpoints

CARTPOLE = str(Path(__file__).parents[2] / "tasks" / "cartpole.yaml")
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
OFTEN = ("--engine", "native", "--episodes", "2", "--evaluate-every", "1e15")
ITERATION = 8 * 8


STARTED: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """What a test that failed has left running ends with it: its processes see that it is gone."""
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.wait()


def start(log: Path, *arguments: str | Path | int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ksim_compiler.cli.run", *map(str, arguments)]
    with log.open("w") as output:
        STARTED.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT))
    return STARTED[-1]


def members(supervisor: subprocess.Popen[bytes]) -> list[int]:
    """The processes that one has started."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(supervisor.pid)], capture_output=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]


def until(log: Path, process: subprocess.Popen[bytes], text: str, limit: float = 900.0) -> None:
    by = time.monotonic() + limit
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < by, log.read_text()
        time.sleep(0.05)


def lines_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_train_as_one_and_a_killed_one_ends_both_and_loses_nothing(
    tmp_path: Path,
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    begin = (CARTPOLE, *SMALL, *OFTEN, "--checkpoint-every", ITERATION, "--out", run)
    process = start(log, *begin, "--steps", 10**9, "--local-processes", 2)
    until(log, process, "env-steps/s")
    while len(checkpoints(run)) < 2:
        assert process.poll() is None, log.read_text()
        time.sleep(0.01)
    pids = members(process)
    assert len(pids) == 2
    os.kill(pids[1], signal.SIGKILL)
    assert process.wait(30) == 1
    told = log.read_text().splitlines()
    line = f"ksim-run: process 1 of 2 was ended by SIGKILL; the run is kept at {run}; "
    assert told[-1] == f"{line}resume with: ksim-run --resume {run} --local-processes 2"
    assert not [t for t in told if re.match(r"[EFW]\d{4} |\*\*\* |Traceback|\[Gloo\]", t)], told
    assert not [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists()]
    done = checkpoints(run)[-1][0]
    assert done >= ITERATION

    # one process goes on with it, and trains as if it had begun it
    alone = tmp_path / "alone"
    more, goal = tmp_path / "more", done + 2 * ITERATION
    for command in (
        (*begin[:-1], alone),
        ("--resume", run),
    ):
        assert start(more, *command, "--steps", goal).wait(300) == 0, more.read_text()
    parted, one = lines_of(run), lines_of(alone)
    assert [row["steps"] for row in parted] == [row["steps"] for row in one]
    for name in ("reward/total", "loss/value", "policy/std"):
        values = [[row[name] for row in rows[:3]] for rows in (parted, one)]
        np.testing.assert_allclose(*values, rtol=1e-4, err_msg=name)


@pytest.mark.slow
def test_stopping_one_process_stops_all_and_more_or_fewer_go_on(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    begin = (CARTPOLE, *SMALL, *OFTEN, "--checkpoint-every", "1e15", "--out", run)
    process = start(log, *begin, "--steps", 10**9, "--local-processes", 4)
    until(log, process, "env-steps/s")
    os.kill(members(process)[2], signal.SIGTERM)
    assert process.wait(60) == 130, log.read_text()
    assert "stopped by SIGTERM" in log.read_text()
    ((done, path),) = checkpoints(run)
    before = checkpoint.read_arrays(path)
    assert before["env.tick"] == done // 8
    for processes in (1, 2):
        goal = done + ITERATION * processes
        how = ("--local-processes", processes) if processes > 1 else ()
        again = start(log, "--resume", run, "--steps", goal, *how)
        assert again.wait(300) == 0, log.read_text()
        assert f"going on after {goal - ITERATION:,} steps" in log.read_text()
        assert lines_of(run)[-1]["steps"] == goal


@pytest.mark.slow
def test_a_process_killed_at_any_moment_ends_all_and_the_run_goes_on(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    rng, begun, saved = random.Random(0), False, 0
    begin = (CARTPOLE, *SMALL, *OFTEN, "--checkpoint-every", ITERATION, "--out", run)
    for _ in range(10):
        given = ("--resume", run) if begun else begin
        process = start(log, *given, "--steps", 10**9, "--local-processes", 4)
        until(log, process, "env-steps/s" if rng.random() < 0.7 else " ")
        time.sleep(rng.random() * 2.0)
        killed = rng.randrange(4)
        os.kill(members(process)[killed], signal.SIGKILL)
        assert process.wait(30) == 1, log.read_text()
        assert f"process {killed} of 4 was ended by SIGKILL; " in log.read_text()
        begun = begun or (run / "run.json").is_file()
        assert not begun or not checkpoints(run) or checkpoints(run)[-1][0] >= saved
        saved = checkpoints(run)[-1][0] if checkpoints(run) else 0
    again = start(log, "--resume", run, "--steps", saved + ITERATION)
    assert again.wait(300) == 0, log.read_text()
    assert [row["steps"] for row in lines_of(run)] == list(
        range(ITERATION, saved + ITERATION + 1, ITERATION)
    )


def alone(port: int, process: int, count: int = 2) -> tuple[int, str]:
    """What a process says that finds no other one within three seconds."""
    program = "import sys; from ksim_compiler.cli import peers, run; peers.JOIN = 3; "
    program += "sys.exit(run.main(sys.argv[1:]))"
    words = [CARTPOLE, *SMALL, *("--coordinator", f"127.0.0.1:{port}")]
    words += ["--processes", str(count), "--process", str(process)]
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr


def test_processes_that_do_not_find_each_other_end_with_a_line() -> None:
    missing = "the other processes of the training are not found after 3 s"
    with socket.socket() as taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        refused = (
            f"ksim-run: {missing}: process 0 is not at 127.0.0.1:{port} (connection refused)\n"
        )
        assert alone(port, 1) == (2, refused)
        taken.listen()
        status, said = alone(port, 0)
        assert status == 2
        assert said == (
            f"ksim-run: port {port} is taken on this machine, on which process 0 listens: "
            "name another one in --coordinator\n"
        )
    status, said = alone(port, 0)
    assert status == 2
    assert (
        said == f"ksim-run: {missing}: each of them is to be started, with a --process of its own\n"
    )


def pair(folder: Path, *commands: tuple[str | int, ...]) -> tuple[list[int], list[str]]:
    """How processes end that are to train together, and do not, and what they say."""
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    logs, begun = [folder / "0", folder / "1"], list[subprocess.Popen[bytes]]()
    for i, (log, own) in enumerate(zip(logs, commands, strict=True)):
        where = ("--coordinator", f"127.0.0.1:{port}", "--processes", 2, "--process", i)
        begun.append(start(log, *own, *SMALL, *OFTEN, *where, "--out", folder / "run"))
    ends = [process.wait(300) for process in begun]
    assert not (folder / "run" / "run.json").exists()
    return ends, [log.read_text() for log in logs]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ((), ("--seed", 1), "process 1 has another task than process 0, or other options"),
        ((), ("--set", "PPO.entropy=0.1"), "process 1 has another task than process 0"),
        ((), ("--devices", 2), "process 1 has 2 devices, and process 0 1 device"),
    ],
)
def test_processes_that_are_asked_for_other_things_train_nothing(
    first: tuple[str, ...], second: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    ends, logs = pair(tmp_path, (CARTPOLE, *first), (CARTPOLE, *second))
    assert ends == [2, 2]
    assert f"ksim-run: {told}" in logs[0]
    assert f"ksim-run: process 1: {told}" in logs[1]


@pytest.mark.slow
@pytest.mark.parametrize("fails", [0, 1])
def test_a_process_that_fails_by_itself_before_the_training_ends_all_with_a_line(
    fails: int, tmp_path: Path
) -> None:
    missing = str(tmp_path / "none.yaml")
    tasks = [(missing if i == fails else CARTPOLE,) for i in range(2)]
    ends, logs = pair(tmp_path, *tasks)
    assert ends == ([1, 2] if fails == 0 else [2, 1])
    reason = f"{missing}:1:1: error KS0001: cannot read {missing}: there is no such file"
    if fails == 0:
        assert logs[0].splitlines() == [reason]
        one = "ksim-run: process 1: process 0 cannot take part: it has said why"
        assert logs[1].splitlines() == [one]
    else:
        assert logs[0].splitlines() == [f"ksim-run: process 1 cannot take part: {reason}"]
        assert logs[1].splitlines() == [f"ksim-run: process 1: {reason}"]


def test_cores_are_shared_out() -> None:
    assert shares([0, 1, 2, 3], 2) == [[0, 1], [2, 3]]
    assert shares([4, 5, 6], 2) == [[4], [5]]
    assert shares([3, 7], 3) == [[3], [7], [3]]


def test_what_starts_processes_is_known_by_what_it_tells_them() -> None:
    step = {"SLURM_JOB_ID": "7", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}
    assert launcher({}) is None
    assert launcher(step) == "slurm"
    # a batch script is no process of a training, though its job has several
    assert launcher({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}) is None
    assert launcher({**step, "SLURM_STEP_NUM_TASKS": "1"}) is None
    assert launcher({"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"}) == "ompi"
    assert launcher({"OMPI_COMM_WORLD_SIZE": "1"}) is None


def test_options_of_processes_are_checked() -> None:
    assert without(["a", "--local-processes", "2", "--seed", "3"], "--local-processes") == [
        *("a", "--seed", "3")
    ]
    assert without(["--local-processes=2", "a"], "--local-processes") == ["a"]
    assert address("node1:29500") == "node1:29500"
    for wrong in ("node1", ":1", "node1:", "node1:0", "node1:99999"):
        with pytest.raises(argparse.ArgumentTypeError):
            address(wrong)
    lacking = argparse.Namespace(coordinator="a:1", processes=2, process=None)
    with pytest.raises(Exception, match="are given together"):
        Peers().join(lacking)
    outside = argparse.Namespace(coordinator="a:1", processes=2, process=2)
    with pytest.raises(Exception, match="from 0 to 1"):
        Peers().join(outside)
    one = argparse.Namespace(coordinator=None, processes=None, process=None)
    peers = Peers()
    peers.join(one)
    assert (peers.joined, peers.first) == (False, True)
