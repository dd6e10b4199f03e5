"""The trials of a study: none is lost, none is done twice, the same seed draws the same."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.programs import Programs
from ksim_compiler.sweep import show, training
from ksim_compiler.sweep.book import Book, Lost, origin
from ksim_compiler.sweep.check import Ready
from ksim_compiler.sweep.training import How
from ksim_compiler.sweep.worker import Event, Worker, over_seeds
from tests.ksim_compiler.sweep.studies import GRACE, STUDY, book, ready


def rate(how: How) -> float:
    """The learning rate of a trial, from the settings of its run."""
    (text,) = (s for s in how.settings if s.startswith("PPO.learning_rate.start="))
    return float(text.partition("=")[2])


Train = Callable[..., float | None]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int]]:
    """Trainings that take no time: the best learning rate is 1e-3. Returns who was trained."""
    seen: list[tuple[Path, int]] = []

    def train(
        compiled: Any,
        place: Path,
        seed: int,
        how: How,
        programs: Programs,
        report: Callable[[int, float], None],
        stop: Callable[[], bool],
    ) -> float | None:
        value = -abs(math.log10(rate(how) / 1e-3)) + 0.01 * seed
        for steps in range(how.steps // 5, how.steps + 1, how.steps // 5):
            if stop():
                return None
            report(steps, value * how.steps / steps)
        seen.append((place, seed))
        return None if stop() else value

    monkeypatch.setattr(training, "train", train)
    return seen


def worker(
    folder: Path,
    study: Ready,
    own: Book,
    told: list[Event] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Worker:
    tell = (lambda event: None) if told is None else told.append
    how = How(100_000, 4, "native", 1, study.goal)
    return Worker(study, own, folder / "trials", how, tell, stopped)


def drawn(own: Book) -> list[tuple[int, str, float | None, dict[str, str]]]:
    return [(row.trial, row.state, row.value, row.texts) for row in show.rows(own)]


@pytest.mark.parametrize("sampler", ["tpe", "random", "{kind: cmaes, seed: 3}"])
def test_the_same_seed_draws_the_same_also_after_a_stop(
    tmp_path: Path, trained: list[tuple[Path, int]], sampler: str
) -> None:
    text = f"{STUDY}sampler: {sampler}\n".replace("trials: 8", "trials: 12")
    found = []
    for name, most in (("whole", 100), ("parted", 5)):
        folder = tmp_path / name
        folder.mkdir()
        study = ready(folder, text)
        own, before = book(folder, study), len(trained)

        def stopped(before: int = before, most: int = most) -> bool:
            return len(trained) - before >= most

        worker(folder, study, own, stopped=stopped).work(Programs())
        if name == "parted":
            assert 4 <= sum(row[1] == "done" for row in drawn(own)) < 12
            own = book(folder, study)  # another process, which knows nothing of the first
            worker(folder, study, own).work(Programs())
        found.append(drawn(own))
    assert found[0] == found[1]
    done = [row for row in found[0] if row[1] == "done"]
    assert len(done) == 12
    assert len({str(row[3]) for row in done}) == 12


def test_refused_trials_cost_nothing_and_are_told_to_the_sampler(
    tmp_path: Path, trained: list[tuple[Path, int]]
) -> None:
    study = ready(tmp_path)  # 4096 samples divide into 2, 4 and 8 minibatches, not 3, 5, 6 and 7
    own, told, begun = book(tmp_path, study), list[Event](), time.process_time()
    worker(tmp_path, study, own, told).work(Programs())
    spent = time.process_time() - begun
    rows = show.rows(own)
    refused = [row for row in rows if row.state == "refused"]
    done = [row for row in rows if row.state == "done"]
    assert len(done) == 8
    assert refused
    for row in refused:
        assert row.seconds is not None
        assert row.texts["PPO.minibatches"] in "3567"
        assert "do not divide" in row.why
    assert spent / len(rows) < 0.1  # of the CPU's time, which other processes do not add to
    trials = own.study.get_trials()
    infeasible = {t.number for t in trials if any(v > 0 for v in t.constraints.values())}
    assert infeasible == {row.trial for row in refused}
    assert all(t.state == TrialState.PRUNED for t in trials if t.number in infeasible)
    assert {place.name for place, _ in trained} == {f"{row.trial:04d}-seed0" for row in done}
    best = own.best()
    assert best is not None
    assert best.value == max(row.value for row in done if row.value is not None)


def test_two_workers_share_the_budget(tmp_path: Path, trained: list[tuple[Path, int]]) -> None:
    study = ready(tmp_path, STUDY.replace("from: 2, to: 8", "choices: [2, 4, 8]"))
    own, other = book(tmp_path, study), book(tmp_path, study)
    claims = []
    while True:
        pair = [b.claim() for b in (own, other)]
        for b, trial in zip((own, other), pair, strict=True):
            if trial is not None:
                claims.append(trial.number)
                b.tell(trial, 1.0)
        if pair == [None, None]:
            break
    assert sorted(claims) == list(range(8))
    assert not own.waiting()


def test_what_two_workers_add_at_once_counts_once(tmp_path: Path) -> None:
    study = ready(tmp_path, STUDY.replace("trials: 8", "trials: 2"))
    own = book(tmp_path, study)
    for _ in range(4):  # as if two workers had looked at the same moment
        own.study.enqueue_trial({})
    trials = []
    while (trial := own.claim()) is not None:
        trials.append(trial)
        own.tell(trial, 0.0)
    assert [t.number for t in trials] == [0, 1]
    assert [row.trial for row in show.rows(own) if row.state == "done"] == [0, 1]


def test_a_worker_of_another_machine_is_gone_when_it_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = ready(tmp_path)
    own, other = book(tmp_path, study), book(tmp_path, study)
    trial = other.claim()
    assert trial is not None
    trial.set_user_attr("owner", "elsewhere/0")

    def state() -> TrialState:
        claimed = own.claim()
        assert claimed is not None
        assert claimed.number != trial.number
        own.leave(claimed)
        return own.study.get_trials()[trial.number].state

    assert state() == TrialState.RUNNING
    monkeypatch.setattr("time.monotonic", lambda: 1e9)
    trial.set_user_attr("beat", 1)  # it has given a sign of life since
    assert state() == TrialState.RUNNING
    monkeypatch.setattr("time.monotonic", lambda: 1e9 + 2 * GRACE)
    assert state() == TrialState.FAIL
    with pytest.raises(Lost, match="taken over"):
        other.tell(trial, 1.0)
    (again,) = (t for t in own.study.get_trials() if t.user_attrs.get("again") == trial.number)
    assert again.system_attrs["fixed_params"] == trial.params
    assert [t.number for t in own.counted()].count(trial.number) == 0
    assert len(own.counted()) == 8


def test_a_grid_is_every_combination_once_and_first_trials_come_first(
    tmp_path: Path, trained: list[tuple[Path, int]]
) -> None:
    search = "{from: 2, to: 8, step: 2}"
    grid = STUDY.replace("{from: 1.0e-4, to: 1.0e-2, log: true}", "[0.001, 0.002]")
    grid = grid.replace("{from: 2, to: 8}", search).replace("trials: 8", "trials: 20")
    study = ready(tmp_path, f"{grid}sampler: grid\n")
    own = book(tmp_path, study)
    worker(tmp_path, study, own).work(Programs())
    worker(tmp_path, study, book(tmp_path, study)).work(Programs())
    rows = show.rows(own)
    cells = {(r.texts["PPO.learning_rate.start"], r.texts["PPO.minibatches"]) for r in rows}
    assert cells == {(a, b) for a in ("0.001", "0.002") for b in "2468"}
    assert len(rows) == 8
    assert [r.state for r in rows if r.texts["PPO.minibatches"] == "6"] == ["refused"] * 2
    folder = tmp_path / "first"
    folder.mkdir()
    study = ready(folder, f"{STUDY}first: [{{PPO.minibatches: 8}}, {{PPO.minibatches: 4}}]\n")
    own = book(folder, study)
    worker(folder, study, own).work(Programs())
    assert [row.texts["PPO.minibatches"] for row in show.rows(own)][:2] == ["8", "4"]
    assert sum(row.state == "done" for row in show.rows(own)) == 8


def test_seeds_are_trained_one_by_one_and_become_one_number(
    tmp_path: Path, trained: list[tuple[Path, int]]
) -> None:
    study = ready(tmp_path, STUDY.replace("trials: 8", "trials: 2") + "seeds: [1, 7, 3]\n")
    own = book(tmp_path, study)
    worker(tmp_path, study, own).work(Programs())
    for row in (row for row in show.rows(own) if row.state == "done"):
        base = -abs(math.log10(float(row.texts["PPO.learning_rate.start"]) / 1e-3))
        assert row.results == pytest.approx({s: base + 0.01 * int(s) for s in ("1", "7", "3")})
        assert row.value == pytest.approx(base + 0.03)
    assert len(trained) == 6


def test_bad_trials_are_pruned(tmp_path: Path, trained: list[tuple[Path, int]]) -> None:
    text = STUDY.replace("from: 2, to: 8", "choices: [2, 4]").replace("trials: 8", "trials: 20")
    study = ready(tmp_path, f"{text}pruner: {{kind: median, after: 20k, startup: 4}}\n")
    own = book(tmp_path, study)
    worker(tmp_path, study, own).work(Programs())
    states = [row.state for row in show.rows(own)]
    assert set(states) == {"done", "pruned"}
    assert len(states) == 20
    assert all(20_000 <= (r.steps or 0) < 100_000 for r in show.rows(own) if r.state == "pruned")


def test_a_training_that_fails_is_told_and_the_study_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(compiled: Any, place: Path, seed: int, how: How, *rest: Any) -> float:
        if rate(how) > 1e-3:
            raise CheckpointError("there is no room")
        return rate(how)

    monkeypatch.setattr(training, "train", train)
    study = ready(tmp_path, STUDY.replace("from: 2, to: 8", "choices: [2, 4]"))
    own = book(tmp_path, study)
    worker(tmp_path, study, own).work(Programs())
    rows = show.rows(own)
    assert len(rows) == 8
    assert {row.state for row in rows} == {"done", "failed"}
    for row in rows:
        fails = float(row.texts["PPO.learning_rate.start"]) > 1e-3
        assert (row.state, row.why) == (("failed", "there is no room") if fails else ("done", ""))
    assert "failed" in show.summary(own, "cartpole.yaml", "ksim-run")[0]


def test_the_table_has_every_trial(tmp_path: Path, trained: list[tuple[Path, int]]) -> None:
    study = ready(tmp_path)
    own = book(tmp_path, study)
    worker(tmp_path, study, own).work(Programs())
    rows = list(csv.DictReader(io.StringIO(show.as_csv(own))))
    assert [int(row["trial"]) for row in rows] == [row.trial for row in show.rows(own)]
    best = own.best()
    assert best is not None
    lines = show.summary(own, "cartpole.yaml", "ksim-run")
    (row,) = (row for row in rows if int(row["trial"]) == origin(best))
    assert f"  --set PPO.minibatches={row['PPO.minibatches']}" in lines
    assert float(row["return"]) == best.value


def test_numbers_over_seeds() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 100.0]
    assert over_seeds(values, "median", True) == 3.0
    assert over_seeds(values, "mean", True) == 22.0
    assert over_seeds(values, "worst", True) == 1.0
    assert over_seeds(values, "worst", False) == 100.0
    # without the lowest and the highest, as ksim-compare has it
    assert over_seeds(values, "interquartile_mean", True) == 3.0
    assert over_seeds([0.0, 1.0, 2.0, 9.0], "interquartile_mean", True) == 1.5
