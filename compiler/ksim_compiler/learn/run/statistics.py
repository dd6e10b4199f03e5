"""Several trainings as one number, and how sure it is.

The interquartile mean with stratified bootstrap intervals is what Agarwal et al. propose in "Deep
Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS 2021,
https://arxiv.org/abs/2108.13264) and compute in their package rliable: it is less moved by one
training than the mean, and says more with few of them than the median.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95
LEAST = 3
"""Trainings from which on there is an interval: of two a bootstrap says nothing."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""(resamples, trainings, ...) -> (resamples, ...)."""


def interquartile_mean(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """The mean without the lowest and the highest quarter of the values.

    Of each a quarter of their number is cut, rounded down: as ``scipy.stats.trim_mean`` with 0.25.
    """
    values = np.sort(np.asarray(values, np.float64), axis=axis)
    count = values.shape[axis]
    cut = int(0.25 * count)
    return np.asarray(np.take(values, range(cut, count - cut), axis=axis).mean(axis=axis))


def bootstrap(
    strata: Sequence[np.ndarray],
    statistic: Statistic,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The percentile interval of a stratified bootstrap.

    Args:
        strata: of each task, (trainings, ...) what they gave; they are drawn anew within it.
        statistic: of (resamples, all trainings, ...).
        resamples: how many times.
        confidence: of the interval.
        seed: of the draws, so that the same trainings give the same interval.

    Returns:
        Its two ends, of the shape of one training's values.
    """
    rng = np.random.default_rng(seed)
    drawn = [
        np.asarray(values, np.float64)[rng.integers(len(values), size=(resamples, len(values)))]
        for values in strata
    ]
    found = statistic(np.concatenate(drawn, axis=1))
    outside = 50.0 * (1.0 - confidence)
    low, high = np.percentile(found, (outside, 100.0 - outside), axis=0)
    return np.asarray(low), np.asarray(high)


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The interval of the interquartile mean of trainings of one task; None of too few.

    Args:
        values: (trainings, ...).
    """
    if len(values) < LEAST:
        return None
    return bootstrap([values], lambda drawn: interquartile_mean(drawn, axis=1))
