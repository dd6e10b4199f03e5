"""``ksim-compare``: groups, what is shown of them, and what is said of runs that cannot be read."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ksim_compiler.cli.compare import main
from tests.support import browser
from tests.support.runs import run_folder

TOPS = {0: 900.0, 1: 1000.0, 2: 1100.0, 3: 1300.0, 4: 600.0}
"""Seed -> return at the end."""
GIF = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90400000000002c00000000010001000002024401003b"
)
"""A picture of one pixel."""
FASTER = ("PPO.learning_rate=0.001",)


def write(folder: Path, seed: int, settings: Sequence[str] = (), factor: float = 1.0) -> Path:
    """A run of the cartpole that ends at a return of its seed."""
    top = factor * TOPS[seed]
    metrics = [
        {
            "steps": 1000 * i,
            "seconds": 2.0 * i,
            "episode/return": top * min(1.0, i / 20),
            "episode/length": 10.0 * i,
        }
        for i in range(1, 41)
    ]
    evaluations = [
        {"steps": 1000 * i, "episodes": 32, "return": top * i / 40, "length": 250.0, "failed": 0.5}
        for i in (20, 40)
    ]
    run_folder(folder, settings=settings, seed=seed, metrics=metrics, evaluations=evaluations)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five seeds of a task, and three of a variant."""
    folder = tmp_path_factory.mktemp("compared") / "runs"
    for seed in TOPS:
        write(folder / f"plain-{seed}", seed)
    for seed in (0, 1, 2):
        write(folder / f"faster-{seed}", seed, FASTER, 2.0)
    return folder


def test_seeds_are_one_group_and_its_numbers_are_scipys(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    files = ("-o", str(tmp_path / "page.html"), "--csv", str(tmp_path / "runs.csv"))
    assert main([str(runs), *files]) == 0
    told = capsys.readouterr().out
    names = ("learning_rate=0.001", "cartpole as it is")
    cells = {name: next(r for r in told.splitlines() if r.startswith(name)) for name in names}
    middle = stats.trim_mean(list(TOPS.values()), 0.25)
    assert cells["cartpole as it is"].split()[4] == "5"
    assert f" {middle:.4g} [" in cells["cartpole as it is"]
    assert " 2000 [" in cells["learning_rate=0.001"]  # the middle of 1800, 2000, 2200: their mean
    rows = list(csv.DictReader((tmp_path / "runs.csv").read_text().splitlines()))
    assert len(rows) == 8
    plain = {int(r["seed"]): r for r in rows if r["group"] == "cartpole as it is"}
    assert {seed: float(r["return"]) for seed, r in plain.items()} == TOPS
    assert {float(r["failed (%)"]) for r in rows} == {50.0}
    assert {float(r["length (s)"]) for r in rows} == {5.0}  # 250 ticks at 50 Hz
    assert {float(r["return in training"]) for r in plain.values()} == set(TOPS.values())
    assert float(plain[0]["minutes"]) == pytest.approx(80.0 / 60.0)


def test_the_page_in_a_browser(runs: Path, tmp_path: Path) -> None:
    for name in ("plain-0", "faster-2"):
        (runs / name / "video.gif").write_bytes(GIF)
    page = tmp_path / "page.html"
    labels = ("--label", "quick <b>", "--label", "as before")
    assert main([str(runs), "-o", str(page), *labels]) == 0
    text = page.read_text()
    assert "quick &lt;b&gt;" in text
    assert "quick <b>" not in text
    with browser.chromium() as window:
        browser.readable(window, page.as_uri())
        summary = window.find_element("css selector", "details summary")
        assert summary.text == "quick <b> -> as before: 1 training"
        summary.click()
        details = window.find_element("tag name", "details").text
        assert "PPO.learning_rate" in details
        videos = [e.text for e in window.find_elements("css selector", ".videos figure")]
        assert videos == ["as before, seed 0", "quick <b>, seed 2"]
        bands = window.find_elements("css selector", ".chart .band")
        assert len(bands) >= 8  # two groups; return and length, over steps and over minutes
        assert len(window.find_elements("css selector", "polyline.faint")) >= 4 * 8


def test_a_task_is_a_name_for_its_runs_and_a_study_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        write(tmp_path / "runs" / f"a-{seed}", seed)
    run_folder(tmp_path / "runs" / "b", "walk.yaml", metrics=[{"steps": 1}])
    assert main(["cartpole"]) == 0
    printed = capsys.readouterr().out
    assert "cartpole" in printed
    assert "walk" not in printed
    assert "2 runs in 1 group" in (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert main(["trot"]) == 2
    assert "no runs of the task trot in runs/ here" in capsys.readouterr().err
    assert main(["hopper:jump"]) == 2
    assert "no package 'hopper' brings tasks here" in capsys.readouterr().err
    assert main(["nothing"]) == 1
    assert "nothing" in capsys.readouterr().err


def test_what_cannot_be_read_is_said_and_the_others_are_shown(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path / "good", 0)
    half, torn, fresh, old = (write(tmp_path / n, 1) for n in ("half", "torn", "fresh", "old"))
    with (half / "metrics.jsonl").open("a") as file:
        file.write('{"steps": 41000, "episode/re')
    lines = (torn / "metrics.jsonl").read_text().splitlines()
    (torn / "metrics.jsonl").write_text("\n".join([*lines[:20], "\0\0\0", *lines[21:]]))
    for name in ("metrics.jsonl", "evaluations.jsonl"):
        (fresh / name).unlink()
    (old / "task.ksim").write_bytes(b"of another version")
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    names = ("good", "half", "torn", "fresh", "old", "empty", "broken", "nowhere")
    places = [str(tmp_path / name) for name in names]
    page = tmp_path / "page.html"
    assert main([*places, "-o", str(page)]) == 1
    told = capsys.readouterr()
    for text in (
        f"{half}: the last line of metrics.jsonl is half-written, and left out",
        f"{torn}: metrics.jsonl is damaged from line 21 on: what follows is left out",
        f"{fresh}: nothing was logged yet",
        f"{empty} is not a run, and holds none",
        f"{tmp_path}/broken/run.json cannot be read",
        f"there is no folder {tmp_path}/nowhere",
    ):
        assert text in told.err
        assert text in page.read_text()
    assert "Traceback" not in told.err
    assert "4 runs in 1 group" in page.read_text()
    assert main([str(old), "-o", str(page)]) == 0  # its logs are enough
    assert "task.ksim cannot be read here" in capsys.readouterr().err
    assert main([str(empty), "-o", str(page)]) == 1
    assert main([str(good), "--label", "a", "--label", "b", "-o", str(page)]) == 2
    assert "2 labels for 1 groups: cartpole" in capsys.readouterr().err


def test_more_groups_than_colours_are_in_the_tables(tmp_path: Path) -> None:
    for number in range(10):
        rate = f"PPO.learning_rate={0.0001 * (number + 1):.4f}"
        write(tmp_path / "runs" / f"{number}", 0, (rate,), 1.0 + number)
    page = tmp_path / "page.html"
    assert main([str(tmp_path / "runs"), "-o", str(page)]) == 0
    text = page.read_text()
    assert "The 8 best groups; 2 others are in the tables." in text
    first = text[text.index('<figure class="chart">') :].partition("</figure>")[0]
    assert first.count("<polyline") == 8
    assert "learning_rate=0.0001" not in first  # the worst
    assert "learning_rate=0.0010" in first


def study(folder: Path) -> None:
    """A study's folder as ksim-sweep leaves it, of trials whose worth the rate alone decides."""
    optuna = pytest.importorskip("optuna")
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState, create_trial

    folder.mkdir(parents=True)
    storage = f"sqlite:///{folder / 'study.db'}"
    made = optuna.create_study(storage=storage, study_name="rates", direction="maximize")
    made.set_user_attr("identity", {"goal": {"maximize": "return"}})
    spaces = {
        "PPO.learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
        "Policy.actor.network.activation": CategoricalDistribution(["elu", "tanh"]),
    }
    rng = np.random.default_rng(0)
    for number in range(24):
        rate, kind = float(10 ** rng.uniform(-5, -2)), ["elu", "tanh"][number % 2]
        worth = 1000.0 - 300.0 * abs(np.log10(rate) + 3.5)
        told = {"origin": number, "seconds": 60.0, "results": {"0": worth}}
        values, state = worth, TrialState.COMPLETE
        if number == 7:
            told |= {"refused": ["it cannot be"], "results": {}}
            values, state = None, TrialState.PRUNED
        trial = create_trial(
            state=state,
            value=values,
            params={"PPO.learning_rate": rate, "Policy.actor.network.activation": kind},
            distributions=spaces,
            user_attrs=told,
        )
        made.add_trial(trial)


def test_a_study_is_shown_with_what_mattered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "rates"
    study(folder)
    write(folder / "trials" / "0003-seed0", 0, FASTER)
    page = tmp_path / "page.html"
    assert main([str(folder), "-o", str(page)]) == 0
    told = capsys.readouterr().out
    assert "rates: 23 done, 1 refused" in told
    shares = [
        line.split() for line in told.splitlines() if line.split()[-1].startswith(("PPO", "Pol"))
    ]
    assert shares[-2][1] == "PPO.learning_rate"
    assert int(shares[-2][0].strip("%")) > 60
    text = page.read_text()
    assert "it cannot be" in text
    for title in ("What mattered", "return over PPO.learning_rate", "best so far"):
        assert title in text
    lanes = text[text.index('class="chart parallel"') :].partition("</figure>")[0]
    lines = re.findall(r'<polyline class="([\w ]+)" points="([^"]*)"><title>([^<]*)', lanes)
    assert Counter(kind for kind, *_ in lines) == {"rest faint": 21, "s0": 2}
    at = {said: [float(p.split(",")[0]) for p in points.split()] for _, points, said in lines}
    worth = {said: float(said.rpartition(" ")[2]) for said in at}
    low, high = min(worth.values()), max(worth.values())
    assert {said for kind, _, said in lines if kind == "s0"} == set(
        sorted(worth, key=worth.__getitem__)[-2:]
    )
    drawn = np.delete(np.random.default_rng(0).uniform(-5, -2, 24), 7)
    for said, (rate, activation, goal) in at.items():
        assert goal == pytest.approx(1000 * (worth[said] - low) / (high - low), abs=1)
        assert activation == 1000.0 * (int(said.split(":")[0].split()[1]) % 2)
        # the worth falls by 300 for each power of ten from 10**-3.5 on
        power = drawn.min() + np.ptp(drawn) * rate / 1000
        assert 1000.0 - worth[said] == pytest.approx(300 * abs(power + 3.5), abs=1.0)
    with browser.chromium() as window:
        browser.readable(window, page.as_uri())
        ticks = [e.text for e in window.find_elements("css selector", ".plot .x")]
        assert {"1e-5", "1e-4", "1e-3", "elu", "tanh"} <= set(ticks)
    (folder / "study.db").write_bytes(b"damaged")
    assert main([str(folder), "-o", str(page)]) == 1
    assert "Traceback" not in (said := capsys.readouterr().err)
    assert "study.db" in said
    assert main([str(folder), str(folder), "-o", str(page)]) == 2
    assert "it is compared alone" in capsys.readouterr().err
