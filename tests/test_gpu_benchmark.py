"""The benchmark for GPUs: its parts are told as they come, and what is not there is told too."""

from __future__ import annotations

import mujoco
import pytest

from benchmarks import gpu, gpu_parts
from benchmarks.gpu import Job


def test_correctness_is_told_before_speed() -> None:
    parts = [job.part for job in gpu.jobs(["mjx", "warp"], gpu.ENVS, tiny=False)]
    assert parts[:4] == ["agrees", "agrees", "learns", "resumes"]
    assert parts[-1] == "brax"
    assert parts.count("walk") == len(gpu.ENVS) + 1  # warp at one size


def test_a_part_that_fails_is_a_row() -> None:
    (row,) = gpu.rows_of(Job("walk", 60, ("nothing",), "walk, mjx"), 60)
    assert row["bad"]
    assert row["what"] == "walk, mjx"
    assert "FAILED" in row["result"]
    assert "invalid choice" in row["result"]


def test_a_part_that_takes_too_long_is_a_row() -> None:
    (row,) = gpu.rows_of(Job("device", 60, ("device",), "JAX"), 0.05)
    assert row == {"what": "JAX", "result": "not done in 0 s"}


def test_a_robot_that_is_not_there_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    path, why = gpu_parts.task_of("go1")
    assert path is None
    assert "MENAGERIE_ROOT" in why


def test_a_row_of_the_table() -> None:
    row = {"what": "walk, mjx", "envs": 4096, "rate": 12345.6, "ratio": 0.456}
    assert gpu.text("walk", row) == "| walk | walk, mjx | 4,096 | 12,346 | 0.46 |  |"
    said = gpu.text("brax", {"what": "x", "result": "left out: no time"})
    assert said == "| brax | x |  |  |  | left out: no time |"


def test_controls_are_near_home() -> None:
    plan = gpu_parts.plan_of(gpu.ROOT / "tasks" / "walk.yaml")
    model, ctrl = plan.robot.model, gpu_parts.controls(plan, 3, 2)
    assert ctrl.shape == (3, 2, model.nu)
    data = mujoco.MjData(model)
    data.qpos[:] = plan.robot.facts.home
    angles = [data.qpos[model.jnt_qposadr[model.actuator_trnid[i, 0]]] for i in range(model.nu)]
    assert abs(ctrl - angles).max() < 0.3  # noise of 0.05 rad about the servos' angles


@pytest.mark.slow
def test_the_tiny_form_finds_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main(["--tiny", "--seconds", "900", "--only", "agrees,resumes,walk"]) == 0
    told = capsys.readouterr().out
    assert "after 2 ticks: good" in told
    assert "the same figures to the bit: good" in told
    assert "bare mjx.step" in told
    assert "nothing wrong" in told
