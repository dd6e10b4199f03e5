"""ksim-sweep as it is run: workers that are killed, one program for all trials, what is printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import jax
import optuna
import pytest

from ksim_compiler.cli.compile import main as compile_command
from ksim_compiler.cli.run import main as run_command
from ksim_compiler.cli.sweep import main
from ksim_compiler.learn.run.programs import Programs
from ksim_compiler.learn.run.run import METRICS, rows
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.pipeline import compile_file
from ksim_compiler.sweep import show
from ksim_compiler.sweep.book import Book
from ksim_compiler.sweep.check import check
from ksim_compiler.sweep.storage import open_storage, quiet

ROOT = Path(__file__).parents[3]
CARTPOLE = ROOT / "tasks" / "cartpole.yaml"
SMALL = ("PPO.envs=8", "PPO.rollout=8", "PPO.minibatches=2", "PPO.epochs=2")
STUDY = """
study: small
task: cartpole
set: {PPO.envs: 8, PPO.rollout: 8, PPO.minibatches: 2, PPO.epochs: 2}
search:
  PPO.learning_rate.start: {from: 1.0e-4, to: 1.0e-2, log: true}
  PPO.entropy: {from: 0.0, to: 0.02}
  Reward.centred.error_scale: {from: 30 cm, to: 60 cm}
goal: {maximize: length, episodes: 2}
"""
PER_ITERATION = 64


def study(folder: Path, trials: int, iterations: int, more: str = "") -> Path:
    path = folder / "small.yaml"
    budget = f"budget: {{trials: {trials}, steps: {iterations * PER_ITERATION}}}\n"
    path.write_text(STUDY + budget + more, encoding="utf-8")
    return path


def begin(path: Path, out: Path, log: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ksim_compiler.cli.sweep", str(path), "--out", str(out)]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*command, "--threads", "1", "--engine", "native", *more],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=path.parent,
        )


def trials(out: Path) -> list[optuna.trial.FrozenTrial]:
    quiet()
    try:
        storage = open_storage(str(out / "study.db"))
        return optuna.load_study(storage=storage, study_name="small").get_trials(deepcopy=False)
    except KeyError:
        return []


@pytest.mark.parametrize(
    ("count", "iterations", "kills"),
    [(6, 20, 1), (40, 200, 5)],
)
@pytest.mark.slow
def test_two_workers_of_which_one_is_killed_lose_no_trial_and_do_none_twice(
    tmp_path: Path, count: int, iterations: int, kills: int
) -> None:
    path, out, log = study(tmp_path, count, iterations), tmp_path / "out", tmp_path / "log"
    workers = [begin(path, out, log)]
    killed: list[int] = []
    for number in range(kills):
        while not (saved := [n for n in held(workers[0].pid) if is_saved(out, n)]):
            assert workers[0].poll() is None, log.read_text()
            time.sleep(0.02)  # until it trains a trial of which there is a checkpoint
        if number == 0:
            workers.append(begin(path, out, log))
        workers[0].send_signal(signal.SIGKILL)
        workers[0].wait()
        killed += saved
        if kills > 1:
            workers[0] = begin(path, out, log)
    for worker in workers[kills == 1 :]:  # the quick test spares itself the third process
        assert worker.wait(600) == 0, log.read_text()
    found = trials(out)
    assert [t.number for t in found] == list(range(count))
    assert {t.state.name for t in found} == {"COMPLETE"}
    folders = sorted(path.name for path in (out / "trials").iterdir())
    assert folders == [f"{number:04d}-seed0" for number in range(count)]
    for number in range(count):
        steps = [row["steps"] for row in rows(out / "trials" / folders[number] / METRICS)]
        assert steps == [PER_ITERATION * i for i in range(1, iterations + 1)]
    if kills == 1:
        return
    # a trial that was killed and went on is worth what it is worth when it is left alone
    ready = check(path)
    texts = show.rows(Book(ready, open_storage(str(out / "study.db")), out))[killed[0]].texts
    compiled = ready.compile(texts)
    assert compiled.plan is not None
    steps = iterations * PER_ITERATION
    trainer = Trainer.build(compiled.plan, "native", 1, steps, Programs(numbers=True))
    state = trainer.train(trainer.init(0), steps)
    alone = float(trainer.evaluate(state, 2, 0).lengths.mean())
    assert found[killed[0]].value == alone


def held(pid: int) -> list[int]:
    """The trials whose locks a process holds."""
    found: list[int] = []
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            match = re.fullmatch(r"trial(\d+)\.lock", Path(os.readlink(entry.path)).name)
            found += [int(match[1])] if match else []
    return found


def is_saved(out: Path, trial: int) -> bool:
    return any((out / "trials" / f"{trial:04d}-seed0").glob("checkpoints/*.safetensors"))


def test_trials_that_differ_in_numbers_compile_one_program() -> None:
    compiled = 0

    def count(event: str, seconds: float, **_: object) -> None:
        nonlocal compiled
        compiled += event.endswith("backend_compile_duration")

    jax.monitoring.register_event_duration_secs_listener(count)
    programs = Programs(numbers=True)
    learned = []
    learner = ("PPO.learning_rate={start: 3.0e-3, adaptive_kl: 0.01}", "PPO.gamma=0.9")
    learner += ("PPO.lam=0.8", "PPO.clip=0.1", "PPO.entropy=0.01", "PPO.gradient_clip=2.0")
    weights = ("Reward.centred.scale=2.0", "Reset.pole.range=2 deg", "Action.force.scale=8 N")
    weights += ("Observation.cart_speed.noise.gaussian=2 cm/s", "Reward.effort.scale=1.0e-3")
    for settings in ((), learner, weights):
        plan = compile_file(CARTPOLE, (*SMALL, *settings)).plan
        assert plan is not None
        trainer = Trainer.build(plan, "native", 1, 128, programs)
        trainer.prepare()
        before = compiled
        state = trainer.train(trainer.init(0), 128)
        if not learned:
            trainer.evaluate(state, 2)
        learned.append([float(leaf.sum()) for leaf in jax.tree.leaves(state.networks)])
        if len(learned) > 1:
            assert compiled == before
            assert learned[-1] != learned[0]
    assert (programs.compiled, programs.reused) == (4, 6)
    other = compile_file(CARTPOLE, (*SMALL, "PPO.epochs=3")).plan
    assert other is not None
    Trainer.build(other, "native", 1, 128, programs).prepare()
    assert programs.compiled == 5  # the update alone is another one


def test_a_broken_range_is_reported_at_its_line_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = study(tmp_path, 2, 2)
    path.write_text(path.read_text().replace("to: 60 cm", "to: 60 deg"))
    assert main(["small.yaml"]) == 1
    told = capsys.readouterr().err
    assert "small.yaml:8:49: error KS0620: 60 deg is an angle, but 30 cm is a length" in told
    assert [p.name for p in tmp_path.iterdir()] == ["small.yaml"]
    assert main(["--check", "--format", "json", "small.yaml"]) == 1
    (report,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (report["code"], report["line"], report["column"]) == ("KS0620", 8, 49)


def test_a_study_is_no_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study(tmp_path, 2, 2)
    shutil.copytree(CARTPOLE.parent / "robots" / "cartpole", tmp_path / "robots" / "cartpole")
    shutil.copy(CARTPOLE, tmp_path)
    assert compile_command(["--check", str(tmp_path)]) == 0
    assert "small.yaml" not in capsys.readouterr().out
    assert compile_command(["--check", str(path)]) == 1
    assert (
        f"this is a study, which is no task: ksim-sweep --check {path}" in capsys.readouterr().err
    )


def test_without_optuna_a_line_says_how_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main([str(study(tmp_path, 2, 2))]) == 2
    assert "optuna is not installed; studies need: pip install" in capsys.readouterr().err
    assert main(["--check", str(study(tmp_path, 2, 2))]) == 0


def test_slurm_gets_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.write_text('#!/bin/sh\necho "submitted $1"\n')
    sbatch.chmod(0o755)
    path = study(tmp_path, 2, 2)
    assert main([str(path), "--slurm", "--workers", "16", "--threads", "8"]) == 0
    assert "where there is: sbatch studies/small/sweep.sbatch" in capsys.readouterr().out
    text = (tmp_path / "studies" / "small" / "sweep.sbatch").read_text()
    assert "#SBATCH --array=1-16\n" in text
    (line,) = (line for line in text.splitlines() if line.startswith("exec "))
    words = line.split()
    assert words[words.index("--storage") + 1].endswith("studies/small/study.journal")
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert main([str(path), "--slurm"]) == 0


def test_seeds_are_the_runs_of_single_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = [str(CARTPOLE), *(w for s in SMALL for w in ("--set", s)), "--steps", "128"]
    line += ["--episodes", "2", "--engine", "native", "--threads", "1"]
    made: list[Programs] = []
    init = Programs.__init__

    def noted(self: Programs, **how: bool) -> None:
        init(self, **how)
        made.append(self)

    monkeypatch.setattr(Programs, "__init__", noted)
    assert run_command([*line, "--seeds", "3", "--seed", "4", "--out", "many"]) == 0
    (programs,) = made
    assert (programs.compiled, programs.reused) == (4, 8)
    told = capsys.readouterr().out
    assert "median" in told
    assert run_command([*line, "--seed", "5", "--out", "one"]) == 0

    def logged(folder: str) -> list[dict[str, float]]:
        return [{**row, "seconds": 0.0} for row in rows(tmp_path / folder / METRICS)]

    assert logged("many/seed5") == logged("one")
    assert logged("many/seed4") != logged("one")
    assert run_command([*line, "--seeds", "2", "--resume", "one"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_cleanly_and_the_second_one_at_once(tmp_path: Path, workers: str) -> None:
    path, out, log = study(tmp_path, 3, 100_000), tmp_path / "out", tmp_path / "log"

    def until(*texts: str) -> None:
        while not all(text in log.read_text() for text in texts):
            time.sleep(0.05)

    process = begin(path, out, log, "--workers", workers)
    until("trial   0 training")
    for number in range(int(workers)):
        while not rows(out / "trials" / f"{number:04d}-seed0" / METRICS):
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    told = log.read_text()
    assert "stopping after this iteration; once more to stop at once" in told
    assert f"stopped; go on with: ksim-sweep {path} --out {out}" in told
    states = [t.state.name for t in trials(out)]
    assert states == ["RUNNING"] * int(workers) + ["WAITING"] * (3 - int(workers))
    assert f"{workers} stopped" in told
    log.write_text("")
    process = begin(path, out, log, "--workers", workers)
    until("going on with", "training")
    process.send_signal(signal.SIGINT)
    until("stopping")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (130, -signal.SIGINT)


@pytest.mark.slow
def test_workers_on_a_ray_cluster(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    path, out, log = study(tmp_path, 4, 20), tmp_path / "out", tmp_path / "log"
    assert begin(path, out, log, "--ray", "--workers", "2").wait(900) == 0, log.read_text()
    quiet()
    storage = open_storage(str(out / "study.journal"))
    found = optuna.load_study(storage=storage, study_name="small").get_trials(deepcopy=False)
    assert [t.number for t in found if t.state.name == "COMPLETE"] == [0, 1, 2, 3]
