"""What the page that follows a run reads, and what it says of the run."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ksim_compiler.learn.run import lock
from ksim_compiler.live.log import Log
from ksim_compiler.live.status import Status, goal, speed, status
from tests.ksim_compiler.live.followed import STEPS

# What is read.


def test_a_log_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(path)
    assert not log.read()
    path.write_bytes(b'{"steps": 1}\n{"steps": 2, "na')
    assert log.read()
    assert log.rows == [{"steps": 1}]
    assert not log.read()
    with path.open("ab") as file:
        file.write('me": "ä"}\nnothing\n[1]\n{"steps": 3}\n'.encode())
    assert log.read()
    assert log.rows == [{"steps": 1}, {"steps": 2, "name": "ä"}, {"steps": 3}]
    assert log.damaged == 2


def test_a_log_that_is_cut_or_gone_is_read_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "log", tmp_path / "other"
    path.write_text('{"steps": 1}\n{"steps": 2}\n')
    log = Log(path)
    log.read()
    other.write_text('{"steps": 1}\n{"steps": 3}\n')  # as long as before
    other.replace(path)
    assert log.read()
    assert [each["steps"] for each in log.rows] == [1, 3]
    path.write_text('{"steps": 1}\n')  # in place
    assert log.read()
    assert [each["steps"] for each in log.rows] == [1]
    path.unlink()
    assert log.read()
    assert log.rows == []


# What is said.


def kind(folder: Path, done: int, held: bool | None, about: dict[str, Any]) -> Status:
    rows = [{"steps": STEPS * i, "seconds": 2.0 * i} for i in range(1, done + 1)]
    return status(folder, about, rows, held, 3.0 if done else None)


def test_how_a_run_is(tmp_path: Path) -> None:
    about = {"steps": 10 * STEPS}
    assert kind(tmp_path / "none", 3, False, about).kind == "gone"
    assert kind(tmp_path, 0, True, {}).kind == "starts"
    runs = kind(tmp_path, 4, True, about)
    assert (runs.kind, runs.share) == ("runs", 0.4)
    assert "4,000 of 10,000 steps" in runs.text
    assert "0.2 min left" in runs.text  # 6,000 steps at 500 a second
    assert "500 steps/s" in runs.text
    assert kind(tmp_path, 10, True, about).kind == "ends"
    assert kind(tmp_path, 10, False, about).kind == "finished"
    stopped = kind(tmp_path, 4, False, about)
    assert stopped.kind == "stopped"
    assert "left" not in stopped.text
    assert kind(tmp_path, 4, None, about).kind == "runs"  # its newest row is young
    (tmp_path / ".lock").touch()
    assert kind(tmp_path, 4, False, about).kind == "killed"
    assert kind(tmp_path, 4, True, {}).share is None


@pytest.mark.parametrize(("kept", "said"), [(False, "diverged"), (True, "stopped")])
def test_a_run_that_diverged_says_what_went_bad(tmp_path: Path, kept: bool, said: str) -> None:
    (tmp_path / "dumps").mkdir()
    text = json.dumps({"kept": kept, "message": "Reward.height went non-finite"})
    values = {"about": np.frombuffer(text.encode(), np.uint8)}
    np.savez(tmp_path / "dumps" / "000000004000.npz", **values)
    found = kind(tmp_path, 4, False, {"steps": 10 * STEPS})
    assert found.kind == said
    assert ("Reward.height" in found.text) is not kept
    assert kind(tmp_path, 5, False, {"steps": 10 * STEPS}).kind == "stopped"  # it went on


def test_a_run_goes_as_far_as_it_was_resumed_for() -> None:
    resumed = [{"command": "ksim-run --resume 'a run' --steps 2e4"}, {"command": "ksim-run"}]
    assert goal({"steps": 100, "resumed": resumed}) == 20_000
    assert goal({"steps": 100, "resumed": [{"command": "ksim-run --steps=3_000"}]}) == 3000
    assert goal({"steps": 100, "resumed": [{"command": "'"}, 3]}) == 100
    assert goal({"steps": None}) is None
    assert speed([{"steps": 1, "seconds": None}, {"steps": 2, "seconds": 1.0}]) is None


def test_a_look_at_the_lock_keeps_nobody_out(tmp_path: Path) -> None:
    assert lock.held(tmp_path) is False
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            lock.held(tmp_path)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            with lock.lock(tmp_path):
                assert lock.held(tmp_path) is True
    finally:
        stop.set()
        looking.join()
    assert lock.held(tmp_path) is False
