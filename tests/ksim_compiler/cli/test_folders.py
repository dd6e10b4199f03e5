"""The folder of a run: one process in it, nothing left of a start that fails, a safe warm start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ksim_compiler.cli.run import main
from ksim_compiler.learn.run import folder
from ksim_compiler.learn.run.checkpoints import checkpoints

CARTPOLE = str(Path(__file__).parents[3] / "tasks" / "cartpole.yaml")
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
SHORT = ("--engine", "native", "--episodes", "2", "--threads", "1", "--steps", "64")

CLAIM = """
import sys
from pathlib import Path
from ksim_compiler.learn.run import folder
out = Path(sys.argv[1]) if sys.argv[1] else None
try:
    with folder.new(out, Path("runs/task-now")) as (place, begin):
        (place / "run.json").write_text("{}")
        begin()
        print(place, flush=True)
        sys.stdin.read()
except folder.FolderError as error:
    print(type(error).__name__, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("out", ["", "one"])
def test_processes_of_one_moment_have_a_folder_each(out: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLAIM, out]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=tmp_path)
        for _ in range(4)
    ]
    said = sorted(p.stdout.readline().strip() for p in started if p.stdout)
    for process in started:
        process.communicate("")
    if out:
        assert said == ["Busy", "Busy", "Busy", "one"]
    else:
        names = ["task-now", "task-now-2", "task-now-3", "task-now-4"]
        assert said == [f"runs/{name}" for name in names]


def test_a_start_that_fails_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    arguments = [CARTPOLE, *SMALL, *SHORT, "--out", str(out)]
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert main([*arguments, "--metrics", "wandb"]) == 2
    assert not out.exists()
    assert main([*arguments, "--from", str(tmp_path / "nothing")]) != 0
    assert not out.exists()
    out.mkdir()
    assert main([*arguments, "--metrics", "wandb"]) == 2
    assert list(out.iterdir()) == []
    (out / "task.ksim").write_bytes(b"of a start that was killed")
    with folder.new(out, out) as (place, _):
        assert [path.name for path in place.iterdir()] == [folder.LOCK]


@pytest.mark.slow
def test_a_warm_start_that_is_killed_at_once_goes_on_from_what_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, whole, parted = (tmp_path / name for name in ("first", "whole", "parted"))
    assert main([CARTPOLE, *SMALL, *SHORT, "--out", str(first)]) == 0
    warm = [CARTPOLE, *SMALL, *SHORT, "--from", str(first), "--out"]
    assert main([*warm, str(whole)]) == 0
    assert json.loads((whole / "run.json").read_text())["from"] == str(first)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ksim_compiler.learn.run.trainer.Trainer.train", killed)
        assert main([*warm, str(parted)]) == 130
    first.rename(tmp_path / "gone")
    assert [steps for steps, _ in checkpoints(parted)] == [0]
    assert main(["--resume", str(parted)]) == 0
    ends = [checkpoints(run)[-1][1].read_bytes() for run in (whole, parted)]
    assert ends[0] == ends[1]
    for _, path in checkpoints(parted):
        path.unlink()
    capsys.readouterr()
    assert main(["--resume", str(parted)]) == 1
    assert "no longer has the state that it began with" in capsys.readouterr().err


FAKE = """
class Error(Exception):
    pass


class Run:
    def log(self, *a, **k): pass
    def finish(self): pass


calls = []


def init(**options):
    calls.append(options)
    return Run()
"""


@pytest.mark.slow
def test_each_run_has_an_id_of_its_own_at_wandb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wandb.py").write_text(FAKE)
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    runs = [tmp_path / side / "run" for side in "ab"]
    for run in runs:
        assert main([CARTPOLE, *SMALL, *SHORT, "--metrics", "wandb", "--out", str(run)]) == 0
    assert main(["--resume", str(runs[0]), "--metrics", "wandb", "--steps", "128"]) == 0
    a, b, again = sys.modules["wandb"].calls
    assert a["id"] != b["id"]
    assert (a["resume"], again["resume"], again["id"]) == ("never", "allow", a["id"])
    assert json.loads((runs[0] / "run.json").read_text())["wandb"] == a["id"]
