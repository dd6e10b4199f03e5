"""``ksim-eval``: figures against SciPy's, tables, and what is said of runs that are none."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ksim_compiler.cli import eval as command
from ksim_compiler.cli.eval import main
from ksim_compiler.cli.play import main as play
from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.figures import Figure, figures
from ksim_compiler.learn.run.untrained import untrained
from ksim_compiler.pipeline import compile_file
from ksim_compiler.play.record import record
from ksim_compiler.report.tables import lines
from tests.support.runs import run_folder

CARTPOLE = Path(__file__).parents[3] / "tasks" / "cartpole.yaml"
SHORT = "Termination.time_limit.after=1 s"
LOOSE = "Termination.tipped.range=[-3 rad, 3 rad]"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    run_folder(folder, settings=[SHORT], checkpoints=[64, 128])
    return folder


@pytest.mark.parametrize("failures", [0, 1, 7, 20])
def test_shares_have_wilsons_interval_and_means_the_normal_one(failures: int) -> None:
    plan = compile_file(CARTPOLE).plan
    assert plan is not None
    returns = np.random.default_rng(0).normal(5.0, 2.0, 20)
    failed = np.arange(20) < failures
    nothing = np.zeros((10, 20), bool)
    result = Evaluation(
        returns, np.full(20, 30), failed, failed, {}, nothing, {}, {}, {}, {"fallen": failed}
    )
    found = {f.name: f for f in figures(result, plan)}
    exact = stats.binomtest(failures, 20).proportion_ci(method="wilson")
    for name in ("failed", "ended by fallen"):
        share = found[name]
        assert share.unit == "%"
        assert share.value == pytest.approx(100 * failures / 20)
        assert (share.low, share.high) == pytest.approx((100 * exact.low, 100 * exact.high))
    mean = found["return"]
    assert (mean.low, mean.high) == pytest.approx(
        stats.norm.interval(0.95, returns.mean(), stats.sem(returns))
    )
    assert mean.std == pytest.approx(returns.std())
    assert (found["length"].value, found["length"].unit) == (pytest.approx(30 * plan.period), "s")


def test_it_says_of_a_policy_what_ksim_play_says(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"figures.{name}" for name in ("csv", "json")}
    asked = ("-n", "16", "--seed", "3", *(f"--{n}={file}" for n, file in files.items()))
    assert main([str(run), *asked]) == 0
    printed = capsys.readouterr().out
    assert "after 128 steps, 16 episodes" in printed
    (data,) = json.loads(files["json"].read_text())
    assert play([str(run), "--episodes", "16", "--seed", "3"]) == 0
    said = capsys.readouterr().out
    assert f"return {data['figures']['return']['value']:.4g}, " in said
    assert f"{data['figures']['failed']['value']:.0f}% failed" in said
    (row,) = csv.DictReader(files["csv"].read_text().splitlines())
    assert float(row["return"]) == data["figures"]["return"]["value"]
    assert row["run"] == str(run)
    ends = [v["value"] for n, v in data["figures"].items() if n.startswith("ended by")]
    assert sum(ends) >= 100.0  # each episode has ended, by one termination at least


def test_each_checkpoint_and_a_variant_are_rows_and_a_bad_run_is_a_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, cut = tmp_path / "empty", tmp_path / "cut"
    empty.mkdir()
    shutil.copytree(run, cut, ignore=shutil.ignore_patterns("*.safetensors"))
    many = ("-n", "4", "--checkpoint", "all", "--set", LOOSE)
    table = ("--csv", str(tmp_path / "a.csv"))
    assert main([str(empty), str(run), str(cut), *many, *table]) == 1
    told = capsys.readouterr()
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [int(row["steps"]) for row in rows] == [64, 128]
    lengths = [float(row["length (s)"]) for row in rows]
    assert all(0.9 < length <= 1.0 for length in lengths)  # as long as it may be: the pole may fall
    assert "2 policies, 4 episodes each" in told.out
    assert f"\n{run}, 128 " in told.out
    assert f"{empty} is not a run: there is no task.ksim in it" in told.err
    assert f"{cut}: it has no checkpoint yet" in told.err
    assert main([str(run), "-n", "4", "--checkpoint", "65"]) == 1
    assert "no longer has its checkpoint after 65 steps" in capsys.readouterr().err
    assert main([str(run), "--checkpoint", "newest"]) == 2
    assert "--checkpoint takes a number of steps, or 'all'" in capsys.readouterr().err
    assert main([str(run), "-n", "4", "--set", "Reward.upright.scael=1"]) == 1
    assert "KS0104" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "told"), [(math.nan, True), (0.1, False)])
def test_a_figure_that_no_episode_has_is_explained(value: float, told: bool) -> None:
    found = {"return": Figure("return", "", 3.0), "off": Figure("off", "m/s", value)}
    *_, last = command._shown([command.Judged("run", "walk", "", 64, found)], 4)
    assert (last == "-: no episode has this figure; for a velocity it has to last for 4 s") is told


def test_a_table_goes_on_below_where_it_is_too_wide() -> None:
    head = ["", "return", "length\ns", "error of velocity.forward\nm/s"]
    rows = [["runs/a", "1", "2", "3"], ["runs/bb", "10", "20", "30"]]
    wide = list(lines(head, rows, 80))
    assert wide[2:] == [
        "runs/a        1       2                          3",
        "runs/bb      10      20                         30",
    ]
    narrow = list(lines(head, rows, 30))
    assert all(len(line) <= 34 for line in narrow)  # one column is wider than there is room
    assert [line.split() for line in narrow if line.startswith("runs/bb")] == [
        ["runs/bb", "10", "20"],
        ["runs/bb", "30"],
    ]


def test_a_task_is_looked_at_before_it_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = compile_file(CARTPOLE).plan
    assert plan is not None
    std = plan.task.policy.distribution.init_std
    still, moved = (record(plan, untrained(plan, s, 1), 0, 100) for s in (0.0, std))
    assert not still.action.any()
    assert moved.action.std() == pytest.approx(std, rel=0.3)
    assert moved.action.mean() == pytest.approx(0.0, abs=0.3 * std)
    assert play([str(CARTPOLE), "--zero"]) == 0
    assert capsys.readouterr().out.startswith("zero actions: return ")
    assert play([str(CARTPOLE)]) == 2
    assert "ksim-play shows a task with --zero or --random" in capsys.readouterr().err
    assert play([str(CARTPOLE), "--zero", "--events", str(tmp_path / "e.jsonl")]) == 2
    assert "--events is of a trained policy" in capsys.readouterr().err


def test_a_policy_is_judged_on_another_task_that_it_can_act_in(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = f"ksim: 1\nextends: {CARTPOLE}\ntask: other\n"
    same, blind = tmp_path / "same.yaml", tmp_path / "blind.yaml"
    same.write_text(head + "set:\n  Termination.time_limit.after: 0.2 s\n")
    blind.write_text(head + "set:\n  Policy.actor.read: [cart, pole, cart_speed]\n")
    table = tmp_path / "a.csv"
    assert main([str(run), "-n", "4", "--task", str(same), "--csv", str(table)]) == 0
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert row["task"] == "other"
    assert float(row["length (s)"]) <= 0.2
    capsys.readouterr()
    assert main([str(run), "-n", "4", "--task", str(blind)]) == 1
    assert f"it cannot act in {blind} as it is: a checkpoint can be migrated" in " ".join(
        capsys.readouterr().err.split()
    )
