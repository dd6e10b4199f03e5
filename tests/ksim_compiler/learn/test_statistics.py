"""Several trainings as one number, against SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ksim_compiler.compare.groups import Group, curve
from ksim_compiler.compare.runs import RunData
from ksim_compiler.learn.run.statistics import bootstrap, interquartile_mean, interval


@pytest.mark.parametrize("count", range(1, 13))
def test_the_interquartile_mean_is_scipys_trimmed_mean(count: int) -> None:
    values = np.random.default_rng(count).normal(size=(count, 3))
    expected = stats.trim_mean(values, 0.25)
    assert interquartile_mean(values) == pytest.approx(expected)
    assert interquartile_mean(values[None], axis=1)[0] == pytest.approx(expected)


def test_the_interval_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(3).gamma(2.0, 50.0, size=10)
    low, high = bootstrap([values], lambda x: interquartile_mean(x, axis=1), resamples=20000)
    exact = stats.bootstrap(
        (values,),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        n_resamples=20000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    spread = values.std()
    assert float(low) == pytest.approx(exact.low, abs=0.03 * spread)
    assert float(high) == pytest.approx(exact.high, abs=0.03 * spread)
    again = bootstrap([values], lambda x: interquartile_mean(x, axis=1), resamples=20000)
    assert (low, high) == again  # the same trainings, the same interval


def test_trainings_are_drawn_within_their_task() -> None:
    """A mean over two tasks, of which each gives one number always, is certain."""
    tasks = [np.zeros(4), np.full(6, 10.0)]
    low, high = bootstrap(tasks, lambda x: x.mean(axis=1), resamples=200)
    assert (float(low), float(high)) == (6.0, 6.0)
    mixed = bootstrap([np.concatenate(tasks)], lambda x: x.mean(axis=1), resamples=200)
    assert float(mixed[0]) < 6.0 < float(mixed[1])


def test_two_trainings_have_no_interval() -> None:
    assert interval(np.array([1.0, 2.0])) is None
    assert interval(np.array([1.0, 2.0, 3.0])) is not None


def run(points: list[tuple[float, float]]) -> RunData:
    rows = [{"steps": int(x), "seconds": 60.0 * x, "episode/return": y} for x, y in points]
    return RunData(Path("r"), {}, rows, [])


def test_a_curve_is_taken_between_the_points_of_runs_and_ends_with_the_shortest() -> None:
    lines = [
        [(0.0, 0.0), (10.0, 10.0), (20.0, 10.0)],
        [(0.0, 2.0), (5.0, 2.0), (15.0, 8.0)],
        [(5.0, 1.0), (20.0, 4.0)],
    ]
    group = Group("g", tuple(run(line) for line in lines))
    found = curve(group, lambda r: r.metrics, "episode/return", "steps", scale=2.0)
    assert found is not None
    xs = np.array([x for x, _ in found.mean])
    assert (xs[0], xs[-1]) == (5.0, 15.0)
    each = np.stack([np.interp(xs, *np.transpose(line)) for line in lines])
    assert [y for _, y in found.mean] == pytest.approx(2.0 * stats.trim_mean(each, 0.25))
    assert len(found.band) == len(found.mean)
    assert all(
        low <= y <= high for (_, y), (_, low, high) in zip(found.mean, found.band, strict=True)
    )
    over_time = curve(group, lambda r: r.metrics, "episode/return", "minutes")
    assert over_time is not None
    assert over_time.mean[0][0] == pytest.approx(5.0)


def test_points_that_all_runs_have_are_kept() -> None:
    lines = [[(1.0, 1.0), (2.0, 3.0), (4.0, 5.0)], [(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)]]
    group = Group("g", tuple(run(line) for line in lines))
    found = curve(group, lambda r: r.metrics, "episode/return", "steps")
    assert found is not None
    assert found.mean == [(1.0, 2.0), (2.0, 4.0), (4.0, 7.0)]
    assert found.band == []
